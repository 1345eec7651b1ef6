//! What goes out, what comes back, and what is heard at each limit.

use crate::upstream::{After, OK, Upstream, get, limits, loopback, send, with_loopback};
use async_trait::async_trait;
use interven_egress::{
    Egress, EgressError, EgressLimits, EgressSettings, Lookup, Method, SystemLookup, UpstreamCall,
};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::net::TcpListener;

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
    assert!(heard.contains("accept-encoding: identity"), "{heard}");
    for absent in ["cookie", "referer", "x-forwarded"] {
        assert!(!heard.contains(absent), "{heard}");
    }
    assert!(heard.contains("user-agent: interven/"), "{heard}");
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

const CUT_OFF: &str = "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nhalf";

#[tokio::test]
async fn each_limit_has_an_error_of_its_own() {
    let sized =
        |bytes: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "x".repeat(bytes));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(4_000));
    type Expected = fn(&EgressError) -> bool;
    let too_many: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
    let too_long = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let cases: [(String, After, Expected); 8] = [
        (sized(1_001), After::Close, |e| {
            matches!(e, EgressError::TooLarge { limit: 1_000, status: 200, .. })
        }),
        (endless, After::Wait, |e| matches!(e, EgressError::TooLarge { .. })),
        (CUT_OFF.to_owned(), After::Close, |e| matches!(e, EgressError::BrokenOff { .. })),
        (CUT_OFF.to_owned(), After::Reset, |e| matches!(e, EgressError::BrokenOff { .. })),
        (String::new(), After::Reset, |e| matches!(e, EgressError::BrokenOff { .. })),
        (format!("HTTP/1.1 200 OK\r\n{too_many}\r\n"), After::Wait, |e| {
            matches!(e, EgressError::HeadTooLarge { .. })
        }),
        (too_long, After::Wait, |e| matches!(e, EgressError::HeadTooLarge { .. })),
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

#[tokio::test]
async fn an_answer_that_is_not_whole_in_time_is_none() {
    let limits = EgressLimits { total: Duration::from_millis(200), ..limits() };
    for answer in ["", "HTTP/1.1 200 OK\r\nx: ", CUT_OFF] {
        let upstream = Upstream::at("127.0.0.1:0", answer, After::Wait).await;
        let settings = EgressSettings { limits, reach: loopback(), ca_file: None };
        let egress = Egress::new(settings, Arc::new(SystemLookup)).unwrap();
        let error = send(&egress, &upstream.url("/secret?token=t0ken")).await.unwrap_err();
        assert!(matches!(error, EgressError::TimedOut { .. }), "{answer}: {error:?}");
        assert!(!error.to_string().contains("t0ken"), "{error}");
    }
}

/// A bomb goes off only where somebody unpacks it, and a secret that comes back packed is one that nobody sees.
#[tokio::test]
async fn a_packed_answer_is_not_read() {
    let heads =
        ["content-encoding: gzip", "Content-Encoding: identity, br", "transfer-encoding: gzip, chunked"];
    for head in heads {
        let upstream =
            Upstream::answering(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n2\r\nhi\r\n0\r\n\r\n")).await;
        let error = send(&with_loopback(), &upstream.url("/")).await.unwrap_err();
        assert!(matches!(error, EgressError::Packed { status: 200, .. }), "{head}: {error:?}");
    }
    for head in ["content-encoding: identity", "transfer-encoding: chunked", "content-encoding:"] {
        let upstream =
            Upstream::answering(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n2\r\nhi\r\n0\r\n\r\n")).await;
        assert_eq!(send(&with_loopback(), &upstream.url("/")).await.unwrap(), 200, "{head}");
    }
    let bodiless = Upstream::answering("HTTP/1.1 304 Not Modified\r\ncontent-encoding: gzip\r\n\r\n").await;
    assert_eq!(send(&with_loopback(), &bodiless.url("/")).await.unwrap(), 304);
}

#[test]
fn headers_that_are_not_text_or_not_the_callers_are_refused_by_name() {
    let mut call = UpstreamCall::new(Method::GET, "https://tool.example/".parse().unwrap());
    for (name, value) in [
        ("x-a", "a\r\nx-b: c"),
        ("authorization", "Bearer t0ken\n"),
        ("x-a", "a\0"),
        ("x a", "a"),
        ("", "a"),
        ("x\r\ny", "a"),
        ("Host", "evil.example"),
        ("content-length", "7"),
        ("content-encoding", "deflate"),
        ("X-Original-URL", "/admin"),
        ("x-rewrite-url", "/admin"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Keep-Alive", "1"),
        ("Proxy-Connection", "close"),
        ("Upgrade", "h2c"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "x"),
        ("Expect", "100-continue"),
        ("Accept-Encoding", "gzip"),
    ] {
        let error = call.set_header(name, value).unwrap_err();
        assert!(matches!(error, EgressError::BadHeader { .. }), "{name}: {error}");
        assert!(!error.to_string().contains('\n') && !error.to_string().contains("t0ken"), "{error:?}");
    }
}

/// Never answers.
struct Silent;

#[async_trait]
impl Lookup for Silent {
    async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_ends_with_the_time_to_connect() {
    let limits = EgressLimits { connect: Duration::from_millis(50), ..limits() };
    let settings = EgressSettings { limits, ..EgressSettings::default() };
    let egress = Egress::new(settings, Arc::new(Silent)).unwrap();
    let error = send(&egress, &"http://tool.example/?token=t0ken".parse().unwrap()).await.unwrap_err();
    assert!(matches!(error, EgressError::NotConnected { .. }), "{error:?}");
    assert_eq!(error.to_string(), "`tool.example` was not connected to within 50ms");
}

#[tokio::test]
async fn a_server_that_takes_no_connection_for_itself_is_not_connected_to() {
    // It accepts, and never speaks TLS.
    let upstream = Upstream::at("127.0.0.1:0", "", After::Wait).await;
    let limits = EgressLimits { connect: Duration::from_millis(50), ..limits() };
    let settings = EgressSettings { limits, reach: loopback(), ca_file: None };
    let egress = Egress::new(settings, Arc::new(SystemLookup)).unwrap();
    let url = format!("https://127.0.0.1:{}/", upstream.port).parse().unwrap();
    let error = send(&egress, &url).await.unwrap_err();
    assert!(matches!(error, EgressError::NotConnected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_credential_does_not_come_back() {
    let echo = "HTTP/1.1 200 OK\r\nx-echo: Bearer t0ken-t0ken\r\ncontent-length: 38\r\n\r\n{\"authorization\":\"Bearer t0ken-t0ken\"}";
    let upstream = Upstream::answering(echo).await;
    let mut call = get(&upstream.url("/headers"));
    call.set_header("authorization", "Bearer t0ken-t0ken").unwrap();
    call.withhold("t0ken-t0ken");
    let answer = with_loopback().send(&upstream.url("/"), call).await.unwrap();
    assert_eq!(answer.body, r#"{"authorization":"Bearer [withheld]"}"#);
    assert_eq!(answer.headers["x-echo"], "Bearer [withheld]");
}

#[tokio::test]
async fn nobody_is_asked_to_show_what_they_were_sent() {
    let mut upstream = Upstream::answering(OK).await;
    for method in ["TRACE", "trace", "TRACK", "CONNECT"] {
        let call = UpstreamCall::new(Method::from_bytes(method.as_bytes()).unwrap(), upstream.url("/"));
        let error = with_loopback().send(&upstream.url("/"), call).await.unwrap_err();
        assert!(matches!(error, EgressError::BadMethod { .. }), "{error}");
    }
    assert_eq!(upstream.heard(), Vec::<String>::new());
}
