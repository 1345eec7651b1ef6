//! A server that is reached over streamable HTTP.

use super::{
    call::ToolCall,
    frame::{Frame, Id, Kind, Message},
    pin_book::PinBook,
};
use crate::json_text::{member, string};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use interven_client::direct_http;
use reqwest::{
    Client, Method, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};

pub(crate) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
pub(crate) const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");
const PARAMETER: &str = "mcp-param-";

/// Answers above this size are not read.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Where the server is, and what every request to it carries.
#[derive(Debug, Clone)]
pub struct Upstream {
    http: Client,
    url: Url,
    headers: HeaderMap,
}

#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("`{0}` is no http or https address of a server")]
    BadAddress(String),
    #[error("the header `{0}` cannot be sent")]
    BadHeader(String),
    #[error("no answer from the server: {0}")]
    Unreachable(String),
    #[error("the server's answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
}

impl Upstream {
    /// `headers` go with every request: a key for the server, where it wants one.
    pub fn new(url: &str, headers: &[(String, String)]) -> Result<Self, UpstreamError> {
        let bad = || UpstreamError::BadAddress(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| bad())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad());
        }
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let wrong = || UpstreamError::BadHeader(name.clone());
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            value.set_sensitive(true);
            all.insert(name.parse::<HeaderName>().map_err(|_| wrong())?, value);
        }
        let http = direct_http(parsed.scheme() == "https").map_err(UpstreamError::Unreachable)?;
        let http = http.build().map_err(|error| UpstreamError::Unreachable(reason_of(&error)))?;
        Ok(Self { http, url: parsed, headers: all })
    }

    /// One request. The headers of the settings win over those given here.
    pub(crate) async fn send(
        &self,
        method: Method,
        mut headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Response, UpstreamError> {
        headers.extend(self.headers.clone());
        let request = self.http.request(method, self.url.clone()).headers(headers).body(body);
        request.send().await.map_err(|error| UpstreamError::Unreachable(reason_of(&error)))
    }
}

/// The headers of a message of ours (basic/transports of every revision; `Mcp-*` of 2026-07-28).
pub(crate) fn headers_of(frame: &[u8], pins: &PinBook) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Frame::One(message) = Frame::read(frame) {
        mirror(&message, pins, &mut headers);
    }
    headers
}

/// What the stateless revision repeats of a message in its headers, so that they agree with the body.
pub(crate) fn mirror(message: &Message<'_>, pins: &PinBook, headers: &mut HeaderMap) {
    let (Kind::Request { method, params, .. } | Kind::Notification { method, params }) = &message.kind else {
        return;
    };
    let params = params.unwrap_or_default();
    let revision = member(params, "_meta")
        .and_then(|meta| member(meta, "io.modelcontextprotocol/protocolVersion"))
        .and_then(string);
    let Some(revision) = revision.and_then(|text| HeaderValue::from_str(&text).ok()) else { return };
    headers.insert(VERSION, revision);
    if let Ok(method) = HeaderValue::from_str(method) {
        headers.insert(METHOD, method);
    }
    let named = match &**method {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        _ => return,
    };
    if let Some(name) = member(params, named).and_then(string).and_then(|name| header_value(&name)) {
        headers.insert(NAME, name);
    }
    if method == "tools/call" {
        let others: Vec<HeaderName> =
            headers.keys().filter(|name| name.as_str().starts_with(PARAMETER)).cloned().collect();
        for name in others {
            headers.remove(name);
        }
        if let Ok(call) = ToolCall::read(None, message.text, Some(params)) {
            for (path, token) in pins.mirrored(&call.tool) {
                let value = path.iter().try_fold(&call.arguments, |value, key| value.get(key));
                let text = match value {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(value @ (serde_json::Value::Bool(_) | serde_json::Value::Number(_))) => {
                        value.to_string()
                    }
                    _ => continue,
                };
                let name = HeaderName::try_from(format!("{PARAMETER}{token}")).ok();
                headers.extend(name.zip(header_value(&text)));
            }
        }
    }
}

/// As it is where a header may carry it, else wrapped (revision 2026-07-28, "Custom headers").
fn header_value(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
        && text.trim() == text
        && !text.starts_with("=?base64?");
    let text = if is_plain { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) };
    HeaderValue::from_str(&text).ok()
}

/// What kind of answer this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    Events,
    Other,
}

pub(crate) fn content_of(headers: &HeaderMap) -> Content {
    let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Content::Json,
        "text/event-stream" => Content::Events,
        _ => Content::Other,
    }
}

/// The whole body, bounded.
pub(crate) async fn read_body(mut response: Response) -> Result<Vec<u8>, UpstreamError> {
    let mut bytes = Vec::new();
    while let Some(piece) = next_piece(&mut response).await? {
        if bytes.len() + piece.len() > MAX_ANSWER_BYTES {
            return Err(UpstreamError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The next bytes of a body as they come; absent at its end.
pub(crate) async fn next_piece(
    response: &mut Response,
) -> Result<Option<impl AsRef<[u8]> + std::ops::Deref<Target = [u8]> + use<>>, UpstreamError> {
    response.chunk().await.map_err(|error| UpstreamError::Unreachable(reason_of(&error)))
}

/// The innermost cause: the outer ones repeat the URL, which may hold a key, and say less.
fn reason_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Ids of the requests in a frame: somebody waits for their answers.
pub(crate) fn requests_in(frame: &[u8]) -> Vec<Id> {
    let id = |message: &Message<'_>| match &message.kind {
        Kind::Request { id, .. } => Some(id.clone()),
        _ => None,
    };
    match Frame::read(frame) {
        Frame::One(message) => id(&message).into_iter().collect(),
        Frame::Batch(messages) => messages.iter().filter_map(id).collect(),
        _ => Vec::new(),
    }
}

/// A sentence about an answer that says nothing of its own.
pub(crate) fn status_text(status: StatusCode) -> String {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("the server answered {status}; give the guard a header for it in INTERVEN_MCP_HEADERS")
        }
        status => format!("the server answered {status}"),
    }
}
