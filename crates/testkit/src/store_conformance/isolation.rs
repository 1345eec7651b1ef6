//! Tenants: whatever one holds, another finds nothing.

use super::{Call, Stage, ada, control, is_not_found, needing_a_human};
use interven_store::{
    ActivityExtent, ActivityFilter, AgentClaim, ApprovalDecision, ApprovalEffect, ApprovalFilter, AuditEntry,
    IncidentEffect, ScanResponseRow,
};
use interven_types::{AgentId, AgentStatus, KeyKind, RiskBand, RuntimeType, TenantId, TenantSettings};
use serde_json::json;
use uuid::Uuid;

pub(super) async fn a_foreign_tenant_finds_nothing(stage: Stage) {
    let (store, now) = (&stage.store, stage.now);
    let key = control::key(&stage, 1);
    store.create_key(stage.tenant, &key, &ada()).await.unwrap();
    store.create_user(stage.tenant, &control::user(&stage, "bob@acme.example"), &ada()).await.unwrap();
    let pay = [control::policy("pay", None, json!({}))];
    let pay_id = control::apply(&stage, &pay).await.unwrap()[0].policy_id;
    store.save_policy_set(stage.tenant, "h", &[(pay_id, 1)]).await.unwrap();
    let receipt = stage.scan(|known, settled| {
        needing_a_human(Some(1))(known, settled);
        let title = "looked at".to_owned();
        settled.incidents = vec![IncidentEffect { trigger: "RULE".into(), severity: RiskBand::High, title }];
        settled.trust_events =
            vec![super::event(interven_store::TrustEventKind::Deny, known.trust.updated_at, 0.9)];
    });
    let receipt = receipt.await;
    let trace_id = receipt.settled.row.trace_id;
    let ApprovalEffect::Create(approval) = receipt.settled.approval else {
        panic!("the call was held");
    };

    let other = store.create_tenant("other", &ada(), now).await.unwrap().tenant_id;
    let nobody = TenantId(Uuid::now_v7());
    let settings = TenantSettings::default();
    let response = ScanResponseRow {
        trace_id,
        at: now,
        response_status: None,
        data_classes: vec![],
        fields_redacted_count: 0,
        content_fingerprint: String::new(),
        content_marks: vec![],
        injection: json!(null),
    };
    for tenant in [other, nobody] {
        let claim = AgentClaim::Id { agent_id: stage.agent, name: None };
        let call = Call::by(stage.agent, now).entry(|_, _| ());
        let decision = ApprovalDecision::Approve;
        let refused = [
            (
                "ensure_agent",
                is_not_found(&store.ensure_agent(tenant, None, &claim, RuntimeType::Node, now).await),
            ),
            ("agent", is_not_found(&store.agent(tenant, stage.agent).await)),
            (
                "set_agent_status",
                is_not_found(
                    &store.set_agent_status(tenant, stage.agent, AgentStatus::Suspended, &ada(), now).await,
                ),
            ),
            ("reset_trust", is_not_found(&store.reset_trust(tenant, stage.agent, &ada(), now).await)),
            ("record_scan", is_not_found(&store.record_scan(tenant, call).await)),
            ("trace", is_not_found(&store.trace(tenant, trace_id).await)),
            ("attach_response", is_not_found(&store.attach_response(tenant, &response).await)),
            ("responses", is_not_found(&store.responses(tenant, trace_id).await)),
            ("approval", is_not_found(&store.approval(tenant, approval.approval_id, now).await)),
            (
                "decide_approval",
                is_not_found(
                    &store.decide_approval(tenant, approval.approval_id, decision, None, &ada(), now).await,
                ),
            ),
            ("revoke_key", is_not_found(&store.revoke_key(tenant, key.record.key_id, &ada(), now).await)),
            ("touch_key", is_not_found(&store.touch_key(tenant, key.record.key_id, now).await)),
            ("note_refusal", is_not_found(&store.note_refusal(tenant, key.record.key_id, "x", true).await)),
            ("create_key", is_not_found(&store.create_key(tenant, &control::key(&stage, 2), &ada()).await)),
            ("policy_by_name", is_not_found(&store.policy_by_name(tenant, "pay", None).await)),
            ("policy_version", is_not_found(&store.policy_version(tenant, pay_id, 1).await)),
            ("policy_versions", is_not_found(&store.policy_versions(tenant, pay_id, 9).await)),
            ("delete_policy", is_not_found(&store.delete_policy(tenant, pay_id, None, &ada(), now).await)),
            ("policy_set", is_not_found(&store.policy_set(tenant, "h").await)),
            (
                "set_password",
                is_not_found(&store.set_password(tenant, "bob@acme.example", "x", &ada(), now).await),
            ),
            (
                "disable_user",
                is_not_found(&store.disable_user(tenant, "bob@acme.example", &ada(), now).await),
            ),
        ];
        for (method, is_refused) in refused {
            assert!(is_refused, "{method} let a foreign tenant in");
        }
        let activity = ActivityFilter { agent_id: Some(stage.agent), limit: 10, ..ActivityFilter::default() };
        assert_eq!(store.activity(tenant, &activity).await.unwrap(), []);
        assert_eq!(store.sealed_activity(tenant, &activity).await.unwrap(), []);
        assert_eq!(store.activity_extent(tenant, &activity).await.unwrap(), ActivityExtent::default());
        let approvals = ApprovalFilter { agent_id: Some(stage.agent), limit: 10, status: None };
        assert_eq!(store.approvals(tenant, &approvals, now).await.unwrap(), []);
        assert_eq!(store.trust_events(tenant, stage.agent, 10).await.unwrap(), []);
        assert_eq!(store.agents(tenant).await.unwrap(), []);
        assert_eq!(store.keys(tenant, KeyKind::Live).await.unwrap(), []);
        assert_eq!(store.policies(tenant).await.unwrap(), []);
        assert_eq!(store.policies_with_deleted(tenant).await.unwrap(), []);
        assert_eq!(store.users(tenant).await.unwrap(), []);
        assert_eq!(store.incidents(tenant, 10).await.unwrap(), []);
        assert_eq!(store.scans_in_month(tenant, now).await.unwrap(), 0);
        let audited = store.audit_log(tenant, None, 10).await.unwrap();
        assert!(audited.iter().all(|row| row.action == "tenant.create"), "{audited:?}");
    }

    // A tenant that does not exist can be given nothing either.
    let entry = AuditEntry { action: "x".into(), target: "x".into(), details: json!(null) };
    let claim = AgentClaim::Id { agent_id: AgentId(Uuid::now_v7()), name: None };
    let eve = control::user(&stage, "eve@acme.example");
    let refused = [
        ("settings", is_not_found(&store.settings(nobody).await)),
        ("update_settings", is_not_found(&store.update_settings(nobody, &settings, None, &ada(), now).await)),
        ("settings_versions", is_not_found(&store.settings_versions(nobody, 9).await)),
        ("settings_at", is_not_found(&store.settings_at(nobody, 1).await)),
        ("create_user", is_not_found(&store.create_user(nobody, &eve, &ada()).await)),
        ("apply_policies", is_not_found(&store.apply_policies(nobody, 0, &pay, &ada(), now).await)),
        ("policy_revision", is_not_found(&store.policy_revision(nobody).await)),
        ("save_policy_set", is_not_found(&store.save_policy_set(nobody, "h", &[]).await)),
        (
            "ensure_agent",
            is_not_found(&store.ensure_agent(nobody, None, &claim, RuntimeType::Node, now).await),
        ),
        ("audit", is_not_found(&store.audit(nobody, &entry, &ada(), now).await)),
    ];
    for (method, is_refused) in refused {
        assert!(is_refused, "{method} served a tenant that does not exist");
    }
    // And nothing of it touched the owner's things.
    let agent = store.agent(stage.tenant, stage.agent).await.unwrap();
    assert_eq!(agent.status, AgentStatus::Active);
    let kept = store.keys(stage.tenant, KeyKind::Live).await.unwrap();
    assert_eq!((kept[0].revoked_at, kept[0].last_seen_at, kept[0].blocked_attempts), (None, None, 0));
}
