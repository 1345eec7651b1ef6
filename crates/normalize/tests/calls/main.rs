//! Calls as agents make them, in the shapes of the vendors' own documentation, and what they are.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test")]

mod alerting;
mod by_name;
mod commands;
mod customers;
mod documents;
mod everyday;
mod hosting;
mod sending;
mod work;

use interven_normalize::{Normalized, OwnDomains, normalize, vocabulary};
use interven_types::{Action, ScanRequest, Verb};
use proptest::prelude::*;
use serde_json::{Value, json};

fn own() -> OwnDomains {
    OwnDomains::new(&["acme.example"])
}

fn call(method: &str, url: &str, body: Value) -> Normalized {
    normalize(&ScanRequest::new(method, url, body), &own()).unwrap()
}

fn call_with(method: &str, url: &str, body: Value, headers: &[(&str, &str)]) -> Normalized {
    let mut request = ScanRequest::new(method, url, body);
    request.headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    normalize(&request, &own()).unwrap()
}

fn name(action: &Action) -> String {
    format!("{}.{} {}", action.tool, action.operation, action.verb)
}

/// All of an action that rules match on: `tool.operation VERB category resource`, then to whom, then `outside` when it gives
/// something to someone there.
fn whole(action: &Action) -> String {
    let resource = action.resource.as_deref().unwrap_or("-");
    let to = if action.principals.is_empty() {
        String::new()
    } else {
        format!(" to {}", action.principals.join(" "))
    };
    let outside = if action.external_principal { " outside" } else { "" };
    format!("{} {} {resource}{to}{outside}", name(action), action.category)
}

/// Calls and all that is known of them.
#[track_caller]
fn check_whole(table: &[(&str, &str, Value, &str)]) {
    for (method, url, body, expected) in table {
        assert_eq!(whole(&call(method, url, body.clone()).primary), *expected, "{method} {url} {body}");
    }
}

/// The same, all below `base`.
#[track_caller]
fn check_below(base: &str, table: &[(&str, &str, Value, &str)]) {
    for (method, path, body, expected) in table {
        let action = call(method, &format!("{base}{path}"), body.clone()).primary;
        assert_eq!(whole(&action), *expected, "{method} {base}{path} {body}");
    }
}

/// Hosts that only look like a tool's.
#[track_caller]
fn check_strangers(urls: &[&str]) {
    for url in urls {
        assert_eq!(call("POST", url, json!({})).primary.tool, "custom_proxy", "{url}");
    }
}

fn shell(line: &str) -> Normalized {
    call("POST", "shell://exec", json!({ "command": line }))
}

/// A line and all that it does, joined by commas, the strictest first.
#[track_caller]
fn check_lines(table: &[(&str, &str)]) {
    let wrong: Vec<String> = table
        .iter()
        .map(|(line, expected)| {
            (line, expected, shell(line).actions().map(name).collect::<Vec<_>>().join(", "))
        })
        .filter(|(_, expected, found)| found != *expected)
        .map(|(line, expected, found)| format!("{line}\n  expected {expected}\n  found    {found}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[track_caller]
fn check(table: &[(&str, &str, Value, &str)]) {
    for (method, url, body, expected) in table {
        assert_eq!(name(&call(method, url, body.clone()).primary), *expected, "{method} {url} {body}");
    }
}

#[test]
fn slack() {
    let api = |method: &str| format!("https://slack.com/api/{method}");
    check(&[
        (
            "POST",
            &api("chat.postMessage"),
            json!({"channel": "C1", "text": "hi"}),
            "slack.post_message WRITE",
        ),
        ("POST", &api("chat.postMessage"), json!("channel=C1&text=hi"), "slack.post_message WRITE"),
        ("GET", &api("chat.postMessage?channel=C1&text=hi"), json!(null), "slack.post_message WRITE"),
        ("POST", "https://SLACK.com.:443/api//chat%2EpostMessage", json!({}), "slack.post_message WRITE"),
        ("POST", "https://acme.slack.com/api/chat.postMessage", json!({}), "slack.post_message WRITE"),
        (
            "POST",
            "https://hooks.slack.com/services/T0/B0/x",
            json!({"text": "hi"}),
            "slack.post_message WRITE",
        ),
        ("POST", &api("files.upload"), json!("channels=C1&content=x"), "slack.upload_file WRITE"),
        (
            "GET",
            &api("files.getUploadURLExternal?filename=a.txt&length=5"),
            json!(null),
            "slack.upload_file WRITE",
        ),
        (
            "POST",
            &api("files.completeUploadExternal"),
            json!({"files": [{"id": "F1"}]}),
            "slack.upload_file WRITE",
        ),
        (
            "POST",
            &api("conversations.inviteShared"),
            json!({"channel": "C1", "emails": "a@x.test"}),
            "slack.invite_external ADMIN",
        ),
        ("POST", &api("chat.update"), json!({"channel": "C1"}), "slack.post_message WRITE"),
        ("POST", &api("chat.scheduleMessage"), json!({"channel": "C1"}), "slack.post_message WRITE"),
        ("POST", &api("chat.meMessage"), json!({"channel": "C1"}), "slack.post_message WRITE"),
        ("POST", &api("chat.postEphemeral"), json!({"channel": "C1"}), "slack.post_message WRITE"),
        ("POST", &api("conversations.archive"), json!({"channel": "C1"}), "slack.archive_channel ADMIN"),
        ("GET", &api("conversations.history?channel=C1"), json!(null), "slack.read_messages READ"),
        ("POST", &api("admin.users.remove"), json!({}), "slack.admin_users_remove ADMIN"),
        ("GET", &api("usergroups.list"), json!(null), "slack.usergroups_list READ"),
        ("POST", "https://slack.com/somewhere", json!({}), "slack.post WRITE"),
    ]);
    let message =
        call("POST", &api("chat.postMessage"), json!({"channel": "C024BE91L", "text": "hi"})).primary;
    assert_eq!(message.channel.as_deref(), Some("C024BE91L"));
    assert_eq!((message.host.as_deref(), message.external_host), (Some("slack.com"), true));
    assert!(!message.external_principal);
    let over_mcp = call(
        "POST",
        "https://mcp.slack.com/mcp",
        json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slack_post_message", "arguments": {"channel": "C1"}}}),
    );
    assert!(over_mcp.actions().any(|action| name(action) == "slack.post_message WRITE"));
    let invite =
        call("POST", &api("conversations.inviteShared"), json!({"emails": ["a@x.test", "b@y.test"]})).primary;
    assert_eq!(invite.principals, ["a@x.test", "b@y.test"]);
    assert!(invite.external_principal);
}

#[test]
fn a_webhook_is_external_unless_its_workspace_is_ours() {
    let request = ScanRequest::new("POST", "https://hooks.slack.com/services/T1/B2/x", json!({"text": "hi"}));
    assert!(normalize(&request, &OwnDomains::default()).unwrap().primary.external_principal);
    let own = OwnDomains::new(&["hooks.slack.com/services/T1"]);
    assert!(!normalize(&request, &own).unwrap().primary.external_principal);
}

#[test]
fn github() {
    let repo = |path: &str| format!("https://api.github.com/repos/acme/app{path}");
    let graphql = "https://api.github.com/graphql";
    check(&[
        (
            "POST",
            &repo("/pulls"),
            json!({"title": "t", "head": "f", "base": "main"}),
            "github.create_pr WRITE",
        ),
        ("PUT", &repo("/pulls/7/merge"), json!({"merge_method": "squash"}), "github.merge_pr ADMIN"),
        ("POST", &repo("/pulls/7/reviews"), json!({"event": "APPROVE"}), "github.approve_pr ADMIN"),
        ("POST", &repo("/pulls/7/reviews"), json!({"event": "COMMENT"}), "github.review_pr WRITE"),
        ("PATCH", &repo("/pulls/7"), json!({"state": "closed"}), "github.close_pr WRITE"),
        (
            "PUT",
            &repo("/collaborators/octocat"),
            json!({"permission": "admin"}),
            "github.add_collaborator ADMIN",
        ),
        (
            "PUT",
            &repo("/contents/src/a.rs"),
            json!({"message": "m", "content": "aGk="}),
            "github.update_file WRITE",
        ),
        ("POST", &repo("/issues"), json!({"title": "t"}), "github.create_issue WRITE"),
        ("DELETE", &repo(""), json!(null), "github.delete_repo ADMIN"),
        (
            "PATCH",
            &repo("/git/refs/heads/main"),
            json!({"sha": "a", "force": true}),
            "github.force_push ADMIN",
        ),
        ("PATCH", &repo(""), json!({"private": false}), "github.make_public ADMIN"),
        ("POST", &repo("/transfer"), json!({"new_owner": "x"}), "github.transfer_repo ADMIN"),
        ("PUT", &repo("/branches/main/protection"), json!({}), "github.change_branch_protection ADMIN"),
        ("PUT", &repo("/actions/secrets/KEY"), json!({}), "github.set_secret ADMIN"),
        ("POST", &repo("/keys"), json!({"key": "ssh-rsa A"}), "github.add_deploy_key ADMIN"),
        (
            "POST",
            &repo("/hooks"),
            json!({"config": {"url": "https://x.test"}}),
            "github.create_webhook ADMIN",
        ),
        ("GET", &repo("/issues?state=open"), json!(null), "github.read_issues READ"),
        ("GET", "https://api.github.com/rate_limit", json!(null), "github.get READ"),
        ("POST", graphql, json!({"query": "query { viewer { login } }"}), "github.read_user READ"),
        (
            "POST",
            graphql,
            json!({"query": "mutation { mergePullRequest(input: {pullRequestId: \"P1\"}) { clientMutationId } }"}),
            "github.merge_pr ADMIN",
        ),
        (
            "POST",
            graphql,
            json!({"query": "mutation($i: I!) { addPullRequestReview(input: $i) { id } }", "variables": {"i": {"event": "APPROVE"}}}),
            "github.approve_pr ADMIN",
        ),
        (
            "POST",
            graphql,
            json!({"query": "mutation { a: deleteRef(input: {refId: \"R\"}) { id } }"}),
            "github.delete_branch ADMIN",
        ),
        ("POST", graphql, json!({"id": "persisted"}), "github.graphql WRITE"),
    ]);
    let merge = call("PUT", &repo("/pulls/7/merge"), json!({})).primary;
    assert_eq!((merge.org.as_deref(), merge.repo.as_deref()), (Some("acme"), Some("app")));
    assert_eq!(merge.resource.as_deref(), Some("acme/app#7"));
    let collaborator = call("PUT", &repo("/collaborators/octocat"), json!({})).primary;
    assert_eq!(
        (collaborator.principals, collaborator.external_principal),
        (vec!["octocat".to_owned()], true)
    );
    let both = call(
        "POST",
        graphql,
        json!({"query": "mutation { addComment(input: {}) { id } deleteRef(input: {}) { id } }"}),
    );
    assert_eq!(
        both.actions().map(name).collect::<Vec<_>>(),
        ["github.delete_branch ADMIN", "github.create_comment WRITE"]
    );
}

#[test]
fn gdrive() {
    let file = |path: &str| format!("https://www.googleapis.com/drive/v3/files/F1{path}");
    check(&[
        (
            "POST",
            &file("/permissions"),
            json!({"type": "user", "role": "reader", "emailAddress": "a@x.test"}),
            "gdrive.share_file ADMIN",
        ),
        ("GET", &file("/export?mimeType=text/csv"), json!(null), "gdrive.export_file READ"),
        ("GET", &file("?alt=media"), json!(null), "gdrive.download_file READ"),
        ("GET", &file(""), json!(null), "gdrive.read_file READ"),
        ("DELETE", &file(""), json!(null), "gdrive.delete_file ADMIN"),
        ("PATCH", &file(""), json!({"trashed": true}), "gdrive.trash_file ADMIN"),
        ("PATCH", &file(""), json!({"name": "n"}), "gdrive.update_file WRITE"),
        (
            "POST",
            "https://www.googleapis.com/upload/drive/v3/files?uploadType=media",
            json!("x"),
            "gdrive.upload_file WRITE",
        ),
        ("GET", "https://www.googleapis.com/drive/v3/files?q=x", json!(null), "gdrive.list_files READ"),
        (
            "POST",
            "https://docs.googleapis.com/v1/documents/D1:batchUpdate",
            json!({}),
            "gdrive.update_document WRITE",
        ),
        (
            "POST",
            "https://sheets.googleapis.com/v4/spreadsheets/S1/values/A1%3AB2:append",
            json!({}),
            "gdrive.update_document WRITE",
        ),
        ("GET", "https://www.googleapis.com/books/v1/volumes", json!(null), "custom_proxy.get READ"),
    ]);
    let shares = [
        (json!({"type": "user", "emailAddress": "bob@gmail.com"}), true),
        (json!({"type": "user", "emailAddress": "bob@acme.example"}), false),
        (json!({"type": "anyone", "role": "reader"}), true),
        (json!({"type": "domain", "domain": "partner.test"}), true),
        (json!({"type": "domain", "domain": "acme.example"}), false),
        (json!({"type": "user", "value": "bob@gmail.com"}), true),
    ];
    for (body, is_external) in shares {
        let share = call("POST", &file("/permissions"), body.clone()).primary;
        assert_eq!(share.external_principal, is_external, "{body}");
        assert_eq!(share.resource.as_deref(), Some("F1"));
    }
    let disguised = call_with(
        "GET",
        &file("/permissions"),
        json!({"type": "anyone"}),
        &[("x-http-method-override", "POST")],
    );
    assert_eq!(name(&disguised.primary), "gdrive.share_file ADMIN");
}

#[test]
fn a_method_may_stand_in_for_another() {
    let at = "https://api.example.net/users/1";
    let get = |url: &str, headers: &[(&str, &str)]| call_with("GET", url, json!(null), headers);
    assert_eq!(name(&get(at, &[]).primary), "custom_proxy.get READ");
    for header in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let disguised = get(at, &[(header, "delete")]);
        assert_eq!(name(&disguised.primary), "custom_proxy.get ADMIN", "{header}");
        assert_eq!(disguised.methods, ["GET", "DELETE"], "{header}");
    }
    for query in ["x-http-method-override=DELETE", "_method=delete", "a=b&_METHOD=GET&_method=Delete"] {
        assert_eq!(name(&get(&format!("{at}?{query}"), &[]).primary), "custom_proxy.get ADMIN", "{query}");
    }
}

#[test]
fn aws() {
    let iam = "https://iam.amazonaws.com/";
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let all = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    check(&[
        (
            "POST",
            iam,
            json!("Action=CreateUser&UserName=bob&Version=2010-05-08"),
            "aws.iam_create_user ADMIN",
        ),
        (
            "GET",
            "https://iam.amazonaws.com/?Action=CreateUser&UserName=bob",
            json!(null),
            "aws.iam_create_user ADMIN",
        ),
        ("POST", iam, json!({"Action": "CreateUser", "UserName": "bob"}), "aws.iam_create_user ADMIN"),
        (
            "POST",
            iam,
            json!(format!("Action=AttachUserPolicy&UserName=bob&PolicyArn={admin}")),
            "aws.iam_attach_admin_policy ADMIN",
        ),
        (
            "POST",
            iam,
            json!("Action=AttachUserPolicy&UserName=bob&PolicyArn=arn:aws:iam::aws:policy/ReadOnlyAccess"),
            "aws.iam_attach_user_policy ADMIN",
        ),
        (
            "POST",
            iam,
            json!({"Action": "PutUserPolicy", "UserName": "bob", "PolicyDocument": all}),
            "aws.iam_attach_admin_policy ADMIN",
        ),
        ("POST", iam, json!("Action=ListUsers"), "aws.iam_list_users READ"),
        ("POST", iam, json!("Action=ListUsers&Action=CreateUser"), "aws.iam_create_user ADMIN"),
        (
            "POST",
            "https://ec2.eu-west-1.amazonaws.com/",
            json!("Action=TerminateInstances&InstanceId.1=i-1"),
            "aws.ec2_terminate_instances ADMIN",
        ),
        (
            "POST",
            "https://ec2.amazonaws.com/",
            json!("Action=RunInstances&ImageId=a"),
            "aws.ec2_run_instances WRITE",
        ),
        (
            "POST",
            "https://sts.amazonaws.com/",
            json!("Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r"),
            "aws.sts_assume_role ADMIN",
        ),
        ("PUT", "https://data.s3.eu-west-1.amazonaws.com/a/b.txt", json!("x"), "aws.s3_put_object WRITE"),
        ("PUT", "https://s3.amazonaws.com/data/a/b.txt", json!("x"), "aws.s3_put_object WRITE"),
        ("GET", "https://data.s3.amazonaws.com/?list-type=2", json!(null), "aws.s3_list_objects READ"),
        ("DELETE", "https://data.s3.amazonaws.com/", json!(null), "aws.s3_delete_bucket ADMIN"),
        ("PUT", "https://data.s3.amazonaws.com/?policy", json!({}), "aws.s3_put_bucket_policy ADMIN"),
        (
            "POST",
            "https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/f/invocations",
            json!({}),
            "aws.lambda_invoke WRITE",
        ),
    ]);
    let target = [("x-amz-target", "DynamoDB_20120810.PutItem")];
    let put =
        call_with("POST", "https://dynamodb.us-east-1.amazonaws.com/", json!({"TableName": "t"}), &target)
            .primary;
    assert_eq!((name(&put).as_str(), put.resource.as_deref()), ("aws.dynamodb_put_item WRITE", Some("t")));
    let attach =
        call("POST", iam, json!(format!("Action=AttachUserPolicy&UserName=bob&PolicyArn={admin}"))).primary;
    assert_eq!((attach.resource.as_deref(), attach.principals), (Some(admin), vec!["bob".to_owned()]));
    let tagged = "Action=CreateTags&ResourceId.1=i-1&Tag.1.Key=env&Tag.1.Value=prod";
    let tag = call("POST", "https://ec2.eu-west-1.amazonaws.com/", json!(tagged)).primary;
    assert_eq!(
        (tag.region.as_deref(), tag.aws_tags.get("env").map(String::as_str)),
        (Some("eu-west-1"), Some("prod"))
    );
    let role = call(
        "POST",
        "https://sts.amazonaws.com/",
        json!("Action=AssumeRole&RoleArn=arn:aws:iam::123456789012:role/r"),
    );
    assert_eq!(role.primary.account.as_deref(), Some("123456789012"));
    let object = call("PUT", "https://data.s3.eu-west-1.amazonaws.com/a/b.txt", json!("x")).primary;
    assert_eq!(
        (object.resource.as_deref(), object.region.as_deref()),
        (Some("data/a/b.txt"), Some("eu-west-1"))
    );
    let public =
        call_with("PUT", "https://data.s3.amazonaws.com/k", json!("x"), &[("x-amz-acl", "public-read")])
            .primary;
    assert_eq!((name(&public).as_str(), public.external_principal), ("aws.s3_make_public ADMIN", true));
}

#[test]
fn stripe() {
    let api = |path: &str| format!("https://api.stripe.com/v1/{path}");
    check(&[
        (
            "POST",
            &api("charges"),
            json!("amount=2000&currency=usd&source=tok_visa"),
            "stripe.create_charge WRITE",
        ),
        ("POST", &api("payment_intents"), json!("amount=2000&currency=usd"), "stripe.create_charge WRITE"),
        ("POST", &api("transfers"), json!("amount=400&destination=acct_1"), "stripe.create_transfer WRITE"),
        ("POST", &api("payouts"), json!("amount=1100&currency=usd"), "stripe.create_payout WRITE"),
        ("POST", &api("refunds"), json!("charge=ch_1"), "stripe.create_refund WRITE"),
        ("POST", &api("customers"), json!("email=a@x.test"), "stripe.save_customer WRITE"),
        ("GET", &api("balance"), json!(null), "stripe.read_balance READ"),
        ("DELETE", &api("customers/cus_1"), json!(null), "stripe.delete_customer ADMIN"),
        ("POST", &api("webhook_endpoints"), json!("url=https://x.test"), "stripe.change_webhook ADMIN"),
        ("GET", &api("products"), json!(null), "stripe.get READ"),
    ]);
    assert_eq!(call("POST", &api("transfers"), json!("destination=acct_1")).primary.principals, ["acct_1"]);
}

#[test]
fn other_tools() {
    check(&[
        (
            "POST",
            "https://discord.com/api/v10/channels/1/messages",
            json!({"content": "x"}),
            "discord.post_message WRITE",
        ),
        (
            "POST",
            "https://discord.com/api/webhooks/1/token",
            json!({"content": "x"}),
            "discord.post_message WRITE",
        ),
        ("GET", "https://discord.com/api/v10/channels/1/messages", json!(null), "discord.read_messages READ"),
        ("PUT", "https://discord.com/api/v10/guilds/1/bans/2", json!({}), "discord.ban_user ADMIN"),
        ("POST", "https://discord.com/api/v10/channels/1/invites", json!({}), "discord.create_invite ADMIN"),
        (
            "POST",
            "https://graph.microsoft.com/v1.0/teams/t/channels/c/messages",
            json!({"body": {"content": "x"}}),
            "teams.post_message WRITE",
        ),
        ("POST", "https://graph.microsoft.com/v1.0/chats/c/messages", json!({}), "teams.post_message WRITE"),
        (
            "POST",
            "https://acme.webhook.office.com/webhookb2/x/IncomingWebhook/y",
            json!({"text": "x"}),
            "teams.post_message WRITE",
        ),
        (
            "GET",
            "https://graph.microsoft.com/v1.0/teams/t/channels/c/messages",
            json!(null),
            "teams.read_messages READ",
        ),
        ("POST", "https://graph.microsoft.com/v1.0/teams/t/members", json!({}), "teams.add_member ADMIN"),
        (
            "POST",
            "https://acme.atlassian.net/rest/api/3/issue",
            json!({"fields": {"project": {"key": "OPS"}}}),
            "jira.create_issue WRITE",
        ),
        ("PUT", "https://acme.atlassian.net/rest/api/3/issue/OPS-1", json!({}), "jira.update_issue WRITE"),
        (
            "DELETE",
            "https://acme.atlassian.net/rest/api/3/issue/OPS-1",
            json!(null),
            "jira.delete_issue ADMIN",
        ),
        (
            "POST",
            "https://acme.atlassian.net/rest/api/2/issue/OPS-1/comment",
            json!({}),
            "jira.create_comment WRITE",
        ),
        (
            "POST",
            "https://acme.atlassian.net/rest/api/3/search/jql",
            json!({"jql": "x"}),
            "jira.search_issues READ",
        ),
        (
            "POST",
            "https://api.openai.com/v1/chat/completions",
            json!({"model": "m"}),
            "openai.create_completion WRITE",
        ),
        (
            "POST",
            "https://api.openai.com/v1/responses",
            json!({"model": "m"}),
            "openai.create_completion WRITE",
        ),
        ("POST", "https://api.openai.com/v1/files", json!(""), "openai.upload_file WRITE"),
        ("DELETE", "https://api.openai.com/v1/files/f", json!(null), "openai.delete_object ADMIN"),
        ("GET", "https://api.openai.com/v1/models", json!(null), "openai.list_models READ"),
        (
            "POST",
            "https://api.anthropic.com/v1/messages",
            json!({"model": "m"}),
            "anthropic.create_message WRITE",
        ),
        ("POST", "https://api.anthropic.com/v1/messages/batches", json!({}), "anthropic.create_batch WRITE"),
        (
            "POST",
            "https://api.anthropic.com/v1/messages/count_tokens",
            json!({}),
            "anthropic.count_tokens READ",
        ),
        ("DELETE", "https://api.anthropic.com/v1/files/f", json!(null), "anthropic.delete_file ADMIN"),
        ("GET", "https://api.anthropic.com/v1/models", json!(null), "anthropic.list_models READ"),
        (
            "POST",
            "https://gmail.googleapis.com/gmail/v1/users/me/messages/send",
            json!({"raw": "x"}),
            "gmail.send_mail WRITE",
        ),
        (
            "POST",
            "https://gmail.googleapis.com/gmail/v1/users/me/settings/forwardingAddresses",
            json!({"forwardingEmail": "a@x.test"}),
            "gmail.forward_mailbox ADMIN",
        ),
        (
            "POST",
            "https://api.linear.app/graphql",
            json!({"query": "mutation { issueCreate(input: {}) { success } }"}),
            "linear.create_issue WRITE",
        ),
        (
            "PUT",
            "https://gitlab.com/api/v4/projects/acme%2Fapp/merge_requests/1/merge",
            json!({}),
            "gitlab.merge_pr ADMIN",
        ),
    ]);
}

#[test]
fn unknown_hosts() {
    check(&[
        ("GET", "https://x.test/a", json!(null), "custom_proxy.get READ"),
        ("post", "https://x.test/a", json!({}), "custom_proxy.post WRITE"),
        ("DELETE", "https://x.test/a", json!(null), "custom_proxy.delete ADMIN"),
        ("BREW", "https://x.test/a", json!(null), "custom_proxy.brew WRITE"),
        ("GET", "ftp://x.test/a", json!(null), "custom_proxy.get READ"),
        ("GET", "data:text/plain,x", json!(null), "custom_proxy.get READ"),
        ("GET", "https://slack.com.evil.test/api/chat.postMessage", json!(null), "custom_proxy.get READ"),
        ("GET", "https://slack.com@evil.test/api/chat.postMessage", json!(null), "custom_proxy.get READ"),
    ]);
    assert_eq!(call("POST", "tool://langchain/", json!({})).primary.operation, "call");
    let action = call("POST", "https://x.test/a/b?q=1", json!({})).primary;
    assert_eq!((action.resource.as_deref(), action.method.as_str()), (Some("/a/b"), "POST"));
    assert!(normalize(&ScanRequest::new("GET", "/a", json!(null)), &own()).is_err());
}

#[test]
fn known_names_are_those_that_calls_get() {
    let tools = &vocabulary().0;
    for tool in ["slack", "github", "gdrive", "aws", "stripe", "shell", "mcp", "file", "custom_proxy"] {
        assert!(tools.contains_key(tool), "{tool}");
    }
    let fixed: [(&str, &[&str]); 5] = [
        ("slack", &["post_message", "upload_file", "invite_external"]),
        (
            "github",
            &[
                "create_pr",
                "merge_pr",
                "approve_pr",
                "add_collaborator",
                "update_file",
                "create_issue",
                "delete_repo",
                "force_push",
            ],
        ),
        ("gdrive", &["share_file", "export_file", "upload_file"]),
        ("stripe", &["create_charge", "create_transfer", "create_payout", "create_refund"]),
        (
            "shell",
            &[
                "exec",
                "delete_recursive",
                "force_push",
                "pipe_to_shell",
                "install_package",
                "read_secret_file",
            ],
        ),
    ];
    for (tool, operations) in fixed {
        let known = &tools[tool].operations;
        operations.iter().for_each(|name| assert!(known.contains_key(*name), "{tool}.{name}"));
    }
    let verbs =
        |tool: &str, operation: &str| tools[tool].operations[operation].iter().copied().collect::<Vec<_>>();
    assert_eq!(verbs("github", "delete_repo"), [Verb::Admin]);
    assert_eq!(verbs("file", "list"), [Verb::Read]);
    assert!(tools["slack"].categories.contains("messages"));
    let is_open = |tool: &str| tools[tool].is_open;
    assert_eq!(
        ["aws", "mcp", "custom_proxy", "github", "stripe", "shell"].map(is_open),
        [true, true, true, true, false, false]
    );
}

proptest! {
    #[test]
    fn any_command_line_is_named(line in "[a-z -]{0,6}(\\PC|[$(){}`'\"\\\\|&;<>\n#=*?]){0,40}") {
        let called = shell(&line);
        prop_assert!(called.actions().count() >= 1);
        for action in called.actions() {
            let tool = &vocabulary().0[action.tool.as_ref()];
            let verbs = tool.operations.get(action.operation.as_ref());
            prop_assert!(tool.is_open || verbs.is_some_and(|verbs| verbs.contains(&action.verb)), "{action:?}");
        }
    }

    #[test]
    fn any_text_is_a_document_a_form_and_a_name(text in "\\PC{0,60}", form in "[a-zA-Z.=&%{}\\[\\]\":,-]{0,60}") {
        for body in [json!(text), json!(form), json!({"query": text, "command": form})] {
            for url in ["https://api.github.com/graphql", "https://iam.amazonaws.com/", "tool://x/bash", "https://x.test/"] {
                prop_assert!(call("POST", url, body.clone()).actions().count() >= 1);
            }
        }
    }
}

#[test]
fn a_text_that_readers_take_for_different_things_hides_nothing() {
    let share = "https://www.googleapis.com/drive/v3/files/F1/permissions";
    let long = "123456789012345678901234";
    for body in [
        r#"{"type":"anyone","type":"user","emailAddress":"bob@acme.example"}"#.to_owned(),
        r#"{"type":"user","emailAddress":"bob@acme.example","type":"anyone"}"#.to_owned(),
        "\u{feff}{\"type\":\"anyone\"}".to_owned(),
        r#"{"type":"anyone"} {"type":"user"}"#.to_owned(),
        r#"{"type":"anyone","x":1e999,"y":"\ud800"}"#.to_owned(),
        format!(r#"{{"x":{long},"type":"anyone"}}"#),
        format!(r#"{{"x":{}{},"type":"anyone"}}"#, "[".repeat(120), "]".repeat(120)),
    ] {
        let found = call("POST", share, json!(body));
        assert!(found.primary.external_principal, "{body}");
    }
    let graphql = |body: &str| call("POST", "https://api.github.com/graphql", json!(body));
    for body in [
        r#"{"query":"query{viewer{login}}","query":"mutation{deleteRef(input:{refId:\"r\"}){id}}"}"#,
        r#"{"query":"mutation{deleteRef(input:{refId:\"r\"}){id}}","query":"query{viewer{login}}"}"#,
    ] {
        assert_eq!(name(&graphql(body).primary), "github.delete_branch ADMIN", "{body}");
    }
}
