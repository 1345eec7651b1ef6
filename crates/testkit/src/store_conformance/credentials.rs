//! Credentials of upstream tools.

use super::{Stage, ada, is_not_found, minutes};
use interven_store::{CredentialKind, ToolCredentialRow};
use interven_types::CredentialId;
use uuid::Uuid;

fn credential(stage: &Stage, tool: &str, host: &str, env: Option<&str>) -> ToolCredentialRow {
    ToolCredentialRow {
        credential_id: CredentialId(Uuid::now_v7()),
        tool: tool.into(),
        host: host.into(),
        env: env.map(str::to_owned),
        kind: CredentialKind::Bearer,
        base_url: None,
        sealed_secret: vec![1, 2, 3],
        created_at: stage.now,
        created_by: ada().name,
        rotated_at: None,
        last_used_at: None,
    }
}

pub(super) async fn a_credential_is_one_for_each_tool_host_and_environment(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let github = credential(&stage, "github", "api.github.com", None);
    let for_production = credential(&stage, "github", "api.github.com", Some("production"));
    let slack = credential(&stage, "slack", "slack.com", None);
    for new in [&slack, &for_production, &github] {
        assert_eq!(&store.set_tool_credential(tenant, new, &ada()).await.unwrap(), new);
    }
    let listed = store.tool_credentials(tenant).await.unwrap();
    assert_eq!(listed, [github.clone(), for_production.clone(), slack.clone()]);

    let another = ToolCredentialRow {
        kind: CredentialKind::HeaderSet,
        base_url: Some("https://ghe.acme.example/api/v3".into()),
        sealed_secret: vec![9],
        created_at: stage.later(minutes(3)),
        ..credential(&stage, "github", "api.github.com", None)
    };
    let rotated = ToolCredentialRow {
        credential_id: github.credential_id,
        created_at: github.created_at,
        rotated_at: Some(another.created_at),
        ..another.clone()
    };
    assert_eq!(store.set_tool_credential(tenant, &another, &ada()).await.unwrap(), rotated);

    store.touch_tool_credential(tenant, github.credential_id, stage.later(minutes(5))).await.unwrap();
    store.touch_tool_credential(tenant, github.credential_id, stage.later(minutes(4))).await.unwrap();
    let used = ToolCredentialRow { last_used_at: Some(stage.later(minutes(5))), ..rotated };
    store.remove_tool_credential(tenant, slack.credential_id, &ada(), stage.now).await.unwrap();
    assert_eq!(store.tool_credentials(tenant).await.unwrap(), [used, for_production]);
    let gone = store.remove_tool_credential(tenant, slack.credential_id, &ada(), stage.now).await;
    assert!(is_not_found(&gone));
    assert!(is_not_found(&store.touch_tool_credential(tenant, slack.credential_id, stage.now).await));
}

pub(super) async fn a_foreign_tenant_neither_sees_nor_uses_nor_removes_one(stage: Stage) {
    let store = &stage.store;
    let own = credential(&stage, "slack", "slack.com", None);
    store.set_tool_credential(stage.tenant, &own, &ada()).await.unwrap();
    let other = store.create_tenant("other", &ada(), stage.now).await.unwrap().tenant_id;
    assert_eq!(store.tool_credentials(other).await.unwrap(), []);
    assert!(is_not_found(&store.remove_tool_credential(other, own.credential_id, &ada(), stage.now).await));
    assert!(is_not_found(&store.touch_tool_credential(other, own.credential_id, stage.now).await));
    let theirs = credential(&stage, "slack", "slack.com", None);
    store.set_tool_credential(other, &theirs, &ada()).await.unwrap();
    assert_eq!(store.tool_credentials(stage.tenant).await.unwrap(), [own]);
}
