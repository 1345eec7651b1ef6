//! From facts to an outcome: total, deterministic, linear in the rules.

use crate::judge::{View, judge};
use crate::outcome::{Facts, Note, Outcome, RedactionRequest, RuleMatch};
use crate::set::{CompiledRule, PolicySet, Ruleset};
use crate::truth::Truth;
use interven_types::{Action, Confidence, Decision, RuleRef};
use std::cmp::Reverse;

/// A rule that matched, not yet written out.
struct Speaker<'p> {
    rule: &'p CompiledRule,
    /// Its place in the order of evaluation.
    number: usize,
    /// Of the agent's own policies.
    is_own: bool,
    reference: RuleRef,
    failed_closed: Option<String>,
}

impl Speaker<'_> {
    fn has_voice(&self) -> bool {
        !self.rule.is_shadow
    }

    fn decision(&self) -> Decision {
        self.rule.action.decision()
    }
}

impl PolicySet {
    /// Judges one call.
    ///
    /// Each thing that the call does is judged on its own, and the strictest action wins: an exception for one of them
    /// excuses no other. Within a policy the first matching rule by priority speaks; across policies the strictest
    /// action wins. The agent's own policies come first, and when they come to ALLOW, they silence what the tenant's rules
    /// say short of DENY.
    pub fn evaluate(&self, facts: &Facts<'_>) -> Outcome {
        let view = View::new(facts, &self.finder);
        let mut notes = Vec::new();
        let mut speakers: Vec<Speaker<'_>> = Vec::new();
        let mut leaves_unspoken = false;
        for action in facts.actions {
            let about_it = self.speakers(&view, action, &mut notes);
            leaves_unspoken |= !about_it.iter().any(Speaker::has_voice);
            for speaker in about_it {
                match speakers.iter_mut().find(|known| std::ptr::eq(known.rule, speaker.rule)) {
                    Some(known) if speaker.failed_closed.is_none() => known.failed_closed = None,
                    Some(_) => {}
                    None => speakers.push(speaker),
                }
            }
        }
        if let [_, _, ..] = facts.actions {
            // In the order of evaluation again, and nothing twice.
            speakers.sort_by_key(|speaker| (!speaker.is_own, speaker.number));
            notes = without_repetition(notes, &speakers);
        }
        let redaction = redaction(&speakers, &view);
        let decisive = strictest(&speakers).map(written_out);
        Outcome {
            decision: decisive.as_ref().map(|rule| rule.action.decision()),
            leaves_unspoken,
            decisive,
            matches: speakers.iter().map(written_out).collect(),
            notes,
            redaction,
        }
    }

    /// The rules that speak about one action.
    fn speakers(&self, view: &View<'_>, action: &Action, notes: &mut Vec<Note>) -> Vec<Speaker<'_>> {
        let own = self.agents.get(&view.facts.agent_id).map(|rules| rules.speakers(view, action, notes));
        let mut speakers = own.unwrap_or_default();
        speakers.iter_mut().for_each(|speaker| speaker.is_own = true);
        let permission = strictest(&speakers)
            .filter(|speaker| speaker.decision() == Decision::Allow)
            .map(|speaker| speaker.reference.clone());
        for speaker in self.tenant.speakers(view, action, notes) {
            match &permission {
                Some(by) if speaker.has_voice() && speaker.decision() < Decision::Deny => notes.push(Note {
                    rule: speaker.reference,
                    text: format!(
                        "silenced by rule `{}` of the agent's own policy `{}`",
                        by.rule_id, by.policy_name
                    ),
                }),
                _ => speakers.push(speaker),
            }
        }
        speakers
    }
}

impl Ruleset {
    /// The rule that speaks in each policy, and the shadow rules that match before it.
    fn speakers(&self, view: &View<'_>, action: &Action, notes: &mut Vec<Note>) -> Vec<Speaker<'_>> {
        let mut speakers: Vec<Speaker<'_>> = Vec::new();
        let mut spoken = None;
        for (number, rule) in self.candidates(action) {
            if spoken == Some(rule.policy) || !self.is_in_force(rule, view.facts.env) {
                continue;
            }
            let (is_match, failed_closed) = match rule.judge(view, action) {
                Truth::True => (true, None),
                Truth::TypeError(cause) if rule.action.fails_closed() => (true, Some(cause.to_string())),
                Truth::False => (false, None),
                Truth::Unknown(cause) | Truth::TypeError(cause) => {
                    let text = format!("could not be evaluated: {cause}");
                    notes.extend(self.reference(rule).map(|rule| Note { rule, text }));
                    (false, None)
                }
            };
            if !is_match {
                continue;
            }
            if !rule.is_shadow {
                spoken = Some(rule.policy);
            }
            speakers.extend(self.reference(rule).map(|reference| Speaker {
                rule,
                number,
                is_own: false,
                reference,
                failed_closed,
            }));
        }
        speakers
    }

    fn is_in_force(&self, rule: &CompiledRule, env: &str) -> bool {
        let policy = self.policies.get(rule.policy);
        policy.is_some_and(|policy| policy.env_name.as_deref().is_none_or(|name| name == env))
    }
}

impl CompiledRule {
    fn judge(&self, view: &View<'_>, action: &Action) -> Truth<'_> {
        if !self.matcher.admits_caller(view.facts) || !self.matcher.admits_action(action) {
            return Truth::False;
        }
        judge(&self.condition, view, action)
    }
}

/// Each note once, and none about a rule that spoke of another action after all.
fn without_repetition(notes: Vec<Note>, speakers: &[Speaker<'_>]) -> Vec<Note> {
    let mut kept: Vec<Note> = Vec::new();
    for note in notes {
        let has_spoken = speakers.iter().any(|speaker| speaker.reference == note.rule);
        if !has_spoken && !kept.contains(&note) {
            kept.push(note);
        }
    }
    kept
}

/// The first of the strictest.
fn strictest<'s, 'p>(speakers: &'s [Speaker<'p>]) -> Option<&'s Speaker<'p>> {
    let rank = |speaker: &&Speaker<'_>| (speaker.decision(), Reverse(speaker.rule.priority));
    speakers.iter().filter(|speaker| speaker.has_voice()).rev().max_by_key(rank)
}

fn written_out(speaker: &Speaker<'_>) -> RuleMatch {
    RuleMatch {
        rule: speaker.reference.clone(),
        action: speaker.rule.action,
        reason_code: speaker.rule.reason_code.clone(),
        shadow: speaker.rule.is_shadow,
        modifiers: speaker.rule.modifiers.clone(),
        failed_closed: speaker.failed_closed.clone(),
    }
}

fn redaction(speakers: &[Speaker<'_>], view: &View<'_>) -> RedactionRequest {
    let mut request = RedactionRequest::default();
    let sanitizing = speakers.iter().filter(|s| s.has_voice() && s.decision() == Decision::Sanitize);
    let mut lowest_bar = None;
    for rule in sanitizing.map(|speaker| &speaker.rule.redaction) {
        lowest_bar = Some(lowest_bar.map_or(rule.bar, |bar: Confidence| bar.min(rule.bar)));
        match &rule.classes {
            Some(classes) => request.classes.extend(classes),
            None => request.classes.extend(view.classes_found(rule.bar)),
        }
        for field in &rule.fields {
            let (nodes, complete) = field.locate_all(view.facts.body);
            match complete {
                Ok(()) => request.fields.extend(nodes.into_iter().map(|(pointer, _)| pointer)),
                // What cannot be named one by one goes as a whole.
                Err(_) => request.fields.push(String::new()),
            }
        }
    }
    request.min_confidence = lowest_bar.unwrap_or(request.min_confidence);
    request.fields.sort_unstable();
    request.fields.dedup();
    request
}
