//! CONNECT: judged by host and port, then passed on unseen, or opened and judged call by call.

use super::{
    Proxy,
    body::{Body, full},
    journal::Seen,
    outcome::{Marks, Refusal},
    reply::{refused_with, unanswered},
    target::Authority,
};
use crate::Mode;
use hyper::{Request, Response, body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use interven_types::ScanRequest;
use serde_json::Value;
use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;

impl Proxy {
    pub(super) async fn connect(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        authority: Authority,
        seen: &Seen,
    ) -> Response<Body> {
        let upgrade = hyper::upgrade::on(&mut request);
        if self.ca.is_some() {
            // Each call inside is judged; the tunnel itself says less than any of them.
            let proxy = Arc::clone(self);
            tokio::spawn(async move {
                if let Err(error) = proxy.look_into(upgrade, &authority).await {
                    tracing::warn!(host = authority.host, %error, "a tunnel could not be looked into; does the agent trust the certificate?");
                }
            });
            return Response::new(full(""));
        }
        let scan = ScanRequest::new("CONNECT", &authority.url(), Value::Null);
        let ruling = self.guard.ask(&scan).await;
        let marks = Marks::of(&ruling, self.guard.mode);
        if let Some(refusal) = Refusal::of(&ruling).filter(|_| self.guard.mode == Mode::Enforce) {
            return self.noted(seen, &marks, refused_with(&refusal, &marks), ruling.answer());
        }
        let upstream = match self.upstream.reach(&authority.host, authority.port).await {
            Ok(upstream) => upstream,
            Err(why) => {
                let refusal = unanswered(&authority.host, &why);
                return self.noted(seen, &marks, refused_with(&refusal, &marks), ruling.answer());
            }
        };
        let patience = self.limits.idle;
        tokio::spawn(async move {
            if let Ok(client) = upgrade.await {
                join(TokioIo::new(client), upstream, patience).await;
            }
        });
        let mut answer = Response::new(full(""));
        marks.write(answer.headers_mut());
        self.noted(seen, &marks, answer, ruling.answer())
    }

    /// Speaks TLS as the host, and takes requests from what comes out.
    async fn look_into(self: Arc<Self>, upgrade: OnUpgrade, authority: &Authority) -> io::Result<()> {
        let Some(ca) = &self.ca else { return Ok(()) };
        let site = ca.site(&authority.host).map_err(io::Error::other)?;
        let client = upgrade.await.map_err(io::Error::other)?;
        let tls = timeout(self.limits.header, TlsAcceptor::from(site).accept(TokioIo::new(client)));
        let tls = tls.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.serve_connection(tls, Some(authority.clone())).await;
        Ok(())
    }
}

/// Copies both ways until either side ends, or nothing moves for `patience`.
pub(super) async fn join(
    one: impl AsyncRead + AsyncWrite + Unpin,
    mut other: impl AsyncRead + AsyncWrite + Unpin,
    patience: Duration,
) {
    let moves = Arc::new(AtomicU64::new(0));
    let mut one = Moving { stream: one, moves: Arc::clone(&moves) };
    let stillness = async {
        let mut before = 0;
        loop {
            sleep(patience).await;
            let now = moves.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
        }
    };
    tokio::select! {
        // Either side may end as it likes: nobody is left to be told.
        _ = copy_bidirectional(&mut one, &mut other) => {}
        () = stillness => tracing::debug!("a tunnel in which nothing moved was closed"),
    }
}

/// Counts what is read and written.
struct Moving<S> {
    stream: S,
    moves: Arc<AtomicU64>,
}

impl<S> Moving<S> {
    fn noted<T>(&self, poll: Poll<T>) -> Poll<T> {
        if poll.is_ready() {
            self.moves.fetch_add(1, Ordering::Relaxed);
        }
        poll
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Moving<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_read(cx, buffer);
        self.noted(poll)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Moving<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.noted(poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
