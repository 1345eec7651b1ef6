//! Notion, Confluence and Dropbox: what is written down, and who may read it.

use super::{call, call_with, check_strangers, check_whole, whole};
use serde_json::json;

#[test]
fn notion() {
    let api = |path: &str| format!("https://api.notion.com/v1{path}");
    check_whole(&[
        (
            "POST",
            &api("/pages"),
            json!({"parent": {"database_id": "d9824bdc"}, "properties": {}}),
            "notion.create_page WRITE pages d9824bdc",
        ),
        (
            "PATCH",
            &api("/pages/59833787"),
            json!({"properties": {}}),
            "notion.update_page WRITE pages 59833787",
        ),
        (
            "PATCH",
            &api("/pages/59833787"),
            json!({"in_trash": true}),
            "notion.delete_page ADMIN pages 59833787",
        ),
        ("PATCH", &api("/databases/d98"), json!({"archived": true}), "notion.delete_page ADMIN pages d98"),
        ("DELETE", &api("/blocks/9bc30ad4"), json!(null), "notion.delete_block ADMIN pages 9bc30ad4"),
        (
            "PATCH",
            &api("/blocks/b55c9c91/children"),
            json!({"children": [{"object": "block"}]}),
            "notion.append_blocks WRITE pages b55c9c91",
        ),
        (
            "POST",
            &api("/databases/897e5a76/query"),
            json!({"filter": {}}),
            "notion.query_database READ databases 897e5a76",
        ),
        ("POST", &api("/data_sources/897e/query"), json!({}), "notion.query_database READ databases 897e"),
        ("POST", &api("/search"), json!({"query": "salaries"}), "notion.search READ pages -"),
        (
            "POST",
            &api("/comments"),
            json!({"parent": {"page_id": "5c6a"}, "rich_text": []}),
            "notion.create_comment WRITE comments 5c6a",
        ),
        (
            "GET",
            &api("/blocks/59833787/children?page_size=100"),
            json!(null),
            "notion.read_page READ pages 59833787",
        ),
        ("GET", &api("/users"), json!(null), "notion.read_users READ users -"),
    ]);
    check_strangers(&["https://api.notion.com.evil.test/v1/pages", "https://apinotion.com/v1/pages"]);
}

#[test]
fn confluence() {
    let site = |path: &str| format!("https://acme.atlassian.net/wiki{path}");
    check_whole(&[
        (
            "POST",
            &site("/rest/api/content"),
            json!({"type": "page", "title": "Plan", "space": {"key": "TST"}, "body": {}}),
            "confluence.create_page WRITE pages Plan",
        ),
        (
            "POST",
            "https://api.atlassian.com/ex/confluence/11223344/wiki/api/v2/pages",
            json!({"spaceId": "98", "status": "current", "title": "Plan"}),
            "confluence.create_page WRITE pages Plan",
        ),
        (
            "POST",
            &site("/rest/api/content"),
            json!({"type": "comment", "container": {"id": "123", "type": "page"}, "body": {}}),
            "confluence.create_comment WRITE comments 123",
        ),
        (
            "PUT",
            &site("/api/v2/pages/123"),
            json!({"id": "123", "title": "x"}),
            "confluence.update_page WRITE pages 123",
        ),
        ("DELETE", &site("/rest/api/content/123"), json!(null), "confluence.delete_page ADMIN pages 123"),
        (
            "DELETE",
            &site("/api/v2/pages/123?purge=true"),
            json!(null),
            "confluence.purge_page ADMIN pages 123",
        ),
        ("DELETE", &site("/rest/api/space/TST"), json!(null), "confluence.delete_space ADMIN spaces TST"),
        (
            "POST",
            &site("/rest/api/space/TST/permission"),
            json!({"subject": {"type": "user", "identifier": "5b10a"}, "operation": {"key": "read", "target": "space"}}),
            "confluence.grant_permission ADMIN permissions TST to 5b10a",
        ),
        (
            "DELETE",
            &site("/rest/api/content/123/restriction"),
            json!(null),
            "confluence.delete_restrictions ADMIN permissions 123",
        ),
        (
            "POST",
            "https://api.atlassian.com/ex/confluence/11223344/api/v2/user/access/invite-by-email",
            json!({"emails": ["p@partner.test"]}),
            "confluence.invite_user ADMIN users - to p@partner.test outside",
        ),
        (
            "GET",
            &site("/spaces/flyingpdf/pdfpageexport.action?pageId=123"),
            json!(null),
            "confluence.export_page READ exports 123",
        ),
        (
            "POST",
            &site("/rest/api/content/123/child/attachment"),
            json!(""),
            "confluence.upload_file WRITE files 123",
        ),
        (
            "GET",
            &site("/rest/api/content/123?expand=body.storage"),
            json!(null),
            "confluence.read_page READ pages 123",
        ),
    ]);
    let delete = call("DELETE", &site("/rest/api/space/TST"), json!(null)).primary;
    assert_eq!((delete.org.as_deref(), delete.repo.as_deref()), (Some("acme"), Some("TST")));
    assert_eq!(call("POST", "https://acme.atlassian.net/rest/api/3/issue", json!({})).primary.tool, "jira");
    check_strangers(&[
        "https://acme.atlassian.net.evil.test/wiki/rest/api/content",
        "https://acmeatlassian.net/wiki/rest/api/content",
    ]);
}

#[test]
fn dropbox() {
    let api = |path: &str| format!("https://api.dropboxapi.com/2{path}");
    let shares = [
        (json!({"path": "/a.pdf"}), "dropbox.publish_file ADMIN sharing /a.pdf outside"),
        (
            json!({"path": "/a.pdf", "settings": {"audience": "public", "access": "viewer"}}),
            "dropbox.publish_file ADMIN sharing /a.pdf outside",
        ),
        (
            json!({"path": "/a.pdf", "settings": {"requested_visibility": {".tag": "team_only"}}}),
            "dropbox.share_file ADMIN sharing /a.pdf",
        ),
        (
            json!({"path": "/a.pdf", "settings": {"audience": "team"}}),
            "dropbox.share_file ADMIN sharing /a.pdf",
        ),
    ];
    for (body, expected) in shares {
        let share = call("POST", &api("/sharing/create_shared_link_with_settings"), body.clone()).primary;
        assert_eq!(whole(&share), expected, "{body}");
    }
    check_whole(&[
        (
            "POST",
            &api("/files/delete_v2"),
            json!({"path": "/Homework"}),
            "dropbox.delete_file ADMIN files /Homework",
        ),
        (
            "POST",
            &api("/files/delete_batch"),
            json!({"entries": [{"path": "/a"}, {"path": "/b"}]}),
            "dropbox.delete_files ADMIN files /a",
        ),
        (
            "POST",
            &api("/files/permanently_delete"),
            json!("{\"path\": \"/a\"}"),
            "dropbox.purge_file ADMIN files /a",
        ),
        ("POST", &api("/files/list_folder"), json!({"path": ""}), "dropbox.list_files READ files -"),
        ("POST", &api("/files/search_v2"), json!({"query": "tax"}), "dropbox.list_files READ files -"),
        (
            "POST",
            &api("/sharing/add_folder_member"),
            json!({"shared_folder_id": "84528192421", "members": [{"member": {".tag": "email", "email": "j@evil.test"}, "access_level": "editor"}]}),
            "dropbox.share_file ADMIN sharing 84528192421 to j@evil.test outside",
        ),
        (
            "POST",
            &api("/sharing/add_file_member"),
            json!({"file": "id:3kmL", "members": [{".tag": "email", "email": "j@acme.example"}]}),
            "dropbox.share_file ADMIN sharing id:3kmL to j@acme.example",
        ),
        (
            "POST",
            &api("/team/members/add_v2"),
            json!({"new_members": [{"member_email": "t@x.test", "role": {".tag": "team_admin"}}]}),
            "dropbox.invite_user ADMIN users - to t@x.test outside",
        ),
        (
            "POST",
            "https://content.dropboxapi.com/2/files/download?arg=%7B%22path%22%3A%22%2Fa.txt%22%7D",
            json!(null),
            "dropbox.download_file READ files /a.txt",
        ),
        (
            "POST",
            &api("/contacts/delete_manual_contacts"),
            json!(null),
            "dropbox.delete_manual_contacts ADMIN api -",
        ),
        ("POST", &api("/file_requests/list_v2"), json!({}), "dropbox.list_v2 READ api -"),
    ]);
    let arg = [("dropbox-api-arg", r#"{"path": "/Homework/math/Matrices.txt", "mode": "add"}"#)];
    let upload =
        call_with("POST", "https://content.dropboxapi.com/2/files/upload", json!("path=/other"), &arg)
            .primary;
    assert_eq!(whole(&upload), "dropbox.upload_file WRITE files /Homework/math/Matrices.txt");
    check_strangers(&[
        "https://api.dropboxapi.com.evil.test/2/files/delete_v2",
        "https://apidropboxapi.com/2/files/delete_v2",
        "https://www.dropbox.com/s/abc/a.pdf",
    ]);
}
