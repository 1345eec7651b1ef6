//! One call: judged, made, answered.

use super::{
    Proxy,
    body::{Body, NotReceived, Received, Tap, full, receive, resumed, watched},
    content::{Content, is_text},
    headers::{forget_old_body, prepare_request, remove_hop_by_hop, shown, wants_websocket},
    journal::{Entry, Seen},
    outcome::{Marks, Refusal},
    reply::{refused, refused_with, unanswered},
    target::{Authority, Target, target_of},
    tunnel::join,
    upstream::Unanswered,
};
use crate::{Mode, Ruling};
use bytes::Bytes;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode, Uri, Version,
    body::{Body as _, Incoming},
    header::{
        AUTHORIZATION, CONNECTION, HOST, HeaderValue, LOCATION, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
        UPGRADE, VIA, WWW_AUTHENTICATE,
    },
    http::request::Parts,
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use interven_client::ScanAnswer;
use interven_types::{ScanRequest, TraceId};
use serde_json::Value;
use std::{sync::Arc, time::Instant};
use url::Url;

/// The realm is shown by browsers.
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"interven proxy\"");

/// A call that has come in.
struct ToJudge {
    uri: Uri,
    bytes: Bytes,
    /// Of a body that is larger than may be judged.
    rest: Option<Incoming>,
    /// Or why it cannot be judged.
    content: Result<Content, Refusal>,
}

impl Proxy {
    /// Answers one request. `inside` is the opened tunnel that it came through.
    pub(super) async fn answer(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        inside: Option<&Authority>,
    ) -> Response<Body> {
        self.unproxy(&mut request);
        let target = match target_of(request.method(), request.uri(), inside) {
            Ok(target) => target,
            Err(bad) => {
                return refused(&Refusal::new(StatusCode::BAD_REQUEST, "BAD_TARGET", bad.to_string()));
            }
        };
        if inside.is_none()
            && let Some(refusal) = self.barred(&target, &request)
        {
            return refusal;
        }
        let seen = |host: &str, port: Option<u16>| Seen {
            method: request.method().clone(),
            host: port.map_or(host.to_owned(), |port| format!("{host}:{port}")),
            since: Instant::now(),
        };
        match target {
            Target::Own(path) => self.own(request.method(), &path),
            Target::Tunnel(authority) => {
                let seen = seen(&authority.host, (authority.port != 443).then_some(authority.port));
                self.connect(request, authority, &seen).await
            }
            Target::Call { url, is_prefixed } => {
                let seen = seen(url.host_str().unwrap_or_default(), url.port());
                let base = is_prefixed.then(|| request.headers().get(HOST).cloned()).flatten();
                let mut answer = self.call(request, &url, &seen).await;
                if let Some(base) = base {
                    keep_redirect_inside(answer.headers_mut(), &url, &base);
                }
                answer
            }
        }
    }

    /// A client that is told to use this proxy asks through it for the proxy's own pages too.
    fn unproxy(&self, request: &mut Request<Incoming>) {
        let uri = request.uri();
        let is_own = uri.scheme_str() == Some("http")
            && uri.port_u16().unwrap_or(80) == self.address.port()
            && uri.host().is_some_and(|host| host == "localhost" || host == self.address.ip().to_string());
        if is_own && let Some(path) = uri.path_and_query() {
            *request.uri_mut() = path.clone().into();
        }
    }

    /// Who may not use the proxy, or not in this way.
    fn barred(&self, target: &Target, request: &Request<Incoming>) -> Option<Response<Body>> {
        let headers = request.headers();
        // Only a request to the proxy's own address can come from a web page.
        let is_own_address = request.uri().scheme().is_none() && request.method() != Method::CONNECT;
        if is_own_address && !self.access.is_meant(headers) {
            let error = "the Host of this request is not the proxy's, or a page of another site sent it";
            return Some(refused(&Refusal::new(StatusCode::FORBIDDEN, "NOT_MEANT", error)));
        }
        let is_page = matches!(target, Target::Own(_));
        let (header, status, challenge) = match is_page {
            true => (AUTHORIZATION, StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE),
            false => (PROXY_AUTHORIZATION, StatusCode::PROXY_AUTHENTICATION_REQUIRED, PROXY_AUTHENTICATE),
        };
        if self.access.is_granted(headers, &header) {
            return None;
        }
        let error = format!("this proxy wants its token, as the password in {header}");
        let mut answer = refused(&Refusal::new(status, "TOKEN_REQUIRED", error));
        answer.headers_mut().insert(challenge, CHALLENGE);
        Some(answer)
    }

    async fn call(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        url: &Url,
        seen: &Seen,
    ) -> Response<Body> {
        let upgrade = wants_websocket(request.headers())
            .then(|| (hyper::upgrade::on(&mut request), request.headers().clone()));
        let (mut head, body) = request.into_parts();
        let received = match self.received(&head, body, url, seen).await {
            Ok(received) => received,
            Err(refusal) => {
                let marks = Marks::unjudged(refusal.code(), false);
                return self.noted(seen, &marks, refused_with(&refusal, &marks), None);
            }
        };
        let (ruling, marks) = match &received.content {
            Ok(content) => {
                let mut scan = ScanRequest::new(head.method.as_str(), url.as_str(), content.to_judge());
                scan.headers = shown(&head.headers);
                let ruling = self.guard.ask(&scan).await;
                let marks = Marks::of(&ruling, self.guard.mode);
                (Some(ruling), marks)
            }
            Err(refusal) => (None, Marks::unjudged(refusal.code(), true)),
        };
        let judged = ruling.as_ref().and_then(Ruling::answer);
        let respond = |answer: Response<Body>| self.noted(seen, &marks, answer, judged);
        if self.guard.mode == Mode::Enforce
            && let Some(refusal) = ruling.as_ref().and_then(Refusal::of)
        {
            return respond(refused_with(&refusal, &marks));
        }
        prepare_request(&mut head.headers, &self.via);
        let body = match (&ruling, received.content) {
            (Some(Ruling::GoWith { body, answer }), Ok(content)) => match content.redacted(body) {
                Some(redacted) => {
                    forget_old_body(&mut head.headers);
                    full(redacted)
                }
                None => return respond(refused_with(&Refusal::of_unredactable(answer), &marks)),
            },
            _ => match received.rest {
                Some(rest) => resumed(received.bytes, rest),
                None => full(received.bytes),
            },
        };
        if let Some((_, asked)) = &upgrade {
            hand_on_upgrade(&mut head.headers, asked);
        }
        let mut outgoing = Request::new(body);
        *outgoing.method_mut() = head.method;
        *outgoing.uri_mut() = received.uri;
        *outgoing.headers_mut() = head.headers;
        match self.upstream.send(outgoing, self.limits.idle).await {
            Ok(answer) => respond(self.pass_on(answer, &marks, upgrade.map(|(client, _)| client))),
            Err(why) => respond(refused_with(&unanswered(&seen.host, &why), &marks)),
        }
    }

    /// Reads what is to be judged. Refuses what cannot be, unless calls are only watched.
    async fn received(
        &self,
        head: &Parts,
        body: Incoming,
        url: &Url,
        seen: &Seen,
    ) -> Result<ToJudge, Refusal> {
        let bad = |code: &str, error: String| Refusal::new(StatusCode::BAD_REQUEST, code, error);
        if head.headers.get_all(VIA).iter().any(|value| self.is_own_via(value)) {
            return Err(unanswered(&seen.host, &Unanswered::Loop));
        }
        let uri = url.as_str().parse::<Uri>().map_err(|_| {
            bad("BAD_TARGET", "the URL holds characters that no request line may carry".to_owned())
        })?;
        let limit = self.limits.body_bytes;
        let too_large = || {
            let error =
                format!("the body is larger than the {limit} bytes that can be judged; see --max-body-bytes");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", error)
        };
        let is_watching = self.guard.mode == Mode::Monitor;
        if !is_watching && body.size_hint().lower() > limit as u64 {
            return Err(too_large());
        }
        let (bytes, rest) = match receive(body, limit, self.limits.header).await {
            Ok(Received::Whole(bytes)) => (bytes, None),
            Ok(Received::TooLarge(read, rest)) => (read, Some(rest)),
            Err(NotReceived::Stalled) => {
                let error = "the rest of the body did not come";
                return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "BODY_TIMEOUT", error));
            }
            Err(NotReceived::Broken(error)) => {
                return Err(bad("BAD_BODY", format!("the body is broken: {error}")));
            }
        };
        let content = match rest {
            Some(_) => Err(too_large()),
            None => Content::of_request(&head.headers, &bytes, limit).map_err(|unreadable| {
                let error = unreadable.to_string();
                Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "CANNOT_LOOK_INTO_BODY", error)
            }),
        };
        match content {
            Err(refusal) if !is_watching => Err(refusal),
            content => Ok(ToJudge { uri, bytes, rest, content }),
        }
    }

    fn is_own_via(&self, value: &HeaderValue) -> bool {
        let own = self.via.as_bytes();
        value.as_bytes().split(|byte| *byte == b',').any(|hop| hop.trim_ascii() == own)
    }

    /// The upstream's answer on its way to the agent.
    fn pass_on(
        self: &Arc<Self>,
        mut answer: Response<Incoming>,
        marks: &Marks,
        client: Option<OnUpgrade>,
    ) -> Response<Body> {
        *answer.version_mut() = Version::HTTP_11;
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(client) = client else {
                let why = Unanswered::Failed("it upgraded unasked".to_owned());
                return refused_with(&unanswered("the upstream", &why), marks);
            };
            let (upstream, patience) = (hyper::upgrade::on(&mut answer), self.limits.idle);
            tokio::spawn(async move {
                if let (Ok(client), Ok(upstream)) = tokio::join!(client, upstream) {
                    join(TokioIo::new(client), TokioIo::new(upstream), patience).await;
                }
            });
            let mut answer = answer.map(|_| full(""));
            marks.write(answer.headers_mut());
            return answer;
        }
        remove_hop_by_hop(answer.headers_mut());
        marks.write(answer.headers_mut());
        let tap = marks.trace_id.filter(|_| is_text(answer.headers())).map(|trace| self.tap(trace, &answer));
        answer.map(|body| watched(body, self.limits.idle, tap))
    }

    /// Shows the gateway the first part of an answer once it is complete.
    fn tap(self: &Arc<Self>, trace: TraceId, answer: &Response<Incoming>) -> Tap {
        let (proxy, headers, status) = (Arc::clone(self), answer.headers().clone(), answer.status().as_u16());
        let limit = self.limits.answer_bytes;
        Tap::new(limit, move |seen: Bytes| {
            // As many at once as there are places; an agent's answers never wait for it.
            let Ok(place) = Arc::clone(&proxy.inspections).try_acquire_owned() else { return };
            tokio::spawn(async move {
                if let Some(content) = Content::of_response(&headers, &seen, limit) {
                    let body: Value = content.to_judge();
                    if let Err(fault) = proxy.guard.inspect_response(trace, &body, Some(status)).await {
                        tracing::warn!(code = fault.code, %fault, "the gateway did not look at an answer");
                    }
                }
                drop(place);
            });
        })
    }

    /// Writes the call into the journal of the live page.
    pub(super) fn noted(
        &self,
        seen: &Seen,
        marks: &Marks,
        answer: Response<Body>,
        judged: Option<&ScanAnswer>,
    ) -> Response<Body> {
        let approval = judged.and_then(|judged| judged.approval_url.clone());
        let status = answer.status().as_u16();
        if marks.trace_id.is_none() && judged.is_none() {
            tracing::warn!(host = seen.host, decision = marks.decision, reasons = ?marks.reasons, "a call was not judged");
        }
        self.journal.note(Entry::new(seen, marks, status, approval));
        answer
    }
}

fn hand_on_upgrade(headers: &mut HeaderMap, asked: &HeaderMap) {
    if let Some(protocol) = asked.get(UPGRADE) {
        headers.insert(UPGRADE, protocol.clone());
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// A client that follows a redirect leaves a proxy that stands in the path, unless the redirect leads back through it.
fn keep_redirect_inside(headers: &mut HeaderMap, url: &Url, base: &HeaderValue) {
    let (Some(location), Ok(base)) = (headers.get(LOCATION), base.to_str()) else { return };
    let Some(next) = location.to_str().ok().and_then(|location| url.join(location).ok()) else { return };
    if let Ok(inside) = HeaderValue::from_str(&format!("http://{base}/proxy/{next}")) {
        headers.insert(LOCATION, inside);
    }
}
