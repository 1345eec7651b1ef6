//! From leaves to every layer below them: what was revealed, unpacked or joined, each with the way back.

mod budget;
mod flat;
mod fold;
mod inflate;
mod join;
#[cfg(any(test, feature = "fuzzing"))]
pub mod promises;
mod reveal;
mod runs;
mod unpack;

pub(crate) use budget::Obstacle;
pub(crate) use flat::Flat;

use crate::leaves::{Leaves, Role};
use budget::{Budget, MAX_LAYERS};
use interven_types::Place;
use join::Joined;
use reveal::{Revealed, reveal};
use std::{borrow::Cow, ops::Range};
use unpack::{Unpacked, unpack, unpack_host_label};

/// What stands beside text that was decoded from a host name; the detector `encoded_hostname` looks for it.
const DECODED_HOST_LABEL: &str = "(decoded host label)";

/// One text to search: a leaf, or a layer below one.
#[derive(Debug)]
pub(crate) struct Segment<'l> {
    pub(crate) text: Cow<'l, str>,
    pub(crate) label: &'l str,
    pub(crate) role: Role,
    pub(crate) origin: Origin,
}

#[derive(Debug)]
pub(crate) enum Origin {
    Leaf(usize),
    Revealed { parent: usize, map: Box<Revealed> },
    Unpacked { parent: usize, packing: Box<Unpacked> },
    Joined(Box<Joined>),
}

/// All segments; parents stand before their children.
#[derive(Debug, Default)]
pub(crate) struct Layers<'l> {
    pub(crate) segments: Vec<Segment<'l>>,
    /// Segments by depth, as one text each; the first level is the leaves themselves.
    pub(crate) levels: Vec<Flat>,
    /// What was not looked at: a leaf, the depth, and why.
    pub(crate) obstacles: Vec<(usize, usize, Obstacle)>,
}

impl<'l> Layers<'l> {
    pub(crate) fn of(leaves: &Leaves<'l>) -> Self {
        let mut layers = Self { segments: Vec::with_capacity(leaves.list.len()), ..Self::default() };
        for (index, leaf) in leaves.list.iter().enumerate() {
            layers.segments.push(Segment {
                text: leaf.text.clone(),
                label: leaf.label,
                role: leaf.role,
                origin: Origin::Leaf(index),
            });
        }
        let mut budget = Budget::default();
        let mut level = Flat::of(&layers.segments, 0, leaves);
        for depth in 1..=MAX_LAYERS + 1 {
            let mut children = Vec::new();
            for parent in level.find_suspects() {
                layers.expand(parent, depth, &mut budget, &mut children);
            }
            if depth == 1 {
                layers.expand_host(leaves, &mut children);
                children.extend(join::join_siblings(leaves));
            }
            layers.levels.push(level);
            if children.is_empty() {
                break;
            }
            if depth > MAX_LAYERS {
                let parent = children.first().and_then(|child| child.origin.parent());
                layers.obstacles.push((layers.leaf_of(parent.unwrap_or(0)), depth, Obstacle::TooDeep));
                break;
            }
            let start = layers.segments.len();
            layers.segments.append(&mut children);
            level = Flat::of(&layers.segments, start, leaves);
        }
        layers
    }

    fn expand(&mut self, parent: usize, depth: usize, budget: &mut Budget, children: &mut Vec<Segment<'l>>) {
        let Some(segment) = self.segments.get(parent).filter(|s| s.role != Role::Number) else { return };
        let (label, role) = (segment.label, segment.role);
        let mut add =
            |text: String, origin| children.push(Segment { text: text.into(), label, role, origin });
        if !matches!(segment.origin, Origin::Joined(_))
            && let Some(mut map) = reveal(&segment.text)
        {
            add(std::mem::take(&mut map.text), Origin::Revealed { parent, map: Box::new(map) });
        }
        // A run that a transparent layer left as it was has been unpacked above it.
        let is_new = |run: &Range<usize>| match &segment.origin {
            Origin::Leaf(_) | Origin::Unpacked { .. } => true,
            Origin::Revealed { map, .. } => map.is_changed_in(run),
            Origin::Joined(joined) => joined.is_across(run),
        };
        let (unpacked, obstacles) = unpack(&segment.text, is_new, budget);
        for mut packing in unpacked {
            add(std::mem::take(&mut packing.text), Origin::Unpacked { parent, packing: Box::new(packing) });
        }
        for obstacle in obstacles {
            let leaf = self.leaf_of(parent);
            self.obstacles.push((leaf, depth, obstacle));
        }
    }

    /// Opens the labels of a URL's host.
    fn expand_host(&self, leaves: &Leaves<'l>, children: &mut Vec<Segment<'l>>) {
        let url = self.segments.first().filter(|_| leaves.place(0) == Place::Url);
        for (range, label) in url.map(|url| host_labels(&url.text)).unwrap_or_default() {
            if let Some(mut packing) = unpack_host_label(label, range) {
                children.push(Segment {
                    text: std::mem::take(&mut packing.text).into(),
                    label: DECODED_HOST_LABEL,
                    role: Role::Text,
                    origin: Origin::Unpacked { parent: 0, packing: Box::new(packing) },
                });
            }
        }
    }

    /// A leaf that a segment came from; the first one of a joined segment.
    fn leaf_of(&self, segment: usize) -> usize {
        let mut at = segment;
        loop {
            match self.segments.get(at).map(|s| &s.origin) {
                Some(Origin::Leaf(leaf)) => return *leaf,
                Some(origin) => at = origin.parent().unwrap_or(0),
                None => return 0,
            }
        }
    }

    /// The spans of leaves, in bytes, that `span` of a segment came from.
    pub(crate) fn trace(&self, segment: usize, span: Range<usize>) -> Vec<(usize, Range<usize>)> {
        let (mut at, mut span) = (segment, span);
        loop {
            match self.segments.get(at).map(|s| &s.origin) {
                None => return Vec::new(),
                Some(Origin::Leaf(leaf)) => return vec![(*leaf, span)],
                Some(Origin::Revealed { parent, map }) => (at, span) = (*parent, map.source_of(&span)),
                Some(Origin::Unpacked { parent, packing }) => (at, span) = (*parent, packing.run.clone()),
                Some(Origin::Joined(joined)) => return joined.sources_of(&span).collect(),
            }
        }
    }
}

impl Origin {
    fn parent(&self) -> Option<usize> {
        match self {
            Self::Leaf(_) => None,
            Self::Revealed { parent, .. } | Self::Unpacked { parent, .. } => Some(*parent),
            Self::Joined(joined) => joined.first_leaf(),
        }
    }
}

/// The labels of a URL's host, with their place in the URL.
fn host_labels(url: &str) -> Vec<(Range<usize>, &str)> {
    let Some(scheme_end) = url.find("://").map(|at| at + 3) else { return Vec::new() };
    let rest = url.get(scheme_end..).unwrap_or_default();
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host_start = scheme_end + authority.rfind('@').map_or(0, |at| at + 1);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut labels = Vec::new();
    let mut start = host_start;
    for label in host.split('.') {
        labels.push((start..start + label.len(), label));
        start += label.len() + 1;
    }
    labels
}
