//! The last calls and some counts, for the live page. Nothing here is kept, and nothing secret comes here: no path, no query, no
//! header, no body.

use super::outcome::Marks;
use hyper::Method;
use interven_types::{Timestamp, TraceId};
use serde::Serialize;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Instant, SystemTime},
};
use tokio::sync::broadcast;

/// Calls that a page shows when it is opened.
const REMEMBERED: usize = 100;
/// Calls that a slow page may be behind before it has to start anew.
const BEHIND: usize = 256;

#[derive(Clone, Debug, Serialize)]
pub(super) struct Entry {
    at: Timestamp,
    method: String,
    host: String,
    action: Option<String>,
    decision: &'static str,
    would_be: Option<&'static str>,
    reasons: Vec<String>,
    trace_id: Option<TraceId>,
    approval_url: Option<String>,
    /// What the agent was answered.
    status: u16,
    /// Until the head of the answer.
    elapsed_ms: u64,
}

impl Entry {
    pub(super) fn new(call: &Seen, marks: &Marks, status: u16, approval_url: Option<String>) -> Self {
        Self {
            at: Timestamp::from(SystemTime::now()),
            method: call.method.to_string(),
            host: call.host.clone(),
            action: marks.action.clone(),
            decision: marks.decision,
            would_be: marks.would_be,
            reasons: marks.reasons.clone(),
            trace_id: marks.trace_id,
            approval_url,
            status,
            elapsed_ms: u64::try_from(call.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What is known of a call before it is judged.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: Method,
    pub(super) host: String,
    pub(super) since: Instant,
}

/// One message to a page.
#[derive(Clone, Debug, Serialize)]
pub(super) struct News {
    pub(super) counts: BTreeMap<&'static str, u64>,
    /// Oldest first.
    pub(super) calls: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Journal {
    past: Mutex<Past>,
    news: broadcast::Sender<News>,
}

#[derive(Debug, Default)]
struct Past {
    calls: VecDeque<Entry>,
    counts: BTreeMap<&'static str, u64>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { past: Mutex::default(), news: broadcast::Sender::new(BEHIND) }
    }
}

impl Journal {
    pub(super) fn note(&self, entry: Entry) {
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        *past.counts.entry(entry.decision).or_default() += 1;
        if past.calls.len() == REMEMBERED {
            past.calls.pop_front();
        }
        past.calls.push_back(entry.clone());
        // Without a page nobody listens.
        let _ = self.news.send(News { counts: past.counts.clone(), calls: vec![entry] });
    }

    /// All there is, and what comes after it.
    pub(super) fn follow(&self) -> (News, broadcast::Receiver<News>) {
        let past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let all = News { counts: past.counts.clone(), calls: past.calls.iter().cloned().collect() };
        (all, self.news.subscribe())
    }
}
