//! Who is reached, and who is not.

use crate::upstream::{After, OK, Rebinding, Upstream, egress_with, get, loopback, send, with_loopback};
use async_trait::async_trait;
use interven_egress::{EgressError, Lookup, Reach, SystemLookup};
use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};
use url::Url;

/// What becomes of a URL that somebody thought up to get at this machine.
enum Fate {
    /// No URL at all.
    Unreadable,
    NotHttp,
    HasUser,
    /// Refused without asking anybody: this is the address it names.
    Address(&'static str),
    /// The resolver is asked for this name, and what it answers is refused.
    Name(&'static str),
}
use Fate::{Address, HasUser, Name, NotHttp, Unreadable};

/// `PORT` is where a server on 127.0.0.1 waits for any of them.
const HOSTILE: &[(&str, Fate)] = &[
    // Addresses of this machine, however they are written: the URL standard reads them as what they are.
    ("http://127.0.0.1:PORT/", Address("127.0.0.1")),
    ("http://127.0.0.1.:PORT/", Address("127.0.0.1")),
    ("http://127.1:PORT/", Address("127.0.0.1")),
    ("http://127.0.1:PORT/", Address("127.0.0.1")),
    ("http://2130706433:PORT/", Address("127.0.0.1")),
    ("http://2130706433.:PORT/", Address("127.0.0.1")),
    ("http://0x7f000001:PORT/", Address("127.0.0.1")),
    ("http://0X7F000001:PORT/", Address("127.0.0.1")),
    ("http://0x7f.1:PORT/", Address("127.0.0.1")),
    ("http://0x7f.0x0.0x0.0x1:PORT/", Address("127.0.0.1")),
    ("http://0177.0.0.1:PORT/", Address("127.0.0.1")),
    ("http://0177.0.0.01:PORT/", Address("127.0.0.1")),
    ("http://00000177.1:PORT/", Address("127.0.0.1")),
    ("http://017700000001:PORT/", Address("127.0.0.1")),
    ("http://0x7f.0377.65535:PORT/", Address("127.255.255.255")),
    ("http://%31%32%37.0.0.1:PORT/", Address("127.0.0.1")),
    ("http://127%2e0%2e0%2e1:PORT/", Address("127.0.0.1")),
    ("http://１２７.０.０.１:PORT/", Address("127.0.0.1")),
    ("http://①②⑦.⓪.⓪.①:PORT/", Address("127.0.0.1")),
    ("http://127。0。0。1:PORT/", Address("127.0.0.1")),
    ("http://127．0．0．1:PORT/", Address("127.0.0.1")),
    ("http://０x7f.1:PORT/", Address("127.0.0.1")),
    ("http://127.0.0.1\\@tool.example:PORT/", Address("127.0.0.1")),
    ("http:\\\\127.0.0.1:PORT\\", Address("127.0.0.1")),
    ("http:127.0.0.1:PORT", Address("127.0.0.1")),
    ("http:/127.0.0.1:PORT/", Address("127.0.0.1")),
    ("http:////127.0.0.1:PORT/", Address("127.0.0.1")),
    (" \thttp://127.0.\n0.1:PORT/ ", Address("127.0.0.1")),
    ("hTTp://127.0.0.1:PORT/", Address("127.0.0.1")),
    ("http://127.0.0.1:PORT/#@tool.example/", Address("127.0.0.1")),
    ("http://127.0.0.1:PORT?@tool.example/", Address("127.0.0.1")),
    ("http://127\u{ad}.0.0.1:PORT/", Address("127.0.0.1")),
    ("http://127.0.0.1\u{200b}:PORT/", Address("127.0.0.1")),
    ("http://0:PORT/", Address("0.0.0.0")),
    ("http://0.0.0.0:PORT/", Address("0.0.0.0")),
    ("http://0x0:PORT/", Address("0.0.0.0")),
    ("http://127.8.8.8:PORT/", Address("127.8.8.8")),
    ("http://[::1]:PORT/", Address("::1")),
    ("http://[0:0:0:0:0:0:0:1]:PORT/", Address("::1")),
    ("http://[::]:PORT/", Address("::")),
    ("http://[::127.0.0.1]:PORT/", Address("::127.0.0.1")),
    ("http://[::ffff:127.0.0.1]:PORT/", Address("::ffff:127.0.0.1")),
    ("http://[::FFFF:7F00:1]:PORT/", Address("::ffff:127.0.0.1")),
    ("http://[0:0:0:0:0:ffff:7f00:0001]:PORT/", Address("::ffff:127.0.0.1")),
    ("http://[::ffff:0:127.0.0.1]:PORT/", Address("::ffff:0:7f00:1")),
    ("http://[64:ff9b::127.0.0.1]:PORT/", Address("64:ff9b::7f00:1")),
    ("http://[64:ff9b:1::127.0.0.1]:PORT/", Address("64:ff9b:1::7f00:1")),
    ("http://[2002:7f00:1::]:PORT/", Address("2002:7f00:1::")),
    ("http://[2001:0:7f00:1::]:PORT/", Address("2001:0:7f00:1::")),
    // Its network, and whoever hands out its credentials.
    ("https://10.0.0.1/", Address("10.0.0.1")),
    ("https://192.168.1/", Address("192.168.0.1")),
    ("https://172.16.0.1/", Address("172.16.0.1")),
    ("https://100.64.0.1/", Address("100.64.0.1")),
    ("https://[fd12:3456:789a::1]/", Address("fd12:3456:789a::1")),
    ("http://169.254.169.254/latest/meta-data/", Address("169.254.169.254")),
    ("http://2852039166/", Address("169.254.169.254")),
    ("http://0xa9fea9fe/", Address("169.254.169.254")),
    ("http://0251.0376.0251.0376/", Address("169.254.169.254")),
    ("http://169.254.43518/", Address("169.254.169.254")),
    ("http://[::ffff:a9fe:a9fe]/", Address("::ffff:169.254.169.254")),
    ("http://[64:ff9b::a9fe:a9fe]/", Address("64:ff9b::a9fe:a9fe")),
    ("http://[fd00:ec2::254]/latest/meta-data/", Address("fd00:ec2::254")),
    ("http://100.100.100.200/", Address("100.100.100.200")),
    ("http://168.63.129.16/", Address("168.63.129.16")),
    ("http://255.255.255.255/", Address("255.255.255.255")),
    ("http://224.0.0.1/", Address("224.0.0.1")),
    // Names of this machine, or that lead to it.
    ("http://localhost:PORT/", Name("localhost")),
    ("http://LOCALHOST:PORT/", Name("localhost")),
    ("http://localhost.:PORT/", Name("localhost.")),
    ("http://ｌｏｃａｌｈｏｓｔ:PORT/", Name("localhost")),
    ("http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/", Name("localhost")),
    ("http://loc\u{ad}alhost:PORT/", Name("localhost")),
    ("http://%6cocalhost:PORT/", Name("localhost")),
    ("http://a.localhost:PORT/", Name("a.localhost")),
    ("http://127.0.0.1.nip.example:PORT/", Name("127.0.0.1.nip.example")),
    ("http://metadata.google.internal/", Name("metadata.google.internal")),
    ("http://bücher.example:PORT/", Name("xn--bcher-kva.example")),
    ("http://0x7f.0.0.1.example:PORT/", Name("0x7f.0.0.1.example")),
    ("http://tool.example\\.127.0.0.1:PORT/", Name("tool.example")),
    ("http://127.0.0.0x1g/", Name("127.0.0.0x1g")),
    // A host that looks like another one.
    ("http://tool.example@127.0.0.1:PORT/", HasUser),
    ("http://tool.example:443@127.0.0.1:PORT/", HasUser),
    ("http://tool.example%2f@127.0.0.1:PORT/", HasUser),
    ("http://a@b@127.0.0.1:PORT/", HasUser),
    ("http://:secret@127.0.0.1:PORT/", HasUser),
    // Other ways out.
    ("file:///etc/passwd", NotHttp),
    ("gopher://127.0.0.1:PORT/_GET", NotHttp),
    ("ftp://127.0.0.1:PORT/", NotHttp),
    ("dict://127.0.0.1:PORT/info", NotHttp),
    ("ws://127.0.0.1:PORT/", NotHttp),
    ("unix:/var/run/docker.sock", NotHttp),
    ("data:text/plain,hi", NotHttp),
    ("blob:http://127.0.0.1:PORT/", NotHttp),
    ("javascript:fetch('/')", NotHttp),
    ("localhost:PORT/", NotHttp),
    // Nothing.
    ("127.0.0.1:PORT/", Unreadable),
    ("//127.0.0.1:PORT/", Unreadable),
    ("http://", Unreadable),
    ("http://127.0.0.1:99999/", Unreadable),
    ("http://127.0.0.256/", Unreadable),
    ("http://0x100000000/", Unreadable),
    ("http://1.2.3.4.5/", Unreadable),
    ("http://[::1/", Unreadable),
    ("http://[::1%25lo]:PORT/", Unreadable),
    ("http://[fe80::1%lo]:PORT/", Unreadable),
    ("http://[::ffff:127.0.0.256]/", Unreadable),
    ("http://[127.0.0.1]:PORT/", Unreadable),
    ("http://127.0.0.1 :PORT/", Unreadable),
    ("http://127.0.0.1%00.tool.example:PORT/", Unreadable),
    ("http://tool.example%0d%0aHost:%20x/", Unreadable),
    ("http://xn--/", Unreadable),
];

/// Knows every name, and says that it is this machine.
#[derive(Default)]
struct Home(Mutex<Vec<String>>);

#[async_trait]
impl Lookup for Home {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().push(host.to_owned());
        Ok(vec![[127, 0, 0, 1].into()])
    }
}

#[tokio::test]
async fn nothing_that_is_thought_up_reaches_this_machine() {
    let mut upstream = Upstream::answering(OK).await;
    let home = Arc::new(Home::default());
    let egress = egress_with(Reach::default(), home.clone());
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (written, expected) in HOSTILE {
        let found = match Url::parse(&written.replace("PORT", &upstream.port.to_string())) {
            Err(_) => "no URL".to_owned(),
            Ok(url) => {
                refused += 1;
                let error = send(&egress, &url).await.unwrap_err();
                assert!(!error.to_string().contains("secret"), "{error}");
                match (error, home.0.lock().unwrap().drain(..).collect::<Vec<_>>().as_slice()) {
                    (EgressError::NotHttp { .. }, []) => "not http".to_owned(),
                    (EgressError::HasUser { .. }, []) => "a user".to_owned(),
                    (EgressError::NotPublic { cause, .. }, []) => cause.addr.to_string(),
                    (EgressError::NotPublic { .. }, [name]) => format!("the name {name}"),
                    (error, asked) => format!("{error}, asked for {asked:?}"),
                }
            }
        };
        let expected = match expected {
            Unreadable => "no URL".to_owned(),
            NotHttp => "not http".to_owned(),
            HasUser => "a user".to_owned(),
            Address(addr) => addr.parse::<IpAddr>().unwrap().to_string(),
            Name(name) => format!("the name {name}"),
        };
        if found != expected {
            wrong.push((written, expected, found));
        }
    }
    assert_eq!(wrong, []);
    assert_eq!(upstream.heard(), Vec::<String>::new());
    assert_eq!(egress.refusals(), refused);
}

/// The system's own resolver, too: whatever it makes of these names, it is not called.
#[tokio::test]
async fn the_systems_names_of_this_machine_are_refused() {
    let mut upstream = Upstream::answering(OK).await;
    let egress = egress_with(Reach::default(), Arc::new(SystemLookup));
    for name in ["localhost", "LOCALHOST"] {
        let error =
            send(&egress, &format!("http://{name}:{}/", upstream.port).parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, EgressError::NotPublic { .. }), "{name}: {error}");
    }
    assert_eq!(upstream.heard(), Vec::<String>::new());
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
        format!("http://tool.example@127.0.0.1:{}/", port ^ 1),
    ] {
        let error = egress.send(&configured, get(&asked.parse().unwrap())).await.unwrap_err();
        assert!(matches!(error, EgressError::NotAllowed { .. }), "{asked}: {error}");
    }
    assert_eq!(upstream.heard(), Vec::<String>::new());
    assert_eq!(send(&egress, &configured).await.unwrap(), 200);
}

#[tokio::test]
async fn the_address_that_was_looked_at_is_the_one_that_is_called() {
    let mut opened = Upstream::answering(OK).await;
    let mut forbidden = Upstream::at(&format!("127.0.0.2:{}", opened.port), OK, After::Close).await;
    let lookup = Rebinding::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let egress = egress_with(loopback(), lookup);
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
        let egress = egress_with(Reach::default(), Rebinding::new(&[&answers]));
        let url: Url = format!("http://tool.example:{}/", upstream.port).parse().unwrap();
        let error = send(&egress, &url).await.unwrap_err();
        assert!(matches!(error, EgressError::NotPublic { .. }), "{answers:?}: {error}");
    }
    let nowhere = egress_with(Reach::default(), Rebinding::new(&[&[]]));
    let error = send(&nowhere, &"http://tool.example/".parse().unwrap()).await.unwrap_err();
    assert!(matches!(&error, EgressError::Unreachable { why, .. } if why.contains("no address")), "{error}");
    assert_eq!(upstream.heard(), Vec::<String>::new());
}
