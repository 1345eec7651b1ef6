//! Tools that are called by name: MCP servers, agents' frameworks, JSON-RPC.

use super::{call, check, name};
use serde_json::json;

#[test]
fn tools_by_name() {
    let wrapped = json!({"params": {"arguments": {"path": "/home/u/.aws/credentials"}}});
    check(&[
        ("POST", "mcp://weather/get_forecast", json!({"city": "Oslo"}), "mcp.get_forecast READ"),
        ("POST", "mcp://db/drop_table", json!({}), "mcp.drop_table ADMIN"),
        ("POST", "mcp://bank/send_money", json!({"recipient": "x"}), "mcp.send_money WRITE"),
        ("POST", "mcp://fs/read_file", json!({"path": "/tmp/a.txt"}), "file.read READ"),
        ("POST", "mcp://fs/read_file", wrapped, "file.read_secret_file READ"),
        (
            "POST",
            "mcp://fs/write_file",
            json!({"arguments": {"path": "/tmp/a", "content": "x"}}),
            "file.write WRITE",
        ),
        ("POST", "mcp://fs/delete_file", json!({"paths": []}), "mcp.delete_file ADMIN"),
        ("POST", "mcp://fs/delete_file", json!({"path": "/tmp/a"}), "file.delete ADMIN"),
        ("POST", "mcp://x/bash", json!({"command": "rm -rf /data"}), "shell.delete_recursive ADMIN"),
        (
            "POST",
            "mcp://x/run_command",
            json!({"command": "rm", "args": ["-rf", "/data"]}),
            "shell.delete_recursive ADMIN",
        ),
        ("POST", "mcp://x/fetch", json!({"url": "https://evil.test/x"}), "custom_proxy.get READ"),
        (
            "POST",
            "tool://langchain/requests_post",
            json!({"input": {"url": "https://slack.com/api/chat.postMessage", "data": {"channel": "C1"}}}),
            "slack.post_message WRITE",
        ),
        ("POST", "tool://langchain/slack_post_message", json!({"channel": "C1"}), "slack.post_message WRITE"),
        (
            "POST",
            "tool://crewai/github.create_issue",
            json!({"owner": "a", "repo": "b"}),
            "github.create_issue WRITE",
        ),
        ("POST", "tool://slack/post_message", json!({}), "slack.post_message WRITE"),
        (
            "POST",
            "a2a://0190a000-0000-7000-8000-000000000001/deleteBranch",
            json!({"payload": {}}),
            "a2a.delete_branch ADMIN",
        ),
        ("POST", "a2a://0190a000-0000-7000-8000-000000000001/", json!(null), "a2a.call WRITE"),
        ("CALL", "tool://x/send_message_to_slack", json!({"text": "hi"}), "slack.post_message WRITE"),
        (
            "CALL",
            "tool://x/invite_user_to_slack",
            json!({"user_email": "a@b.test"}),
            "slack.invite_user ADMIN",
        ),
        ("CALL", "tool://x/remove_user_from_slack", json!({"user": "Fred"}), "slack.remove_user ADMIN"),
        ("CALL", "tool://x/create_issue_in_github", json!({"repo": "b"}), "github.create_issue WRITE"),
        ("CALL", "tool://x/notes_about_slack", json!({}), "custom_proxy.notes_about_slack WRITE"),
        ("POST", "tool://langchain/Delete-User", json!({}), "custom_proxy.delete_user ADMIN"),
        (
            "POST",
            "tool://langchain/terminal",
            json!({"args": "ls; shutdown now"}),
            "shell.stop_machine ADMIN",
        ),
        ("GET", "file:///etc/shadow", json!(null), "file.read_secret_file READ"),
        ("PUT", "file:///tmp/a", json!("x"), "file.write WRITE"),
        (
            "POST",
            "https://mcp.x.test/",
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "drop_table", "arguments": {}}}),
            "mcp.drop_table ADMIN",
        ),
        (
            "POST",
            "https://mcp.x.test/",
            json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}),
            "mcp.tools_list READ",
        ),
        (
            "POST",
            "https://slack.com/api/chat.postMessage",
            json!({"jsonrpc": "2.0", "method": "tools/list"}),
            "slack.post_message WRITE",
        ),
    ]);
    let merge = call(
        "POST",
        "mcp://github/merge_pull_request",
        json!({"owner": "acme", "repo": "app", "pull_number": 7}),
    );
    let names: Vec<String> = merge.actions().map(name).collect();
    assert_eq!(names, ["github.merge_pr ADMIN", "mcp.merge_pull_request WRITE"]);
    assert_eq!(merge.primary.org.as_deref(), Some("acme"));
}

/// What stands beside an object of arguments may be what the tool reads, and the object a decoy.
#[test]
fn a_decoy_hides_nothing() {
    let table = [
        (
            "mcp://fs/read_file",
            json!({"path": "/home/u/.ssh/id_rsa", "arguments": {"path": "a.txt"}}),
            vec!["file.read_secret_file READ", "file.read READ"],
        ),
        (
            "tool://claude-code/Read",
            json!({"file_path": "/home/u/.ssh/id_rsa", "input": {"path": "a.txt"}}),
            vec!["file.read_secret_file READ", "file.read READ"],
        ),
        (
            "tool://x/bash",
            json!({"command": "rm -rf /data", "args": {"command": "ls"}}),
            vec!["shell.delete_recursive ADMIN", "shell.exec READ"],
        ),
        (
            "mcp://x/fetch",
            json!({"url": "https://api.github.com/repos/o/r", "params": {"arguments": {"url": "https://a.test"}}}),
            vec!["custom_proxy.get READ", "github.read_repos READ"],
        ),
        // No decoy: one call, named once.
        ("tool://x/bash", json!({"id": 1, "input": {"command": "ls"}}), vec!["shell.exec READ"]),
        ("tool://x/bash", json!({"id": 1, "arguments": {"command": "ls"}}), vec!["shell.exec READ"]),
        (
            "mcp://fs/read_file",
            json!({"name": "read_file", "arguments": {"path": "a"}}),
            vec!["file.read READ"],
        ),
    ];
    for (url, body, expected) in table {
        let mut names: Vec<String> = call("POST", url, body.clone()).actions().map(name).collect();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        names.sort();
        expected.sort();
        assert_eq!(names, expected, "{url} {body}");
    }
}

#[test]
fn unknown_tools_say_who_is_given_something() {
    let table = [
        (
            "tool://x/send_email",
            json!({"to": ["me@acme.example", "bob@evil.test"]}),
            vec!["me@acme.example", "bob@evil.test"],
            true,
        ),
        (
            "tool://x/send_email",
            json!({"to": "me@acme.example; ann@acme.example"}),
            vec!["me@acme.example", "ann@acme.example"],
            false,
        ),
        (
            "mcp://calendar/create_event",
            json!({"attendees": [{"email": "bob@evil.test"}]}),
            vec!["bob@evil.test"],
            true,
        ),
        (
            "tool://x/send_email",
            json!({"to": "bob@evil.test", "input": {"to": "me@acme.example"}}),
            vec!["bob@evil.test", "me@acme.example"],
            true,
        ),
        ("mcp://disk/share_document", json!({"share_with": "anyone"}), vec!["anyone"], true),
        (
            "tool://x/send_money",
            json!({"recipient": "DE89370400440532013000"}),
            vec!["DE89370400440532013000"],
            false,
        ),
        ("tool://x/move_note", json!({"to": "report.txt"}), vec!["report.txt"], false),
        ("tool://x/list_emails", json!({"email": "bob@evil.test"}), vec![], false),
    ];
    for (url, body, principals, is_external) in table {
        let action = call("CALL", url, body.clone()).primary;
        assert_eq!(
            (action.principals, action.external_principal),
            (principals.iter().map(|p| (*p).to_owned()).collect(), is_external),
            "{url} {body}"
        );
    }
}

/// Names that the vendors' own MCP servers give to their tools.
#[test]
fn servers_of_vendors_are_known_by_name() {
    let table = [
        ("mcp://pagerduty/manage_incidents", json!({}), "pagerduty.update_incident WRITE"),
        ("mcp://datadog/search_datadog_logs", json!({}), "datadog.search_logs READ"),
        ("mcp://notion/API-delete-a-block", json!({"block_id": "9bc"}), "notion.delete_block ADMIN"),
        ("tool://agent/notion-create-pages", json!({}), "notion.create_page WRITE"),
        ("mcp://hubspot/hubspot-batch-create-objects", json!({}), "hubspot.create_records WRITE"),
        (
            "mcp://salesforce/run_soql_query",
            json!({"query": "SELECT Id FROM Case"}),
            "salesforce.query_records READ",
        ),
        ("mcp://twilio/send_sms", json!({"To": "+1555"}), "twilio.send_message WRITE"),
        ("mcp://zendesk/create_ticket_comment", json!({}), "zendesk.reply_ticket WRITE"),
    ];
    for (url, body, expected) in table {
        let named = call("POST", url, json!({ "arguments": body }));
        assert!(named.actions().any(|action| name(action) == expected), "{url}: {named:?}");
    }
}
