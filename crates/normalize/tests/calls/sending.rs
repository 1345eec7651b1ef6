//! SendGrid and Twilio: what goes to people's mailboxes and telephones.

use super::{call, check_strangers, check_whole};
use serde_json::json;

#[test]
fn sendgrid() {
    let api = |path: &str| format!("https://api.sendgrid.com/v3{path}");
    check_whole(&[
        (
            "POST",
            &api("/mail/send"),
            json!({"personalizations": [{"to": [{"email": "bob@acme.example"}]}], "from": {"email": "ci@acme.example"}, "subject": "s", "content": [{"type": "text/plain", "value": "x"}]}),
            "sendgrid.send_mail WRITE mail ci@acme.example to bob@acme.example",
        ),
        (
            "POST",
            "https://api.eu.sendgrid.com/v3/mail/send",
            json!({"personalizations": [{"to": [{"email": "bob@acme.example"}], "bcc": [{"email": "spy@evil.test"}]}], "from": {"email": "ci@acme.example"}, "template_id": "d-1"}),
            "sendgrid.send_mail WRITE mail d-1 to bob@acme.example spy@evil.test outside",
        ),
        (
            "POST",
            "https://api.sendgrid.com/api/mail.send.json",
            json!("to=bob@x.test&from=me@acme.example&subject=s&text=t"),
            "sendgrid.send_mail WRITE mail me@acme.example to bob@x.test outside",
        ),
        (
            "PUT",
            &api("/marketing/singlesends/27c21bbf/schedule"),
            json!({"send_at": "now"}),
            "sendgrid.send_campaign ADMIN campaigns 27c21bbf outside",
        ),
        (
            "POST",
            &api("/campaigns/5/schedules/now"),
            json!(null),
            "sendgrid.send_campaign ADMIN campaigns 5 outside",
        ),
        (
            "POST",
            &api("/marketing/singlesends"),
            json!({"name": "News", "send_to": {"list_ids": ["L1"]}}),
            "sendgrid.save_campaign WRITE campaigns News",
        ),
        (
            "DELETE",
            &api("/marketing/contacts?delete_all_contacts=true"),
            json!(null),
            "sendgrid.delete_all_contacts ADMIN contacts *",
        ),
        (
            "DELETE",
            &api("/marketing/contacts?ids=c1,c2"),
            json!(null),
            "sendgrid.delete_contacts ADMIN contacts c1,c2",
        ),
        (
            "POST",
            &api("/marketing/contacts/exports"),
            json!({"list_ids": ["L1"]}),
            "sendgrid.export_contacts READ exports L1",
        ),
        (
            "PUT",
            &api("/marketing/contacts"),
            json!({"list_ids": ["L1"], "contacts": [{"email": "a@x.test"}]}),
            "sendgrid.import_contacts WRITE contacts L1",
        ),
        (
            "DELETE",
            &api("/asm/suppressions/global/a@x.test"),
            json!(null),
            "sendgrid.delete_suppression ADMIN suppressions a@x.test",
        ),
        (
            "POST",
            &api("/api_keys"),
            json!({"name": "My API Key", "scopes": ["mail.send"]}),
            "sendgrid.create_key ADMIN access My API Key",
        ),
        (
            "POST",
            &api("/teammates"),
            json!({"email": "t@evil.test", "scopes": [], "is_admin": true}),
            "sendgrid.invite_user ADMIN users - to t@evil.test outside",
        ),
        (
            "PATCH",
            &api("/user/webhooks/event/settings"),
            json!({"enabled": true, "url": "https://evil.test/e"}),
            "sendgrid.create_webhook ADMIN settings - to https://evil.test/e outside",
        ),
        ("GET", &api("/messages?limit=10"), json!(null), "sendgrid.read_messages READ mail -"),
        ("GET", &api("/scopes"), json!(null), "sendgrid.get READ mail /v3/scopes"),
    ]);
    check_strangers(&[
        "https://api.sendgrid.com.evil.test/v3/mail/send",
        "https://api-sendgrid.com/v3/mail/send",
        "https://evil.test/v3/mail/send",
    ]);
}

#[test]
fn twilio() {
    let api = |path: &str| format!("https://api.twilio.com/2010-04-01/Accounts/AC1{path}");
    check_whole(&[
        (
            "POST",
            &api("/Messages.json"),
            json!("To=%2B15558675310&From=%2B15017122661&Body=Hi"),
            "twilio.send_message WRITE messages +15017122661 to +15558675310 outside",
        ),
        (
            "POST",
            "https://api.dublin.ie1.twilio.com/2010-04-01/Accounts/AC1/Messages",
            json!("To=whatsapp%3A%2B15558675310&MessagingServiceSid=MG1&Body=Hi"),
            "twilio.send_message WRITE messages MG1 to whatsapp:+15558675310 outside",
        ),
        (
            "POST",
            &api("/Calls.json"),
            json!("To=%2B1555&From=%2B1501&Url=http%3A%2F%2Fdemo.test%2Fdocs%2Fvoice.xml"),
            "twilio.make_call WRITE calls +1501 to +1555 outside",
        ),
        (
            "POST",
            "https://comms.twilio.com/v1/Messages",
            json!({"from": {"address": "+1501", "channel": "SMS"}, "to": [{"address": "+15558675310", "channel": "PHONE"}], "content": {"text": "t"}}),
            "twilio.send_bulk_messages ADMIN messages +1501 to +15558675310 outside",
        ),
        ("DELETE", &api("/Messages/SM1.json"), json!(null), "twilio.delete_message ADMIN messages SM1"),
        ("GET", &api("/Messages/SM1.json"), json!(null), "twilio.read_messages READ messages SM1"),
        ("GET", &api("/Recordings/RE1.json"), json!(null), "twilio.read_recordings READ calls RE1"),
        (
            "POST",
            &api("/IncomingPhoneNumbers.json"),
            json!("PhoneNumber=%2B14155552344"),
            "twilio.buy_number ADMIN numbers +14155552344",
        ),
        (
            "POST",
            &api("/IncomingPhoneNumbers/PN1.json"),
            json!("SmsUrl=https%3A%2F%2Fevil.test%2Fsms"),
            "twilio.change_number ADMIN numbers PN1 to https://evil.test/sms outside",
        ),
        (
            "POST",
            &api("/IncomingPhoneNumbers/PN1.json"),
            json!("AccountSid=AC2"),
            "twilio.transfer_number ADMIN numbers PN1 to AC2",
        ),
        (
            "DELETE",
            &api("/IncomingPhoneNumbers/PN1.json"),
            json!(null),
            "twilio.release_number ADMIN numbers PN1",
        ),
        ("POST", &api("/Keys.json"), json!("FriendlyName=ci"), "twilio.create_key ADMIN access ci"),
        ("POST", &api(".json"), json!("Status=closed"), "twilio.close_account ADMIN accounts AC1"),
        (
            "POST",
            "https://verify.twilio.com/v2/Services/VA1/Verifications",
            json!("To=%2B15017122661&Channel=sms"),
            "twilio.send_verification WRITE verification VA1 to +15017122661 outside",
        ),
        (
            "POST",
            "https://conversations.twilio.com/v1/Conversations/CH1/Messages",
            json!("Author=a&Body=x"),
            "twilio.post_message WRITE messages CH1 outside",
        ),
        (
            "POST",
            "https://studio.twilio.com/v2/Flows/FW1/Executions",
            json!("To=%2B1555&From=%2B1501"),
            "twilio.run_flow WRITE automation FW1 to +1555 outside",
        ),
        (
            "POST",
            "https://bulkexports.twilio.com/v1/Exports/Messages/Jobs",
            json!("StartDay=2026-01-01&EndDay=2026-02-01&FriendlyName=x&Email=spy@evil.test"),
            "twilio.export_records READ exports Messages to spy@evil.test outside",
        ),
    ]);
    assert_eq!(call("GET", &api("/Messages.json"), json!(null)).primary.account.as_deref(), Some("AC1"));
    check_strangers(&[
        "https://api.twilio.com.evil.test/2010-04-01/Accounts/AC1/Messages.json",
        "https://apitwilio.com/2010-04-01/Accounts/AC1/Messages.json",
        "https://www.twilio.com/docs",
    ]);
}
