//! A proxy on the agent's machine, for agents that cannot be changed: every call it makes for them is judged first.
//!
//! It is used in two ways on one port: with the upstream in the path (`http://localhost:4180/proxy/https://host/path`), and as a
//! forward proxy (`HTTP_PROXY`, `HTTPS_PROXY`; RFC 9110 §3.7). HTTPS through a forward proxy is a tunnel that is judged by host
//! and port alone, unless a [`Ca`] opens it. Requests are buffered to be judged; answers are passed on as they come. HTTP is
//! hyper's, TLS is rustls's, certificates are rcgen's.

mod access;
mod body;
mod ca;
mod content;
mod exchange;
mod headers;
mod journal;
mod outcome;
mod own;
mod reply;
mod target;
mod tunnel;
mod upstream;

pub use ca::{Ca, CaError, NewCa, make_ca};
pub use upstream::trust;

use crate::{Guard, Judge, Mode};
use access::Access;
use hyper::{header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use interven_types::Secret;
use journal::Journal;
use rustls::ClientConfig;
use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};
use target::Authority;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    sync::Semaphore,
};
use upstream::Upstream;
use uuid::Uuid;

/// Answers that the gateway looks at, at once.
const INSPECTIONS: usize = 16;
/// Connections of agents, at once; further ones wait.
const CONNECTIONS: usize = 4_096;
const MAX_HEADERS: usize = 100;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request body that is judged: the gateway's own limit.
    pub body_bytes: usize,
    /// How much of an answer is shown to the gateway.
    pub answer_bytes: usize,
    /// For the head of a request, for each pause in its body, and for a TLS handshake with an agent.
    pub header: Duration,
    /// For a connection to an upstream.
    pub connect: Duration,
    /// For the head of an upstream's answer, and for each pause in an answer or a tunnel.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 262_144,
            answer_bytes: 65_536,
            header: Duration::from_secs(10),
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(300),
        }
    }
}

#[derive(Debug)]
pub struct Options {
    pub guard: Guard,
    /// Opens HTTPS tunnels; without one they are passed on unseen.
    pub ca: Option<Ca>,
    /// Wanted of whoever uses the proxy.
    pub token: Option<Secret>,
    /// Names of this proxy beside `localhost` and addresses.
    pub names: Vec<String>,
    /// Whom to believe that it is the upstream.
    pub trust: Arc<ClientConfig>,
    pub limits: Limits,
}

#[derive(Debug)]
pub struct Proxy {
    /// Where it listens.
    address: SocketAddr,
    guard: Guard,
    judge_name: String,
    ca: Option<Ca>,
    access: Access,
    upstream: Upstream,
    limits: Limits,
    journal: Journal,
    inspections: Arc<Semaphore>,
    /// Marks what came through here, so that it is seen when it comes again (RFC 9110 §7.6.3).
    via: HeaderValue,
}

impl Proxy {
    /// `address` is where it is going to listen.
    pub fn new(options: Options, address: SocketAddr) -> Self {
        let via = format!("1.1 interven-{}", Uuid::new_v4().simple());
        let judge_name = match &options.guard.judge {
            Judge::Gateway(client) => format!("gateway {}", client.settings().gateway_url),
            Judge::Local(_) => "policies in this process; nothing is recorded".to_owned(),
            Judge::Nobody(fault) => format!("nobody: {fault}"),
        };
        Self {
            address,
            judge_name,
            guard: options.guard,
            ca: options.ca,
            access: Access { token: options.token, names: options.names },
            upstream: Upstream::new(address, options.trust, options.limits.connect),
            limits: options.limits,
            journal: Journal::default(),
            inspections: Arc::new(Semaphore::new(INSPECTIONS)),
            // Letters, digits and a hyphen.
            via: HeaderValue::from_str(&via).unwrap_or(HeaderValue::from_static("1.1 interven")),
        }
    }

    fn mode_name(&self) -> &'static str {
        match self.guard.mode {
            Mode::Enforce => "enforce",
            Mode::Monitor => "monitor",
        }
    }

    /// Serves until `shutdown` resolves; what is under way then ends with the process.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        tokio::pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                () = &mut shutdown => return,
            };
            let Some((stream, place)) = accepted else { continue };
            let proxy = Arc::clone(&self);
            tokio::spawn(async move {
                proxy.serve_connection(stream, None).await;
                drop(place);
            });
        }
    }

    /// Boxed, because a tunnel that is opened is served like the connection it came through.
    fn serve_connection<S>(
        self: Arc<Self>,
        stream: S,
        inside: Option<Authority>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let header_timeout = self.limits.header;
        let service = service_fn(move |request| {
            let (proxy, inside) = (Arc::clone(&self), inside.clone());
            async move { Ok::<_, Infallible>(proxy.answer(request, inside.as_ref()).await) }
        });
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(header_timeout).max_headers(MAX_HEADERS);
        let connection = server.serve_connection(TokioIo::new(stream), service).with_upgrades();
        Box::pin(async move {
            // A connection that breaks is the agent's affair; what it asked for has been judged.
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
        })
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Chunks of a stream are small, and are waited for.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            // Out of file descriptors, or a client that went away: neither may end the proxy.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}
