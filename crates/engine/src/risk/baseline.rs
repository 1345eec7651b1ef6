//! Risk of a call that is unlike the agent's own past.

use super::Assessment;
use crate::{reason::code, snapshot::BaselineFacts};
use interven_types::EngineName;
use serde_json::json;

/// Allowed calls needed before more than "new destination" counts.
pub(crate) const MIN_LEARNED: u64 = 50;
/// What is unusual is not yet bad: the engine alone never says more.
const CAP: f64 = 0.8;
const NEW_DESTINATION: f64 = 0.4;
const NEW_OPERATION: f64 = 0.3;
const VOLUME_BURST: f64 = 0.6;

pub(super) fn assess(facts: &BaselineFacts) -> Assessment {
    let is_settled = facts.learned_scans >= MIN_LEARNED;
    let oddities = [
        (facts.is_volume_burst && is_settled, VOLUME_BURST, code::VOLUME_BURST),
        (facts.is_new_destination, NEW_DESTINATION, code::NEW_DESTINATION),
        (facts.is_new_operation && is_settled, NEW_OPERATION, code::NEW_OPERATION),
    ];
    let present = || oddities.iter().filter(|(is_present, ..)| *is_present);
    let usual = present().map(|(_, score, _)| 1.0 - score).product::<f64>();
    Assessment {
        engine: EngineName::Baseline,
        score: (1.0 - usual).min(CAP),
        reason_codes: present().map(|(_, _, code)| (*code).to_owned()).collect(),
        details: json!(facts),
        floor: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_young_agent_is_only_judged_by_its_destinations() {
        let odd = BaselineFacts {
            is_new_destination: true,
            is_new_operation: true,
            is_volume_burst: true,
            ..Default::default()
        };
        assert_eq!(assess(&odd).reason_codes, [code::NEW_DESTINATION]);
        let settled = BaselineFacts { learned_scans: MIN_LEARNED, ..odd };
        assert_eq!(assess(&settled).reason_codes.len(), 3);
        assert_eq!(assess(&settled).score, CAP);
        assert_eq!(assess(&BaselineFacts::default()).score, 0.0);
    }
}
