//! The accept loop: header timeouts, a bound on connections, graceful shutdown.

use axum::{
    Router,
    extract::ConnectInfo,
    http::{HeaderValue, header::CONNECTION},
    response::Response,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use std::{
    future::Future,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tower::ServiceExt as _;

#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// Open connections at once; further ones wait in the listen queue.
    pub max_connections: usize,
    /// For the request line and headers of each request.
    pub header_timeout: Duration,
    /// How long connections are still taken after shutdown begins, so that who balances load can turn elsewhere first.
    pub drain_delay: Duration,
    /// How long requests under way may take to finish after that.
    pub drain_timeout: Duration,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(15),
        }
    }
}

/// Serves until `shutdown` resolves. Then every answer asks its caller to connect anew (`Connection: close`, RFC 9112
/// §9.6); after the drain delay nothing new is taken, and requests under way may finish. Handlers find the peer as
/// `ConnectInfo<SocketAddr>`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout).max_headers(100);
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(options.max_connections));
    let is_draining = Arc::new(AtomicBool::new(false));
    let end = async {
        shutdown.await;
        is_draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(options.drain_delay).await;
    };
    tokio::pin!(end);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut end => break,
        };
        let Some((stream, peer, place)) = accepted else { continue };
        let is_draining = Arc::clone(&is_draining);
        let service = router
            .clone()
            .map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                request.map(axum::body::Body::new)
            })
            .map_response(move |mut response: Response| {
                if is_draining.load(Ordering::Relaxed) {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                response
            });
        let service = hyper_util::service::TowerToHyperService::new(service);
        let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is the client's affair; what it asked for has been recorded.
            if let Err(error) = connection.await {
                tracing::debug!(%peer, %error, "connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(options.drain_timeout, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the drain time ended");
    }
}

type Accepted = (tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small: waiting to fill a packet would only add latency.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // Out of file descriptors, or a client that went away: neither may end the service.
            tracing::warn!(%error, "could not accept a connection");
            tokio::time::sleep(Duration::from_millis(20)).await;
            None
        }
    }
}
