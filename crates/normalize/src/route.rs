//! Finding the rules of a path: a tree of segments, so that the cost does not grow with the number of rules.

use crate::table::Rule;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::{borrow::Cow, collections::HashMap};

/// Most segments of a path that are looked at.
const MAX_SEGMENTS: usize = 64;

/// `/repos/{org}/{repo}/contents/{path...}`, read into segments.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "String")]
pub(crate) struct PathTemplate(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Lower case.
    Literal(String),
    /// `{name}`, with what must follow it in the segment (`{range}:append`).
    Capture { name: String, suffix: String },
    /// `{name...}`: this and all further segments.
    Rest(String),
}

impl From<String> for PathTemplate {
    fn from(text: String) -> Self {
        Self(text.split('/').filter(|s| !s.is_empty()).map(read_segment).collect())
    }
}

fn read_segment(text: &str) -> Segment {
    let hole = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    match hole {
        Some((name, suffix)) => match name.strip_suffix("...") {
            Some(rest) => Segment::Rest(rest.to_owned()),
            None => Segment::Capture { name: name.to_owned(), suffix: suffix.to_ascii_lowercase() },
        },
        None => Segment::Literal(text.to_ascii_lowercase()),
    }
}

/// Segments of a path, decoded; empty ones left out, as servers that tolerate `//` do.
pub(crate) fn split_path(path: &str) -> Vec<Cow<'_, str>> {
    let segments = path.split('/').filter(|segment| !segment.is_empty()).take(MAX_SEGMENTS);
    segments.map(|segment| percent_decode_str(segment).decode_utf8_lossy()).collect()
}

/// Rules by path.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    root: Node,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    /// By suffix, longest first, the empty one last.
    captures: Vec<(String, Node)>,
    /// Rules whose path ends here, and those whose rest begins here: index of rule and of path.
    ends: Vec<(usize, usize)>,
    rests: Vec<(usize, usize)>,
}

/// A rule found: its index among the rules, and which of its paths it was.
pub(crate) type Found = (usize, usize);

impl Routes {
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let mut routes = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            for (which, path) in rule.paths.iter().enumerate() {
                routes.root.insert(&path.0, (index, which));
            }
        }
        routes
    }

    /// Every rule whose path fits, in the order of the table.
    pub(crate) fn find(&self, segments: &[Cow<'_, str>]) -> Vec<Found> {
        let mut found = Vec::new();
        self.root.find(segments, &mut found);
        found.sort_unstable();
        found
    }
}

impl Node {
    fn insert(&mut self, segments: &[Segment], rule: Found) {
        let Some((first, rest)) = segments.split_first() else {
            self.ends.push(rule);
            return;
        };
        match first {
            Segment::Literal(text) => self.literals.entry(text.clone()).or_default().insert(rest, rule),
            Segment::Capture { suffix, .. } => self.insert_capture(suffix, rest, rule),
            Segment::Rest(_) => self.rests.push(rule),
        }
    }

    fn insert_capture(&mut self, suffix: &str, rest: &[Segment], rule: Found) {
        if let Some((_, node)) = self.captures.iter_mut().find(|(known, _)| known == suffix) {
            return node.insert(rest, rule);
        }
        let mut node = Node::default();
        node.insert(rest, rule);
        let at = self.captures.iter().take_while(|(known, _)| known.len() > suffix.len()).count();
        self.captures.insert(at, (suffix.to_owned(), node));
    }

    fn find(&self, segments: &[Cow<'_, str>], found: &mut Vec<Found>) {
        let Some((first, rest)) = segments.split_first() else {
            found.extend(&self.ends);
            return;
        };
        found.extend(&self.rests);
        let lower = lower_case(first);
        if let Some(node) = self.literals.get(lower.as_ref()) {
            node.find(rest, found);
        }
        for (suffix, node) in &self.captures {
            if lower.len() > suffix.len() && lower.ends_with(suffix.as_str()) {
                node.find(rest, found);
            }
        }
    }
}

fn lower_case(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// Names of holes and what they took.
pub(crate) type Captures<'t> = Vec<(&'t str, Cow<'static, str>)>;

impl PathTemplate {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What the holes took, when the path fits.
    pub(crate) fn fit<'t>(&'t self, segments: &[Cow<'_, str>]) -> Option<Captures<'t>> {
        let is_rest = matches!(self.0.last(), Some(Segment::Rest(_)));
        (is_rest || segments.len() == self.len()).then(|| self.fit_beginning(segments)).flatten()
    }

    /// What the holes took, when the path begins so.
    pub(crate) fn fit_beginning<'t>(&'t self, segments: &[Cow<'_, str>]) -> Option<Captures<'t>> {
        let fits = |(own, given): (&Segment, &Cow<'_, str>)| match own {
            Segment::Literal(text) => *text == lower_case(given),
            Segment::Capture { suffix, .. } => {
                given.len() > suffix.len() && lower_case(given).ends_with(suffix.as_str())
            }
            Segment::Rest(_) => true,
        };
        (segments.len() >= self.len() && self.0.iter().zip(segments).all(fits))
            .then(|| self.captures(segments))
    }

    /// What the holes took of a path that fits.
    pub(crate) fn captures<'t>(&'t self, segments: &[Cow<'_, str>]) -> Captures<'t> {
        let mut captures = Vec::new();
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Literal(_) => {}
                Segment::Capture { name, suffix } => {
                    let Some(text) = segments.get(at) else { continue };
                    let end = text.len().saturating_sub(suffix.len());
                    let taken = text.get(..end).unwrap_or_default().to_owned();
                    captures.push((name.as_str(), Cow::Owned(taken)));
                }
                Segment::Rest(name) => {
                    let rest = segments.get(at..).unwrap_or_default().join("/");
                    captures.push((name.as_str(), Cow::Owned(rest)));
                }
            }
        }
        captures
    }
}
