//! PagerDuty and Datadog: who is woken, and what keeps them from being woken.

use super::{call, check_strangers, check_whole};
use serde_json::json;

#[test]
fn pagerduty() {
    let api = |path: &str| format!("https://api.pagerduty.com{path}");
    check_whole(&[
        (
            "POST",
            "https://events.pagerduty.com/v2/enqueue",
            json!({"routing_key": "R0", "event_action": "trigger", "dedup_key": "db/disk", "payload": {"summary": "full", "source": "db1", "severity": "critical"}}),
            "pagerduty.create_incident WRITE issues db/disk",
        ),
        (
            "POST",
            "https://events.eu.pagerduty.com/v2/enqueue",
            json!({"routing_key": "R0", "event_action": "resolve", "dedup_key": "db/disk"}),
            "pagerduty.update_incident WRITE issues db/disk",
        ),
        (
            "POST",
            &api("/incidents"),
            json!({"incident": {"type": "incident", "title": "t", "service": {"id": "PWIXJZS", "type": "service_reference"}}}),
            "pagerduty.create_incident WRITE issues PWIXJZS",
        ),
        (
            "PUT",
            "https://api.eu.pagerduty.com/incidents",
            json!({"incidents": [{"id": "PT4KHLK", "type": "incident_reference", "status": "resolved"}]}),
            "pagerduty.resolve_incident WRITE issues PT4KHLK",
        ),
        (
            "PUT",
            &api("/incidents/PT4KHLK"),
            json!({"incident": {"type": "incident_reference", "status": "acknowledged"}}),
            "pagerduty.update_incident WRITE issues PT4KHLK",
        ),
        (
            "PUT",
            &api("/incidents/P1/merge"),
            json!({"source_incidents": [{"id": "P9R69N9"}]}),
            "pagerduty.merge_incidents ADMIN issues P1",
        ),
        (
            "POST",
            &api("/maintenance_windows"),
            json!({"maintenance_window": {"type": "maintenance_window", "services": [{"id": "PF9KMXH"}]}}),
            "pagerduty.suppress_alerts ADMIN alerting PF9KMXH",
        ),
        (
            "PUT",
            &api("/services/PQL78HM"),
            json!({"service": {"status": "disabled"}}),
            "pagerduty.disable_service ADMIN alerting PQL78HM",
        ),
        (
            "DELETE",
            &api("/escalation_policies/PANZZEQ"),
            json!(null),
            "pagerduty.delete_escalation_policy ADMIN oncall PANZZEQ",
        ),
        (
            "POST",
            &api("/users"),
            json!({"user": {"type": "user", "name": "E", "email": "e@evil.test", "role": "admin"}}),
            "pagerduty.invite_user ADMIN users - to e@evil.test outside",
        ),
        (
            "POST",
            &api("/users/PXPGF42/contact_methods"),
            json!({"contact_method": {"type": "email_contact_method", "address": "me@acme.example"}}),
            "pagerduty.change_contact_method ADMIN users PXPGF42 to me@acme.example",
        ),
        (
            "POST",
            &api("/webhook_subscriptions"),
            json!({"webhook_subscription": {"delivery_method": {"type": "http_delivery_method", "url": "https://hook.evil.test/x"}}}),
            "pagerduty.create_webhook ADMIN settings - to https://hook.evil.test/x outside",
        ),
        (
            "POST",
            &api("/webhook_subscriptions"),
            json!({"webhook_subscription": {"delivery_method": {"url": "https://ci.acme.example/x"}}}),
            "pagerduty.create_webhook ADMIN settings - to https://ci.acme.example/x",
        ),
        (
            "POST",
            &api("/automation_actions/actions/01A/invocations"),
            json!({"invocation": {"metadata": {}}}),
            "pagerduty.run_automation ADMIN automation 01A",
        ),
        (
            "POST",
            &api("/status_pages/PR5LMML/posts"),
            json!({"post": {"title": "down"}}),
            "pagerduty.publish_status ADMIN messages PR5LMML outside",
        ),
        ("GET", &api("/oncalls?include[]=users"), json!(null), "pagerduty.read_oncall READ oncall -"),
        ("GET", &api("/incidents/P1/notes"), json!(null), "pagerduty.read_incidents READ issues P1"),
        ("POST", &api("/tags"), json!({}), "pagerduty.post WRITE issues /tags"),
    ]);
    check_strangers(&[
        "https://api.pagerduty.com.evil.test/incidents",
        "https://api-pagerduty.com/incidents",
        "https://evil.test/api.pagerduty.com/incidents",
    ]);
}

#[test]
fn datadog() {
    let api = |path: &str| format!("https://api.datadoghq.com/api{path}");
    check_whole(&[
        ("POST", &api("/v1/monitor/mute_all"), json!(null), "datadog.mute_all_monitors ADMIN alerting *"),
        (
            "POST",
            "https://api.us5.datadoghq.com/api/v1/monitor/12345/mute",
            json!({"scope": "host:app1", "end": 1_412_798_116}),
            "datadog.mute_monitor ADMIN alerting 12345",
        ),
        (
            "POST",
            "https://api.datadoghq.eu/api/v2/downtime",
            json!({"data": {"type": "downtime", "attributes": {"scope": "env:prod", "monitor_identifier": {"monitor_tags": ["*"]}}}}),
            "datadog.schedule_downtime ADMIN alerting env:prod",
        ),
        (
            "DELETE",
            "https://api.ddog-gov.com/api/v1/monitor/7",
            json!(null),
            "datadog.delete_monitor ADMIN alerting 7",
        ),
        (
            "POST",
            &api("/v1/monitor"),
            json!({"name": "cpu", "type": "metric alert", "query": "avg(last_5m):avg:system.cpu.user{*} > 90"}),
            "datadog.save_monitor WRITE alerting cpu",
        ),
        ("POST", &api("/v1/monitor/validate"), json!({}), "datadog.validate_monitor READ alerting -"),
        (
            "PUT",
            &api("/v1/synthetics/tests/abc-def-ghi/status"),
            json!({"new_status": "paused"}),
            "datadog.pause_synthetics ADMIN alerting abc-def-ghi",
        ),
        (
            "POST",
            &api("/v1/dashboard/public"),
            json!({"dashboard_id": "123-abc-456", "dashboard_type": "custom_timeboard", "share_type": "open"}),
            "datadog.publish_dashboard ADMIN sharing 123-abc-456 outside",
        ),
        (
            "POST",
            &api("/v1/dashboard/public"),
            json!({"dashboard_id": "123", "share_type": "invite", "share_list": ["a@acme.example", "b@x.test"]}),
            "datadog.share_dashboard ADMIN sharing 123 to a@acme.example b@x.test outside",
        ),
        (
            "POST",
            &api("/v1/dashboard/public/tok/invitation"),
            json!({"data": [{"attributes": {"email": "a@acme.example"}, "type": "public_dashboard_invitation"}]}),
            "datadog.share_dashboard ADMIN sharing tok to a@acme.example",
        ),
        (
            "POST",
            "https://http-intake.logs.datadoghq.com/api/v2/logs",
            json!([{"ddsource": "nginx", "service": "payment", "message": "x"}]),
            "datadog.send_logs WRITE logs payment",
        ),
        (
            "POST",
            &api("/v2/series"),
            json!({"series": [{"metric": "system.load.1", "points": []}]}),
            "datadog.send_metrics WRITE metrics system.load.1",
        ),
        (
            "POST",
            &api("/v2/logs/events/search"),
            json!({"filter": {"query": "service:web", "indexes": ["main"]}}),
            "datadog.search_logs READ logs main",
        ),
        ("GET", &api("/v1/query?query=avg:cpu{*}"), json!(null), "datadog.query_metrics READ metrics -"),
        (
            "POST",
            &api("/v2/users"),
            json!({"data": {"type": "users", "attributes": {"email": "x@evil.test"}}}),
            "datadog.create_user ADMIN users - to x@evil.test outside",
        ),
        (
            "POST",
            &api("/v2/roles/3653d3c6/users"),
            json!({"data": {"id": "u-1", "type": "users"}}),
            "datadog.grant_role ADMIN access 3653d3c6 to u-1",
        ),
        (
            "POST",
            &api("/v2/api_keys"),
            json!({"data": {"type": "api_keys", "attributes": {"name": "ci"}}}),
            "datadog.create_key ADMIN access ci",
        ),
        (
            "POST",
            &api("/v1/integration/webhooks/configuration/webhooks"),
            json!({"name": "w", "url": "https://evil.test/in"}),
            "datadog.create_webhook ADMIN settings w to https://evil.test/in outside",
        ),
        (
            "DELETE",
            &api("/v1/logs/config/indexes/main"),
            json!(null),
            "datadog.change_log_pipeline ADMIN logs indexes/main",
        ),
        ("POST", &api("/v2/deletion/data/logs"), json!({}), "datadog.delete_data ADMIN logs logs"),
        (
            "DELETE",
            &api("/v2/something/9"),
            json!(null),
            "datadog.delete ADMIN monitoring /api/v2/something/9",
        ),
    ]);
    check_strangers(&[
        "https://api.datadoghq.com.evil.test/api/v1/monitor",
        "https://api.mydatadoghq.com/api/v1/monitor",
        "https://docs.datadoghq.com/x",
    ]);
    assert!(!call("GET", &api("/v1/monitor"), json!(null)).primary.external_principal);
}
