//! Which calls are identical: the same agent asking for exactly the same thing.

use crate::decide::Judgement;
use interven_types::{ScanRequest, TenantId};
use interven_vault::keyed_hash;
use serde_json::Value;

/// HMAC-SHA256 under a server key over tenant, environment, agent, method, canonical URL, tool, operation and the
/// canonical body (RFC 8785). An approval answers calls with this signature and no others.
///
/// The canonical body writes every number as a double, and two account numbers of seventeen digits may be one double: the
/// digits of such integers are signed too. Methods that headers or query put in place of the request's count as it does.
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
    let methods = judgement.call.methods.join(" ");
    let mut digits = Vec::new();
    collect_long_integers(&request.body, &mut digits);
    let mut parts: Vec<&[u8]> = vec![
        tenant.0.as_bytes(),
        env.as_bytes(),
        judgement.facts.agent_id.0.as_bytes(),
        methods.as_bytes(),
        judgement.call.url.as_str().as_bytes(),
        call.tool.as_bytes(),
        call.operation.as_bytes(),
        &body,
    ];
    parts.extend(digits.iter().map(String::as_bytes));
    keyed_hash(key, "exact call", &parts)
}

/// Up to here a double holds every integer (RFC 7493 §2.2).
const EXACT_IN_A_DOUBLE: u64 = 1 << 53;

/// The digits of integers that a double may not hold, in the order of the body.
fn collect_long_integers(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Number(number) => {
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_some_and(|size| size > EXACT_IN_A_DOUBLE) {
                found.push(number.to_string());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_long_integers(item, found)),
        Value::Object(members) => members.values().for_each(|member| collect_long_integers(member, found)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
