//! The body again, with other texts in place of some leaves: same shape, same types.

use super::field::{Fields, blank};
use crate::{
    leaves::MAX_DEPTH,
    marker::{FIELD, Markers},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What changes, and the leaf and the step that come next; both come in the order of
/// [`Leaves::of_body`](crate::leaves::Leaves::of_body).
struct Rebuild<'f> {
    texts: BTreeMap<usize, String>,
    fields: &'f Fields,
    next_leaf: usize,
    next_step: usize,
}

/// Puts `texts` in place of the leaves they are for, and blanks `fields`.
pub(super) fn rebuild(body: &Value, texts: BTreeMap<usize, String>, fields: &Fields) -> Value {
    if texts.is_empty() && fields.steps().is_empty() {
        return body.clone();
    }
    Rebuild { texts, fields, next_leaf: 0, next_step: 0 }.step(body, 0)
}

impl Rebuild<'_> {
    fn step(&mut self, value: &Value, depth: usize) -> Value {
        let step = self.next_step;
        self.next_step += 1;
        let rebuilt = self.value(value, depth);
        if self.fields.is_field(step) { blank(value, &Markers::write(FIELD, 1)) } else { rebuilt }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Value {
        match value {
            _ if depth > MAX_DEPTH => value.clone(),
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(_) => self.leaf().map_or_else(|| value.clone(), |_| Value::from(0)),
            Value::String(_) => self.leaf().map_or_else(|| value.clone(), Value::String),
            Value::Array(items) => items.iter().map(|item| self.step(item, depth + 1)).collect(),
            Value::Object(members) => Value::Object(self.members(members, depth)),
        }
    }

    fn members(&mut self, members: &Map<String, Value>, depth: usize) -> Map<String, Value> {
        let mut out = Map::new();
        let mut copies = BTreeMap::<String, usize>::new();
        for (old, member) in members {
            let changed = self.leaf();
            let member = self.step(member, depth + 1);
            let key = match changed {
                None => old.clone(),
                // Two keys may become the same: each keeps its member.
                Some(key) => loop {
                    let copy = copies.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
                    let unique = if *copy == 1 { key.clone() } else { format!("{key}_{copy}") };
                    if !out.contains_key(&unique) && !members.contains_key(&unique) {
                        break unique;
                    }
                },
            };
            out.insert(key, member);
        }
        out
    }

    /// The new text of the leaf that comes next.
    fn leaf(&mut self) -> Option<String> {
        let text = self.texts.remove(&self.next_leaf);
        self.next_leaf += 1;
        text
    }
}
