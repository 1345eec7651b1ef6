//! The decision core from the outside: whole calls in, decisions out.

#![cfg(test)]

mod defaults;
mod laws;
mod recipes;
mod redaction;

use interven_classify::Classifier;
use interven_engine::{AgentView, EngineFacts, History, Judgement, Snapshot, decide};
use interven_normalize::OwnDomains;
use interven_policy::{InstalledPolicy, PolicySet, PolicySource, default_policies};
use interven_types::{
    AgentId, AgentStatus, Baseline, CallScope, PolicyId, RuntimeType, ScanRequest, TenantId, Timestamp,
    TrustState,
};
use std::sync::Arc;
use uuid::Uuid;

/// A GitHub token whose checksum is right, which makes it a certain one.
const TOKEN: &str = "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";
const AGENT: AgentId = AgentId(Uuid::nil());

/// A Monday noon.
fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_795_435_200_000)
}

/// As `apply` would put the policies in force, in every environment.
fn installed(sources: &[PolicySource]) -> Vec<InstalledPolicy> {
    let install = |(number, source): (u128, &PolicySource)| {
        source.install(PolicyId(Uuid::from_u128(number)), 1, None, None)
    };
    (1..).zip(sources).map(install).collect()
}

/// A tenant that owns `acme.example`, under these policies, and a fresh agent.
fn world(sources: &[PolicySource]) -> Snapshot {
    Snapshot {
        tenant: TenantId(Uuid::nil()),
        env: "default".to_owned(),
        settings: Arc::default(),
        policies: Arc::new(PolicySet::compile(&installed(sources)).unwrap()),
        classifier: Classifier::builtin(),
        own_domains: Arc::new(OwnDomains::new(&["acme.example"])),
        agent: AgentView {
            agent_id: AGENT,
            name: "builder".to_owned(),
            runtime_type: RuntimeType::Custom,
            status: AgentStatus::Active,
            trust: TrustState::fresh(AGENT, now()),
            history: History::Learned(Baseline::default()),
        },
        call_scope: CallScope::default(),
        engines: EngineFacts::default(),
    }
}

fn default_world() -> Snapshot {
    world(&default_policies())
}

fn judge(request: &ScanRequest, snapshot: &Snapshot) -> Judgement {
    decide(request, snapshot, now(), &mut ()).unwrap()
}
