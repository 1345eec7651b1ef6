//! The control plane: tenants, people, keys, agents, approvals, activity, policies, settings.
//!
//! [`router`] is the table of contents. The port is internal: an operator's token opens all of it, API keys open nothing.

mod activity;
mod agents;
mod approvals;
mod audit;
mod backup;
mod budgets;
mod credentials;
mod detectors;
mod encryption;
mod error;
mod explain;
mod export;
mod extract;
mod health;
mod keys;
mod ledger;
mod metrics;
mod operator;
mod passwords;
mod policies;
mod retention;
mod settings;
mod simulate;
mod tenants;
mod trace;
mod users;

pub use error::ControlError;
pub use explain::explain;
pub use metrics::Metrics;
pub use policies::seed_default_policies;
pub use tenants::seed_tenant;
pub use users::{CreatedUser, NewUserRequest, create_user};

use axum::{Router, middleware};
use interven_http::{BuildInfo, with_safety_net};
use interven_live::Live;
use interven_types::{ErrorBody, ErrorCode, Secret};
use std::{sync::Arc, time::Duration};
use utoipa::OpenApi as _;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What the handlers share.
#[derive(Clone, Debug)]
pub struct Telemetry {
    pub live: Arc<Live>,
    /// The instance operator's.
    pub admin_token: Secret,
    pub build: BuildInfo,
    pub metrics: Arc<Metrics>,
    /// For a whole request body to arrive.
    pub body_timeout: Duration,
}

impl Telemetry {
    pub fn new(live: Arc<Live>, admin_token: Secret, build: BuildInfo) -> Self {
        let metrics = Arc::new(Metrics::new());
        Self { live, admin_token, build, metrics, body_timeout: Duration::from_secs(10) }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Interven telemetry",
        description = "What happened, who may do what, and the decisions that wait for a human.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody, ErrorCode)),
    modifiers(&OperatorToken)
)]
struct ApiDoc;

struct OperatorToken;

impl utoipa::Modify for OperatorToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "The operator's token. `X-Interven-Tenant` says which tenant is meant where there are several.",
            ))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("operator", SecurityScheme::Http(token));
    }
}

fn api() -> OpenApiRouter<Telemetry> {
    OpenApiRouter::with_openapi(ApiDoc::openapi())
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::set_password))
        .routes(routes!(users::disable))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(credentials::list, credentials::set))
        .routes(routes!(credentials::remove))
        .routes(routes!(agents::list))
        .routes(routes!(agents::show))
        .routes(routes!(agents::reset_trust))
        .routes(routes!(agents::suspend))
        .routes(routes!(agents::reactivate))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::show))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::deny))
        .routes(routes!(approvals::status))
        .routes(routes!(approvals::page))
        .routes(routes!(activity::list))
        .routes(routes!(export::export))
        .routes(routes!(trace::show))
        .routes(routes!(trace::original))
        .routes(routes!(trace::replay))
        .routes(routes!(policies::list))
        .routes(routes!(policies::apply))
        .routes(routes!(simulate::simulate))
        .routes(routes!(policies::seed_defaults))
        .routes(routes!(policies::delete))
        .routes(routes!(policies::versions))
        .routes(routes!(policies::show_version))
        .routes(routes!(policies::restore))
        .routes(routes!(settings::show, settings::update))
        .routes(routes!(settings::reset))
        .routes(routes!(settings::versions))
        .routes(routes!(settings::show_version))
        .routes(routes!(settings::restore))
        .routes(routes!(detectors::list))
        .routes(routes!(budgets::list))
        .routes(routes!(backup::backup))
        .routes(routes!(retention::status))
        .routes(routes!(retention::run))
        .routes(routes!(encryption::status))
        .routes(routes!(encryption::rotate))
        .routes(routes!(audit::incidents))
        .routes(routes!(audit::log))
        .routes(routes!(ledger::status))
        .routes(routes!(ledger::checkpoint))
        .routes(routes!(ledger::tile))
        .routes(routes!(ledger::entries))
        .routes(routes!(ledger::proof))
        .routes(routes!(health::health))
        .routes(routes!(health::build))
        .routes(routes!(health::metrics))
        .routes(routes!(health::openapi))
}

/// Every path of telemetry.
pub fn router(telemetry: Telemetry) -> Router {
    let (router, _) = api().split_for_parts();
    with_safety_net(router)
        .layer(middleware::from_fn_with_state(telemetry.clone(), metrics::count))
        .with_state(telemetry)
}

/// The API description, generated from the handlers.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().split_for_parts().1
}
