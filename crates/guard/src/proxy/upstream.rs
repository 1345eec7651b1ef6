//! Connections to upstreams: with a time limit, over TLS where the URL says so, and never to the proxy itself.

use super::body::Body;
use hyper::{Request, Response, Uri, body::Incoming};
use hyper_util::{
    client::legacy::{
        Client, Error,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use interven_client::{authorities, tls_settings};
use rustls::{ClientConfig, pki_types::ServerName};
use std::{
    error::Error as StdError,
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tower::Service;

/// Idle connections kept for the next call to the same site.
const IDLE_PER_SITE: usize = 32;
const IDLE: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct Upstream {
    client: Client<Connector, Body>,
    connector: Connector,
}

/// The authorities of this machine, and those in `more` (PEM).
///
/// # Errors
/// A text without certificates.
pub fn trust(more: Option<&str>) -> Result<Arc<ClientConfig>, String> {
    authorities(more).and_then(tls_settings).map(Arc::new)
}

/// Why an upstream did not answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    Loop,
    TimedOut,
    Failed(String),
}

impl Upstream {
    /// `own` is where the proxy itself listens.
    pub(super) fn new(own: SocketAddr, trust: Arc<ClientConfig>, connect_timeout: Duration) -> Self {
        let connector = Connector { own, trust, limit: connect_timeout };
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(IDLE_PER_SITE)
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Self { client, connector }
    }

    /// Sends a request and waits for the head of its answer, at most `limit`.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        limit: Duration,
    ) -> Result<Response<Incoming>, Unanswered> {
        match timeout(limit, self.client.request(request)).await {
            Ok(answer) => answer.map_err(|error: Error| Unanswered::of(&error)),
            Err(_) => Err(Unanswered::TimedOut),
        }
    }

    /// A connection without anything on it.
    pub(super) async fn reach(&self, host: &str, port: u16) -> Result<TcpStream, Unanswered> {
        self.connector.reach(host, port).await.map_err(|error| Unanswered::of(&error))
    }
}

impl Unanswered {
    fn of(error: &(dyn StdError + 'static)) -> Self {
        let mut cause = error;
        loop {
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                if io.kind() == io::ErrorKind::TimedOut {
                    return Self::TimedOut;
                }
                if io.get_ref().is_some_and(|inner| inner.is::<OwnAddress>()) {
                    return Self::Loop;
                }
            }
            match cause.source() {
                Some(inner) => cause = inner,
                // The innermost cause: the outer ones say less.
                None => return Self::Failed(cause.to_string()),
            }
        }
    }
}

#[derive(Debug)]
struct OwnAddress;

impl fmt::Display for OwnAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("that is the proxy itself")
    }
}

impl StdError for OwnAddress {}

#[derive(Clone, Debug)]
struct Connector {
    own: SocketAddr,
    trust: Arc<ClientConfig>,
    limit: Duration,
}

impl Connector {
    async fn reach(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let host = host.trim_matches(['[', ']']);
        let reached = timeout(self.limit, async {
            let mut last = io::Error::new(io::ErrorKind::NotFound, format!("`{host}` has no address"));
            for address in lookup_host((host, port)).await? {
                if self.is_own(address) {
                    return Err(io::Error::other(OwnAddress));
                }
                match TcpStream::connect(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = error,
                }
            }
            Err(last)
        });
        let stream = reached.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let is_here = ip.is_loopback() || ip.is_unspecified() || ip == self.own.ip().to_canonical();
        address.port() == self.own.port() && is_here
    }

    async fn connect(self, uri: Uri) -> io::Result<TokioIo<Wire>> {
        let is_secure = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default();
        let tcp = self.reach(host, uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 })).await?;
        if !is_secure {
            return Ok(TokioIo::new(Wire::Plain(tcp)));
        }
        let name =
            ServerName::try_from(host.trim_matches(['[', ']']).to_owned()).map_err(io::Error::other)?;
        let tls = timeout(self.limit, TlsConnector::from(self.trust).connect(name, tcp)).await;
        let tls = tls.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        Ok(TokioIo::new(Wire::Tls(Box::new(tls))))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Wire>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
