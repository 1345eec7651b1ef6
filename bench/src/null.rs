//! The least that a scan endpoint could do: parse the JSON, answer a receipt. Nothing is decided, nothing is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

/// What a gateway is compared with.
pub fn null_service() -> Router {
    let count = Arc::new(AtomicU64::new(0));
    let scan = async move |Json(request): Json<Value>| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let is_whole = request.get("method").is_some() && request.get("url").is_some();
        Json(json!({
            "decision": if is_whole { "ALLOW" } else { "DENY" },
            "trace_id": format!("00000000-0000-4000-8000-{number:012x}"),
            "ledger_seq": number,
        }))
    };
    Router::new().route("/v1/scan", post(scan)).route("/health", get(async || "ok"))
}
