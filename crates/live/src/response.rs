//! What came back to the agent: classified, inspected, noted on its trace, never kept.

use crate::{Caller, Live};
use interven_classify::{Findings, RedactionPlan, Subject};
use interven_engine::{Fingerprint, FingerprintKey, Injection, inspect};
use interven_store::{ScanResponseRow, StoreResult};
use interven_types::{Confidence, DataClass, TenantId, TraceId};
use interven_vault::keyed_hash;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A response, as noted.
#[derive(Clone, Debug, PartialEq)]
pub struct InspectedResponse {
    pub row: ScanResponseRow,
    pub injection: Injection,
}

impl Live {
    /// Classifies a response and attaches the result to the caller's own trace.
    pub async fn inspect_response(
        &self,
        caller: &Caller,
        trace_id: TraceId,
        body: &Value,
        response_status: Option<u16>,
    ) -> StoreResult<InspectedResponse> {
        let tenant = self.tenant(caller.tenant()).ok_or(interven_store::StoreError::NotFound("tenant"))?;
        if !self.is_own_trace(caller, trace_id).await? {
            return Err(interven_store::StoreError::NotFound("trace"));
        }
        let no_headers = BTreeMap::new();
        let found = tenant.classifier.classify(&Subject { url: "", host: None, headers: &no_headers, body });
        let injection = inspect(found.texts().iter().map(|text| text.as_ref()));
        let has = |class: &DataClass| {
            found.hits.iter().any(|hit| hit.class == *class && hit.confidence >= Confidence::Medium)
        };
        let data_classes: Vec<DataClass> = DataClass::ALL.into_iter().filter(has).collect();
        let classes = BTreeSet::from_iter(data_classes.iter().copied());
        let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &[] };
        let redacted = tenant.classifier.redact_found(&found, &plan);
        let content = serde_json::to_vec(body).unwrap_or_default();
        let parts = [tenant.id.0.as_bytes().as_slice(), &content];
        let digest = keyed_hash(self.secrets.signing_key(), "response", &parts);
        let row = ScanResponseRow {
            trace_id,
            at: self.now(),
            response_status,
            data_classes,
            fields_redacted_count: u32::try_from(redacted.changed_fields).unwrap_or(u32::MAX),
            content_fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            content_marks: self.mark(tenant.id, &found).to_bytes(),
            injection: json!(injection),
        };
        self.store.attach_response(tenant.id, &row).await?;
        Ok(InspectedResponse { row, injection })
    }

    /// Keyed marks of what the agent read, so that it is known again where it turns up.
    fn mark(&self, tenant: TenantId, found: &Findings<'_>) -> Fingerprint {
        let key = FingerprintKey::derive(self.secrets.signing_key(), tenant);
        let texts = found.texts();
        Fingerprint::of(&key, texts.iter().map(|text| text.as_ref()), found.values(Confidence::Medium))
    }
}
