//! What operators send beside their request.

use axum::http::{HeaderMap, header};
use interven_types::Secret;
use subtle::ConstantTimeEq as _;

const TENANT_HEADER: &str = "x-interven-tenant";

/// Whether the request bears the secret; compared in constant time.
pub fn has_bearer(headers: &HeaderMap, secret: &Secret) -> bool {
    let given =
        headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let (given, expected) = (given.unwrap_or_default().as_bytes(), secret.reveal().as_bytes());
    // An empty secret would be one that everybody knows.
    !expected.is_empty() && bool::from(given.ct_eq(expected))
}

/// The tenant that an operator names, by id or name. One that is no text is a name that nobody has.
pub fn named_tenant(headers: &HeaderMap) -> Option<&str> {
    headers.get(TENANT_HEADER).map(|value| value.to_str().unwrap_or_default().trim())
}
