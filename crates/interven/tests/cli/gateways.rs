//! Several gateways on one PostgreSQL act as one.

use crate::{
    fleet::{Answer, Fleet, NOTICED, READ, service},
    world::{MERGE, run},
};
use std::time::Instant;

/// Changes something at telemetry, and asks each gateway until it acts on it.
async fn changes(fleet: &Fleet, key: &str, command: &[&str], is_noticed: impl Fn(&Answer) -> bool) {
    fleet.admin(command).must_exit(0);
    let changed = Instant::now();
    for gateway in &fleet.gateways {
        loop {
            let asked = changed.elapsed();
            let answer = gateway.scan(key, "GET", READ).await;
            if is_noticed(&answer) {
                break;
            }
            assert!(asked < NOTICED, "{command:?} was not noticed after {asked:?}: {answer:?}");
        }
    }
}

async fn every_change_reaches_every_gateway(settings: &[(&'static str, &'static str)]) {
    let fleet = Fleet::start(settings);
    let key = fleet.tenant_with_key().await;
    let is_allowed = |answer: &Answer| answer.decision() == "ALLOW";

    let home = tempfile::tempdir().unwrap();
    let (file, rule) =
        (home.path().join("quiet.yaml"), "{ rule_id: r, match: { tool_names: [github] }, action: DENY }");
    std::fs::write(&file, format!("name: Quiet\nrules:\n  - {rule}\n")).unwrap();
    let file = file.to_str().unwrap();
    changes(&fleet, &key, &["policy", "apply", file], |answer| answer.body["policy_name"] == "Quiet").await;
    changes(&fleet, &key, &["admin", "settings", "set", "monitor=true"], |answer| {
        is_allowed(answer) && answer.body["would_be"] == "DENY"
    })
    .await;
    changes(&fleet, &key, &["admin", "settings", "set", "monitor=false"], |a| a.decision() == "DENY").await;
    changes(&fleet, &key, &["policy", "delete", "Quiet"], is_allowed).await;
    changes(&fleet, &key, &["admin", "agent", "suspend", "builder"], |answer| {
        answer.has_reason("AGENT_SUSPENDED")
    })
    .await;
    changes(&fleet, &key, &["admin", "agent", "reactivate", "builder"], is_allowed).await;

    let trust_of = |answer: &Answer| {
        let trace = answer.body["trace_id"].as_str().unwrap_or_default();
        let sql = format!("SELECT trust_score FROM activity_log WHERE trace_id = '{trace}'");
        fleet.sql(&sql).parse::<f64>().unwrap()
    };
    let before = fleet.gateways[0].scan(&key, "GET", READ).await;
    assert!(trust_of(&before) < 1.0, "calls were denied before: {before:?}");
    changes(&fleet, &key, &["admin", "agent", "reset-trust", "builder"], |a| trust_of(a) == 1.0).await;

    changes(&fleet, &key, &["admin", "key", "revoke", &key[..12]], |answer| answer.status == 401).await;
}

#[tokio::test]
async fn changes_reach_every_gateway_by_notification() {
    every_change_reaches_every_gateway(&[]).await;
}

#[tokio::test]
async fn changes_reach_every_gateway_with_the_channel_cut() {
    every_change_reaches_every_gateway(&[("DATABASE_LISTEN", "false")]).await;
}

#[tokio::test]
async fn an_approval_asked_at_one_gateway_is_granted_once_at_the_other() {
    let fleet = Fleet::start(&[]);
    let key = fleet.tenant_with_key().await;
    let held = fleet.gateways[0].scan(&key, "PUT", MERGE).await;
    assert_eq!(held.decision(), "REQUIRE_APPROVAL", "{held:?}");
    let pending = fleet.gateways[1].scan(&key, "PUT", MERGE).await;
    assert_eq!(pending.body["approval_id"], held.body["approval_id"]);
    fleet.admin(&["approvals", "approve", held.body["approval_id"].as_str().unwrap()]).must_exit(0);
    let passed = fleet.gateways[1].scan(&key, "PUT", MERGE).await;
    assert!(passed.decision() == "ALLOW" && passed.has_reason("RECENT_APPROVAL_GRANT"), "{passed:?}");
    let asked_again = fleet.gateways[0].scan(&key, "PUT", MERGE).await;
    assert_eq!(asked_again.decision(), "REQUIRE_APPROVAL", "one grant is one use: {asked_again:?}");
}

#[tokio::test]
async fn budgets_and_the_rate_hold_over_all_gateways() {
    let fleet = Fleet::start(&[]);
    let key = fleet.tenant_with_key().await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("spend.yaml");
    let rules = [
        "{ rule_id: here, match: { repo_patterns: [acme/app] }, action: DENY, reason_code: IN_FORCE }",
        "{ rule_id: spent, match: { repo_patterns: [acme/counted] }, condition: { daily_budget_exceeded: calls }, \
         action: DENY, reason_code: SPENT }",
    ];
    std::fs::write(&file, format!("name: Spend\nrules:\n  - {}\n", rules.join("\n  - "))).unwrap();
    let counted = r#"{"repo_patterns": ["acme/counted"]}"#;
    let budget = ["admin", "budgets", "set", "calls", "--per", "tenant", "--limit", "5", "--match", counted];
    fleet.admin(&budget).must_exit(0);
    changes(&fleet, &key, &["policy", "apply", file.to_str().unwrap()], |answer| {
        answer.has_reason("IN_FORCE")
    })
    .await;
    let mut passed = 0;
    for turn in 0..12 {
        let gateway = &fleet.gateways[turn % fleet.gateways.len()];
        let answer = gateway.scan(&key, "GET", "https://api.github.com/repos/acme/counted").await;
        passed += usize::from(!answer.has_reason("SPENT"));
    }
    assert_eq!(passed, 5);

    changes(&fleet, &key, &["admin", "settings", "set", "limits.scans_per_minute=3"], |a| a.status == 429)
        .await;
    let recorded = || fleet.sql("SELECT max(ledger_seq) FROM tenant_counters");
    let before = recorded();
    for gateway in &fleet.gateways {
        assert_eq!(gateway.scan(&key, "GET", READ).await.status, 429);
    }
    assert_eq!(recorded(), before);
}

#[tokio::test]
async fn a_secret_that_differs_is_named_until_it_is_forgotten() {
    let fleet = Fleet::start(&[]);
    let other = ("AIF_CONSOLE_SECRET", "ffffffffffffffffffffffffffffffff");
    let refused = run(&mut service("telemetry", &fleet.url, &[other]), "").must_exit(1);
    let told = "AIF_CONSOLE_SECRET differs from that of the other services of this database";
    assert!(refused.stderr.contains(told) && !refused.stderr.contains(other.1), "{refused:?}");
    let wrong_key = ("INTERVEN_CREDENTIAL_ENCRYPTION_KEY", "ff".repeat(32));
    let refused = run(&mut service("gateway", &fleet.url, &[(wrong_key.0, &wrong_key.1)]), "").must_exit(1);
    assert!(refused.stderr.contains(wrong_key.0) && !refused.stderr.contains(&wrong_key.1), "{refused:?}");

    let forget = |name: &str| {
        let mut command = crate::world::interven();
        run(command.args(["admin", "secrets", "forget", name]).env("DATABASE_URL", &fleet.url), "")
    };
    assert!(forget("PATH").must_exit(2).stderr.contains("AIF_CONSOLE_SECRET"));
    assert!(forget(other.0).must_exit(0).stderr.contains("forgotten"));
    let taken = fleet.telemetry.url.strip_prefix("http://").unwrap();
    let settings = [other, ("TELEMETRY_ADDR", taken)];
    let busy = run(&mut service("telemetry", &fleet.url, &settings), "").must_exit(1);
    assert!(
        busy.stderr.contains("TELEMETRY_ADDR"),
        "a port is asked for before anything is written: {busy:?}"
    );
    assert!(forget(other.0).must_exit(0).stderr.contains("no service"));
}
