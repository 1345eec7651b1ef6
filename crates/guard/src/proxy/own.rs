//! What the proxy itself serves: the live page and what it is made of.

use super::{
    Proxy,
    body::{Body, full},
    journal::News,
    outcome::Refusal,
    reply::refused,
};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{
    Method, Response, StatusCode,
    body::{Body as HttpBody, Frame},
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
};
use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    sync::{broadcast::error::RecvError, mpsc},
    time::timeout,
};

const HTML: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// Nothing but the page's own parts, and nobody may frame it.
const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        HeaderName::from_static("content-security-policy"),
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff")),
    (HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A silent stream is cut by what stands between; a comment keeps it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

impl Proxy {
    pub(super) fn own(&self, method: &Method, path: &str) -> Response<Body> {
        let (kind, body) = match path {
            "/" => ("text/html; charset=utf-8", full(HTML)),
            "/page.css" => ("text/css; charset=utf-8", full(STYLE)),
            "/page.js" => ("text/javascript; charset=utf-8", full(SCRIPT)),
            "/events" => ("text/event-stream", self.events()),
            _ => {
                let error =
                    "nothing is here; write /proxy/https://host/path, or set HTTP_PROXY and HTTPS_PROXY";
                return refused(&Refusal::new(StatusCode::NOT_FOUND, "NOT_FOUND", error));
            }
        };
        if !matches!(*method, Method::GET | Method::HEAD) {
            let refusal = Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "METHOD_NOT_ALLOWED",
                "the page is read with GET",
            );
            let mut answer = refused(&refusal);
            answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        let mut answer = Response::new(body);
        answer.headers_mut().extend(HEADERS);
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        answer
    }

    /// Server-sent events: first what the page needs to know of how it stands, then each call.
    fn events(&self) -> Body {
        let (past, mut news) = self.journal.follow();
        let about = serde_json::json!({ "mode": self.mode_name(), "judge": self.judge_name, "inspects": self.ca.is_some() });
        let (sender, receiver) = mpsc::channel(8);
        tokio::spawn(async move {
            let first = format!("event: about\ndata: {about}\n\n{}", event(&past));
            if sender.send(first).await.is_err() {
                return;
            }
            loop {
                let text = match timeout(KEEP_ALIVE, news.recv()).await {
                    Err(_) => ":\n\n".to_owned(),
                    Ok(Ok(news)) => event(&news),
                    // The page connects anew and starts with what is remembered.
                    Ok(Err(RecvError::Lagged(_) | RecvError::Closed)) => return,
                };
                if sender.send(text).await.is_err() {
                    return;
                }
            }
        });
        Events(receiver).boxed_unsync()
    }
}

/// JSON holds no line break.
fn event(news: &News) -> String {
    format!("data: {}\n\n", serde_json::to_string(news).unwrap_or_default())
}

struct Events(mpsc::Receiver<String>);

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|text| text.map(|text| Ok(Frame::data(text.into()))))
    }
}
