//! The conversation of a client with a server, as the guard hears it.
//!
//! Each frame is taken in at once and in order: ids are noted, and what needs no judgement is settled. What does need one
//! (calls of tools, their results) is settled when the judge has spoken; other frames pass it meanwhile, as JSON-RPC lets
//! them. A frame in which nothing is changed leaves as the bytes that came.

use super::{
    answer,
    call::{ServerName, ToolCall},
    frame::{Frame, Id, Kind, Message},
    pin_book::{ListPage, PinBook},
    results::{self, OnInjection, Seen},
};
use crate::json_text::{member, place, quoted, string, with_replaced};
use crate::{Guard, Ruling};
use interven_types::TraceId;
use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, oneshot};

/// What every conversation with one server shares.
#[derive(Debug)]
pub struct Post {
    pub guard: Guard,
    pub server: ServerName,
    pub pins: PinBook,
    pub on_injection: OnInjection,
    /// Whether to let pass what cannot be read.
    pub is_open: bool,
    /// Hears what a person should know, one line each.
    pub tell: fn(&str),
}

/// One client's session with the server.
#[derive(Debug)]
pub struct Conversation {
    post: Arc<Post>,
    state: Mutex<State>,
    /// The client has nothing more to say.
    client_gone: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Requests of the client that the server has not answered.
    asked: HashMap<Id, Asked>,
    /// Calls that wait for the judge; dropping the sender ends the waiting.
    judging: HashMap<Id, oneshot::Sender<()>>,
}

/// A request of the client's, as far as its answer is inspected.
#[derive(Debug, Clone)]
enum Asked {
    /// The cursor of a later page.
    Tools {
        cursor: Option<String>,
    },
    Call {
        trace: Option<TraceId>,
        is_stateless: bool,
    },
    /// Something that a model reads: a prompt, a resource, a task's result.
    Text,
    /// What the server says of itself.
    Introduction,
    Other,
}

/// Requests without an answer that are remembered; a client that has more is refused further ones.
const MOST_ASKED: usize = 10_000;

/// What leaves: towards the server and back to the client, each with its line end where the frame had one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub onward: Option<Vec<u8>>,
    pub back: Option<Vec<u8>>,
}

/// A frame that was taken in.
#[derive(Debug)]
pub struct Intake {
    frame: Vec<u8>,
    is_batch: bool,
    parts: Vec<Part>,
}

/// One message of a frame, and what becomes of it.
#[derive(Debug)]
struct Part {
    /// In the frame.
    at: Range<usize>,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    Pass,
    Drop,
    /// Other text goes on in its place.
    Replace(String),
    /// It ends here, with this answer.
    Answer(String),
    Judge {
        call: Box<ToolCall>,
        cancelled: Option<oneshot::Receiver<()>>,
    },
    Inspect(Seen),
}

impl Intake {
    /// Settled without a judge.
    pub fn is_settled(&self) -> bool {
        !self.parts.iter().any(|part| matches!(part.fate, Fate::Judge { .. } | Fate::Inspect(_)))
    }

    fn whole(frame: Vec<u8>, fate: Fate) -> Self {
        let at = 0..frame.len();
        Self { frame, is_batch: false, parts: vec![Part { at, fate }] }
    }

    /// What leaves of a settled frame.
    pub fn finish(self) -> Outcome {
        if self.parts.iter().all(|part| matches!(part.fate, Fate::Pass)) {
            return Outcome { onward: Some(self.frame), back: None };
        }
        let Ok(text) = std::str::from_utf8(&self.frame) else { return Outcome::default() };
        let line_end = if text.ends_with('\n') { "\n" } else { "" };
        let (mut onward, mut back) = (Vec::new(), Vec::new());
        for part in &self.parts {
            match &part.fate {
                Fate::Pass => onward.extend(text.get(part.at.clone())),
                Fate::Replace(other) => onward.push(other),
                Fate::Answer(answer) => back.push(answer.as_str()),
                Fate::Drop | Fate::Judge { .. } | Fate::Inspect(_) => {}
            }
        }
        let leaving = |messages: &[&str]| {
            let text = match messages {
                [] => return None,
                [one] if !self.is_batch => (*one).to_owned(),
                many => format!("[{}]", many.join(",")),
            };
            Some(format!("{text}{line_end}").into_bytes())
        };
        Outcome { onward: leaving(&onward), back: leaving(&back) }
    }
}

impl Conversation {
    pub fn new(post: Arc<Post>) -> Self {
        Self { post, state: Mutex::default(), client_gone: Notify::new() }
    }

    pub(crate) fn client_is_gone(&self) {
        self.client_gone.notify_one();
    }

    /// Resolves when the client has gone and, some `grace` later, nothing is awaited any more, or `most` times `grace` later: a
    /// request may be one that is never answered, such as `subscriptions/listen`.
    pub(crate) async fn left_alone(&self, grace: Duration, most: u32) {
        self.client_gone.notified().await;
        for _ in 0..most {
            tokio::time::sleep(grace).await;
            let state = self.state();
            if state.asked.is_empty() && state.judging.is_empty() {
                return;
            }
        }
    }

    pub fn post(&self) -> &Post {
        &self.post
    }

    /// Takes in a frame of the client's.
    pub fn from_client(&self, frame: Vec<u8>) -> Intake {
        self.take_in(frame, Self::hear_client, |why| {
            Fate::Answer(answer::error(
                &Id::Null,
                answer::PARSE_ERROR,
                &format!("Interven did not pass this message on: {why}"),
            ))
        })
    }

    /// Takes in a frame of the server's.
    pub fn from_server(&self, frame: Vec<u8>) -> Intake {
        self.take_in(frame, Self::hear_server, |_| Fate::Drop)
    }

    fn take_in(
        &self,
        frame: Vec<u8>,
        hear: impl Fn(&Self, &Message<'_>) -> Fate,
        refuse: impl Fn(&str) -> Fate,
    ) -> Intake {
        let text = std::str::from_utf8(&frame).unwrap_or_default();
        let part = |message: &Message<'_>| Part {
            at: place(text, message.text).unwrap_or_default(),
            fate: hear(self, message),
        };
        let (is_batch, parts) = match Frame::read(&frame) {
            Frame::Blank => return Intake::whole(frame, Fate::Pass),
            Frame::One(message) => (false, vec![part(&message)]),
            Frame::Batch(messages) => (true, messages.iter().map(part).collect()),
            Frame::Unreadable(why) => {
                let why = why.to_string();
                let fate = if self.post.is_open { Fate::Pass } else { refuse(&why) };
                let became = if self.post.is_open { "let through (fail-open)" } else { "withheld" };
                self.tell(&format!("a message was {became}: {why}"));
                return Intake::whole(frame, fate);
            }
        };
        Intake { is_batch, parts, frame }
    }

    fn hear_client(&self, message: &Message<'_>) -> Fate {
        match &message.kind {
            Kind::Answer { .. } => Fate::Pass,
            Kind::Notification { method, params } => match &**method {
                "notifications/cancelled" if self.stop_judging(*params) => Fate::Drop,
                "tools/call" => self.hear_call(None, message.text, *params),
                _ => Fate::Pass,
            },
            Kind::Request { id, method, params } => {
                let mut state = self.state();
                if state.asked.contains_key(id) || state.judging.contains_key(id) {
                    let text = "Interven did not pass this request on: its id is in use";
                    return Fate::Answer(answer::error(id, answer::INVALID_REQUEST, text));
                }
                if state.asked.len() >= MOST_ASKED {
                    let text = "Interven did not pass this request on: too many have no answer yet";
                    return Fate::Answer(answer::error(id, answer::INVALID_REQUEST, text));
                }
                let asked = match &**method {
                    "tools/call" => {
                        drop(state);
                        return self.hear_call(Some(id), message.text, *params);
                    }
                    "tools/list" => Asked::Tools { cursor: cursor_of(*params) },
                    "prompts/get" | "resources/read" | "tasks/result" | "tasks/get" => Asked::Text,
                    "initialize" | "server/discover" => Asked::Introduction,
                    _ => Asked::Other,
                };
                state.asked.insert(id.clone(), asked);
                Fate::Pass
            }
        }
    }

    fn hear_call(&self, id: Option<&Id>, message: &str, params: Option<&str>) -> Fate {
        let call = match ToolCall::read(id.cloned(), message, params) {
            Ok(call) => call,
            Err(why) => {
                self.tell(&format!("a call was refused: {why}"));
                let text = format!("Interven did not pass this call on: {why}");
                return id
                    .map_or(Fate::Drop, |id| Fate::Answer(answer::error(id, answer::INVALID_PARAMS, &text)));
            }
        };
        if let Some(objections) = self.post.pins.objections(&call.tool) {
            let text = answer::withheld_tool(&call.tool, self.post.server.as_str(), &objections);
            self.tell(&format!("a call of the withheld tool `{}` was refused", call.tool));
            return answer::refusal(&call, &text).map_or(Fate::Drop, Fate::Answer);
        }
        let cancelled = id.map(|id| {
            let (sender, receiver) = oneshot::channel();
            self.state().judging.insert(id.clone(), sender);
            receiver
        });
        Fate::Judge { call: Box::new(call), cancelled }
    }

    /// True when the notification cancels a call that the server has not seen, which then never sees it.
    fn stop_judging(&self, params: Option<&str>) -> bool {
        let id = params.and_then(|params| member(params, "requestId")).and_then(Id::read);
        id.is_some_and(|id| self.state().judging.remove(&id).is_some())
    }

    fn hear_server(&self, message: &Message<'_>) -> Fate {
        let Kind::Answer { id, result, error } = &message.kind else {
            if let Kind::Notification { method, .. } = &message.kind
                && method == "notifications/tools/list_changed"
            {
                self.tell("the server says that its tools changed; the next list is compared with the pins");
            }
            return Fate::Pass;
        };
        let asked = id.as_ref().and_then(|id| self.state().asked.remove(id));
        let Some(asked) = asked else {
            // An error may name no request (JSON-RPC 2.0 §5): the server could not read one.
            let names_none = id.as_ref().is_none_or(|id| *id == Id::Null);
            if names_none && result.is_none() {
                return Fate::Pass;
            }
            // A client that is not strict about ids would take it for an answer that was inspected.
            self.tell("an answer of the server was withheld: nothing was asked under its id");
            return Fate::Drop;
        };
        let body = result.or(*error).unwrap_or("null");
        let Some(at) = place(message.text, body) else { return Fate::Drop };
        match asked {
            Asked::Tools { cursor } if result.is_some() => {
                let page = self.post.pins.look_at(cursor.as_deref(), body);
                self.show_page(message.text, at, page)
            }
            Asked::Call { trace, is_stateless } => Fate::Inspect(Seen {
                message: message.text.to_owned(),
                at,
                is_result: result.is_some(),
                is_stateless,
                trace,
            }),
            Asked::Text => self.hear_text(message.text, at, result.is_some()),
            Asked::Introduction if result.is_some() => self.hear_introduction(message.text, body),
            _ => Fate::Pass,
        }
    }

    fn show_page(&self, message: &str, at: Range<usize>, page: ListPage) -> Fate {
        for line in &page.notices {
            self.tell(line);
        }
        match page.text {
            None => Fate::Pass,
            Some(text) => Fate::Replace(with_replaced(message, vec![(at, text)])),
        }
    }

    /// What a model reads of the server without having called a tool.
    fn hear_text(&self, message: &str, at: Range<usize>, is_result: bool) -> Fate {
        let body = message.get(at.clone()).unwrap_or_default();
        let signs = results::signs_in(body);
        if signs.is_empty() {
            return Fate::Pass;
        }
        self.tell(&format!("a text of the server reads like orders to the model: {}", signs.join(", ")));
        match self.post.on_injection {
            OnInjection::Flag => Fate::Pass,
            OnInjection::Withhold => Fate::Replace(results::withheld(message, at, is_result, &signs)),
        }
    }

    /// `instructions` go into the model's prompt (initialize, server/discover).
    fn hear_introduction(&self, message: &str, result: &str) -> Fate {
        let Some(text) = member(result, "instructions") else { return Fate::Pass };
        let signs = results::signs_in(text);
        let Some(at) = place(message, text).filter(|_| !signs.is_empty()) else { return Fate::Pass };
        self.tell(&format!("the server's instructions were withheld: {}", signs.join(", ")));
        Fate::Replace(with_replaced(message, vec![(at, quoted(&answer::withheld_result(&signs)))]))
    }

    /// Lets the judge speak about what is not settled yet. Settles every part.
    pub async fn settle(&self, mut intake: Intake) -> Intake {
        for part in &mut intake.parts {
            let fate = std::mem::replace(&mut part.fate, Fate::Drop);
            let message = std::str::from_utf8(&intake.frame).ok().and_then(|text| text.get(part.at.clone()));
            part.fate = match fate {
                Fate::Judge { call, cancelled } => {
                    self.judge(&call, cancelled, message.unwrap_or_default()).await
                }
                Fate::Inspect(seen) => self.inspect(&seen).await,
                settled => settled,
            };
        }
        intake
    }

    async fn judge(&self, call: &ToolCall, cancelled: Option<oneshot::Receiver<()>>, message: &str) -> Fate {
        let request = call.to_request(&self.post.server);
        let cancelled = async {
            match cancelled {
                // The sender is dropped, never used.
                Some(receiver) => drop(receiver.await),
                None => std::future::pending().await,
            }
        };
        let ruling = tokio::select! {
            biased;
            () = cancelled => return Fate::Drop,
            ruling = self.post.guard.ask(&request) => ruling,
        };
        if let Some(id) = &call.id {
            let mut state = self.state();
            if state.judging.remove(id).is_none() {
                // Cancelled in this very moment.
                return Fate::Drop;
            }
            let trace = match &ruling {
                Ruling::Go { answer } | Ruling::GoWith { answer, .. } => {
                    answer.receipt.map(|receipt| receipt.trace_id)
                }
                _ => None,
            };
            if matches!(ruling, Ruling::Go { .. } | Ruling::GoWith { .. } | Ruling::LetThrough { .. }) {
                state.asked.insert(id.clone(), Asked::Call { trace, is_stateless: call.is_stateless });
            }
        }
        if let Some(text) = answer::stopped(call, &ruling) {
            self.tell(&format!("`{}`: {}", call.tool, text.lines().nth(1).unwrap_or_default()));
            return answer::refusal(call, &text).map_or(Fate::Drop, Fate::Answer);
        }
        match ruling {
            Ruling::GoWith { body, .. } => match call.arguments_at.clone() {
                Some(at) => Fate::Replace(with_replaced(message, vec![(at, body.to_string())])),
                None => Fate::Pass,
            },
            Ruling::LetThrough { fault } => {
                self.tell(&format!("`{}` was let through unjudged (fail-open): {fault}", call.tool));
                Fate::Pass
            }
            _ => Fate::Pass,
        }
    }

    async fn inspect(&self, seen: &Seen) -> Fate {
        let inspected = results::inspect(&self.post.guard, seen, self.post.on_injection).await;
        for line in &inspected.notices {
            self.tell(line);
        }
        inspected.replaced.map_or(Fate::Pass, Fate::Replace)
    }

    fn tell(&self, line: &str) {
        (self.post.tell)(&format!("[{}] {}", self.post.server.as_str(), super::hidden::reveal(line)));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn cursor_of(params: Option<&str>) -> Option<String> {
    params.and_then(|params| member(params, "cursor")).and_then(string).map(std::borrow::Cow::into_owned)
}
