//! `POST /invoke` and `POST /approvals/{id}/execute`: the way of clients that sign, where the gateway makes the call with a
//! credential that the agent brings. It is used for that one call, and stands in no record.

mod place;

use crate::{
    Gateway,
    answer::ScanAnswer,
    scan::judge,
    signed::Signed,
    upstream::{Upstream, carry_out, check_text, take_once, written},
};
use axum::{Json, extract::State, http::StatusCode};
use interven_egress::{Method, UpstreamCall, check_method};
use interven_http::{ApiError, ApiResult, Path, read_fields};
use interven_live::{Caller, ReplayError};
use interven_store::{ApprovalRow, ApprovalStatus, StoreError};
use interven_types::{
    ApprovalId, Decision, ErrorBody, ErrorCode, PolicyId, RiskBand, RuleRef, ScanRequest, Secret, Signal,
    TraceId, by_name,
};
use place::Place;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, time::Instant};
use url::Url;

/// Of a client's own `trace_id`, which is kept for a while.
const LONGEST_TRACE_ID: usize = 200;

#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub(crate) struct Invocation {
    tool_name: String,
    operation: Option<String>,
    #[serde(deserialize_with = "by_name")]
    upstream_request: UpstreamRequest,
    #[serde(default, deserialize_with = "by_name")]
    agent_context: AgentContext,
    #[serde(default, deserialize_with = "by_name")]
    identity_context: IdentityContext,
    /// Of the client's choosing; each is taken once.
    trace_id: String,
    /// When it was sent, RFC 3339.
    ts: String,
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct UpstreamRequest {
    method: String,
    /// Below the tool's address, with its query.
    url_path: String,
    #[serde(default)]
    #[schema(value_type = Object)]
    body: Value,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(default)]
struct AgentContext {
    agent_id: Option<String>,
    agent_name: Option<String>,
    runtime_type: Option<String>,
    /// The environment, where the key may name one.
    deployment_env: Option<String>,
}

/// What the call is made with.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub(crate) struct IdentityContext {
    /// `none`, `basic`; everything else is sent as a bearer token.
    credential_type: String,
    credential_token: String,
    scopes: Vec<String>,
}

impl Default for IdentityContext {
    fn default() -> Self {
        Self { credential_type: "none".to_owned(), credential_token: String::new(), scopes: Vec::new() }
    }
}

impl std::fmt::Debug for IdentityContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityContext")
            .field("credential_type", &self.credential_type)
            .finish_non_exhaustive()
    }
}

impl IdentityContext {
    pub(crate) fn new(kind: Option<&str>, token: Option<&str>) -> Self {
        Self {
            credential_type: kind.unwrap_or("bearer").to_owned(),
            credential_token: token.unwrap_or_default().to_owned(),
            scopes: Vec::new(),
        }
    }

    /// The value of `Authorization`.
    pub(crate) fn authorization(&self) -> Option<Secret> {
        let token = self.credential_token.as_str();
        match self.credential_type.to_ascii_lowercase().as_str() {
            _ if token.is_empty() => None,
            "none" => None,
            "basic" => Some(Secret::new(format!("Basic {token}"))),
            _ => Some(Secret::new(format!("Bearer {token}"))),
        }
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct InvokeAnswer {
    decision: Decision,
    risk: Risk,
    matched_policies: Vec<MatchedPolicy>,
    reason_codes: Vec<String>,
    /// Of the record.
    trace_id: TraceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<ApprovalId>,
    /// What the tool answered, where it was called.
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_response: Option<Upstream>,
    /// What was done with the call, or not done, beside the decision.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    response_actions: Vec<ResponseAction>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Risk {
    /// 0.0–1.0.
    score: f64,
    band: RiskBand,
    signals: Vec<Signal>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MatchedPolicy {
    policy_id: PolicyId,
    rule_ids: Vec<String>,
    policy_version: u32,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ResponseAction {
    action: &'static str,
    reason: &'static str,
}

const REDACTED: ResponseAction =
    ResponseAction { action: "redacted", reason: "the tool was given the redacted body" };
const NOT_CALLED: ResponseAction = ResponseAction {
    action: "not_called",
    reason: "nobody has said where this tool is: the decision is all there is",
};

impl InvokeAnswer {
    fn new(scan: ScanAnswer, upstream_response: Option<Upstream>) -> Self {
        let passes = matches!(scan.decision, Decision::Allow | Decision::Sanitize);
        let response_actions = match (passes, &upstream_response, scan.decision) {
            (true, None, _) => vec![NOT_CALLED],
            (true, Some(_), Decision::Sanitize) => vec![REDACTED],
            _ => Vec::new(),
        };
        Self {
            decision: scan.decision,
            risk: Risk { score: scan.risk_score, band: scan.risk_band, signals: scan.signals },
            matched_policies: by_policy(scan.rules),
            reason_codes: scan.reason_codes,
            trace_id: scan.trace_id,
            approval_id: scan.approval_id,
            upstream_response,
            response_actions,
        }
    }
}

fn by_policy(rules: Vec<RuleRef>) -> Vec<MatchedPolicy> {
    let mut policies: Vec<MatchedPolicy> = Vec::new();
    for rule in rules {
        match policies.iter_mut().find(|policy| policy.policy_id == rule.policy_id) {
            Some(policy) => policy.rule_ids.push(rule.rule_id),
            None => policies.push(MatchedPolicy {
                policy_id: rule.policy_id,
                rule_ids: vec![rule.rule_id],
                policy_version: rule.policy_version,
            }),
        }
    }
    policies
}

/// Judges a call and, where it may be made, makes it with the credential that the agent brings.
#[utoipa::path(
    post, path = "/invoke", tag = "signed", security(("signature" = [])),
    request_body = Invocation,
    responses(
        (status = 200, description = "ALLOW or SANITIZE", body = InvokeAnswer),
        (status = 202, description = "REQUIRE_APPROVAL: nothing was called yet", body = InvokeAnswer),
        (status = 400, description = "`INVALID_REQUEST`; `REPLAY_REJECTED`: too old, or taken before", body = ErrorBody),
        (status = 401, description = "`INVALID_KEY`: bad signature or unknown agent", body = ErrorBody),
        (status = 403, description = "DENY", body = InvokeAnswer),
        (status = 502, description = "`UPSTREAM_UNREACHABLE`", body = ErrorBody),
    )
)]
pub(crate) async fn invoke(
    State(gateway): State<Gateway>,
    signed: Signed,
) -> ApiResult<(StatusCode, Json<InvokeAnswer>)> {
    let answered = invoked(&gateway, signed).await;
    answered.inspect_err(|error| gateway.metrics.refused(error.code()))
}

async fn invoked(gateway: &Gateway, signed: Signed) -> ApiResult<(StatusCode, Json<InvokeAnswer>)> {
    let invocation: Invocation = read_fields(signed.json.clone())?;
    let trace_id = &invocation.trace_id;
    if !(1..=LONGEST_TRACE_ID).contains(&trace_id.len()) || trace_id.chars().any(char::is_control) {
        let sentence =
            format!("`trace_id` must have 1 to {LONGEST_TRACE_ID} bytes and no control characters");
        return Err(ApiError::invalid_request(sentence));
    }
    signed.is_fresh(gateway, "ts", Some(&invocation.ts), trace_id).await?;
    let caller = &signed.caller;
    let tool = &invocation.tool_name;
    let place = Place::find(&gateway.live, caller.tenant(), env_of(caller, &invocation), tool).await?;
    let request = intended(&invocation, caller, place.as_ref())?;
    let asked = Asked { identity: &invocation.identity_context, once: None };
    answer(gateway, caller, request, place, asked).await
}

/// Makes the call of an approved invocation, once.
#[utoipa::path(
    post, path = "/approvals/{id}/execute", tag = "signed", security(("signature" = [])),
    params(("id" = ApprovalId, Path)),
    request_body = IdentityContext,
    responses(
        (status = 200, body = InvokeAnswer),
        (status = 401, description = "`INVALID_KEY`: bad signature or unknown agent", body = ErrorBody),
        (status = 404, description = "Unknown, of another agent, or not of an invocation", body = ErrorBody),
        (status = 409, description = "`CONFLICT`: not approved, or carried out before", body = ErrorBody),
        (status = 502, description = "`UPSTREAM_UNREACHABLE`", body = ErrorBody),
    )
)]
pub(crate) async fn execute(
    State(gateway): State<Gateway>,
    Path(id): Path<ApprovalId>,
    signed: Signed,
) -> ApiResult<(StatusCode, Json<InvokeAnswer>)> {
    let identity: IdentityContext = read_fields(signed.json.clone())?;
    let caller = &signed.caller;
    let live = &gateway.live;
    let approval = live.store.approval(caller.tenant(), id, live.now()).await.map_err(unreadable)?;
    if approval.agent_id != caller.key().agent_id {
        return Err(ApiError::not_found("approval"));
    }
    let refused = match approval.status {
        ApprovalStatus::Approved if approval.uses == 0 => None,
        ApprovalStatus::Approved => Some("the call was carried out before".to_owned()),
        other => Some(format!("the approval is {}; an approved call is carried out", other.as_str())),
    };
    if let Some(sentence) = refused {
        return Err(ApiError::new(ErrorCode::Conflict, sentence));
    }
    let mut request = recorded(&gateway, caller, &approval).await?;
    // Another key of the agent may be one of another environment, with other rules and another place of the tool.
    request.env = Some(approval.env.clone());
    let tool =
        place::marked(&request).ok_or_else(|| ApiError::not_found("invocation behind this approval"))?;
    let place = Place::find(live, caller.tenant(), &approval.env, tool).await?;
    // An approval may be good for several uses; for one execution it is good once, however many ask at the same time.
    let asked = Asked { identity: &identity, once: Some(format!("execution of {id}")) };
    answer(&gateway, caller, request, place, asked).await
}

/// The call as it was asked for, from its record.
async fn recorded(gateway: &Gateway, caller: &Caller, approval: &ApprovalRow) -> ApiResult<ScanRequest> {
    let row = gateway.live.store.trace(caller.tenant(), approval.trace_id).await.map_err(unreadable)?;
    gateway.live.open_request(caller.tenant(), &row).await.map_err(|error| match error {
        ReplayError::Store(error) => unreadable(error),
        cause => {
            tracing::error!(%cause, "the request behind an approval does not open");
            ApiError::new(ErrorCode::Internal, "the recorded call cannot be read")
        }
    })
}

fn unreadable(error: StoreError) -> ApiError {
    match error {
        StoreError::NotFound(_) => ApiError::not_found("approval"),
        cause => {
            tracing::error!(%cause, "an approval could not be read");
            ApiError::new(
                ErrorCode::Unavailable,
                "the approval cannot be read now; nothing was called, try again",
            )
        }
    }
}

/// The environment that the call is judged in, and whose place of the tool it goes to.
fn env_of<'a>(caller: &'a Caller, invocation: &'a Invocation) -> &'a str {
    let named = invocation.agent_context.deployment_env.as_deref().filter(|_| caller.key().env_override);
    named.unwrap_or(&caller.key().env)
}

fn intended(invocation: &Invocation, caller: &Caller, place: Option<&Place>) -> ApiResult<ScanRequest> {
    let Invocation { tool_name, operation, upstream_request, agent_context, .. } = invocation;
    let url = match place {
        Some(place) => place.public_url(&upstream_request.url_path)?,
        None => logical_url(tool_name, operation.as_deref())?,
    };
    let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
    // As it is judged, so it goes out.
    let method = upstream_request.method.to_ascii_uppercase();
    check_method(&method).map_err(|error| ApiError::invalid_request(error.to_string()))?;
    let mut request = ScanRequest::new(&method, &url, upstream_request.body.clone());
    request.headers = upstream_request.headers.iter().map(lower).collect();
    check_text(&request.headers, &request.body)?;
    request.agent_id = Some(caller.key().agent_id);
    request.agent_name.clone_from(&agent_context.agent_name);
    request.runtime_type.clone_from(&agent_context.runtime_type);
    request.env = Some(env_of(caller, invocation).to_owned());
    place::mark(&mut request, tool_name);
    Ok(request)
}

/// A tool that nobody knows the place of is judged by its name.
fn logical_url(tool: &str, operation: Option<&str>) -> ApiResult<String> {
    let mut url =
        Url::parse("tool://invoke/").map_err(|error| ApiError::invalid_request(error.to_string()))?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(tool).extend(operation);
    }
    Ok(url.into())
}

/// What comes beside the call.
struct Asked<'a> {
    identity: &'a IdentityContext,
    /// Under this name the call is made once.
    once: Option<String>,
}

async fn answer(
    gateway: &Gateway,
    caller: &Caller,
    request: ScanRequest,
    place: Option<Place>,
    Asked { identity, once }: Asked<'_>,
) -> ApiResult<(StatusCode, Json<InvokeAnswer>)> {
    // What cannot be sent is told before anything is judged.
    let plain = place.as_ref().map(|place| outgoing(&request, place, request.body.clone(), identity));
    let plain = plain.transpose()?;
    let mut scan = judge(gateway, caller, request.clone(), None, Instant::now()).await?;
    let sanitized = scan.sanitized_body.take();
    let upstream = match (&place, scan.decision) {
        (None, _) | (_, Decision::Deny | Decision::RequireApproval) => None,
        (Some(_), Decision::Allow) => plain,
        (Some(place), Decision::Sanitize) => {
            Some(outgoing(&request, place, sanitized.unwrap_or_default(), identity)?)
        }
    };
    let upstream = match (place, upstream) {
        (Some(place), Some(call)) => {
            take_once(gateway, caller, once.as_deref(), scan.trace_id).await?;
            Some(carry_out(gateway, caller, scan.trace_id, &place.own, call).await?)
        }
        _ => None,
    };
    let status = scan.http_status();
    Ok((status, Json(InvokeAnswer::new(scan, upstream))))
}

fn outgoing(
    request: &ScanRequest,
    place: &Place,
    body: Value,
    identity: &IdentityContext,
) -> ApiResult<UpstreamCall> {
    let invalid = |what: String| ApiError::invalid_request(what);
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| invalid("`upstream_request.method` is no HTTP method".to_owned()))?;
    let url =
        place.own_url(&request.url).ok_or_else(|| invalid("the call leads out of the tool".to_owned()))?;
    let mut call = UpstreamCall::new(method, url);
    let mut set =
        |name: &str, value: &str| call.set_header(name, value).map_err(|error| invalid(error.to_string()));
    let (content_type, bytes) = written(body);
    if bytes.is_some() {
        set("content-type", content_type)?;
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !place::is_mark(name)) {
        set(name, value)?;
    }
    if let Some(authorization) = identity.authorization() {
        set("authorization", authorization.reveal())?;
    }
    call.withhold(&identity.credential_token);
    call.body = bytes;
    Ok(call)
}
