//! Reading a request body that may be too large or too slow.

use crate::ApiError;
use axum::{body::Body, http::HeaderMap};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use interven_types::ErrorCode;
use std::time::Duration;

/// A body above the limit is still read to its end, up to this size, and thrown away: a client that is cut off while
/// it sends sees a broken connection in place of the answer that explains it.
const MAX_DRAINED_BYTES: u64 = 256 * 1024 * 1024;

#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    pub max_bytes: u64,
    /// For the whole body.
    pub timeout: Duration,
}

/// Reads the whole body, or says why not: 413 with limit and size, 408, or 400 when the client breaks off.
pub async fn read_body(headers: &HeaderMap, body: Body, limits: BodyLimits) -> Result<Bytes, ApiError> {
    let declared = declared_length(headers);
    // Who asks before sending, or announces more than anyone would drain, is told at once.
    let is_waiting = headers.contains_key(axum::http::header::EXPECT);
    if let Some(declared) = declared.filter(|length| *length > limits.max_bytes)
        && (is_waiting || declared > MAX_DRAINED_BYTES)
    {
        return Err(too_large(&declared.to_string(), limits.max_bytes));
    }
    let read = tokio::time::timeout(limits.timeout, read_bounded(body, limits.max_bytes));
    match read.await {
        Ok(Ok(Read::Whole(bytes))) => Ok(bytes),
        Ok(Ok(Read::TooLarge { seen, is_whole: true })) => {
            Err(too_large(&seen.to_string(), limits.max_bytes))
        }
        Ok(Ok(Read::TooLarge { seen, is_whole: false })) => {
            Err(too_large(&format!("more than {seen}"), limits.max_bytes))
        }
        Ok(Err(broken)) => Err(ApiError::invalid_request(format!("the body could not be read: {broken}"))),
        Err(_elapsed) => {
            let seconds = limits.timeout.as_secs();
            let message = format!("the body did not arrive within {seconds} s; send it in one go");
            Err(ApiError::new(ErrorCode::RequestTimeout, message))
        }
    }
}

enum Read {
    Whole(Bytes),
    TooLarge { seen: u64, is_whole: bool },
}

async fn read_bounded(mut body: Body, max_bytes: u64) -> Result<Read, axum::Error> {
    let mut kept = BytesMut::new();
    let mut seen: u64 = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        seen += data.len() as u64;
        if seen > MAX_DRAINED_BYTES.max(max_bytes) {
            return Ok(Read::TooLarge { seen, is_whole: false });
        }
        if seen <= max_bytes {
            kept.extend_from_slice(&data);
        } else {
            kept = BytesMut::new();
        }
    }
    if seen > max_bytes {
        return Ok(Read::TooLarge { seen, is_whole: true });
    }
    Ok(Read::Whole(kept.freeze()))
}

fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(axum::http::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(actual: &str, limit: u64) -> ApiError {
    ApiError::new(
        ErrorCode::PayloadTooLarge,
        format!("the body is {actual} bytes; the limit is {limit} bytes (MAX_BODY_BYTES)"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn outcome(size: usize) -> Result<usize, String> {
        let limits = BodyLimits { max_bytes: 10, timeout: Duration::from_secs(5) };
        let body = Body::from(vec![b'x'; size]);
        read_body(&HeaderMap::new(), body, limits).await.map(|b| b.len()).map_err(|e| e.message().to_owned())
    }

    #[tokio::test]
    async fn the_limit_itself_passes_and_one_more_names_both_sizes() {
        assert_eq!(outcome(10).await, Ok(10));
        assert_eq!(
            outcome(11).await.unwrap_err(),
            "the body is 11 bytes; the limit is 10 bytes (MAX_BODY_BYTES)"
        );
    }

    #[tokio::test]
    async fn a_client_that_asks_first_is_told_before_it_sends() {
        let limits = BodyLimits { max_bytes: 10, timeout: Duration::from_secs(5) };
        let mut headers = HeaderMap::new();
        headers.insert("content-length", "100000000".parse().unwrap());
        headers.insert("expect", "100-continue".parse().unwrap());
        let unsent = Body::new(http_body_util::StreamBody::new(NeverReady));
        let error = read_body(&headers, unsent, limits).await.unwrap_err();
        assert_eq!(error.message(), "the body is 100000000 bytes; the limit is 10 bytes (MAX_BODY_BYTES)");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_times_out() {
        let limits = BodyLimits { max_bytes: 10, timeout: Duration::from_secs(5) };
        let endless = Body::new(http_body_util::StreamBody::new(NeverReady));
        let error = read_body(&HeaderMap::new(), endless, limits).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::RequestTimeout);
    }

    struct NeverReady;

    impl futures_core::Stream for NeverReady {
        type Item = Result<hyper::body::Frame<Bytes>, std::io::Error>;
        fn poll_next(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            std::task::Poll::Pending
        }
    }
}
