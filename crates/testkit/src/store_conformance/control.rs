//! The control plane: tenants, settings, people, keys, policies, and the audit log of their changes.

use super::{Stage, ada, is_conflict, is_not_found, minutes};
use interven_store::{
    AgentClaim, AgentOverride, AuditEntry, Change, DataKeyRow, Environments, KeyHash, KeyRecord, KeyScope,
    KeysChange, NewKey, PolicyRow, PolicyUpsert, Role, StoreError, StoreResult, UserRow,
};
use interven_types::{
    AgentId, AgentStatus, KeyFingerprint, KeyId, KeyKind, PolicyId, RuntimeType, TenantSettings, Timestamp,
    UserId,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

pub(super) fn key(stage: &Stage, secret: u8) -> NewKey {
    let record = KeyRecord {
        key_id: KeyId(Uuid::now_v7()),
        tenant_id: stage.tenant,
        name: "ci".into(),
        prefix: "iv_live_abcd".into(),
        env: "default".into(),
        env_override: true,
        agent_id: stage.agent,
        agent_override: AgentOverride::Listed(BTreeSet::from([stage.agent])),
        ip_allowlist: vec!["10.0.0.0/8".into()],
        scopes: BTreeSet::from([KeyScope::Scan, KeyScope::TracesRead]),
        monitor: false,
        created_at: stage.now,
        created_by: "ada@acme.example".into(),
        expires_at: Some(stage.later(minutes(60))),
        revoked_at: None,
        last_seen_at: None,
        blocked_attempts: 0,
        last_refusal: None,
        signing: false,
        ephemeral: None,
    };
    NewKey { record, hash: KeyHash([secret; 32]), sealed_secret: None }
}

pub(super) fn user(stage: &Stage, email: &str) -> UserRow {
    UserRow {
        user_id: UserId(Uuid::now_v7()),
        tenant_id: stage.tenant,
        email: email.into(),
        role: Role::Reviewer,
        password_hash: "$argon2id$first".into(),
        created_at: stage.now,
        disabled_at: None,
    }
}

pub(super) fn policy(name: &str, env: Option<&str>, source: Value) -> PolicyUpsert {
    PolicyUpsert {
        name: name.into(),
        env_name: env.map(str::to_owned),
        agent_id: None,
        source,
        if_version: None,
        restored_from: None,
    }
}

/// Applies to the policies as they are.
pub(super) async fn apply(stage: &Stage, policies: &[PolicyUpsert]) -> StoreResult<Vec<PolicyRow>> {
    let revision = stage.store.policy_revision(stage.tenant).await?;
    let applied = stage.store.apply_policies(stage.tenant, revision, policies, &ada(), stage.now).await?;
    applied.ok_or_else(|| StoreError::Conflict("the policies changed meanwhile".to_owned()))
}

pub(super) async fn a_tenant_starts_with_default_settings_and_a_name_of_its_own(stage: Stage) {
    let settings = stage.store.settings(stage.tenant).await.unwrap();
    assert_eq!((settings.version, settings.settings), (1, TenantSettings::default()));
    assert!(is_conflict(&stage.store.create_tenant("acme", &ada(), stage.now).await));
    stage.store.create_tenant("zeta", &ada(), stage.now).await.unwrap();
    let names: Vec<String> =
        stage.store.tenants().await.unwrap().into_iter().map(|tenant| tenant.name).collect();
    assert_eq!(names, ["acme", "zeta"]);
}

pub(super) async fn settings_are_versions_and_the_first_writer_wins(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let strict = TenantSettings { own_domains: vec!["acme.example".into()], ..TenantSettings::default() };
    let second = store.update_settings(tenant, &strict, Some(1), &ada(), stage.now).await.unwrap();
    assert_eq!((second.version, &second.settings), (2, &strict));
    assert!(is_conflict(&store.update_settings(tenant, &strict, Some(1), &ada(), stage.now).await));
    assert_eq!(store.update_settings(tenant, &strict, None, &ada(), stage.now).await.unwrap().version, 3);
    assert_eq!(store.settings_at(tenant, 1).await.unwrap(), TenantSettings::default());
    assert_eq!(store.settings_at(tenant, 2).await.unwrap(), strict);
    assert!(is_not_found(&store.settings_at(tenant, 4).await));
    let listed = store.settings_versions(tenant, 2).await.unwrap();
    assert_eq!(
        listed.iter().map(|row| (row.version, row.updated_at)).collect::<Vec<_>>(),
        [(3, stage.now), (2, stage.now)]
    );
    let told = store.audit_log(tenant, None, 2).await.unwrap();
    let details: Vec<_> = told.iter().map(|row| &row.details).collect();
    assert_eq!(
        details,
        [&json!({"version": 3, "changed": []}), &json!({"version": 2, "changed": ["own_domains"]})]
    );
}

pub(super) async fn an_installation_value_is_stored_once(stage: Stage) {
    assert_eq!(stage.store.installation_value("key", &[0, 255]).await.unwrap(), [0, 255]);
    assert_eq!(stage.store.installation_value("key", b"other").await.unwrap(), [0, 255]);
}

pub(super) async fn data_keys_are_changed_by_whoever_planned_on_them_as_they_are(stage: Stage) {
    let (store, tenant, now) = (&stage.store, stage.tenant, stage.now);
    let key = |byte, tenant_id| DataKeyRow {
        fingerprint: KeyFingerprint([byte; 4]),
        tenant_id,
        number: 0,
        wrapped_key: vec![byte; 3],
        created_at: now,
    };
    store.installation_value("server_key", &[1]).await.unwrap();
    let empty = store.stored_keys(0).await.unwrap();
    assert_eq!(empty.keys, []);
    let entry =
        AuditEntry { action: "encryption.new_data_key".into(), target: "02".into(), details: json!({}) };
    let first = KeysChange {
        added: vec![key(2, None), key(1, Some(tenant))],
        values: vec![("server_key".to_owned(), vec![2])],
        audit: vec![(tenant, entry)],
        ..KeysChange::default()
    };
    let mut changes = store.changes();
    assert!(store.change_keys(empty.revision, &first, &ada(), now).await.unwrap());
    assert_eq!(changes.try_recv(), Ok(Change::Tenant(tenant)));
    let again = KeysChange { added: vec![key(3, None)], ..KeysChange::default() };
    assert!(!store.change_keys(empty.revision, &again, &ada(), now).await.unwrap(), "another was first");

    let stored = store.stored_keys(0).await.unwrap();
    let numbered = |key, number| DataKeyRow { number, ..key };
    assert_eq!(stored.keys, [numbered(key(2, None), 1), numbered(key(1, Some(tenant)), 2)]);
    assert_eq!(store.installation_value("server_key", &[9]).await.unwrap(), [2]);
    assert!(stored.values.contains(&("server_key".to_owned(), vec![2])));
    assert_eq!(store.audit_log(tenant, None, 1).await.unwrap()[0].action, "encryption.new_data_key");

    let anew = KeysChange { rewrapped: vec![(KeyFingerprint([1; 4]), vec![9; 3])], ..KeysChange::default() };
    assert!(store.change_keys(stored.revision, &anew, &ada(), now).await.unwrap());
    let later = store.stored_keys(1).await.unwrap();
    assert_eq!(later.keys, [DataKeyRow { wrapped_key: vec![9; 3], ..numbered(key(1, Some(tenant)), 2) }]);

    // A taken name undoes the whole change.
    let taken = KeysChange { added: vec![key(4, None), key(2, None)], ..KeysChange::default() };
    assert!(is_conflict(&store.change_keys(later.revision, &taken, &ada(), now).await));
    let unchanged = store.stored_keys(0).await.unwrap();
    assert_eq!((unchanged.revision, unchanged.keys.len()), (later.revision, 2));
}

pub(super) async fn people_sign_in_under_one_address_whatever_its_case(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let bob = user(&stage, "Bob@Acme.example");
    store.create_user(tenant, &bob, &ada()).await.unwrap();
    assert_eq!(store.users(tenant).await.unwrap(), [bob]);
    assert!(is_conflict(&store.create_user(tenant, &user(&stage, "bob@acme.EXAMPLE"), &ada()).await));
    store.set_password(tenant, "bob@acme.example", "$argon2id$second", &ada(), stage.now).await.unwrap();
    store.disable_user(tenant, "BOB@acme.example", &ada(), stage.now).await.unwrap();
    // Disabling twice keeps the first time.
    store.disable_user(tenant, "bob@acme.example", &ada(), stage.later(minutes(1))).await.unwrap();
    let bob = store.users(tenant).await.unwrap().pop().unwrap();
    assert_eq!((bob.password_hash.as_str(), bob.disabled_at), ("$argon2id$second", Some(stage.now)));
    assert!(is_not_found(&store.disable_user(tenant, "eve@acme.example", &ada(), stage.now).await));
    assert!(is_not_found(&store.set_password(tenant, "eve@acme.example", "x", &ada(), stage.now).await));
}

pub(super) async fn a_key_is_known_by_its_hash_until_it_is_revoked(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let made = key(&stage, 1);
    let id = made.record.key_id;
    store.create_key(tenant, &made, &ada()).await.unwrap();
    assert_eq!(store.key_by_hash(&made.hash).await.unwrap(), Some(made.record.clone()));
    assert_eq!(store.key_by_hash(&KeyHash([2; 32])).await.unwrap(), None);
    assert!(is_conflict(&store.create_key(tenant, &key(&stage, 1), &ada()).await), "one hash, one key");

    store.touch_key(tenant, id, stage.later(minutes(2))).await.unwrap();
    store.touch_key(tenant, id, stage.later(minutes(1))).await.unwrap();
    store.note_refusal(tenant, id, "address", true).await.unwrap();
    store.note_refusal(tenant, id, "scope", false).await.unwrap();
    store.revoke_key(tenant, id, &ada(), stage.now).await.unwrap();
    store.revoke_key(tenant, id, &ada(), stage.later(minutes(9))).await.unwrap();
    let expected = KeyRecord {
        revoked_at: Some(stage.now),
        last_seen_at: Some(stage.later(minutes(2))),
        blocked_attempts: 1,
        last_refusal: Some("scope".into()),
        ..made.record
    };
    assert_eq!(store.keys(tenant, KeyKind::Live).await.unwrap(), [expected]);
    assert!(is_not_found(&store.revoke_key(tenant, KeyId(Uuid::nil()), &ada(), stage.now).await));
}

pub(super) async fn policies_are_versions_applied_together_or_not_at_all(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let both = [policy("pay", Some("production"), json!({"n": 1})), policy("pay", None, json!({"n": 2}))];
    let applied = apply(&stage, &both).await.unwrap();
    assert_eq!(applied.iter().map(|row| row.version).collect::<Vec<_>>(), [1, 1]);
    let again = apply(&stage, &both).await.unwrap();
    assert_eq!(again.iter().map(|row| row.version).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(again[0].policy_id, applied[0].policy_id);

    let expecting =
        |name, version| PolicyUpsert { if_version: Some(version), ..policy(name, None, json!({"n": 9})) };
    let refused = [expecting("pay", 1), expecting("pay", 0), expecting("absent", 1)];
    for stale in refused {
        let mixed = [policy("new", None, json!({})), stale];
        assert!(is_conflict(&apply(&stage, &mixed).await), "{mixed:?}");
    }
    let told = apply(&stage, &[expecting("pay", 1)]).await.unwrap_err().to_string();
    assert!(
        told.contains("version 2") && told.contains(&ada().name) && told.contains(&ada().origin),
        "{told}"
    );
    let current = store.policies(tenant).await.unwrap();
    assert_eq!(current, [again[1].clone(), again[0].clone()], "nothing was applied");
    assert!(current.iter().all(|row| row.updated_by == ada().name && row.updated_from == ada().origin));

    let everywhere = store.policy_by_name(tenant, "pay", None).await.unwrap();
    assert_eq!(everywhere.source, json!({"n": 2}));
    assert!(is_not_found(&store.policy_by_name(tenant, "pay", Some("dev")).await));
    assert!(is_not_found(&store.policy_by_name(tenant, "new", None).await));
    assert_eq!(apply(&stage, &[expecting("pay", 2), expecting("new", 0)]).await.unwrap()[0].version, 3);
}

pub(super) async fn what_was_planned_on_other_policies_is_not_applied(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let seen = store.policy_revision(tenant).await.unwrap();
    let first = apply(&stage, &[policy("first", None, json!({}))]).await.unwrap().remove(0);
    let second = [policy("second", None, json!({}))];
    let late = async |seen| store.apply_policies(tenant, seen, &second, &ada(), stage.now).await.unwrap();
    assert_eq!(late(seen).await, None);
    let seen = store.policy_revision(tenant).await.unwrap();
    store.delete_policy(tenant, first.policy_id, None, &ada(), stage.now).await.unwrap();
    assert_eq!(late(seen).await, None);
    assert_eq!(store.policies(tenant).await.unwrap(), []);
    assert!(late(store.policy_revision(tenant).await.unwrap()).await.is_some());
}

pub(super) async fn a_deleted_policy_leaves_decisions_but_not_history(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let pay = policy("pay", None, json!({"rules": [1, 2]}));
    let first = apply(&stage, std::slice::from_ref(&pay)).await.unwrap().remove(0);
    let delete = async |if_version| {
        store.delete_policy(tenant, first.policy_id, if_version, &ada(), stage.later(minutes(1))).await
    };
    assert!(is_conflict(&delete(Some(2)).await));
    delete(Some(1)).await.unwrap();
    assert_eq!(store.policies(tenant).await.unwrap(), []);
    assert!(is_not_found(&store.policy_by_name(tenant, "pay", None).await));
    assert!(is_not_found(&delete(None).await));
    let gone = PolicyRow { deleted_at: Some(stage.later(minutes(1))), ..first.clone() };
    assert_eq!(store.policies_with_deleted(tenant).await.unwrap(), std::slice::from_ref(&gone));
    assert_eq!(store.policy_version(tenant, first.policy_id, 1).await.unwrap(), gone);

    let absent = PolicyUpsert { if_version: Some(0), restored_from: Some(1), ..pay };
    let back = apply(&stage, &[absent]).await.unwrap().remove(0);
    assert_eq!((back.policy_id, back.version), (first.policy_id, 2));
    assert_eq!(store.policies(tenant).await.unwrap(), [back]);
    let versions = store.policy_versions(tenant, first.policy_id, 9).await.unwrap();
    let told = versions.iter().map(|v| (v.version, v.rules, v.restored_from, v.deleted_by.as_deref()));
    assert_eq!(told.collect::<Vec<_>>(), [(2, 2, Some(1), None), (1, 2, None, Some(ada().name.as_str()))]);
    assert_eq!(store.policy_versions(tenant, first.policy_id, 1).await.unwrap(), versions[..1]);
    assert!(is_not_found(&store.policy_versions(tenant, PolicyId(Uuid::nil()), 9).await));
    let actions = store.audit_log(tenant, None, 2).await.unwrap();
    assert_eq!(
        actions.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(),
        ["policy.restore", "policy.delete"]
    );
}

pub(super) async fn an_agents_own_policy_stands_beside_that_of_all(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let own = PolicyUpsert { agent_id: Some(stage.agent), ..policy("pay", None, json!({"n": 1})) };
    let both = [own.clone(), policy("pay", None, json!({"n": 2}))];
    apply(&stage, &both).await.unwrap();
    let again = apply(&stage, &both).await.unwrap();
    assert_eq!(
        again.iter().map(|row| (row.agent_id, row.version)).collect::<Vec<_>>(),
        [(Some(stage.agent), 2), (None, 2)]
    );
    assert_eq!(store.policy_by_name(tenant, "pay", None).await.unwrap(), again[1]);
    let stranger = PolicyUpsert { agent_id: Some(AgentId(Uuid::nil())), ..own };
    assert!(is_not_found(&apply(&stage, &[stranger]).await));
}

pub(super) async fn a_policy_set_is_remembered_under_its_hash(stage: Stage) {
    let members = [(PolicyId(Uuid::now_v7()), 3), (PolicyId(Uuid::now_v7()), 1)];
    stage.store.save_policy_set(stage.tenant, "h1", &members).await.unwrap();
    stage.store.save_policy_set(stage.tenant, "h1", &[]).await.unwrap();
    assert_eq!(stage.store.policy_set(stage.tenant, "h1").await.unwrap(), members);
    assert!(is_not_found(&stage.store.policy_set(stage.tenant, "h2").await));
}

pub(super) async fn every_control_plane_change_is_audited_and_announced(stage: Stage) {
    let (store, tenant, now) = (&stage.store, stage.tenant, stage.now);
    let mut changes = store.changes();
    let made = key(&stage, 1);
    store.update_settings(tenant, &TenantSettings::default(), None, &ada(), now).await.unwrap();
    store.create_user(tenant, &user(&stage, "bob@acme.example"), &ada()).await.unwrap();
    store.set_password(tenant, "bob@acme.example", "x", &ada(), now).await.unwrap();
    store.disable_user(tenant, "bob@acme.example", &ada(), now).await.unwrap();
    store.create_key(tenant, &made, &ada()).await.unwrap();
    store.revoke_key(tenant, made.record.key_id, &ada(), now).await.unwrap();
    let pay = [policy("pay", None, json!({}))];
    let applied = apply(&stage, &pay).await.unwrap();
    store.delete_policy(tenant, applied[0].policy_id, None, &ada(), now).await.unwrap();
    store.set_agent_status(tenant, stage.agent, AgentStatus::Suspended, &ada(), now).await.unwrap();
    store.set_agent_status(tenant, stage.agent, AgentStatus::Active, &ada(), now).await.unwrap();
    store.reset_trust(tenant, stage.agent, &ada(), now).await.unwrap();
    for _ in 0..8 {
        assert_eq!(changes.try_recv(), Ok(Change::Tenant(tenant)));
    }
    for _ in 0..3 {
        assert_eq!(changes.try_recv(), Ok(Change::Agent(tenant, stage.agent)));
    }
    let reveal = AuditEntry {
        action: "body.reveal".into(),
        target: "trace 1".into(),
        details: json!({"why": "case 7"}),
    };
    store.audit(tenant, &reveal, &ada(), now).await.unwrap();
    assert!(changes.try_recv().is_err(), "a plain audit row changes nothing else");

    let log = store.audit_log(tenant, None, 100).await.unwrap();
    let actions: Vec<&str> = log.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(
        actions,
        [
            "tenant.create",
            "settings.update",
            "user.create",
            "user.set_password",
            "user.disable",
            "key.create",
            "key.revoke",
            "policy.apply",
            "policy.delete",
            "agent.suspend",
            "agent.reactivate",
            "agent.reset_trust",
            "body.reveal"
        ]
    );
    assert_eq!(log.iter().map(|row| row.seq).collect::<Vec<_>>(), (1..=13).rev().collect::<Vec<_>>());
    assert_eq!((&log[0].actor, &log[0].details), (&ada(), &reveal.details));
    let page = store.audit_log(tenant, Some(13), 2).await.unwrap();
    assert_eq!(page, log[1..3]);
}

pub(super) async fn a_signing_key_is_found_by_its_agent(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let signing = |secret: u8, sealed: Option<Vec<u8>>| {
        let NewKey { record, hash, .. } = key(&stage, secret);
        NewKey { record: KeyRecord { signing: sealed.is_some(), ..record }, hash, sealed_secret: sealed }
    };
    let (first, second, plain) = (signing(1, Some(vec![1])), signing(2, Some(vec![2, 2])), signing(3, None));
    for new in [&first, &second, &plain] {
        store.create_key(tenant, new, &ada()).await.unwrap();
    }
    let found = store.signing_keys(stage.agent).await.unwrap();
    let known: Vec<_> = found.iter().map(|key| (key.record.key_id, key.sealed_secret.clone())).collect();
    assert_eq!(known, [(second.record.key_id, vec![2, 2]), (first.record.key_id, vec![1])], "newest first");
    assert_eq!(found[1].record, first.record);
    assert!(store.signing_keys(AgentId(Uuid::nil())).await.unwrap().is_empty());
}

pub(super) async fn a_signed_request_is_new_once_in_its_time(stage: Stage) {
    let (store, tenant, agent) = (&stage.store, stage.tenant, stage.agent);
    let long_ago = Timestamp::from_unix_ms(0);
    let note = async |tenant, agent, nonce: &str, at, forget| {
        store.note_request(tenant, agent, nonce, at, forget).await.unwrap()
    };
    assert!(note(tenant, agent, "a", stage.now, long_ago).await);
    assert!(!note(tenant, agent, "a", stage.later(minutes(1)), long_ago).await);
    assert!(note(tenant, agent, "b", stage.now, long_ago).await);
    assert!(note(tenant, AgentId(Uuid::nil()), "a", stage.now, long_ago).await, "another agent's own");
    let other = store.create_tenant("other", &ada(), stage.now).await.unwrap().tenant_id;
    assert!(note(other, agent, "a", stage.now, long_ago).await, "another tenant's own");
    assert!(note(tenant, agent, "c", stage.later(minutes(3)), stage.later(minutes(2))).await);
    assert!(note(tenant, agent, "a", stage.later(minutes(3)), stage.later(minutes(2))).await, "forgotten");

    let at_once = (0..8).map(|_| {
        let store = stage.store.clone();
        let now = stage.now;
        tokio::spawn(async move { store.note_request(tenant, agent, "race", now, long_ago).await.unwrap() })
    });
    let mut new = 0;
    for noted in at_once.collect::<Vec<_>>() {
        new += u32::from(noted.await.unwrap());
    }
    assert_eq!(new, 1);
}

pub(super) async fn an_agent_is_where_its_keys_are(stage: Stage) {
    let (store, tenant, agent) = (&stage.store, stage.tenant, stage.agent);
    let in_env = |secret: u8, env: &str, agent: AgentId, env_override: bool| {
        let NewKey { record, .. } = key(&stage, secret);
        let record = KeyRecord { env: env.into(), agent_id: agent, env_override, ..record };
        NewKey { record, hash: KeyHash([secret; 32]), sealed_secret: None }
    };
    let nobody = AgentId(Uuid::nil());
    let (own, spoken, revoked) = (
        in_env(1, "default", agent, false),
        in_env(2, "staging", nobody, false),
        in_env(3, "old", agent, true),
    );
    for new in [&own, &spoken, &revoked] {
        store.create_key(tenant, new, &ada()).await.unwrap();
    }
    store.revoke_key(tenant, revoked.record.key_id, &ada(), stage.now).await.unwrap();
    let claim = AgentClaim::Id { agent_id: agent, name: None };
    let spoken_with = Some(spoken.record.key_id);
    store.ensure_agent(tenant, spoken_with, &claim, RuntimeType::Custom, stage.now).await.unwrap();
    let found = store.environments_of(tenant, agent).await.unwrap();
    assert_eq!(found.named, BTreeSet::from(["default".to_owned(), "staging".to_owned()]));
    assert!(!found.is_any && found.has("staging") && !found.has("old"));
    store.create_key(tenant, &in_env(4, "default", agent, true), &ada()).await.unwrap();
    assert!(store.environments_of(tenant, agent).await.unwrap().has("anything"));
    let other = store.create_tenant("other", &ada(), stage.now).await.unwrap().tenant_id;
    assert_eq!(store.environments_of(other, agent).await.unwrap(), Environments::default());
}
