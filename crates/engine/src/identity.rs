//! Which calls are identical: the same agent asking for exactly the same thing.

use crate::decide::Judgement;
use interven_types::{ScanRequest, TenantId};
use interven_vault::keyed_hash;

/// HMAC-SHA256 under a server key over tenant, environment, agent, method, canonical URL, tool, operation and the
/// canonical body (RFC 8785). An approval answers calls with this signature and no others.
pub fn signature(
    key: &[u8; 32],
    tenant: TenantId,
    env: &str,
    request: &ScanRequest,
    judgement: &Judgement,
) -> [u8; 32] {
    let call = &judgement.call.primary;
    // A JSON value always has a canonical form; were it missing, the digest of nothing would still bind the rest.
    let body = serde_json_canonicalizer::to_vec(&request.body).unwrap_or_default();
    keyed_hash(
        key,
        "exact call",
        &[
            tenant.0.as_bytes(),
            env.as_bytes(),
            judgement.facts.agent_id.0.as_bytes(),
            request.method.to_ascii_uppercase().as_bytes(),
            judgement.call.url.as_str().as_bytes(),
            call.tool.as_bytes(),
            call.operation.as_bytes(),
            &body,
        ],
    )
}
