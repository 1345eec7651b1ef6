//! The HTTP call that an operation's parameters make: as it is judged, and as it goes out.

use super::operations::{Given, Operation};
use crate::upstream::{check_text, written};
use interven_egress::{EgressError, Method, UpstreamCall, check_method};
use interven_http::{ApiError, ApiResult};
use interven_live::{ToolCredential, ToolSecret, UPSTREAM_TOOLS};
use interven_types::{ScanRequest, Secret};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// What vendors ask of every call.
const HEADERS: &[(&str, &[(&str, &str)])] = &[
    ("slack", &[]),
    // docs.github.com/rest/using-the-rest-api
    ("github", &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")]),
    ("gdrive", &[]),
];

/// A call as the agent intends it: nothing in it is secret.
#[derive(Debug)]
pub(super) struct Intended {
    operation: &'static Operation,
    method: String,
    segments: Vec<String>,
    /// Of a call that names its place itself.
    own_url: Option<Url>,
    /// Where the call goes for all that policies know: a tool in a place of the tenant's own is judged as the same tool.
    judged_url: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Intended {
    pub(super) fn read(operation: &'static Operation, parameters: Value) -> ApiResult<Self> {
        let given = operation.read(parameters).map_err(|bad| ApiError::invalid_request(bad.to_string()))?;
        if operation.is_http_request() {
            Self::named(operation, given.body)
        } else {
            Ok(Self::of_tool(operation, given))
        }
    }

    fn of_tool(operation: &'static Operation, given: Given) -> Self {
        let public =
            UPSTREAM_TOOLS.iter().find(|tool| tool.name == operation.tool).and_then(|tool| tool.base_url);
        let judged_url =
            public.and_then(|base| Url::parse(base).ok()).map(|base| below(&base, &given.segments));
        Self {
            operation,
            method: operation.method.to_owned(),
            segments: given.segments,
            own_url: None,
            judged_url: judged_url.map(String::from).unwrap_or_default(),
            headers: BTreeMap::new(),
            body: Value::Object(given.body),
        }
    }

    fn named(operation: &'static Operation, mut given: Map<String, Value>) -> ApiResult<Self> {
        let mut text = |name: &str| match given.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        let (url, method) = (text("url"), text("method"));
        let own_url =
            Url::parse(&url).map_err(|error| ApiError::invalid_request(format!("`url`: {error}")))?;
        if !own_url.username().is_empty() || own_url.password().is_some() {
            let sentence = "`url` names a user: credentials are stored, and do not stand in URLs";
            return Err(ApiError::invalid_request(sentence));
        }
        check_method(&method).map_err(|error| ApiError::invalid_request(error.to_string()))?;
        let headers = match given.remove("headers") {
            Some(Value::Object(headers)) => headers,
            _ => Map::new(),
        };
        let lower = |(name, value): (String, Value)| {
            (name.to_ascii_lowercase(), value.as_str().unwrap_or_default().to_owned())
        };
        let headers = headers.into_iter().map(lower).collect();
        let body = given.remove("body").unwrap_or_default();
        check_text(&headers, &body)?;
        Ok(Self {
            operation,
            method: method.to_ascii_uppercase(),
            segments: Vec::new(),
            own_url: Some(own_url),
            judged_url: url,
            headers,
            body,
        })
    }

    pub(super) fn own_url(&self) -> Option<&Url> {
        self.own_url.as_ref()
    }

    pub(super) fn as_scan(&self) -> ScanRequest {
        let headers = self.headers.clone();
        ScanRequest { headers, ..ScanRequest::new(&self.method, &self.judged_url, self.body.clone()) }
    }

    /// As it goes out, with `body` in place of its own where something was redacted.
    pub(super) fn with(
        &self,
        credential: &ToolCredential,
        own: Option<&Secret>,
        body: Option<Value>,
    ) -> ApiResult<UpstreamCall> {
        let method = Method::from_bytes(self.method.as_bytes())
            .map_err(|_| ApiError::invalid_request("`method` is no HTTP method"))?;
        let url = match (&self.own_url, &credential.secret) {
            (Some(own), _) => own.clone(),
            (None, ToolSecret::Webhook(_)) => credential.base_url.clone(),
            (None, _) => below(&credential.base_url, &self.segments),
        };
        let mut call = UpstreamCall::new(method, url);
        let bad = |error: EgressError| ApiError::invalid_request(error.to_string());
        let vendor =
            HEADERS.iter().find(|(tool, _)| *tool == self.operation.tool).map_or(&[][..], |(_, set)| set);
        for (name, value) in vendor {
            call.set_header(name, value).map_err(bad)?;
        }
        let (content_type, bytes) = written(body.unwrap_or_else(|| self.body.clone()));
        if let Some(bytes) = bytes {
            call.set_header("content-type", content_type).map_err(bad)?;
            call.body = Some(bytes);
        }
        for (name, value) in &self.headers {
            call.set_header(name, value).map_err(bad)?;
        }
        // Last, so that nothing stands in its place.
        if let Some(own) = own {
            call.set_header("authorization", own.reveal()).map_err(bad)?;
            call.withhold(own.reveal().split(' ').next_back().unwrap_or_default());
            return Ok(call);
        }
        match &credential.secret {
            ToolSecret::Bearer(token) => {
                call.set_header("authorization", &format!("Bearer {}", token.reveal())).map_err(bad)?;
                call.withhold(token.reveal());
            }
            ToolSecret::Headers(headers) => {
                for (name, value) in headers {
                    call.set_header(name, value.reveal()).map_err(bad)?;
                    call.withhold(value.reveal());
                }
            }
            ToolSecret::Webhook(_) => {
                let url = &credential.base_url;
                let token = url.path_segments().and_then(Iterator::last);
                [Some(url.path()), token, url.query()]
                    .into_iter()
                    .flatten()
                    .for_each(|part| call.withhold(part));
            }
        }
        Ok(call)
    }
}

/// Each segment is encoded as one.
fn below(base: &Url, segments: &[String]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
