//! Risk: what each engine says, and the score they make together.
//!
//! `risk_score = clamp(max(floor, Σ weight·score ÷ Σ weight + trust modifier), 0, 1)`; an engine that did not run drops out
//! of both sums, and a floor is set by evidence that neither an average nor a good name may dilute.

mod baseline;
pub(crate) mod burst;
mod classifier;

use crate::{
    reason::code,
    snapshot::{BaselineFacts, Snapshot},
};
use interven_types::{EngineName, Factor, Hit, RiskBand, Signal, Skipped, TenantSettings};
use serde_json::json;

/// What one engine found.
struct Assessment {
    engine: EngineName,
    score: f64,
    reason_codes: Vec<String>,
    details: serde_json::Value,
    floor: Option<(f64, &'static str)>,
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Risk {
    pub score: f64,
    pub band: RiskBand,
    pub signals: Vec<Signal>,
    pub floors: Vec<Factor>,
    pub evaluated: Vec<String>,
    pub skipped: Vec<Skipped>,
}

pub(crate) struct Evidence<'a> {
    pub hits: &'a [Hit],
    pub is_bomb: bool,
    pub external_host: bool,
    pub baseline: &'a BaselineFacts,
}

pub(crate) fn assess(evidence: &Evidence<'_>, snapshot: &Snapshot) -> Risk {
    let settings = &snapshot.settings;
    let mut risk = Risk {
        score: 0.0,
        band: RiskBand::Low,
        signals: Vec::new(),
        floors: Vec::new(),
        evaluated: Vec::new(),
        skipped: Vec::new(),
    };
    let (mut weighted, mut weights, mut floor, mut modifier) = (0.0, 0.0, 0.0_f64, 0.0);
    for engine in EngineName::ALL {
        if let Some(why) = why_not_run(engine, settings) {
            risk.skipped.push(Skipped::new(format!("engine:{}", engine.as_str()), why));
            continue;
        }
        let assessment = match engine {
            EngineName::Classifier => {
                let overrides = &settings.detector_overrides;
                classifier::assess(evidence.hits, overrides, evidence.is_bomb, evidence.external_host)
            }
            EngineName::Baseline => baseline::assess(evidence.baseline),
            EngineName::Trust => assess_trust(snapshot.agent.trust.trust_score),
            EngineName::Correlation | EngineName::ThreatIntel | EngineName::Semantic => continue,
        };
        let weight = weight_of(engine, settings);
        if engine == EngineName::Trust {
            modifier = assessment.score;
        } else {
            weighted += weight * assessment.score;
            weights += weight;
        }
        if let Some((least, reason_code)) = assessment.floor {
            floor = floor.max(least);
            risk.floors.push(Factor::RiskFloor { engine, floor: least, reason_code: reason_code.to_owned() });
        }
        risk.evaluated.push(format!("engine:{}", engine.as_str()));
        risk.signals.push(Signal {
            engine: assessment.engine,
            score: rounded(assessment.score),
            weight,
            reason_codes: assessment.reason_codes,
            details: assessment.details,
        });
    }
    let average = if weights > 0.0 { weighted / weights } else { 0.0 };
    risk.score = rounded((average + modifier).max(floor).clamp(0.0, 1.0));
    risk.band = RiskBand::of(risk.score);
    risk
}

fn why_not_run(engine: EngineName, settings: &TenantSettings) -> Option<&'static str> {
    if settings.risk.engines_off.contains(&engine) {
        return Some("switched off in the tenant's settings");
    }
    match engine {
        EngineName::Correlation | EngineName::ThreatIntel | EngineName::Semantic => {
            Some("not part of this version")
        }
        EngineName::Classifier | EngineName::Baseline | EngineName::Trust => None,
    }
}

fn weight_of(engine: EngineName, settings: &TenantSettings) -> f64 {
    settings.risk.weights.get(&engine).copied().unwrap_or_else(|| engine.default_weight())
}

/// From here on trust is a good name.
pub(crate) const GOOD_NAME: f64 = 0.8;

/// A good name takes up to 0.10 off, a bad one adds up to 0.20; 0.8 is neither.
fn assess_trust(trust_score: f64) -> Assessment {
    let score = match trust_score - GOOD_NAME {
        above if above >= 0.0 => -0.10 * above / 0.2,
        below => 0.20 * -below / 0.8,
    };
    let reason_codes = if score > 0.0 { vec![code::LOW_TRUST.to_owned()] } else { Vec::new() };
    Assessment {
        engine: EngineName::Trust,
        score,
        reason_codes,
        details: json!({"trust_score": trust_score}),
        floor: None,
    }
}

/// Four decimals: enough to rank, few enough to read.
fn rounded(score: f64) -> f64 {
    (score * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_moves_the_average_between_its_bounds() {
        for (trust, modifier) in [(1.0, -0.10), (0.8, 0.0), (0.4, 0.10), (0.0, 0.20)] {
            assert!((assess_trust(trust).score - modifier).abs() < 1e-9, "{trust}");
        }
    }
}
