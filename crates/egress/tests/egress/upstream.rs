//! A server that says what it is told to, and names that lead where a test wants them.

use async_trait::async_trait;
use interven_egress::{
    Egress, EgressError, EgressLimits, EgressSettings, Lookup, Method, Reach, SystemLookup, UpstreamCall,
};
use std::{
    io,
    net::IpAddr,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::mpsc,
};
use url::Url;

/// Answers every connection with the same bytes, then does what `after` says. Tells what it was sent.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    requests: mpsc::UnboundedReceiver<String>,
}

#[derive(Clone, Copy)]
pub(crate) enum After {
    Close,
    Reset,
    Wait,
}

impl Upstream {
    pub(crate) async fn at(addr: &str, answer: impl Into<Vec<u8>>, after: After) -> Self {
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
                    match after {
                        After::Close => {}
                        After::Reset => socket.set_zero_linger().unwrap(),
                        After::Wait => std::future::pending().await,
                    }
                });
            }
        });
        Self { port, requests }
    }

    pub(crate) async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        Self::at("127.0.0.1:0", answer, After::Close).await
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("http://127.0.0.1:{}{path}", self.port).parse().unwrap()
    }

    /// What reached it so far.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nhi";

pub(crate) fn limits() -> EgressLimits {
    EgressLimits { answer_bytes: 1_000, ..EgressLimits::default() }
}

pub(crate) fn egress_with(reach: Reach, lookup: Arc<dyn Lookup>) -> Egress {
    Egress::new(EgressSettings { reach, limits: limits(), ca_file: None }, lookup).unwrap()
}

/// Reaches this one address of this machine, and the public internet.
pub(crate) fn with_loopback() -> Egress {
    egress_with(loopback(), Arc::new(SystemLookup))
}

pub(crate) fn loopback() -> Reach {
    Reach::new(vec!["127.0.0.1/32".parse().unwrap()])
}

pub(crate) fn get(url: &Url) -> UpstreamCall {
    UpstreamCall::new(Method::GET, url.clone())
}

pub(crate) async fn send(egress: &Egress, url: &Url) -> Result<u16, EgressError> {
    egress.send(url, get(url)).await.map(|answer| answer.status)
}

/// Answers with the next of a list, and with the last for ever.
pub(crate) struct Rebinding(Mutex<Vec<Vec<IpAddr>>>);

impl Rebinding {
    pub(crate) fn new(answers: &[&[&str]]) -> Arc<Self> {
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
