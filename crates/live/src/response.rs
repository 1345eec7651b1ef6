//! What came back to the agent: classified, inspected, noted on its trace, never kept.

use crate::{Caller, Live, Tenant};
use interven_classify::{RedactionPlan, Subject};
use interven_engine::{Fingerprint, FingerprintKey, Injection, inspect};
use interven_store::{ScanResponseRow, StoreError, StoreResult};
use interven_types::{Confidence, DataClass, Timestamp, TraceId};
use interven_vault::keyed_hash;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

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
        body: Value,
        response_status: Option<u16>,
    ) -> StoreResult<InspectedResponse> {
        let tenant = self.tenant(caller.tenant()).ok_or(StoreError::NotFound("tenant"))?;
        if !self.is_own_trace(caller, trace_id).await? {
            return Err(StoreError::NotFound("trace"));
        }
        let content = serde_json::to_vec(&body).unwrap_or_default();
        let (tenant_id, bytes) = (tenant.id, content.len());
        let signing_key = *self.secrets.signing_key();
        let received = Received { trace_id, at: self.now(), response_status, body, content };
        let inspected = self.lanes.run(bytes, move || received.inspect(&tenant, &signing_key)).await;
        let inspected = inspected.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        self.store.attach_response(tenant_id, &inspected.row).await?;
        Ok(inspected)
    }
}

/// A response before anyone looked at it.
struct Received {
    trace_id: TraceId,
    at: Timestamp,
    response_status: Option<u16>,
    body: Value,
    /// The body, written.
    content: Vec<u8>,
}

impl Received {
    fn inspect(&self, tenant: &Arc<Tenant>, signing_key: &[u8; 32]) -> InspectedResponse {
        let no_headers = BTreeMap::new();
        let subject = Subject { url: "", host: None, headers: &no_headers, body: &self.body };
        let found = tenant.classifier.classify(&subject);
        let texts = found.texts();
        let injection = inspect(texts.iter().map(|text| text.as_ref()));
        let has = |class: &DataClass| {
            found.hits.iter().any(|hit| hit.class == *class && hit.confidence >= Confidence::Medium)
        };
        let data_classes: Vec<DataClass> = DataClass::ALL.into_iter().filter(has).collect();
        let classes = BTreeSet::from_iter(data_classes.iter().copied());
        let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &[] };
        let redacted = tenant.classifier.redact_found(&found, &plan);
        let parts = [tenant.id.0.as_bytes().as_slice(), &self.content];
        let digest = keyed_hash(signing_key, "response", &parts);
        // Keyed marks of what the agent read, so that it is known again where it turns up.
        let key = FingerprintKey::derive(signing_key, tenant.id);
        let values = found.values(Confidence::Medium);
        let marks = Fingerprint::of(&key, texts.iter().map(|text| text.as_ref()), values);
        let row = ScanResponseRow {
            trace_id: self.trace_id,
            at: self.at,
            response_status: self.response_status,
            data_classes,
            fields_redacted_count: u32::try_from(redacted.changed_fields).unwrap_or(u32::MAX),
            content_fingerprint: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            content_marks: marks.to_bytes(),
            injection: json!(injection),
        };
        InspectedResponse { row, injection }
    }
}
