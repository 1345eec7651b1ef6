//! Credentials of upstream tools: set, listed, removed, and never read back.

use crate::{
    Telemetry,
    error::Answer,
    extract::{JsonBody, Path},
    operator::Operator,
};
use axum::{Json, extract::State};
use interven_live::NewToolCredential;
use interven_store::{CredentialKind, ToolCredentialRow};
use interven_types::{CredentialId, ErrorBody};
use serde_json::{Value, json};

/// The shape of what is sent.
#[expect(dead_code, reason = "describes `NewToolCredential`, whose secret cannot be shown")]
#[derive(utoipa::ToSchema)]
pub(crate) struct NewCredential {
    /// `slack`, `github`, `gdrive`, `http`.
    tool: String,
    kind: CredentialKind,
    /// Absent: every environment.
    env: Option<String>,
    /// Where the tool is, unless it is at its public address. Needed for `http`.
    base_url: Option<String>,
    /// A token; for `header_set` a JSON object of headers, as text; for `incoming_webhook` the whole address.
    secret: String,
}

#[utoipa::path(
    get, path = "/api/telemetry/credentials", tag = "credentials", security(("operator" = [])),
    responses((status = 200, body = Vec<ToolCredentialRow>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<Vec<ToolCredentialRow>> {
    Ok(Json(telemetry.live.store.tool_credentials(operator.tenant).await?))
}

/// Seals a credential, in the place of the one for the same tool, host and environment.
#[utoipa::path(
    post, path = "/api/telemetry/credentials", tag = "credentials", security(("operator" = [])),
    request_body = NewCredential,
    responses((status = 200, body = ToolCredentialRow), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody))
)]
pub(crate) async fn set(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    JsonBody(new): JsonBody<NewToolCredential>,
) -> Answer<ToolCredentialRow> {
    Ok(Json(telemetry.live.set_tool_credential(operator.tenant, new, &operator.actor).await?))
}

#[utoipa::path(
    delete, path = "/api/telemetry/credentials/{id}", tag = "credentials", security(("operator" = [])),
    params(("id" = CredentialId, Path)),
    responses((status = 200, body = Object), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn remove(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<CredentialId>,
) -> Answer<Value> {
    let live = &telemetry.live;
    live.store.remove_tool_credential(operator.tenant, id, &operator.actor, live.now()).await?;
    Ok(Json(json!({"removed": id})))
}
