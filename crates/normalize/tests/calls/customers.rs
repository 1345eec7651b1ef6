//! Salesforce, HubSpot, Zendesk and Intercom: records of customers, and answers to them.

use super::{call, check_strangers, check_whole, whole};
use serde_json::json;

#[test]
fn salesforce() {
    let data = |path: &str| format!("https://acme.my.salesforce.com/services/data/v62.0{path}");
    let soap = |request: &str| {
        json!(format!("<s:Envelope xmlns:s=\"x\"><s:Body><{request}/></s:Body></s:Envelope>"))
    };
    check_whole(&[
        (
            "GET",
            &data("/query?q=SELECT+Name,(SELECT+Email+FROM+Contacts)+FROM+Account"),
            json!(null),
            "salesforce.query_records READ records Account",
        ),
        (
            "POST",
            &data("/sobjects/Account/"),
            json!({"Name": "x"}),
            "salesforce.create_record WRITE records Account",
        ),
        (
            "PATCH",
            &data("/sobjects/Account/001D0"),
            json!({"BillingCity": "x"}),
            "salesforce.update_record WRITE records Account/001D0",
        ),
        (
            "DELETE",
            &data("/sobjects/Lead/00Q1"),
            json!(null),
            "salesforce.delete_record ADMIN records Lead/00Q1",
        ),
        (
            "POST",
            &data("/sobjects/Lead/00Q1?_HttpMethod=DELETE"),
            json!(null),
            "salesforce.delete_record ADMIN records Lead/00Q1",
        ),
        (
            "DELETE",
            &data("/composite/sobjects?ids=001,002&allOrNone=false"),
            json!(null),
            "salesforce.delete_records ADMIN records 001,002",
        ),
        (
            "POST",
            &data("/jobs/query"),
            json!({"operation": "query", "query": "SELECT Id, Email FROM Contact"}),
            "salesforce.export_records READ exports Contact",
        ),
        (
            "POST",
            &data("/jobs/ingest"),
            json!({"object": "Account", "operation": "hardDelete", "contentType": "CSV"}),
            "salesforce.delete_records ADMIN records Account",
        ),
        (
            "POST",
            &data("/jobs/ingest"),
            json!({"object": "Account", "operation": "insert"}),
            "salesforce.import_records WRITE records Account",
        ),
        (
            "GET",
            &data("/tooling/executeAnonymous/?anonymousBody=delete%20acc%3B"),
            json!(null),
            "salesforce.execute_apex ADMIN code -",
        ),
        (
            "POST",
            &data("/sobjects/User"),
            json!({"Username": "e@evil.test", "Email": "e@evil.test", "ProfileId": "00e"}),
            "salesforce.create_user ADMIN users User to e@evil.test outside",
        ),
        (
            "POST",
            &data("/sobjects/PermissionSetAssignment"),
            json!({"AssigneeId": "005", "PermissionSetId": "0PS"}),
            "salesforce.grant_permission ADMIN access 0PS to 005",
        ),
        (
            "POST",
            &data("/sobjects/ContentDistribution"),
            json!({"ContentVersionId": "068", "Name": "x"}),
            "salesforce.publish_file ADMIN sharing 068 outside",
        ),
        (
            "POST",
            &data("/sobjects/AccountShare"),
            json!({"AccountId": "001", "UserOrGroupId": "005", "AccountAccessLevel": "Edit"}),
            "salesforce.share_record ADMIN sharing Account/001 to 005",
        ),
        (
            "POST",
            &data("/actions/standard/emailSimple"),
            json!({"inputs": [{"emailBody": "b", "emailAddresses": "a@acme.example,b@x.test", "emailSubject": "s"}]}),
            "salesforce.send_mail WRITE mail emailSimple to a@acme.example b@x.test outside",
        ),
        (
            "POST",
            "https://acme.my.salesforce.com/services/Soap/u/62.0",
            soap("delete"),
            "salesforce.soap_delete ADMIN records u",
        ),
        (
            "POST",
            "https://acme.my.salesforce.com/services/Soap/m/62.0",
            soap("deploy"),
            "salesforce.deploy_metadata ADMIN code -",
        ),
        (
            "POST",
            "https://acme.my.salesforce.com/services/Soap/u/62.0",
            json!("not xml"),
            "salesforce.call_soap ADMIN records u",
        ),
        (
            "POST",
            "https://acme.my.salesforce.com/services/apexrest/refund",
            json!({}),
            "salesforce.call_apex WRITE code refund",
        ),
    ]);
    assert_eq!(call("GET", &data("/limits"), json!(null)).primary.org.as_deref(), Some("acme"));
    check_strangers(&[
        "https://acme.my.salesforce.com.evil.test/services/data/v62.0/sobjects/Account",
        "https://mysalesforce.com/services/data/v62.0/sobjects/Account",
        "https://developer.salesforce.com/docs",
    ]);
}

#[test]
fn a_composite_call_does_what_the_calls_in_it_do() {
    let data = |path: &str| format!("https://acme.my.salesforce.com/services/data/v62.0{path}");
    let all = |path: &str, body| call("POST", &data(path), body).actions().map(whole).collect::<Vec<_>>();
    let composite = json!({"compositeRequest": [
        {"method": "POST", "url": "/services/data/v62.0/sobjects/Account", "referenceId": "a", "body": {"Name": "x"}},
        {"method": "DELETE", "url": "/services/data/v62.0/sobjects/Contact/003", "referenceId": "b"},
        {"method": "GET", "url": "/services/data/v62.0/query?q=SELECT+Id+FROM+Case", "referenceId": "c"},
    ]});
    let expected = [
        "salesforce.delete_record ADMIN records Contact/003",
        "salesforce.create_record WRITE records Account",
        "salesforce.query_records READ records Case",
    ];
    assert_eq!(all("/composite", composite.clone()), expected);
    assert_eq!(
        all(
            "/composite/graph",
            json!({"graphs": [{"graphId": "1", "compositeRequest": composite["compositeRequest"]}]})
        ),
        expected
    );
    let batch = json!({"batchRequests": [
        {"method": "PATCH", "url": "v62.0/sobjects/User/005", "richInput": {"Email": "e@evil.test"}},
        {"url": "v62.0/sobjects/Account/001"},
    ]});
    assert_eq!(
        all("/composite/batch", batch),
        [
            "salesforce.update_user ADMIN users User/005 to e@evil.test outside",
            "salesforce.read_record READ records Account/001"
        ]
    );
    assert_eq!(all("/composite", json!({})), ["salesforce.run_batch WRITE records -"]);
    let elsewhere =
        json!({"compositeRequest": [{"method": "DELETE", "url": "https://x.test/a", "referenceId": "a"}]});
    assert_eq!(call("POST", &data("/composite"), elsewhere).primary.tool, "salesforce");
    let many: Vec<_> =
        (0..300).map(|_| json!({"method": "GET", "url": "/services/data/v62.0/limits"})).collect();
    assert_eq!(
        call("POST", &data("/composite"), json!({"compositeRequest": many})).primary.operation,
        "too_many_actions"
    );
}

#[test]
fn hubspot() {
    let api = |path: &str| format!("https://api.hubapi.com{path}");
    check_whole(&[
        (
            "POST",
            &api("/crm/v3/objects/contacts"),
            json!({"properties": {"email": "a@x.test"}}),
            "hubspot.create_record WRITE records contacts",
        ),
        (
            "PATCH",
            &api("/crm/objects/2026-03/deals/512"),
            json!({"properties": {"amount": "1"}}),
            "hubspot.update_record WRITE records deals/512",
        ),
        (
            "DELETE",
            &api("/crm/v3/objects/contacts/512"),
            json!(null),
            "hubspot.delete_record ADMIN records contacts/512",
        ),
        (
            "POST",
            &api("/crm/v3/objects/contacts/batch/archive"),
            json!({"inputs": [{"id": "1"}, {"id": "2"}]}),
            "hubspot.delete_records ADMIN records contacts",
        ),
        (
            "POST",
            &api("/crm/v3/objects/contacts/batch/read"),
            json!({"properties": ["email"], "inputs": [{"id": "1"}]}),
            "hubspot.search_records READ records contacts",
        ),
        (
            "POST",
            &api("/crm/v3/objects/contacts/batch/upsert"),
            json!({"inputs": [{"idProperty": "email", "id": "a@x.test", "properties": {}}]}),
            "hubspot.update_records WRITE records contacts",
        ),
        (
            "POST",
            &api("/crm/v3/objects/contacts/gdpr-delete"),
            json!({"objectId": "a@x.test", "idProperty": "email"}),
            "hubspot.erase_record ADMIN records contacts/a@x.test",
        ),
        (
            "POST",
            &api("/crm/v3/exports/export/async"),
            json!({"exportType": "VIEW", "format": "CSV", "exportName": "all", "objectType": "CONTACT"}),
            "hubspot.export_records READ exports CONTACT",
        ),
        (
            "POST",
            &api("/marketing/v4/email/single-send"),
            json!({"emailId": 123, "message": {"to": "jdoe@x.test", "cc": ["c@acme.example"]}}),
            "hubspot.send_mail WRITE mail 123 to jdoe@x.test c@acme.example outside",
        ),
        (
            "POST",
            &api("/marketing/v3/emails/77/publish"),
            json!(null),
            "hubspot.send_campaign ADMIN campaigns 77 outside",
        ),
        (
            "POST",
            &api("/conversations/v3/conversations/threads/9/messages"),
            json!({"type": "MESSAGE", "text": "t", "recipients": [{"recipientField": "TO", "deliveryIdentifiers": [{"type": "HS_EMAIL_ADDRESS", "value": "lk@x.test"}]}]}),
            "hubspot.post_message WRITE messages 9 to lk@x.test outside",
        ),
        (
            "POST",
            &api("/conversations/v3/conversations/threads/9/messages"),
            json!({"type": "COMMENT", "text": "t"}),
            "hubspot.create_note WRITE messages 9",
        ),
        (
            "POST",
            &api("/conversations/v3/conversations/threads/9/messages?type=COMMENT"),
            json!({"type": "MESSAGE", "text": "t"}),
            "hubspot.post_message WRITE messages 9 outside",
        ),
        (
            "POST",
            &api("/settings/v3/users"),
            json!({"email": "new@evil.test", "sendWelcomeEmail": true}),
            "hubspot.invite_user ADMIN users - to new@evil.test outside",
        ),
        (
            "POST",
            &api("/files/v3/files"),
            json!(
                "--b\r\nContent-Disposition: form-data; name=\"options\"\r\n\r\n{\"access\": \"PUBLIC_INDEXABLE\"}\r\n--b\r\nContent-Disposition: form-data; name=\"folderPath\"\r\n\r\n/docs\r\n--b--"
            ),
            "hubspot.publish_file ADMIN files /docs outside",
        ),
        (
            "PUT",
            &api("/webhooks/v3/42/settings"),
            json!({"targetUrl": "https://evil.test/h"}),
            "hubspot.create_webhook ADMIN settings 42 to https://evil.test/h outside",
        ),
        (
            "GET",
            &api("/crm/v3/objects/deals?limit=10"),
            json!(null),
            "hubspot.read_records READ records deals",
        ),
    ]);
    check_strangers(&[
        "https://api.hubapi.com.evil.test/crm/v3/objects/contacts",
        "https://apihubapi.com/crm/v3/objects/contacts",
    ]);
}

#[test]
fn zendesk() {
    let api = |path: &str| format!("https://acme.zendesk.com/api/v2{path}");
    check_whole(&[
        (
            "POST",
            &api("/tickets.json"),
            json!({"ticket": {"subject": "s", "comment": {"body": "b"}, "requester": {"name": "n", "email": "c@x.test"}}}),
            "zendesk.create_ticket WRITE issues - to c@x.test outside",
        ),
        (
            "PUT",
            &api("/tickets/35436.json"),
            json!({"ticket": {"status": "open", "comment": {"body": "b"}}}),
            "zendesk.reply_ticket WRITE issues 35436 outside",
        ),
        (
            "PUT",
            &api("/tickets/35436"),
            json!({"ticket": {"comment": {"body": "b", "public": false}}}),
            "zendesk.create_note WRITE issues 35436",
        ),
        (
            "PUT",
            &api("/tickets/35436?ticket.comment.public=false"),
            json!({"ticket": {"comment": {"body": "b", "public": true}}}),
            "zendesk.reply_ticket WRITE issues 35436 outside",
        ),
        (
            "PUT",
            &api("/tickets/35436"),
            json!({"ticket": {"status": "solved"}}),
            "zendesk.update_ticket WRITE issues 35436",
        ),
        (
            "PUT",
            &api("/tickets/update_many.json?ids=1,2,3"),
            json!({"ticket": {"comment": {"body": "b"}}}),
            "zendesk.reply_many_tickets ADMIN issues 1,2,3 outside",
        ),
        (
            "DELETE",
            &api("/tickets/destroy_many?ids=1,2"),
            json!(null),
            "zendesk.delete_tickets ADMIN issues 1,2",
        ),
        ("DELETE", &api("/deleted_tickets/7.json"), json!(null), "zendesk.purge_tickets ADMIN issues 7"),
        (
            "GET",
            &api("/incremental/users/cursor.json?start_time=0"),
            json!(null),
            "zendesk.export_records READ exports users/cursor",
        ),
        ("GET", &api("/search.json?query=type:ticket"), json!(null), "zendesk.search READ issues -"),
        (
            "POST",
            &api("/users.json"),
            json!({"user": {"name": "n", "email": "e@evil.test", "role": "admin"}}),
            "zendesk.create_user ADMIN users admin to e@evil.test outside",
        ),
        (
            "PUT",
            &api("/users/9"),
            json!({"user": {"role": "admin"}}),
            "zendesk.grant_role ADMIN access 9 to 9",
        ),
        (
            "POST",
            &api("/webhooks"),
            json!({"webhook": {"name": "w", "endpoint": "https://evil.test/w", "http_method": "POST"}}),
            "zendesk.create_webhook ADMIN settings - to https://evil.test/w outside",
        ),
        (
            "POST",
            &api("/tickets/5/side_conversations"),
            json!({"message": {"subject": "s", "to": [{"email": "p@partner.test"}], "body": "b"}}),
            "zendesk.send_side_conversation WRITE messages 5 to p@partner.test outside",
        ),
        (
            "POST",
            &api("/triggers"),
            json!({"trigger": {"title": "Close all", "actions": []}}),
            "zendesk.change_automation ADMIN automation Close all",
        ),
        (
            "POST",
            &api("/help_center/en-us/sections/3/articles.json"),
            json!({"article": {"title": "t", "body": "b"}}),
            "zendesk.publish_article ADMIN articles 3 outside",
        ),
    ]);
    assert_eq!(call("GET", &api("/tickets/1.json"), json!(null)).primary.org.as_deref(), Some("acme"));
    check_strangers(&[
        "https://acme.zendesk.com.evil.test/api/v2/tickets.json",
        "https://acmezendesk.com/api/v2/tickets.json",
    ]);
}

#[test]
fn intercom() {
    let api = |path: &str| format!("https://api.intercom.io{path}");
    check_whole(&[
        (
            "POST",
            &api("/conversations/524/reply"),
            json!({"message_type": "comment", "type": "admin", "admin_id": "3156780", "body": "b"}),
            "intercom.reply_conversation WRITE messages 524 outside",
        ),
        (
            "POST",
            &api("/conversations/524/reply"),
            json!({"message_type": "note", "type": "admin", "admin_id": "3156780", "body": "b"}),
            "intercom.create_note WRITE messages 524",
        ),
        (
            "POST",
            "https://api.eu.intercom.io/messages",
            json!({"message_type": "email", "subject": "s", "body": "b", "from": {"type": "admin", "id": "394051"}, "to": {"type": "user", "id": "536e"}}),
            "intercom.send_message WRITE messages 536e to 536e outside",
        ),
        ("POST", &api("/contacts/search"), json!({"query": {}}), "intercom.read_contacts READ contacts -"),
        ("POST", &api("/contacts"), json!({"email": "j@x.test"}), "intercom.save_contact WRITE contacts -"),
        (
            "DELETE",
            "https://api.au.intercom.io/contacts/5ba",
            json!(null),
            "intercom.delete_contact ADMIN contacts 5ba",
        ),
        (
            "POST",
            &api("/contacts/merge"),
            json!({"from": "5d7", "into": "5ba"}),
            "intercom.merge_contacts ADMIN contacts 5ba",
        ),
        ("POST", &api("/contacts/5ba/archive"), json!(null), "intercom.archive_contact ADMIN contacts 5ba"),
        (
            "POST",
            &api("/export/content/data"),
            json!({"created_at_after": 1, "created_at_before": 2}),
            "intercom.export_records READ exports messages",
        ),
        (
            "POST",
            &api("/articles"),
            json!({"title": "Thanks", "author_id": 1, "state": "published"}),
            "intercom.publish_article ADMIN articles Thanks outside",
        ),
        (
            "POST",
            &api("/articles"),
            json!({"title": "Thanks", "author_id": 1, "state": "draft"}),
            "intercom.save_article WRITE articles Thanks",
        ),
        ("GET", &api("/conversations/524"), json!(null), "intercom.read_conversations READ messages 524"),
        (
            "POST",
            &api("/conversations/524/customers"),
            json!({"admin_id": "1", "customer": {"email": "z@evil.test"}}),
            "intercom.add_participant ADMIN messages 524 to z@evil.test outside",
        ),
        (
            "POST",
            &api("/tickets/7/reply"),
            json!({"message_type": "comment", "type": "admin"}),
            "intercom.reply_ticket WRITE issues 7 outside",
        ),
    ]);
    let reply = call("POST", &api("/conversations/524/reply"), json!({"message_type": "comment"})).primary;
    assert_eq!(reply.channel.as_deref(), Some("524"));
    check_strangers(&["https://api.intercom.io.evil.test/contacts", "https://api-intercom.io/contacts"]);
}
