//! Daily budgets in a decision: asked for the call at hand, and compared once more when its record is written.
//!
//! A call is judged by what the budgets were used for when it came. When its record is written, inside the transaction, they
//! may have been used further. As long as none has gone over its limit by that, the judgement stands; otherwise
//! nothing is written and the call is judged again, so that of calls that come together no more pass than fit.

use crate::decide::Judgement;
use interven_policy::{BudgetFact, Budgets, Facts};
use interven_types::{BudgetKey, Decision, Millionths, Spending};
use std::{collections::BTreeMap, sync::Arc};

/// The tenant's budgets: to be measured for this call, or as they stood when a recorded decision was made.
#[derive(Clone, Debug, Default)]
pub enum BudgetView {
    #[default]
    NotCounted,
    Counted {
        budgets: Arc<Budgets>,
        used: BTreeMap<BudgetKey, Millionths>,
    },
    Known(BTreeMap<String, BudgetFact>),
}

impl BudgetView {
    /// By name, as they stand for the call of which `facts` are known.
    pub(crate) fn about(&self, facts: &Facts<'_>) -> Option<BTreeMap<String, BudgetFact>> {
        match self {
            Self::NotCounted => None,
            Self::Counted { budgets, used } => Some(budgets.measure(facts, used)),
            Self::Known(known) => Some(known.clone()),
        }
    }
}

impl Judgement {
    /// Takes over what the budgets are used for by now. Says whether the judgement stands: whether each is still exceeded by
    /// this call, or still not.
    #[must_use]
    pub fn stands_with(&mut self, used: &BTreeMap<BudgetKey, Millionths>) -> bool {
        let budgets = self.facts.budgets.iter_mut().flat_map(BTreeMap::values_mut);
        let mut stands = true;
        for budget in budgets {
            let before = budget.is_exceeded();
            budget.used = used.get(&budget.key).copied().unwrap_or_default();
            stands &= budget.is_exceeded() == before;
        }
        stands
    }

    /// What the call uses of the budgets when it is answered with `decision`.
    pub(crate) fn spendings(&self, decision: Decision) -> Vec<Spending> {
        if !matches!(decision, Decision::Allow | Decision::Sanitize) {
            return Vec::new();
        }
        self.facts.budgets.iter().flat_map(BTreeMap::values).filter_map(BudgetFact::spending).collect()
    }
}
