//! An upstream tool as a real server, and what it was asked.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};
use interven_egress::{Egress, EgressSettings, Reach, SystemLookup};
use interven_gateway::Gateway;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Heard {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[derive(Clone)]
pub(crate) struct Upstream {
    heard: Arc<Mutex<Vec<Heard>>>,
    answer: Arc<Mutex<(u16, String)>>,
    pub(crate) url: String,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let upstream =
            Self { heard: Arc::default(), answer: Arc::new(Mutex::new((200, r#"{"ok":true}"#.into()))), url };
        let app = Router::new().fallback(hear).with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        upstream
    }

    pub(crate) fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = (status, body.to_owned());
    }

    /// What it heard since the last time.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

async fn hear(
    State(upstream): State<Upstream>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let body = String::from_utf8_lossy(&body).into_owned();
    upstream.heard.lock().unwrap().push(Heard { method, uri: uri.to_string(), headers, body });
    let (status, body) = upstream.answer.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), body)
}

/// A gateway whose operator opened this one address.
pub(crate) fn reaching_loopback(gateway: &mut Gateway) {
    reach(gateway, Reach::new(vec!["127.0.0.1/32".parse().unwrap()]));
}

/// A gateway as it comes.
pub(crate) fn reaching_the_internet(gateway: &mut Gateway) {
    reach(gateway, Reach::default());
}

fn reach(gateway: &mut Gateway, reach: Reach) {
    let settings = EgressSettings { reach, ..EgressSettings::default() };
    gateway.egress = Some(Arc::new(Egress::new(settings, Arc::new(SystemLookup)).unwrap()));
}
