//! A client on standard input and output, a server over streamable HTTP.

use super::{
    answer,
    child::{Ended, told_to_end},
    frame::{Frame, Id, Kind},
    pump::{Frames, Lane, pump_client, queue},
    relay::Conversation,
    sse::Events,
    upstream::{
        Content, LAST_EVENT, SESSION, Upstream, UpstreamError, VERSION, content_of, headers_of, next_piece,
        read_body, requests_in, status_text,
    },
};
use crate::json_text::{member, string};
use reqwest::{
    Method, Response, StatusCode,
    header::{ACCEPT, HeaderMap, HeaderValue},
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io,
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::sleep,
};

/// Between two attempts to hear the server again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a stream that broke before its answer is asked for the rest.
const MOST_RESUMED: u32 = 5;

/// Carries frames between this program's standard streams and the server until the client has gone.
pub async fn bridge_http(conversation: Conversation, upstream: Upstream) -> io::Result<Ended> {
    let conversation = Arc::new(conversation);
    let (to_server, for_server) = queue();
    let (to_client, for_client) = queue();
    let bridge = Arc::new(Bridge {
        lane: Lane::from_server(&conversation, to_client.clone(), to_server.clone()),
        back: to_client.clone(),
        conversation: Arc::clone(&conversation),
        upstream,
        session: Mutex::default(),
        posts: Mutex::default(),
    });
    let lane = Lane::from_client(&conversation, to_server, to_client);
    let asking = pump_client(lane, (io::stdin(), io::stdout()), for_client);
    let posting = tokio::spawn(Arc::clone(&bridge).post_all(for_server));
    let ended = tokio::select! {
        asked = asking => asked.map(|()| Ended::Client),
        () = told_to_end() => Ok(Ended::Signal),
    };
    posting.abort();
    bridge.end_session().await;
    ended
}

#[derive(Debug)]
struct Bridge {
    conversation: Arc<Conversation>,
    upstream: Upstream,
    /// From the server's answers, through the guard, to the client.
    lane: Lane,
    back: Frames,
    session: Mutex<HeaderMap>,
    /// Requests under way; the stateless revision is told of a cancellation by the end of its request.
    posts: Mutex<HashMap<Id, AbortHandle>>,
}

impl Bridge {
    async fn post_all(self: Arc<Self>, mut frames: mpsc::Receiver<Vec<u8>>) {
        let mut posts = JoinSet::new();
        while let Some(frame) = frames.recv().await {
            while posts.try_join_next().is_some() {}
            let ids = requests_in(&frame);
            if ids.is_empty() {
                if !self.cancels_stateless(&frame) {
                    // In order: what follows may build on it.
                    Arc::clone(&self).post(frame, ids).await;
                }
                continue;
            }
            let handle = posts.spawn(Arc::clone(&self).post(frame, ids.clone()));
            for id in ids {
                self.posts().insert(id, handle.clone());
            }
        }
        while posts.join_next().await.is_some() {}
    }

    /// Since revision 2026-07-28 a cancellation is the end of the request itself.
    fn cancels_stateless(&self, frame: &[u8]) -> bool {
        let Frame::One(message) = Frame::read(frame) else { return false };
        let Kind::Notification { method, params: Some(params) } = &message.kind else { return false };
        let is_stateless = self.session().get(VERSION).is_none();
        let id = (method == "notifications/cancelled" && is_stateless)
            .then(|| member(params, "requestId").and_then(Id::read))
            .flatten();
        id.and_then(|id| self.posts().remove(&id)).inspect(AbortHandle::abort).is_some()
    }

    async fn post(self: Arc<Self>, frame: Vec<u8>, ids: Vec<Id>) {
        let mut headers = self.session().clone();
        headers.extend(headers_of(&frame, &self.conversation.post().pins));
        let is_initialize = matches!(Frame::read(&frame), Frame::One(message)
            if matches!(&message.kind, Kind::Request { method, .. } if method == "initialize"));
        let mut unanswered = ids.clone();
        let outcome = self.exchange(headers, frame, is_initialize, &mut unanswered).await;
        for id in &ids {
            self.posts().remove(id);
        }
        let why = match outcome {
            Ok(()) if unanswered.is_empty() => return,
            Ok(()) => "the server ended its answer before it was complete".to_owned(),
            Err(error) => error.to_string(),
        };
        if unanswered.is_empty() {
            (self.conversation.post().tell)(&why);
        }
        for id in unanswered {
            self.hear(format!("{}\n", answer::error(&id, answer::UPSTREAM, &why)).into_bytes()).await;
        }
    }

    async fn exchange(
        self: &Arc<Self>,
        headers: HeaderMap,
        frame: Vec<u8>,
        is_initialize: bool,
        unanswered: &mut Vec<Id>,
    ) -> Result<(), UpstreamError> {
        let response = self.upstream.send(Method::POST, headers, frame).await?;
        let status = response.status();
        if let Some(session) = response.headers().get(SESSION).filter(|_| is_initialize) {
            self.session().insert(SESSION, session.clone());
        }
        match content_of(response.headers()) {
            Content::Json => {
                let body = read_body(response).await?;
                if is_initialize {
                    self.note_revision(&body);
                }
                // A refusal may be a message too, and may be none.
                if status.is_success() || matches!(Frame::read(&body), Frame::One(_) | Frame::Batch(_)) {
                    self.hear_answer(body, unanswered).await;
                    return Ok(());
                }
            }
            Content::Events if status.is_success() => {
                self.hear_events(response, is_initialize, unanswered).await;
                return Ok(());
            }
            _ => {}
        }
        match status {
            StatusCode::ACCEPTED | StatusCode::NO_CONTENT => Ok(()),
            status => Err(UpstreamError::Unreachable(status_text(status))),
        }
    }

    async fn hear_events(self: &Arc<Self>, body: Response, is_initialize: bool, unanswered: &mut Vec<Id>) {
        let mut body = Some(body);
        let mut last_event = None;
        for _ in 0..=MOST_RESUMED {
            if let Some(body) = body.take() {
                self.read_events(body, is_initialize, unanswered, &mut last_event).await;
            }
            if unanswered.is_empty() || last_event.is_none() {
                return;
            }
            // The stream broke; the server may keep the rest (revisions until 2025-11-25).
            sleep(PAUSE).await;
            body = self.listen_from(last_event.as_deref()).await.ok().flatten();
        }
    }

    async fn read_events(
        self: &Arc<Self>,
        mut body: Response,
        is_initialize: bool,
        unanswered: &mut Vec<Id>,
        last_event: &mut Option<String>,
    ) {
        let mut events = Events::default();
        while let Ok(Some(piece)) = next_piece(&mut body).await {
            events.push(&piece);
            while let Some(event) = events.next() {
                if let Some(id) = event.id.clone() {
                    *last_event = Some(id);
                }
                if !event.data.is_empty() {
                    if is_initialize {
                        self.note_revision(&event.data);
                    }
                    self.hear_answer(event.data, unanswered).await;
                }
            }
            if events.is_too_large() {
                return;
            }
        }
    }

    async fn hear_answer(self: &Arc<Self>, body: Vec<u8>, unanswered: &mut Vec<Id>) {
        let answered = |message: &super::frame::Message<'_>| match &message.kind {
            Kind::Answer { id, .. } => id.clone(),
            _ => None,
        };
        let answers: Vec<Id> = match Frame::read(&body) {
            Frame::One(message) => answered(&message).into_iter().collect(),
            Frame::Batch(messages) => messages.iter().filter_map(answered).collect(),
            _ => Vec::new(),
        };
        unanswered.retain(|id| !answers.contains(id));
        // A frame of stdio is one line.
        let mut line: Vec<u8> =
            body.into_iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }).collect();
        line.push(b'\n');
        self.hear(line).await;
    }

    /// Through the guard to the client, in order with the rest of this stream.
    async fn hear(&self, line: Vec<u8>) {
        let mut judged = JoinSet::new();
        self.lane.carry(line, &mut judged).await;
        while judged.join_next().await.is_some() {}
    }

    /// After the handshake every request names the revision, and the server may have something to say on its own.
    fn note_revision(self: &Arc<Self>, answer: &[u8]) {
        let text = std::str::from_utf8(answer).unwrap_or_default();
        let revision =
            member(text, "result").and_then(|result| member(result, "protocolVersion")).and_then(string);
        let Some(value) = revision.and_then(|text| HeaderValue::from_str(&text).ok()) else { return };
        self.session().insert(VERSION, value);
        tokio::spawn(Arc::clone(self).listen());
    }

    /// The server's own stream, again and again; ends where the server has none, or when the client has gone.
    async fn listen(self: Arc<Self>) {
        let mut last_event = None;
        while !self.back.is_closed() {
            match self.listen_from(last_event.as_deref()).await {
                Ok(Some(body)) => self.read_events(body, false, &mut Vec::new(), &mut last_event).await,
                Ok(None) => return,
                Err(_) => {}
            }
            sleep(PAUSE).await;
        }
    }

    async fn listen_from(&self, last_event: Option<&str>) -> Result<Option<Response>, UpstreamError> {
        let mut headers = self.session().clone();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        let last_event = last_event.and_then(|id| HeaderValue::from_str(id).ok());
        headers.extend(last_event.map(|id| (LAST_EVENT, id)));
        let response = self.upstream.send(Method::GET, headers, Vec::new()).await?;
        let is_stream = response.status().is_success() && content_of(response.headers()) == Content::Events;
        Ok(is_stream.then_some(response))
    }

    async fn end_session(&self) {
        let headers = self.session().clone();
        if headers.contains_key(SESSION) {
            let ending = self.upstream.send(Method::DELETE, headers, Vec::new());
            let _ = tokio::time::timeout(PAUSE, ending).await;
        }
    }

    fn session(&self) -> MutexGuard<'_, HeaderMap> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn posts(&self) -> MutexGuard<'_, HashMap<Id, AbortHandle>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
