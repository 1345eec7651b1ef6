//! Bodies on their way: read up to a limit, passed on as they come, or passed on and watched.

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use std::{
    error::Error,
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep, timeout};

pub(super) type Body = UnsyncBoxBody<Bytes, Box<dyn Error + Send + Sync>>;

pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A request's body, as far as it may be judged.
#[derive(Debug)]
pub(super) enum Received {
    Whole(Bytes),
    /// What was read, and what was not.
    TooLarge(Bytes, Incoming),
}

#[derive(Debug)]
pub(super) enum NotReceived {
    /// The sender stopped sending.
    Stalled,
    Broken(String),
}

/// Reads until the end, the limit, or a pause longer than `patience`.
pub(super) async fn receive(
    mut body: Incoming,
    limit: usize,
    patience: Duration,
) -> Result<Received, NotReceived> {
    let mut read = BytesMut::new();
    loop {
        let frame = timeout(patience, body.frame()).await.map_err(|_| NotReceived::Stalled)?;
        let Some(frame) = frame else { return Ok(Received::Whole(read.freeze())) };
        let frame = frame.map_err(|error| NotReceived::Broken(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            read.extend_from_slice(&data);
        }
        if read.len() > limit {
            return Ok(Received::TooLarge(read.freeze(), body));
        }
    }
}

/// What was read already, and then the rest as it comes.
pub(super) fn resumed(read: Bytes, rest: Incoming) -> Body {
    Resumed { read: Some(read), rest }.boxed_unsync()
}

struct Resumed {
    read: Option<Bytes>,
    rest: Incoming,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.read.take() {
            Some(read) => Poll::Ready(Some(Ok(Frame::data(read)))),
            None => Pin::new(&mut self.rest).poll_frame(cx).map_err(Into::into),
        }
    }
}

/// Reads along without holding anything up: up to a number of bytes, handed over when the answer ends, however it ends.
pub(super) struct Tap {
    seen: BytesMut,
    limit: usize,
    hand_over: Option<Box<dyn FnOnce(Bytes) + Send>>,
}

impl Tap {
    pub(super) fn new(limit: usize, hand_over: impl FnOnce(Bytes) + Send + 'static) -> Self {
        Self { seen: BytesMut::new(), limit, hand_over: Some(Box::new(hand_over)) }
    }

    fn see(&mut self, data: &Bytes) {
        let room = self.limit.saturating_sub(self.seen.len());
        self.seen.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if self.seen.len() >= self.limit {
            self.finish();
        }
    }

    fn finish(&mut self) {
        if let Some(hand_over) = self.hand_over.take() {
            hand_over(std::mem::take(&mut self.seen).freeze());
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.finish();
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").field("seen_bytes", &self.seen.len()).finish_non_exhaustive()
    }
}

/// An answer passed on frame by frame, given up when it pauses longer than `patience`.
pub(super) fn watched(body: Incoming, patience: Duration, tap: Option<Tap>) -> Body {
    Watched { body, patience, pause: Box::pin(sleep(patience)), tap }.boxed_unsync()
}

struct Watched {
    body: Incoming,
    patience: Duration,
    pause: Pin<Box<Sleep>>,
    tap: Option<Tap>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) else {
            return match self.pause.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into()))),
                Poll::Pending => Poll::Pending,
            };
        };
        let until = Instant::now() + self.patience;
        self.pause.as_mut().reset(until);
        match (&frame, &mut self.tap) {
            (Some(Ok(frame)), Some(tap)) => {
                if let Some(data) = frame.data_ref() {
                    tap.see(data);
                }
            }
            (None, tap) => *tap = None,
            _ => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
