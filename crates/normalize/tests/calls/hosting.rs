//! Platforms that host data, functions and sites.

use crate::{call, call_with, check_below, check_strangers, name, whole};
use serde_json::json;

#[test]
fn supabase() {
    check_below(
        "https://abcdefghijklmnopqrst.supabase.co",
        &[
            ("DELETE", "/rest/v1/users?id=eq.7", json!(null), "supabase.delete_rows ADMIN database users"),
            ("DELETE", "/rest/v1/users", json!(null), "supabase.delete_all_rows ADMIN database users"),
            (
                "DELETE",
                "/rest/v1/users?select=id&id=neq.0",
                json!(null),
                "supabase.delete_all_rows ADMIN database users",
            ),
            // A filter in the body filters nothing.
            ("DELETE", "/rest/v1/users", json!("id=eq.7"), "supabase.delete_all_rows ADMIN database users"),
            (
                "PATCH",
                "/rest/v1/users?or=(age.lt.18,age.gt.60)",
                json!({"active": false}),
                "supabase.update_rows WRITE database users",
            ),
            (
                "PATCH",
                "/rest/v1/users?columns=active",
                json!({"active": false}),
                "supabase.update_all_rows ADMIN database users",
            ),
            (
                "POST",
                "/rest/v1/users?on_conflict=email",
                json!([{"email": "a@x.test"}]),
                "supabase.upsert_rows WRITE database users",
            ),
            ("GET", "/rest/v1/users?select=*", json!(null), "supabase.read_rows READ database users"),
            (
                "POST",
                "/rest/v1/rpc/refund",
                json!({"order_id": 1}),
                "supabase.call_database_function WRITE database refund",
            ),
            (
                "POST",
                "/auth/v1/invite",
                json!({"email": "eve@other.test"}),
                "supabase.invite_user ADMIN users eve@other.test to eve@other.test outside",
            ),
            (
                "POST",
                "/auth/v1/admin/generate_link",
                json!({"type": "magiclink", "email": "bob@acme.example"}),
                "supabase.generate_sign_in_link ADMIN users bob@acme.example to bob@acme.example",
            ),
            ("DELETE", "/auth/v1/admin/users/u-1", json!({}), "supabase.delete_user ADMIN users u-1"),
            (
                "PUT",
                "/storage/v1/bucket/avatars",
                json!({"public": true}),
                "supabase.make_bucket_public ADMIN files avatars to public outside",
            ),
            (
                "POST",
                "/storage/v1/object/sign/contracts/2026/a.pdf",
                json!({"expiresIn": 3600}),
                "supabase.create_signed_url WRITE files contracts/2026/a.pdf to anyone outside",
            ),
            (
                "POST",
                "/storage/v1/object/contracts/2026/a.pdf",
                json!("x"),
                "supabase.upload_file WRITE files contracts/2026/a.pdf",
            ),
            (
                "DELETE",
                "/storage/v1/object/contracts",
                json!({"prefixes": ["2026/a.pdf"]}),
                "supabase.delete_file ADMIN files contracts/2026/a.pdf",
            ),
            ("POST", "/functions/v1/hello", json!({}), "supabase.invoke_function WRITE functions hello"),
            (
                "POST",
                "/graphql/v1",
                json!({"query": "mutation { deleteFromUsersCollection(atMost: 9) { affectedCount } }"}),
                "supabase.delete_from_users_collection ADMIN database /graphql/v1",
            ),
        ],
    );
    check_below(
        "https://api.supabase.com/v1",
        &[
            ("DELETE", "/projects/abc", json!(null), "supabase.delete_project ADMIN projects abc"),
            (
                "POST",
                "/projects/abc/database/query",
                json!({"query": "drop table users"}),
                "supabase.run_sql ADMIN database abc",
            ),
            (
                "POST",
                "/projects/abc/secrets",
                json!([{"name": "KEY", "value": "v"}]),
                "supabase.set_secret ADMIN secrets abc/KEY",
            ),
            ("GET", "/projects/abc/api-keys", json!(null), "supabase.read_api_keys READ secrets abc"),
            (
                "POST",
                "/projects/abc/functions/deploy?slug=hello",
                json!(null),
                "supabase.deploy_function ADMIN functions abc/hello",
            ),
            (
                "POST",
                "/projects/abc/network-restrictions/apply",
                json!({"dbAllowedCidrs": ["0.0.0.0/0"]}),
                "supabase.change_network_access ADMIN access abc to 0.0.0.0/0",
            ),
        ],
    );
    check_strangers(&[
        "https://abc.supabase.co.evil.test/rest/v1/users",
        "https://abcsupabase.co/rest/v1/users",
        "https://api.supabase.com.evil.test/v1/projects",
    ]);
    let rows = call("GET", "https://abcd.supabase.co/rest/v1/users", json!(null)).primary;
    assert_eq!(rows.account.as_deref(), Some("abcd"));
}

#[test]
fn firebase() {
    let documents = "https://firestore.googleapis.com/v1/projects/p1/databases/(default)";
    check_below(
        documents,
        &[
            (
                "POST",
                "/documents:commit",
                json!({"writes": [{"update": {"name": "n", "fields": {}}}, {"delete": "projects/p1/databases/(default)/documents/users/a"}]}),
                "firebase.delete_documents ADMIN database projects/p1/databases/(default)/documents/users/a",
            ),
            (
                "POST",
                "/documents:commit",
                json!({"writes": [{"update": {"name": "users/a", "fields": {}}}]}),
                "firebase.write_documents WRITE database users/a",
            ),
            (
                "POST",
                "/documents:runQuery",
                json!({"structuredQuery": {"from": [{"collectionId": "users"}]}}),
                "firebase.query_documents READ database users",
            ),
            (
                "POST",
                "/documents/users/a:runQuery",
                json!({"structuredQuery": {"from": [{"collectionId": "orders"}]}}),
                "firebase.query_documents READ database orders",
            ),
            (
                "POST",
                "/documents:batchGet",
                json!({"documents": ["users/a", "users/b"]}),
                "firebase.read_documents READ database users/a",
            ),
            (
                "POST",
                "/documents/users?documentId=a",
                json!({"fields": {}}),
                "firebase.create_document WRITE database (default)/users",
            ),
            (
                "DELETE",
                "/documents/users/a",
                json!(null),
                "firebase.delete_documents ADMIN database (default)/users/a",
            ),
            ("DELETE", "", json!(null), "firebase.delete_database ADMIN database (default)"),
            (
                "POST",
                ":exportDocuments",
                json!({"outputUriPrefix": "gs://elsewhere/x"}),
                "firebase.export_database ADMIN database (default) to gs://elsewhere/x",
            ),
            (
                "POST",
                ":bulkDeleteDocuments",
                json!({"collectionIds": ["users"]}),
                "firebase.delete_collections ADMIN database users",
            ),
        ],
    );
    check_below(
        "https://shop-default-rtdb.firebaseio.com",
        &[
            ("DELETE", "/.json", json!(null), "firebase.delete_all_data ADMIN database /"),
            ("PUT", "/.json", json!({}), "firebase.replace_all_data ADMIN database /"),
            (
                "PUT",
                "/.settings/rules.json",
                json!({"rules": {".read": true}}),
                "firebase.change_security_rules ADMIN access rules.json",
            ),
            (
                "DELETE",
                "/users/jack.json",
                json!(null),
                "firebase.delete_data ADMIN database users/jack.json",
            ),
            (
                "PATCH",
                "/users/jack.json",
                json!({"a": 1}),
                "firebase.write_data WRITE database users/jack.json",
            ),
            ("GET", "/users.json?shallow=true", json!(null), "firebase.read_data READ database users.json"),
            (
                "POST",
                "/users/jack.json?x-http-method-override=DELETE",
                json!(null),
                "firebase.delete_data ADMIN database users/jack.json",
            ),
        ],
    );
    check_below(
        "https://",
        &[
            (
                "POST",
                "identitytoolkit.googleapis.com/v1/projects/p1/accounts:update",
                json!({"localId": "u1", "customAttributes": "{\"admin\":true}"}),
                "firebase.set_user_claims ADMIN access u1 to u1",
            ),
            (
                "POST",
                "identitytoolkit.googleapis.com/v1/projects/p1/accounts:batchDelete",
                json!({"localIds": ["u1", "u2"], "force": true}),
                "firebase.delete_user ADMIN users u1",
            ),
            (
                "GET",
                "identitytoolkit.googleapis.com/v1/projects/p1/accounts:batchGet?maxResults=1000",
                json!(null),
                "firebase.export_users READ users p1",
            ),
            (
                "POST",
                "fcm.googleapis.com/v1/projects/p1/messages:send",
                json!({"message": {"topic": "all", "notification": {"title": "t"}}}),
                "firebase.send_message WRITE messages all to all",
            ),
            (
                "POST",
                "firebasehosting.googleapis.com/v1beta1/sites/shop/releases?versionName=sites/shop/versions/1",
                json!({}),
                "firebase.deploy ADMIN deployments shop",
            ),
            (
                "PATCH",
                "firebaserules.googleapis.com/v1/projects/p1/releases/cloud.firestore",
                json!({}),
                "firebase.change_security_rules ADMIN access p1",
            ),
            (
                "DELETE",
                "firebasestorage.googleapis.com/v0/b/shop.appspot.com/o/a%2Fb.png",
                json!(null),
                "firebase.delete_file ADMIN files shop.appspot.com/a/b.png",
            ),
        ],
    );
    let disguised = call_with(
        "POST",
        "https://shop.europe-west1.firebasedatabase.app/.json",
        json!(null),
        &[("x-http-method-override", "DELETE")],
    );
    assert_eq!(name(&disguised.primary), "firebase.delete_all_data ADMIN");
    check_strangers(&[
        "https://firestore.googleapis.com.evil.test/v1/projects/p/databases/d/documents:commit",
        "https://shop.firebaseio.com.evil.test/.json",
        "https://myfirebaseio.com/.json",
    ]);
    let commit = call("POST", &format!("{documents}/documents:commit"), json!({})).primary;
    assert_eq!(commit.account.as_deref(), Some("p1"), "{}", whole(&commit));
}

#[test]
fn cloudflare() {
    check_below(
        "https://api.cloudflare.com/client/v4",
        &[
            (
                "POST",
                "/zones/z1/dns_records",
                json!({"type": "CNAME", "name": "www.acme.example", "content": "evil.test", "proxied": false}),
                "cloudflare.create_dns_record ADMIN dns www.acme.example to evil.test outside",
            ),
            (
                "PATCH",
                "/zones/z1/dns_records/r1",
                json!({"type": "A", "content": "198.51.100.4"}),
                "cloudflare.update_dns_record ADMIN dns z1/r1 to 198.51.100.4",
            ),
            (
                "DELETE",
                "/zones/z1/dns_records/r1",
                json!(null),
                "cloudflare.delete_dns_record ADMIN dns z1/r1",
            ),
            (
                "POST",
                "/zones/z1/purge_cache",
                json!({"purge_everything": true}),
                "cloudflare.purge_cache ADMIN cache z1",
            ),
            ("DELETE", "/zones/z1", json!(null), "cloudflare.delete_zone ADMIN zones z1"),
            (
                "PATCH",
                "/zones/z1/settings/ssl",
                json!({"value": "off"}),
                "cloudflare.change_zone_settings ADMIN settings z1/ssl",
            ),
            ("DELETE", "/zones/z1/rulesets/rs1", json!(null), "cloudflare.change_firewall ADMIN access z1"),
            (
                "PUT",
                "/accounts/a1/workers/scripts/api/secrets",
                json!({"name": "KEY", "text": "v", "type": "secret_text"}),
                "cloudflare.set_secret ADMIN secrets api/KEY",
            ),
            (
                "PUT",
                "/accounts/a1/workers/scripts/api",
                json!("x"),
                "cloudflare.deploy_worker ADMIN deployments api",
            ),
            (
                "POST",
                "/accounts/a1/pages/projects/shop/deployments/d1/rollback",
                json!({}),
                "cloudflare.rollback_pages ADMIN deployments shop",
            ),
            (
                "POST",
                "/accounts/a1/members",
                json!({"email": "eve@other.test", "roles": ["r"]}),
                "cloudflare.invite_member ADMIN access eve@other.test to eve@other.test outside",
            ),
            (
                "POST",
                "/user/tokens",
                json!({"name": "ci", "policies": []}),
                "cloudflare.create_api_token ADMIN secrets ci",
            ),
            (
                "POST",
                "/accounts/a1/d1/database/db1/query",
                json!({"sql": "DROP TABLE users"}),
                "cloudflare.run_sql ADMIN database db1",
            ),
            (
                "PUT",
                "/accounts/a1/r2/buckets/backups/domains/managed",
                json!({"enabled": true}),
                "cloudflare.make_bucket_public ADMIN files backups to public outside",
            ),
            (
                "GET",
                "/accounts/a1/storage/kv/namespaces/n1/values/k1",
                json!(null),
                "cloudflare.read_keys READ database n1/k1",
            ),
            (
                "GET",
                "/accounts/a1/cfd_tunnel/t1/token",
                json!(null),
                "cloudflare.read_tunnel_token READ secrets t1",
            ),
            (
                "POST",
                "/graphql",
                json!({"query": "{ viewer { zones { httpRequests1dGroups { sum { requests } } } } }"}),
                "cloudflare.viewer READ zones /client/v4/graphql",
            ),
        ],
    );
    check_strangers(&[
        "https://api.cloudflare.com.evil.test/client/v4/zones/z/purge_cache",
        "https://api-cloudflare.com/client/v4/zones/z/purge_cache",
        "https://api.cloudflare.com/other",
    ]);
    let token =
        call("GET", "https://api.cloudflare.com/client/v4/accounts/a1/cfd_tunnel/t/token", json!(null));
    assert_eq!(token.primary.account.as_deref(), Some("a1"));
}

#[test]
fn vercel() {
    check_below(
        "https://api.vercel.com",
        &[
            (
                "POST",
                "/v13/deployments?teamId=team_1",
                json!({"name": "shop", "target": "production", "files": []}),
                "vercel.deploy_to_production ADMIN deployments shop",
            ),
            ("POST", "/v13/deployments", json!({"name": "shop"}), "vercel.deploy ADMIN deployments shop"),
            (
                "POST",
                "/v10/projects/shop/promote/dpl_1",
                json!({}),
                "vercel.promote_deployment ADMIN deployments shop/dpl_1",
            ),
            (
                "POST",
                "/v9/projects/shop/rollback/dpl_1",
                json!({}),
                "vercel.rollback_deployment ADMIN deployments shop/dpl_1",
            ),
            (
                "POST",
                "/v10/projects/shop/env?upsert=true",
                json!({"key": "API_KEY", "value": "v", "type": "encrypted", "target": ["production"]}),
                "vercel.set_env_variable ADMIN secrets shop/API_KEY",
            ),
            (
                "GET",
                "/v10/projects/shop/env?decrypt=true",
                json!(null),
                "vercel.read_env_value READ secrets shop",
            ),
            (
                "DELETE",
                "/v9/projects/shop/env/e1",
                json!(null),
                "vercel.delete_env_variable ADMIN secrets shop/e1",
            ),
            ("DELETE", "/v9/projects/shop", json!(null), "vercel.delete_project ADMIN projects shop"),
            (
                "POST",
                "/projects/shop/transfer-request",
                json!({}),
                "vercel.transfer_project ADMIN projects shop outside",
            ),
            (
                "POST",
                "/v2/domains/acme.example/records",
                json!({"type": "CNAME", "name": "www", "value": "evil.test"}),
                "vercel.create_dns_record ADMIN dns acme.example/www to evil.test outside",
            ),
            (
                "PATCH",
                "/v3/domains/acme.example",
                json!({"op": "move-out", "destination": "someone"}),
                "vercel.transfer_domain ADMIN dns acme.example to someone outside",
            ),
            (
                "POST",
                "/v2/teams/team_1/members",
                json!({"email": "eve@other.test", "role": "OWNER"}),
                "vercel.invite_member ADMIN access team_1 to eve@other.test outside",
            ),
            (
                "POST",
                "/v1/webhooks",
                json!({"url": "https://other.test/h", "events": ["deployment.created"]}),
                "vercel.change_webhook ADMIN settings - to https://other.test/h outside",
            ),
            ("POST", "/v3/user/tokens", json!({"name": "ci"}), "vercel.create_api_token ADMIN secrets ci"),
            ("GET", "/v9/projects", json!(null), "vercel.read_projects READ projects -"),
        ],
    );
    check_strangers(&[
        "https://api.vercel.com.evil.test/v13/deployments",
        "https://shop.vercel.app/api/users",
    ]);
    let deploy =
        call("POST", "https://api.vercel.com/v13/deployments?teamId=team_1", json!({"name": "shop"})).primary;
    assert_eq!((deploy.org.as_deref(), deploy.repo.as_deref()), (Some("team_1"), Some("shop")));
}

#[test]
fn netlify() {
    check_below(
        "https://api.netlify.com/api/v1",
        &[
            ("POST", "/sites/s1/deploys", json!({"files": {}}), "netlify.deploy ADMIN deployments s1"),
            (
                "POST",
                "/sites/s1/deploys/d1/restore",
                json!(null),
                "netlify.restore_deploy ADMIN deployments s1/d1",
            ),
            ("PUT", "/sites/s1/rollback", json!(null), "netlify.rollback ADMIN deployments s1"),
            (
                "POST",
                "/sites/s1/builds",
                json!({"clear_cache": true}),
                "netlify.start_build ADMIN deployments s1",
            ),
            (
                "POST",
                "/accounts/acme/env?site_id=s1",
                json!([{"key": "API_KEY", "values": [{"context": "all", "value": "v"}]}]),
                "netlify.set_env_variable ADMIN secrets acme/API_KEY",
            ),
            ("GET", "/accounts/acme/env", json!(null), "netlify.read_env_variables READ secrets acme"),
            ("DELETE", "/sites/s1", json!(null), "netlify.delete_site ADMIN sites s1"),
            (
                "POST",
                "/dns_zones/z1/dns_records",
                json!({"type": "CNAME", "hostname": "www.acme.example", "value": "evil.test"}),
                "netlify.create_dns_record ADMIN dns www.acme.example to evil.test outside",
            ),
            (
                "PUT",
                "/dns_zones/z1/transfer?account_id=a&transfer_account_id=b&transfer_user_id=u",
                json!(null),
                "netlify.transfer_dns_zone ADMIN dns z1 to b outside",
            ),
            (
                "POST",
                "/acme/members",
                json!({"email": "eve@other.test", "role": "Owner"}),
                "netlify.invite_member ADMIN access eve@other.test to eve@other.test outside",
            ),
            (
                "POST",
                "/sites/s1/snippets",
                json!({"general": "<script src=//x.test></script>", "general_position": "head"}),
                "netlify.change_snippets ADMIN sites s1",
            ),
            ("POST", "/purge", json!({"site_id": "s1"}), "netlify.purge_cache ADMIN cache s1"),
            ("GET", "/forms/f1/submissions", json!(null), "netlify.read_form_submissions READ forms f1"),
        ],
    );
    check_strangers(&[
        "https://api.netlify.com.evil.test/api/v1/sites",
        "https://acme.netlify.app/api/v1/sites",
    ]);
    let hook = call("POST", "https://api.netlify.com/build_hooks/5c23", json!({})).primary;
    assert_eq!(whole(&hook), "netlify.start_build ADMIN deployments 5c23");
}
