//! The guard as a streamable HTTP server in front of another one.
//!
//! Every request is inspected and passed on with its own headers, credentials among them, which are not kept. Pages in a
//! browser must not reach it: `Host` and `Origin` name this machine, or nothing is done (DNS rebinding; "Security
//! Warning" of the transports chapter).

use super::{
    answer,
    frame::{Frame, Id},
    relay::{Conversation, Outcome, Post},
    sse::{Events, with_data},
    upstream::{Content, SESSION, Upstream, UpstreamError, content_of, mirror, next_piece, read_body},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, Response, StatusCode, header},
    routing::any,
};
use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};
use tokio::{net::TcpListener, sync::mpsc};

/// The path of the endpoint.
const PATH: &str = "/mcp";
const MAX_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Sessions that are remembered; the one that began first is forgotten first.
const MOST_SESSIONS: usize = 10_000;

#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error("{0} is no address of this machine alone; the guard listens on 127.0.0.1 or [::1] only")]
    NotLoopback(SocketAddr),
    #[error("{address} cannot be listened on: {cause}")]
    Taken { address: SocketAddr, cause: io::Error },
}

/// A listener that only this machine reaches.
pub async fn bind_loopback(address: SocketAddr) -> Result<TcpListener, ListenError> {
    if !address.ip().is_loopback() {
        return Err(ListenError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|cause| ListenError::Taken { address, cause })
}

/// Serves until this program is told to end.
pub async fn listen_http(listener: TcpListener, post: Arc<Post>, upstream: Upstream) -> io::Result<()> {
    let front =
        Arc::new(Front { post, upstream, port: listener.local_addr()?.port(), sessions: Mutex::default() });
    let router =
        Router::new().route(PATH, any(handle)).layer(DefaultBodyLimit::max(MAX_BODY_BYTES)).with_state(front);
    let ending = super::child::told_to_end();
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served,
        () = ending => Ok(()),
    }
}

#[derive(Debug)]
struct Front {
    post: Arc<Post>,
    upstream: Upstream,
    port: u16,
    /// By the server's session id, in which ids of requests are unique.
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_id: HashMap<Vec<u8>, Arc<Conversation>>,
    oldest: std::collections::VecDeque<Vec<u8>>,
}

async fn handle(
    State(front): State<Arc<Front>>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    if !is_from_here(&headers, front.port) {
        return refused(StatusCode::FORBIDDEN, "Host or Origin is not of this machine");
    }
    let outcome = match method {
        Method::POST => front.pass_message(headers, body).await,
        Method::GET | Method::DELETE => front.pass_plain(method, headers).await,
        _ => return refused(StatusCode::METHOD_NOT_ALLOWED, "GET, POST and DELETE are understood here"),
    };
    outcome.unwrap_or_else(|error| refused(StatusCode::BAD_GATEWAY, &error.to_string()))
}

/// `Host` must name this machine and port, and so must `Origin`, where a browser sends one.
fn is_from_here(headers: &HeaderMap, port: u16) -> bool {
    let is_here = |authority: &str| {
        let (host, named) = match authority.rsplit_once(':') {
            Some((host, named)) if !named.ends_with(']') => (host, named.parse().ok()),
            _ => (authority, Some(80)),
        };
        named == Some(port)
            && matches!(host.to_ascii_lowercase().as_str(), "127.0.0.1" | "localhost" | "[::1]")
    };
    let one = |name| {
        let mut all = headers.get_all(name).iter();
        let first = all.next();
        (first, all.next().is_some())
    };
    let (host, has_more_hosts) = one(header::HOST);
    let (origin, has_more_origins) = one(header::ORIGIN);
    let host = host.and_then(|host| host.to_str().ok());
    let is_origin_good = origin.is_none_or(|origin| {
        let origin = origin.to_str().unwrap_or_default();
        origin.strip_prefix("http://").is_some_and(is_here)
    });
    !has_more_hosts && !has_more_origins && host.is_some_and(is_here) && is_origin_good
}

impl Front {
    async fn pass_message(
        &self,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Body>, UpstreamError> {
        let conversation = self.conversation(&headers);
        let ids = super::upstream::requests_in(&body);
        let intake = conversation.from_client(body.to_vec());
        let settled = if intake.is_settled() { intake } else { conversation.settle(intake).await };
        let Outcome { onward, back } = settled.finish();
        let Some(onward) = onward else {
            return Ok(match back {
                Some(back) => json(StatusCode::OK, back),
                None => empty(StatusCode::ACCEPTED),
            });
        };
        if onward != body
            && let Frame::One(message) = Frame::read(&onward)
        {
            mirror(&message, &self.post.pins, &mut headers);
        }
        let response = self.upstream.send(Method::POST, passed_on(&headers), onward).await?;
        if let Some(session) = response.headers().get(SESSION) {
            self.remember(session.as_bytes(), &conversation);
        }
        self.pass_answer(conversation, response, back, &ids).await
    }

    async fn pass_plain(&self, method: Method, headers: HeaderMap) -> Result<Response<Body>, UpstreamError> {
        let conversation = self.conversation(&headers);
        if let Some(session) = headers.get(SESSION).filter(|_| method == Method::DELETE) {
            self.sessions().by_id.remove(session.as_bytes());
        }
        let response = self.upstream.send(method, passed_on(&headers), Vec::new()).await?;
        self.pass_answer(conversation, response, None, &[]).await
    }

    /// `extra` is what the guard itself answers to a part of a batch.
    async fn pass_answer(
        &self,
        conversation: Arc<Conversation>,
        response: reqwest::Response,
        extra: Option<Vec<u8>>,
        ids: &[Id],
    ) -> Result<Response<Body>, UpstreamError> {
        let (status, mut headers) = (response.status(), response.headers().clone());
        for name in CONNECTION_HEADERS {
            headers.remove(name);
        }
        headers.remove(header::CONTENT_LENGTH);
        let answered = |headers, body| {
            let mut answered = Response::new(body);
            *answered.status_mut() = status;
            *answered.headers_mut() = headers;
            answered
        };
        match content_of(&headers) {
            Content::Events => {
                let (sender, receiver) = mpsc::channel(64);
                tokio::spawn(pass_events(conversation, response, extra, sender));
                Ok(answered(headers, Body::from_stream(Pieces(receiver))))
            }
            content => {
                let bytes = read_body(response).await?;
                let is_message = matches!(Frame::read(&bytes), Frame::One(_) | Frame::Batch(_));
                if bytes.is_empty() || (!status.is_success() && !is_message) {
                    // A refusal in the server's own words, which no client takes for an answer of a tool.
                    return Ok(match extra {
                        Some(extra) if status.is_success() => json(StatusCode::OK, extra),
                        _ => answered(headers, Body::from(bytes)),
                    });
                }
                if content == Content::Other && !is_message {
                    return Err(UpstreamError::Unreachable(
                        "its answer is neither JSON nor events".to_owned(),
                    ));
                }
                let intake = conversation.from_server(bytes);
                let settled = if intake.is_settled() { intake } else { conversation.settle(intake).await };
                let passed = settled.finish().onward.unwrap_or_else(|| {
                    let withheld = "Interven withheld the server's answer: it is none to this request";
                    answer::error(ids.first().unwrap_or(&Id::Null), answer::UPSTREAM, withheld).into_bytes()
                });
                Ok(answered(headers, Body::from(joined(passed, extra))))
            }
        }
    }

    /// That of the session, or one for this request alone.
    fn conversation(&self, headers: &HeaderMap) -> Arc<Conversation> {
        let known = headers.get(SESSION).and_then(|id| self.sessions().by_id.get(id.as_bytes()).cloned());
        known.unwrap_or_else(|| {
            let fresh = Arc::new(Conversation::new(Arc::clone(&self.post)));
            if let Some(id) = headers.get(SESSION) {
                self.remember(id.as_bytes(), &fresh);
            }
            fresh
        })
    }

    fn remember(&self, id: &[u8], conversation: &Arc<Conversation>) {
        let mut sessions = self.sessions();
        if sessions.by_id.contains_key(id) {
            return;
        }
        if sessions.oldest.len() >= MOST_SESSIONS
            && let Some(oldest) = sessions.oldest.pop_front()
        {
            sessions.by_id.remove(&oldest);
        }
        sessions.oldest.push_back(id.to_vec());
        sessions.by_id.insert(id.to_vec(), Arc::clone(conversation));
    }

    fn sessions(&self) -> std::sync::MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events in their order; one that is changed keeps its id.
async fn pass_events(
    conversation: Arc<Conversation>,
    mut body: reqwest::Response,
    extra: Option<Vec<u8>>,
    sender: mpsc::Sender<Vec<u8>>,
) {
    if let Some(extra) = extra {
        let event = super::sse::Event { raw: Vec::new(), data: Vec::new(), id: None };
        if sender.send(with_data(&event, &extra)).await.is_err() {
            return;
        }
    }
    let mut events = Events::default();
    loop {
        // The client that goes away takes its request to the server along.
        let piece = tokio::select! {
            piece = next_piece(&mut body) => piece,
            () = sender.closed() => return,
        };
        let Ok(Some(piece)) = piece else { return };
        events.push(&piece);
        if events.is_too_large() {
            return;
        }
        while let Some(event) = events.next() {
            let passed = if event.data.is_empty() {
                Some(event.raw)
            } else {
                let intake = conversation.from_server(event.data.clone());
                let settled = if intake.is_settled() { intake } else { conversation.settle(intake).await };
                match settled.finish().onward {
                    Some(data) if data == event.data => Some(event.raw),
                    Some(data) => Some(with_data(&event, &data)),
                    None => None,
                }
            };
            if let Some(passed) = passed
                && sender.send(passed).await.is_err()
            {
                return;
            }
        }
    }
}

struct Pieces(mpsc::Receiver<Vec<u8>>);

impl futures_core::Stream for Pieces {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|bytes| Ok(Bytes::from(bytes))))
    }
}

/// Two JSON-RPC answers, or lists of them, as one list.
fn joined(passed: Vec<u8>, extra: Option<Vec<u8>>) -> Vec<u8> {
    let Some(extra) = extra else { return passed };
    let inner = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).trim().to_owned();
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).map(str::to_owned).unwrap_or(text)
    };
    format!("[{},{}]", inner(&extra), inner(&passed)).into_bytes()
}

/// Of the connection, not of the message (RFC 9110 §7.6.1), or made anew for the next one.
const CONNECTION_HEADERS: [header::HeaderName; 8] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HeaderName::from_static("keep-alive"),
];

fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut passed = headers.clone();
    // What is packed cannot be inspected.
    for name in CONNECTION_HEADERS.iter().chain(&[
        header::HOST,
        header::ORIGIN,
        header::CONTENT_LENGTH,
        header::ACCEPT_ENCODING,
    ]) {
        passed.remove(name);
    }
    passed
}

fn json(status: StatusCode, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn refused(status: StatusCode, why: &str) -> Response<Body> {
    let text = format!("Interven: {why}");
    json(status, answer::error(&Id::Null, answer::UPSTREAM, &text).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_ask() {
        for (host, origin, expected) in [
            ("127.0.0.1:7000", None, true),
            ("localhost:7000", None, true),
            ("[::1]:7000", None, true),
            ("LOCALHOST:7000", Some("http://localhost:7000"), true),
            ("127.0.0.1:7000", Some("http://127.0.0.1:7000"), true),
            ("127.0.0.1:7001", None, false),
            ("127.0.0.1", None, false),
            ("evil.example:7000", None, false),
            ("127.0.0.1.evil.example:7000", None, false),
            ("127.0.0.1:7000", Some("http://evil.example"), false),
            ("127.0.0.1:7000", Some("null"), false),
            ("127.0.0.1:7000", Some("https://localhost:7000"), false),
            ("", None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(is_from_here(&headers, 7000), expected, "{host} {origin:?}");
        }
        assert!(!is_from_here(&HeaderMap::new(), 7000));
        let mut two = HeaderMap::new();
        two.append(header::HOST, "127.0.0.1:7000".parse().unwrap());
        two.append(header::HOST, "evil.example".parse().unwrap());
        assert!(!is_from_here(&two, 7000));
    }

    #[tokio::test]
    async fn other_machines_are_not_listened_for() {
        let error = bind_loopback("0.0.0.0:0".parse().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains("127.0.0.1"), "{error}");
        assert!(bind_loopback("127.0.0.1:0".parse().unwrap()).await.is_ok());
    }

    #[test]
    fn two_answers_are_one_list() {
        let join =
            |passed: &str, extra: &str| String::from_utf8(joined(passed.into(), Some(extra.into()))).unwrap();
        assert_eq!(join("[1]", "[2]"), "[2,1]");
        assert_eq!(join("{}", "[2]\n"), "[2,{}]");
    }
}
