//! Agents: who they are, what trust they start with, what moves it, what is usual for them.

use super::{Call, Stage, ada, event, is_not_found, minutes};
use interven_store::{AgentClaim, Baseline, Lesson, TrustEventKind};
use interven_types::{AgentId, AgentStatus, KeyId, RuntimeType, TrustState};
use uuid::Uuid;

pub(super) async fn an_agent_is_found_again_by_id_and_by_name(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let ensure = async |claim: AgentClaim| {
        store.ensure_agent(tenant, None, &claim, RuntimeType::Cursor, stage.now).await.unwrap()
    };
    let worker = ensure(AgentClaim::Name("worker".into())).await;
    assert_eq!((worker.agent_id, worker.runtime_type), (stage.agent, RuntimeType::Python));
    assert_eq!(
        (worker.status, worker.trust.clone()),
        (AgentStatus::Active, TrustState::fresh(stage.agent, stage.now))
    );

    let id = AgentId(Uuid::now_v7());
    let claim = |name: Option<&str>| AgentClaim::Id { agent_id: id, name: name.map(str::to_owned) };
    let named = ensure(claim(Some("planner"))).await;
    assert_eq!((named.agent_id, named.name.as_str()), (id, "planner"));
    assert_eq!(ensure(claim(Some("another name"))).await, named, "an id keeps its first name");
    let nameless = ensure(AgentClaim::Id { agent_id: AgentId(Uuid::now_v7()), name: None }).await;
    assert!(nameless.name.contains(&nameless.agent_id.to_string()));
    let taken =
        ensure(AgentClaim::Id { agent_id: AgentId(Uuid::now_v7()), name: Some("planner".into()) }).await;
    assert!(taken.name.starts_with("planner-"), "{}", taken.name);
    assert_eq!(store.agents(tenant).await.unwrap().len(), 4);
    assert!(is_not_found(&store.agent(tenant, AgentId(Uuid::nil())).await));

    let at = stage.later(minutes(3));
    Call::by(id, at).record(&stage, |_, _| ()).await.unwrap();
    assert_eq!(store.agent(tenant, id).await.unwrap().last_seen_at, Some(at));
}

pub(super) async fn a_new_name_inherits_the_lowest_trust_of_its_key(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let (key, other_key) = (KeyId(Uuid::now_v7()), KeyId(Uuid::now_v7()));
    let first = stage.agent_named("first", Some(key)).await;
    let at = stage.now;
    let lower = move |score: f64| {
        move |_: &_, settled: &mut interven_store::Settled| {
            settled.trust.trust_score = score;
            settled.trust_events = vec![event(TrustEventKind::Deny, at, score)];
        }
    };
    // Down to 0.3, and up again within the day.
    Call::by(first, at).record(&stage, lower(0.3)).await.unwrap();
    Call::by(first, at).record(&stage, lower(0.8)).await.unwrap();

    let heir = stage.agent_named("renamed", Some(key)).await;
    assert_eq!(store.agent(tenant, heir).await.unwrap().trust.trust_score, 0.3);
    let history = store.trust_events(tenant, heir, 10).await.unwrap();
    assert_eq!(
        history.iter().map(|e| (e.kind, e.score_after)).collect::<Vec<_>>(),
        [(TrustEventKind::Inherited, 0.3)]
    );

    for (name, key) in [("elsewhere", Some(other_key)), ("keyless", None)] {
        let stranger = stage.agent_named(name, key).await;
        assert_eq!(store.agent(tenant, stranger).await.unwrap().trust.trust_score, 1.0, "{name}");
    }
    // A known agent that changes keys taints the new key.
    stage.agent_named("first", Some(other_key)).await;
    let tainted = stage.agent_named("late", Some(other_key)).await;
    assert_eq!(store.agent(tenant, tainted).await.unwrap().trust.trust_score, 0.3);
}

/// One denial at critical risk, as the decision core counts it.
fn critical_denial(
    at: interven_types::Timestamp,
) -> impl Fn(&interven_store::Precedent, &mut interven_store::Settled) + Send + 'static {
    move |_, settled| {
        settled.trust.trust_score -= 0.05;
        settled.trust.high_risk_count_1h += 1;
        settled.trust.critical_count_24h += 1;
        settled.trust.deny_count_24h += 1;
        settled.trust.updated_at = at;
        settled.trust_events = vec![event(TrustEventKind::CriticalDeny, at, settled.trust.trust_score)];
    }
}

fn counters(trust: &TrustState) -> (u32, u32, u32) {
    (trust.high_risk_count_1h, trust.critical_count_24h, trust.deny_count_24h)
}

pub(super) async fn resetting_trust_forgets_what_fed_the_counters(stage: Stage) {
    let (store, tenant, agent) = (&stage.store, stage.tenant, stage.agent);
    for _ in 0..3 {
        stage.scan(critical_denial(stage.now)).await;
    }
    let at = stage.later(minutes(1));
    let reset = store.reset_trust(tenant, agent, &ada(), at).await.unwrap();
    assert_eq!(reset.trust, TrustState::fresh(agent, at));
    // One more, and the old three leave their window: the new one still counts.
    let later = stage.later(minutes(30));
    let receipt = Call::by(agent, later)
        .record(&stage, move |precedent, settled| {
            assert_eq!(precedent.denials_1h, 0);
            critical_denial(later)(precedent, settled);
        })
        .await;
    receipt.unwrap();
    store.age_trust_counters(stage.later(minutes(24 * 60 + 1))).await.unwrap();
    assert_eq!(counters(&store.agent(tenant, agent).await.unwrap().trust), (0, 1, 1));
    let kinds: Vec<_> =
        store.trust_events(tenant, agent, 2).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [TrustEventKind::CriticalDeny, TrustEventKind::Reset]);
}

pub(super) async fn counters_forget_events_that_left_their_window(stage: Stage) {
    let (store, tenant, agent) = (&stage.store, stage.tenant, stage.agent);
    stage.scan(critical_denial(stage.now)).await;
    let second = stage.later(minutes(30));
    Call::by(agent, second).record(&stage, critical_denial(second)).await.unwrap();
    let after = async |passed: u64| {
        let changed = store.age_trust_counters(stage.later(minutes(passed))).await.unwrap();
        let trust = store.agent(tenant, agent).await.unwrap().trust;
        assert_eq!(trust.updated_at, second, "ageing is no event");
        (changed, counters(&trust))
    };
    assert_eq!(after(59).await, (0, (2, 2, 2)));
    assert_eq!(after(61).await, (1, (1, 2, 2)));
    assert_eq!(after(61).await, (0, (1, 2, 2)));
    assert_eq!(after(24 * 60 + 1).await, (1, (0, 1, 1)));
    assert_eq!(after(48 * 60).await, (1, (0, 0, 0)));
}

pub(super) async fn a_baseline_learns_as_the_domain_says(stage: Stage) {
    let mut expected = Baseline::default();
    let lesson = |host: &str, operation: Option<&str>| Lesson {
        new_destinations: vec![host.to_owned()],
        new_operations: operation.into_iter().map(str::to_owned).collect(),
    };
    let lessons = [
        (0, lesson("slack.com", Some("slack.post_message"))),
        (1, Lesson::default()),
        (25, lesson("slack.com", None)),
        (26, lesson("api.github.com", Some("github.create_pr"))),
    ];
    for (minute, lesson) in lessons {
        let at = stage.later(minutes(minute));
        expected.learn(&lesson, at);
        let taught = move |_: &_, settled: &mut interven_store::Settled| settled.lesson = Some(lesson);
        Call::by(stage.agent, at).record(&stage, taught).await.unwrap();
    }
    stage.scan(|_, _| ()).await;
    assert_eq!(stage.store.agent(stage.tenant, stage.agent).await.unwrap().baseline, expected);
}
