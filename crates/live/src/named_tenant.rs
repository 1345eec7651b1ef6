//! Which tenant an operator acts on. Callers with a key are never asked: their key says it.

use crate::Live;
use interven_http::{ApiError, ApiResult};
use interven_store::TenantRow;
use interven_types::{ErrorCode, TenantId};

impl Live {
    /// The tenant that is named by id or name; without a name, the only one. As stored, not as loaded: a tenant that could
    /// not be loaded must be mendable.
    pub async fn named_tenant(&self, wanted: Option<&str>) -> ApiResult<TenantId> {
        let tenants = self.store.tenants().await.map_err(|cause| {
            tracing::error!(%cause, "the tenants could not be read");
            ApiError::new(
                ErrorCode::Unavailable,
                "the store does not answer now; a change may or may not have been made: look, then try again",
            )
        })?;
        wanted.map_or_else(|| only(&tenants), |wanted| named(wanted, &tenants))
    }
}

fn only(tenants: &[TenantRow]) -> ApiResult<TenantId> {
    match tenants {
        [only] => Ok(only.tenant_id),
        several => Err(ApiError::invalid_request(format!(
            "there are {} tenants: name one with `--tenant`, over HTTP with the header `X-Interven-Tenant: <id or name>`",
            several.len()
        ))),
    }
}

fn named(wanted: &str, tenants: &[TenantRow]) -> ApiResult<TenantId> {
    let id = wanted.parse::<TenantId>().ok();
    let found = tenants.iter().find(|tenant| Some(tenant.tenant_id) == id || tenant.name == wanted);
    found.map(|tenant| tenant.tenant_id).ok_or_else(|| {
        ApiError::new(ErrorCode::NotFound, "no tenant has the id or name in `X-Interven-Tenant`")
    })
}
