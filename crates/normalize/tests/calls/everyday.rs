//! Tools that most agents meet: forges, trackers, chats, mail and models, the dangerous calls among them.

use crate::{call, name};
use serde_json::{Value, json};

/// Calls below `base`, and what each is named.
#[track_caller]
fn check_names(base: &str, table: &[(&str, &str, Value, &str)]) {
    for (method, path, body, expected) in table {
        let action = call(method, &format!("{base}{path}"), body.clone()).primary;
        assert_eq!(name(&action), *expected, "{method} {base}{path} {body}");
    }
}

#[test]
fn gitlab() {
    let project = "https://gitlab.com/api/v4/projects/acme%2Fapp";
    check_names(
        project,
        &[
            ("POST", "/merge_requests/1/approve", json!({}), "gitlab.approve_pr ADMIN"),
            ("POST", "/merge_requests", json!({"title": "t"}), "gitlab.create_pr WRITE"),
            ("POST", "/issues", json!({"title": "t"}), "gitlab.create_issue WRITE"),
            ("POST", "/members", json!({"user_id": 7, "access_level": 40}), "gitlab.add_collaborator ADMIN"),
            ("POST", "/invitations", json!({"email": "eve@other.test"}), "gitlab.add_collaborator ADMIN"),
            ("PUT", "/repository/files/src%2Fmain.rs", json!({"content": "x"}), "gitlab.update_file WRITE"),
            ("GET", "/repository/files/src%2Fmain.rs", json!(null), "gitlab.read_file READ"),
            ("DELETE", "", json!(null), "gitlab.delete_repo ADMIN"),
            ("PUT", "", json!({"visibility": "public"}), "gitlab.make_public ADMIN"),
            ("PUT", "/transfer", json!({"namespace": "other"}), "gitlab.transfer_repo ADMIN"),
            ("DELETE", "/protected_branches/main", json!(null), "gitlab.change_branch_protection ADMIN"),
            ("POST", "/variables", json!({"key": "K", "value": "v"}), "gitlab.set_secret ADMIN"),
            ("POST", "/hooks", json!({"url": "https://other.test/h"}), "gitlab.create_webhook ADMIN"),
        ],
    );
    let invited = call("POST", &format!("{project}/invitations"), json!({"email": "eve@other.test"}));
    assert_eq!(invited.primary.principals, ["eve@other.test"]);
}

#[test]
fn linear() {
    for (query, expected) in [
        ("mutation { issueUpdate(id: \"1\", input: {}) { success } }", "linear.update_issue WRITE"),
        ("mutation { issueDelete(id: \"1\") { success } }", "linear.delete_issue ADMIN"),
        ("mutation { issueArchive(id: \"1\") { success } }", "linear.delete_issue ADMIN"),
        ("mutation { commentCreate(input: {}) { success } }", "linear.create_comment WRITE"),
        ("mutation { organizationInviteCreate(input: {}) { success } }", "linear.invite_user ADMIN"),
        ("mutation { webhookCreate(input: {}) { success } }", "linear.create_webhook ADMIN"),
        ("query { issues { nodes { id } } }", "linear.read_issues READ"),
        ("{ issue(id: \"1\") { title } }", "linear.read_issues READ"),
    ] {
        let named = call("POST", "https://api.linear.app/graphql", json!({ "query": query }));
        assert_eq!(name(&named.primary), expected, "{query}");
    }
}

#[test]
fn jira() {
    check_names(
        "https://acme.atlassian.net/rest/api/3",
        &[
            (
                "POST",
                "/issue/OPS-1/transitions",
                json!({"transition": {"id": "5"}}),
                "jira.transition_issue WRITE",
            ),
            ("POST", "/issue/OPS-1/attachments", json!("x"), "jira.upload_file WRITE"),
            ("GET", "/issue/OPS-1", json!(null), "jira.read_issue READ"),
            ("POST", "/user", json!({"emailAddress": "eve@other.test"}), "jira.create_user ADMIN"),
            ("DELETE", "/project/OPS", json!(null), "jira.change_project ADMIN"),
            ("POST", "/permissionscheme", json!({"name": "n"}), "jira.change_permissions ADMIN"),
            (
                "POST",
                "/group/user?groupname=admins",
                json!({"accountId": "1"}),
                "jira.change_permissions ADMIN",
            ),
        ],
    );
}

#[test]
fn discord() {
    check_names(
        "https://discord.com/api/v10",
        &[
            ("PATCH", "/channels/1/messages/2", json!({"content": "x"}), "discord.update_message WRITE"),
            (
                "POST",
                "/channels/1/messages/bulk-delete",
                json!({"messages": ["2"]}),
                "discord.delete_message ADMIN",
            ),
            ("POST", "/users/@me/channels", json!({"recipient_id": "3"}), "discord.open_dm WRITE"),
            ("DELETE", "/guilds/1/members/2", json!(null), "discord.kick_user ADMIN"),
            ("PUT", "/guilds/1/members/2/roles/3", json!(null), "discord.change_roles ADMIN"),
            ("DELETE", "/channels/1", json!(null), "discord.delete_channel ADMIN"),
            ("POST", "/channels/1/webhooks", json!({"name": "n"}), "discord.create_webhook ADMIN"),
        ],
    );
}

#[test]
fn teams() {
    check_names(
        "https://graph.microsoft.com/v1.0",
        &[
            ("POST", "/chats", json!({"chatType": "oneOnOne"}), "teams.create_chat WRITE"),
            ("POST", "/teams/t/channels", json!({"displayName": "n"}), "teams.create_channel WRITE"),
            ("DELETE", "/teams/t/channels/c", json!(null), "teams.delete_channel ADMIN"),
            ("GET", "/me/joinedTeams", json!(null), "teams.list_channels READ"),
            (
                "POST",
                "/teams/t/channels/c/messages/1/replies",
                json!({"body": {}}),
                "teams.post_message WRITE",
            ),
            (
                "POST",
                "/users/u/sendMail",
                json!({"message": {"toRecipients": [{"emailAddress": {"address": "eve@other.test"}}]}}),
                "teams.send_mail WRITE",
            ),
        ],
    );
}

#[test]
fn gmail() {
    check_names(
        "https://gmail.googleapis.com/gmail/v1/users/me",
        &[
            ("POST", "/drafts", json!({"message": {"raw": "x"}}), "gmail.create_draft WRITE"),
            ("POST", "/drafts/send", json!({"id": "1"}), "gmail.send_mail WRITE"),
            (
                "PUT",
                "/settings/autoForwarding",
                json!({"emailAddress": "eve@other.test"}),
                "gmail.forward_mailbox ADMIN",
            ),
            (
                "POST",
                "/settings/delegates",
                json!({"delegateEmail": "eve@other.test"}),
                "gmail.forward_mailbox ADMIN",
            ),
            (
                "POST",
                "/settings/filters",
                json!({"action": {"forward": "eve@other.test"}}),
                "gmail.create_filter ADMIN",
            ),
            ("POST", "/messages/batchDelete", json!({"ids": ["1"]}), "gmail.delete_mail ADMIN"),
            ("DELETE", "/messages/1", json!(null), "gmail.delete_mail ADMIN"),
            ("GET", "/messages/1", json!(null), "gmail.read_mail READ"),
        ],
    );
}

#[test]
fn models() {
    check_names(
        "https://api.openai.com/v1",
        &[
            ("POST", "/embeddings", json!({"input": "x"}), "openai.create_embedding WRITE"),
            ("POST", "/fine_tuning/jobs", json!({"training_file": "f"}), "openai.create_fine_tune WRITE"),
            ("POST", "/images/generations", json!({"prompt": "x"}), "openai.create_media WRITE"),
            (
                "POST",
                "/organization/invites",
                json!({"email": "eve@other.test"}),
                "openai.change_organization ADMIN",
            ),
            ("DELETE", "/vector_stores/v", json!(null), "openai.delete_object ADMIN"),
            ("POST", "/threads/t/runs", json!({"assistant_id": "a"}), "openai.run_assistant WRITE"),
        ],
    );
    check_names(
        "https://api.anthropic.com/v1",
        &[
            ("POST", "/complete", json!({"prompt": "x"}), "anthropic.create_message WRITE"),
            ("POST", "/files", json!("x"), "anthropic.upload_file WRITE"),
            ("GET", "/models/m", json!(null), "anthropic.list_models READ"),
            (
                "POST",
                "/organizations/invites",
                json!({"email": "eve@other.test", "role": "developer"}),
                "anthropic.change_organization ADMIN",
            ),
            ("DELETE", "/organizations/users/u", json!(null), "anthropic.change_organization ADMIN"),
        ],
    );
}
