//! Fields that a rule names: blanked whatever they hold.

use crate::leaves::{Leaves, Role, Token};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The named fields of one body, by the steps that lead to them. Empty where none is named.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// By step: whether it leads to a named field or into one.
    is_inside: Vec<bool>,
    /// The steps that lead to a named field and into none, in rising order.
    outermost: Vec<usize>,
}

/// What JSON Pointers name, as a tree of their tokens.
#[derive(Default)]
struct Named {
    is_field: bool,
    children: BTreeMap<String, Named>,
}

impl Fields {
    /// Finds what `pointers` (RFC 6901) name; those that name nothing are left out.
    pub(super) fn find(leaves: &Leaves<'_>, pointers: &[String]) -> Self {
        if pointers.is_empty() {
            return Self::default();
        }
        let mut root = Named::default();
        for pointer in pointers.iter().filter(|p| p.is_empty() || p.starts_with('/')) {
            let tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
            let named = tokens.fold(&mut root, |named, token| named.children.entry(token).or_default());
            named.is_field = true;
        }
        let mut fields = Self::default();
        let mut named = Vec::<Option<&Named>>::new();
        // A step stands after its parent.
        for (index, step) in leaves.steps().enumerate() {
            let parent = named.get(step.parent).copied().flatten().filter(|n| !n.children.is_empty());
            let here = match step.token {
                Token::Root => Some(&root),
                Token::Key(key) => parent.and_then(|n| n.children.get(key)),
                Token::Index(item) => parent.and_then(|n| n.children.get(&item.to_string())),
            };
            let is_below = index > 0 && fields.is_inside.get(step.parent).copied().unwrap_or_default();
            let is_field = here.is_some_and(|n| n.is_field);
            if is_field && !is_below {
                fields.outermost.push(index);
            }
            fields.is_inside.push(is_field || is_below);
            named.push(here);
        }
        fields
    }

    /// The steps of the fields that are blanked.
    pub(super) fn steps(&self) -> &[usize] {
        &self.outermost
    }

    pub(super) fn is_field(&self, step: usize) -> bool {
        self.outermost.binary_search(&step).is_ok()
    }

    /// Whether a leaf goes with a field. The key of a field stays.
    pub(super) fn holds(&self, leaves: &Leaves<'_>, leaf: usize) -> bool {
        if self.outermost.is_empty() {
            return false;
        }
        let step = leaves.step_of(leaf);
        let is_key = leaves.list.get(leaf).is_some_and(|l| l.role == Role::Key);
        let step = if is_key { leaves.parent_of(step) } else { step };
        self.is_inside.get(step).copied().unwrap_or_default()
    }
}

/// The empty value of the same type; a string says that it was blanked.
pub(super) fn blank(value: &Value, marker: &str) -> Value {
    match value {
        Value::Null => Value::Null,
        Value::Bool(_) => Value::Bool(false),
        Value::Number(_) => Value::from(0),
        Value::String(_) => Value::String(marker.to_owned()),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Object(_) => Value::Object(Map::new()),
    }
}
