//! Real sockets: who is reached, who is not, and what is heard at each limit.
#![cfg(test)]

use async_trait::async_trait;
use interven_egress::{Egress, EgressError, EgressLimits, Lookup, Method, Reach, SystemLookup, UpstreamCall};
use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use url::Url;

/// Answers every connection with the same bytes, then does what `after` says. Tells what it was sent.
struct Upstream {
    port: u16,
    requests: mpsc::UnboundedReceiver<String>,
}

#[derive(Clone, Copy)]
enum After {
    Close,
    Wait,
}

impl Upstream {
    async fn at(addr: &str, answer: impl Into<Vec<u8>>, after: After) -> Self {
        let listener = TcpListener::bind(addr).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, requests) = mpsc::unbounded_channel();
        let answer: Arc<[u8]> = answer.into().into();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let (told, answer) = (told.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut head = vec![0; 8_192];
                    let read = socket.read(&mut head).await.unwrap_or(0);
                    let _ = told.send(String::from_utf8_lossy(&head[..read]).into_owned());
                    let _ = socket.write_all(&answer).await;
                    if let After::Wait = after {
                        std::future::pending::<()>().await;
                    }
                });
            }
        });
        Self { port, requests }
    }

    async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::at("127.0.0.1:0", answer, After::Close).await
    }

    fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// What reached it so far.
    fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nhi";

fn limits() -> EgressLimits {
    EgressLimits { total: Duration::from_millis(500), answer_bytes: 1_000, ..EgressLimits::default() }
}

/// Reaches this one address of this machine, and the public internet.
fn with_loopback() -> Egress {
    Egress::new(Reach::new(vec!["127.0.0.1/32".parse().unwrap()]), Arc::new(SystemLookup), limits())
}

fn get(url: &Url) -> UpstreamCall {
    UpstreamCall::new(Method::GET, url.clone())
}

async fn send(egress: &Egress, url: &Url) -> Result<u16, EgressError> {
    egress.send(url, get(url)).await.map(|answer| answer.status)
}

#[tokio::test]
async fn an_opened_host_is_called_with_what_was_given_and_nothing_else() {
    let mut upstream = Upstream::answering(OK).await;
    let mut call = UpstreamCall::new(Method::POST, upstream.url("/a?b=c"));
    call.set_header("authorization", "Bearer t0ken").unwrap();
    call.body = Some("{}".into());
    let answer = with_loopback().send(&upstream.url("/"), call).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (200, &b"hi"[..]));
    let heard = upstream.heard().remove(0).to_ascii_lowercase();
    assert!(
        heard.starts_with("post /a?b=c http/1.1\r\n") && heard.contains("authorization: bearer t0ken"),
        "{heard}"
    );
    for absent in ["accept-encoding", "cookie", "referer", "x-forwarded"] {
        assert!(!heard.contains(absent), "{heard}");
    }
}

#[tokio::test]
async fn what_is_not_public_is_not_connected_to() {
    let mut upstream = Upstream::answering(OK).await;
    let egress = Egress::new(Reach::default(), Arc::new(SystemLookup), limits());
    let port = upstream.port;
    // However the address is written, the URL standard reads it as what it is.
    let literal = [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "０x7f.1",
        "127。0。0。1",
        "0",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
    ];
    for host in literal {
        let url: Url = format!("http://{host}:{port}/").parse().unwrap();
        let error = send(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::NotPublic { .. }), "{host}: {error}");
    }
    for name in ["localhost", "localhost.", "LOCALHOST", "ｌocalhost"] {
        let url: Url = format!("http://{name}:{port}/").parse().unwrap();
        let error = send(&egress, &url).await.unwrap_err();
        assert!(
            matches!(error, EgressError::NotPublic { .. } | EgressError::Unreachable { .. }),
            "{name}: {error}"
        );
    }
    assert_eq!(upstream.heard(), Vec::<String>::new());
    assert!(egress.refusals() >= literal.len() as u64);
}

#[tokio::test]
async fn a_call_goes_to_the_configured_origin_alone() {
    let mut upstream = Upstream::answering(OK).await;
    let egress = with_loopback();
    let configured = upstream.url("/api");
    let port = upstream.port;
    for asked in [
        format!("http://127.0.0.1:{}/", port ^ 1),
        format!("https://127.0.0.1:{port}/"),
        format!("http://127.0.0.1.evil.example:{port}/"),
        format!("http://user:pass@127.0.0.1:{port}/"),
        format!("http://user@127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
        "gopher://127.0.0.1/".to_owned(),
    ] {
        let error = egress.send(&configured, get(&asked.parse().unwrap())).await.unwrap_err();
        assert!(matches!(error, EgressError::NotAllowed { .. }), "{asked}: {error}");
        assert!(!error.to_string().contains("pass@"), "{error}");
    }
    // One that is configured so is no better.
    let file: Url = "file:///etc/passwd".parse().unwrap();
    assert!(matches!(send(&egress, &file).await.unwrap_err(), EgressError::NotAllowed { .. }));
    assert_eq!(upstream.heard(), Vec::<String>::new());
    assert_eq!(send(&egress, &configured).await.unwrap(), 200);
}

/// Answers with the next of a list, and with the last for ever.
struct Rebinding(Mutex<Vec<Vec<IpAddr>>>);

impl Rebinding {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parsed =
            answers.iter().rev().map(|addrs| addrs.iter().map(|addr| addr.parse().unwrap()).collect());
        Arc::new(Self(Mutex::new(parsed.collect())))
    }
}

#[async_trait]
impl Lookup for Rebinding {
    async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        let mut answers = self.0.lock().unwrap();
        if answers.len() > 1 { Ok(answers.pop().unwrap()) } else { Ok(answers[0].clone()) }
    }
}

#[tokio::test]
async fn the_address_that_was_looked_at_is_the_one_that_is_called() {
    let mut opened = Upstream::answering(OK).await;
    let mut forbidden = Upstream::at(&format!("127.0.0.2:{}", opened.port), OK, After::Close).await;
    let lookup = Rebinding::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = Egress::new(Reach::new(vec!["127.0.0.1/32".parse().unwrap()]), lookup, limits());
    let url: Url = format!("http://tool.example:{}/", opened.port).parse().unwrap();
    assert_eq!(send(&egress, &url).await.unwrap(), 200);
    for _ in 0..3 {
        let error = send(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::NotPublic { .. }), "{error}");
    }
    assert_eq!((opened.heard().len(), forbidden.heard().len()), (1, 0));
}

#[tokio::test]
async fn one_address_that_is_not_public_refuses_the_name() {
    let mut upstream = Upstream::answering(OK).await;
    for answers in [["93.184.215.14", "127.0.0.1"], ["127.0.0.1", "93.184.215.14"], ["10.0.0.1", "10.0.0.2"]]
    {
        let egress = Egress::new(Reach::default(), Rebinding::new(&[&answers]), limits());
        let url: Url = format!("http://tool.example:{}/", upstream.port).parse().unwrap();
        let error = send(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::NotPublic { .. }), "{answers:?}: {error}");
    }
    let nowhere = Egress::new(Reach::default(), Rebinding::new(&[&[]]), limits());
    let error = send(&nowhere, &"http://tool.example/".parse().unwrap()).await.unwrap_err();
    assert!(matches!(&error, EgressError::Unreachable { why, .. } if why.contains("no address")), "{error}");
    assert_eq!(upstream.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let mut target = Upstream::answering(OK).await;
    let redirect =
        format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", target.url("/"));
    let upstream = Upstream::answering(redirect).await;
    let answer = with_loopback().send(&upstream.url("/"), get(&upstream.url("/"))).await.unwrap();
    assert_eq!(
        (answer.status, answer.headers["location"].to_str().unwrap()),
        (302, target.url("/").as_str())
    );
    assert_eq!(target.heard(), Vec::<String>::new());
}

#[tokio::test]
async fn each_limit_has_an_error_of_its_own() {
    let sized =
        |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(4_000));
    let cut_off = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nhalf";
    type Expected = fn(&EgressError) -> bool;
    let cases: [(String, After, Expected); 6] = [
        (sized(1_001), After::Close, |e| matches!(e, EgressError::TooLarge { limit: 1_000, .. })),
        (endless, After::Wait, |e| matches!(e, EgressError::TooLarge { .. })),
        (cut_off.to_owned(), After::Close, |e| matches!(e, EgressError::BrokenOff { .. })),
        (cut_off.to_owned(), After::Wait, |e| matches!(e, EgressError::TimedOut { .. })),
        (String::new(), After::Wait, |e| matches!(e, EgressError::TimedOut { .. })),
        ("garbage\r\n\r\n".to_owned(), After::Close, |e| matches!(e, EgressError::BrokenOff { .. })),
    ];
    for (number, (answer, after, is_expected)) in cases.into_iter().enumerate() {
        let mut upstream = Upstream::at("127.0.0.1:0", answer, after).await;
        let error = send(&with_loopback(), &upstream.url("/secret?token=t0ken")).await.unwrap_err();
        assert!(is_expected(&error), "{number}: {error:?}");
        assert!(!error.to_string().contains("t0ken"), "{number}: {error}");
        assert_eq!(upstream.heard().len(), 1, "{number}: nothing is sent twice");
    }
    let whole = Upstream::answering(sized(1_000)).await;
    assert_eq!(send(&with_loopback(), &whole.url("/")).await.unwrap(), 200);

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = send(&with_loopback(), &format!("http://{closed}/").parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, EgressError::Unreachable { .. }), "{error:?}");
}

/// 1 GB of zeros, compressed, is a megabyte that nobody unpacks.
#[tokio::test]
async fn a_compressed_answer_stays_as_it_came() {
    let body = b"\x1f\x8b\x08\x00 not unpacked";
    let mut answer =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len())
            .into_bytes();
    answer.extend_from_slice(body);
    let upstream = Upstream::answering(answer).await;
    let answer = with_loopback().send(&upstream.url("/"), get(&upstream.url("/"))).await.unwrap();
    assert_eq!(&answer.body[..], body);
}

#[test]
fn headers_that_are_not_text_or_not_the_callers_are_refused_by_name() {
    let mut call = UpstreamCall::new(Method::GET, "https://tool.example/".parse().unwrap());
    for (name, value) in [
        ("x-a", "a\r\nx-b: c"),
        ("x-a", "a\0"),
        ("x a", "a"),
        ("", "a"),
        ("x\r\ny", "a"),
        ("Host", "evil.example"),
        ("content-length", "7"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Keep-Alive", "1"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "x"),
        ("Expect", "100-continue"),
    ] {
        let error = call.set_header(name, value).unwrap_err();
        assert!(matches!(error, EgressError::BadHeader(_)), "{name}: {error}");
        assert!(!error.to_string().contains('\n'), "{error:?}");
    }
    assert!(call.headers.is_empty());
}
