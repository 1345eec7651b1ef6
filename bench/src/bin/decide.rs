//! What a decision costs by itself: `engine::decide`, in process, on one core, without store or network.

#![expect(clippy::print_stdout, reason = "a command answers on the terminal")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use bench::{Bodies, Mix};
use clap::Parser;
use interven_classify::Classifier;
use interven_engine::{AgentView, EngineFacts, History, Snapshot, decide};
use interven_normalize::OwnDomains;
use interven_policy::{PolicySet, PolicySource, default_policies, parse_json};
use interven_types::{
    AgentId, AgentStatus, Baseline, CallScope, PolicyId, RuntimeType, ScanRequest, TenantId, TenantSettings,
    Timestamp, TrustState, parse_json as parse_request,
};
use serde_json::json;
use uuid::Uuid;

/// Times the pure decision core.
#[derive(Parser)]
struct Arguments {
    /// Policies in force: the defaults, and further ones that do not match
    #[arg(long, default_value_t = 100)]
    policies: usize,
    /// Decisions timed per row
    #[arg(long, default_value_t = 2_000)]
    rounds: u32,
    /// Sizes of requests in bytes
    #[arg(long, value_delimiter = ',', default_values_t = [2_048, 65_536, 262_144])]
    sizes: Vec<usize>,
}

fn main() -> anyhow::Result<()> {
    let asked = Arguments::parse();
    let began = Instant::now();
    let classifier = Classifier::builtin();
    println!("detectors ready after {} ms", began.elapsed().as_millis());
    let snapshot = snapshot(classifier, asked.policies)?;
    println!(
        "{} rules in {} policies; microseconds per decision",
        snapshot.policies.rule_count(),
        asked.policies
    );
    println!("{:<28} {:>10} {:>10} {:>10}", "request", "median", "p99", "max");
    for size in asked.sizes {
        for (kind, is_dirty) in [("clean", false), ("with an SSN and an e-mail", true)] {
            let requests = requests(size, is_dirty)?;
            let times = time(&requests, &snapshot, asked.rounds)?;
            let at = |share: f64| {
                let place = (times.len() as f64 * share) as usize;
                times.get(place.min(times.len() - 1)).map_or(0.0, |t| t.as_secs_f64() * 1e6)
            };
            let name = format!("{size} B, {kind}");
            println!("{name:<38} {:>10.1} {:>10.1} {:>10.1}", at(0.5), at(0.99), at(1.0));
        }
    }
    Ok(())
}

fn time(requests: &[ScanRequest], snapshot: &Snapshot, rounds: u32) -> anyhow::Result<Vec<Duration>> {
    let now = Timestamp::from(std::time::SystemTime::now());
    let mut times = Vec::new();
    for (turn, request) in requests.iter().cycle().take(rounds as usize + rounds as usize / 5).enumerate() {
        let began = Instant::now();
        black_box(decide(black_box(request), snapshot, now, &mut ())?);
        // The first fifth warms up.
        if turn >= rounds as usize / 5 {
            times.push(began.elapsed());
        }
    }
    times.sort_unstable();
    Ok(times)
}

fn requests(size: usize, is_dirty: bool) -> anyhow::Result<Vec<ScanRequest>> {
    let mix: Mix = size.to_string().parse()?;
    let bodies = Bodies::of_mix(&mix);
    let read = |turn| {
        let json = parse_request(&bodies.at(turn)).map_err(|error| anyhow!(error))?;
        let mut request = ScanRequest::from_json(json).map_err(|error| anyhow!(error))?;
        if is_dirty && let Some(members) = request.body.as_object_mut() {
            members.insert("contact".to_owned(), json!("ssn 536-22-8417, mail jane.roe@mail.example.com"));
        }
        Ok(request)
    };
    (0..50).map(read).collect()
}

/// A tenant with the defaults, filled up with rules on other tools.
fn snapshot(classifier: Arc<Classifier>, policies: usize) -> anyhow::Result<Snapshot> {
    let mut sources = default_policies();
    for number in sources.len()..policies {
        let policy = json!({"name": format!("Filler {number}"), "rules": [{
            "rule_id": format!("filler-{number}"),
            "match": {"tool_names": ["jira", "stripe", "slack"], "operations": [format!("operation_{number}")]},
            "condition": {"body_contains_any": [format!("phrase number {number}")]},
            "action": "DENY",
        }]});
        sources.extend(parse_json(policy).map_err(|errors| anyhow!(errors))?);
    }
    let install = |source: &PolicySource| source.install(PolicyId(Uuid::now_v7()), 1, None, None);
    let installed: Vec<_> = sources.iter().map(install).collect();
    let compiled =
        PolicySet::compile(&installed).map_err(|found| anyhow!("{found:?}")).context("policies")?;
    let agent_id = AgentId(Uuid::now_v7());
    let now = Timestamp::from(std::time::SystemTime::now());
    Ok(Snapshot {
        tenant: TenantId(Uuid::now_v7()),
        env: "default".to_owned(),
        settings: Arc::new(TenantSettings::default()),
        policies: Arc::new(compiled),
        classifier,
        own_domains: Arc::new(OwnDomains::default()),
        agent: AgentView {
            agent_id,
            name: "bench".to_owned(),
            runtime_type: RuntimeType::Custom,
            status: AgentStatus::Active,
            trust: TrustState::fresh(agent_id, now),
            history: History::Learned(Baseline::default()),
        },
        call_scope: CallScope::default(),
        engines: EngineFacts::default(),
    })
}
