//! The data plane: agents ask before they act, and get a recorded verdict.
//!
//! [`router`] is the table of contents.

mod a2a;
mod answer;
mod approvals;
mod caller;
mod export;
mod health;
mod invoke;
mod keys;
mod mcp;
mod metrics;
mod policies;
mod response;
mod scan;
mod signed;
mod tools;
mod upstream;

pub use metrics::Metrics;

use axum::Router;
use interven_egress::Egress;
use interven_http::{BodyLimits, BuildInfo, with_safety_net};
use interven_live::Live;
use interven_types::{ErrorBody, ErrorCode, Secret};
use std::{sync::Arc, time::Duration};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Gateway {
    pub live: Arc<Live>,
    pub build: BuildInfo,
    /// Where a person decides an approval: `<base>/approvals/<id>`.
    pub approval_base_url: String,
    pub metrics: Arc<Metrics>,
    /// Whoever has it makes and revokes keys. Absent: only keys that were given the scope.
    pub keys_admin_secret: Option<Secret>,
    /// The only way out. Absent: there is none, and no tool is called.
    pub egress: Option<Arc<Egress>>,
    /// How far the time of a signed request may be from ours, and how long it is remembered.
    pub replay_window: Duration,
    /// For a whole request body to arrive.
    pub body_timeout: Duration,
}

impl Gateway {
    pub fn new(live: Arc<Live>, build: BuildInfo, approval_base_url: String) -> Self {
        let metrics = Arc::new(Metrics::new());
        Self {
            live,
            build,
            approval_base_url,
            metrics,
            keys_admin_secret: None,
            egress: None,
            replay_window: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
        }
    }

    /// Of a body whose sender, and so whose tenant, is not known yet.
    fn body_limits(&self) -> BodyLimits {
        BodyLimits { max_bytes: self.live.options.max_body_bytes, timeout: self.body_timeout }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Interven gateway",
        description = "Agents ask before they call a tool; every answer is recorded before it is given.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody, ErrorCode)),
    modifiers(&BearerAuth)
)]
struct ApiDoc;

struct BearerAuth;

impl utoipa::Modify for BearerAuth {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
        let key = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("iv_live_…")
            .description(Some("An API key."))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(key));
        let signature = ApiKey::Header(ApiKeyValue::with_description(
            "X-AIF-Signature",
            "base64 of the HMAC-SHA256 of the raw body under a signing key of the agent in `X-AIF-Agent-ID`.",
        ));
        components.add_security_scheme("signature", SecurityScheme::ApiKey(signature));
        let admin = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "`INTERVEN_API_KEYS_ADMIN_SECRET`, or the operator's token where that is not set.",
            ))
            .build();
        components.add_security_scheme("keys_admin", SecurityScheme::Http(admin));
    }
}

fn api() -> OpenApiRouter<Gateway> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(scan::scan))
        .routes(routes!(response::scan_response))
        .routes(routes!(a2a::scan))
        .routes(routes!(approvals::status))
        .routes(routes!(approvals::status_alias))
        .routes(routes!(policies::apply))
        .routes(routes!(policies::by_name))
        .routes(routes!(keys::mint_ephemeral))
        .routes(routes!(keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(tools::call))
        .routes(routes!(invoke::invoke))
        .routes(routes!(invoke::execute))
        .routes(routes!(mcp::call))
        .routes(routes!(mcp::list_tools))
        .routes(routes!(export::export))
        .routes(routes!(health::health))
        .routes(routes!(health::build))
        .routes(routes!(health::metrics))
        .routes(routes!(health::openapi))
}

/// Every path of the gateway.
pub fn router(gateway: Gateway) -> Router {
    let (router, _) = api().split_for_parts();
    with_safety_net(router).with_state(gateway)
}

/// The API description, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}
