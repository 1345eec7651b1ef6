//! From leaves to every layer below them: what was revealed, unpacked or joined, each with the way back.

mod base32;
mod base85;
mod budget;
mod flat;
mod fold;
mod inflate;
mod join;
mod pieces;
#[cfg(any(test, feature = "fuzzing"))]
pub mod promises;
mod reveal;
mod runs;
mod signs;
mod stitch;
mod unpack;

pub(crate) use budget::Obstacle;
pub(crate) use flat::Flat;
pub(crate) use stitch::read_code;

use crate::leaves::{Leaves, Role};
use budget::{Budget, MAX_LAYERS};
use interven_types::Place;
use pieces::{Assembly, Pieces};
use reveal::{Revealed, has_escape, reveal};
use signs::Signs;
use std::{
    borrow::Cow,
    ops::{Deref, Range},
};
use stitch::{Source, join_labels, measure_labels, stitch};
use unpack::{Unpacked, unpack, unpack_base85, unpack_host_label};

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
    Joined(Box<Pieces>),
}

/// All segments; parents stand before their children.
#[derive(Debug, Default)]
pub(crate) struct Layers<'l> {
    pub(crate) segments: Vec<Segment<'l>>,
    /// Segments by depth, as one text each, loose ones apart; the first level is the leaves themselves.
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
        let mut budget = Budget::of_size(leaves.list.iter().map(|leaf| leaf.text.len()).sum());
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..layers.segments.len()).collect();
        for depth in 1..=MAX_LAYERS + 1 {
            let mut children = Children::after(layers.segments.len());
            for range in ranges {
                let level = Flat::of(&layers.segments, range.clone(), leaves);
                for parent in level.find_suspects() {
                    layers.expand(parent, depth, &mut budget, &mut children);
                }
                for parent in range {
                    layers.look_closer(parent, depth, &mut budget, &mut children);
                }
                layers.levels.push(level);
            }
            if depth == 1 {
                layers.expand_host(leaves, &mut children);
                children.extend(join::join_siblings(leaves, &mut budget));
                let noted = budget.take_obstacles().into_iter();
                layers.obstacles.extend(noted.map(|obstacle| (0, depth, obstacle)));
                children.extend(join::read_code_rows(leaves));
            }
            let Some(first) = children.first() else { break };
            if depth > MAX_LAYERS {
                let parent = first.origin.parent();
                layers.obstacles.push((layers.leaf_of(parent.unwrap_or(0)), depth, Obstacle::TooDeep));
                break;
            }
            ranges = children.settle(&mut layers.segments);
        }
        layers
    }

    fn expand(&mut self, parent: usize, depth: usize, budget: &mut Budget, children: &mut Children<'l>) {
        let Some(segment) = self.segments.get(parent).filter(|s| s.role != Role::Number) else { return };
        let (label, role) = (segment.label, segment.role);
        let mut add = |text: String, origin| {
            children.push(Segment { text: text.into(), label, role, origin });
        };
        if !segment.is_loose()
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
        // What was put together by chance is no layer when it is no text.
        let is_loose = segment.is_loose();
        for obstacle in obstacles.into_iter().filter(|o| !is_loose || *o != Obstacle::Binary) {
            let leaf = self.leaf_of(parent);
            self.obstacles.push((leaf, depth, obstacle));
        }
    }

    /// Puts together what a text holds in pieces, and undoes the layers that are too rare to be looked for everywhere.
    fn look_closer(&mut self, parent: usize, depth: usize, budget: &mut Budget, children: &mut Children<'l>) {
        let Some(segment) = self.segments.get(parent).filter(|s| s.role != Role::Number && !s.is_loose())
        else {
            return;
        };
        let signs = Signs::of(&segment.text);
        if signs.is_none() {
            return;
        }
        let label = segment.label;
        let mut noted = Vec::new();
        if depth <= MAX_LAYERS {
            let found = stitch(Source { segment: parent, text: &segment.text }, signs);
            for mut assembly in found {
                budget.spend_on(&mut assembly);
                children.extend(assembly.into_segment(label));
            }
            noted.append(&mut budget.take_obstacles());
        }
        let mut add = |text: String, origin| {
            children.push(Segment { text: text.into(), label, role: Role::Text, origin });
        };
        if signs.has_glue
            && !has_escape(&segment.text)
            && let Some(mut map) = reveal(&segment.text)
        {
            add(std::mem::take(&mut map.text), Origin::Revealed { parent, map: Box::new(map) });
        }
        if signs.is_ornate {
            for mut packing in unpack_base85(&segment.text, budget) {
                add(
                    std::mem::take(&mut packing.text),
                    Origin::Unpacked { parent, packing: Box::new(packing) },
                );
            }
            noted.append(&mut budget.take_obstacles());
        }
        let leaf = self.leaf_of(parent);
        self.obstacles.extend(noted.into_iter().map(|obstacle| (leaf, depth, obstacle)));
    }

    /// Opens the labels of a URL's host: each, and all but the last two as one.
    fn expand_host(&self, leaves: &Leaves<'l>, children: &mut Children<'l>) {
        let url = self.segments.first().filter(|_| leaves.place(0) == Place::Url);
        let Some((start, host)) = url.and_then(|url| host_of(&url.text)) else { return };
        let decoded = |parent, mut packing: Unpacked| Segment {
            text: std::mem::take(&mut packing.text).into(),
            label: DECODED_HOST_LABEL,
            role: Role::Text,
            origin: Origin::Unpacked { parent, packing: Box::new(packing) },
        };
        let labels = measure_labels(host, start);
        for range in &labels {
            let label = host.get(range.start - start..range.end - start).unwrap_or_default();
            children.extend(unpack_host_label(label, range.clone()).map(|packing| decoded(0, packing)));
        }
        let mut joined = Assembly::default();
        join_labels(Source { segment: 0, text: url.map_or("", |url| &url.text) }, &labels, &mut joined);
        let packing = unpack_host_label(&joined.text, 0..joined.text.len());
        if let Some((packing, joined)) = packing.zip(joined.into_segment("")) {
            let parent = children.push(joined);
            children.push(decoded(parent, packing));
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
    pub(crate) fn trace(&self, segment: usize, span: Range<usize>) -> Sources {
        let (mut at, mut span) = (segment, span);
        loop {
            match self.segments.get(at).map(|s| &s.origin) {
                None => return Sources::Many(Vec::new()),
                Some(Origin::Leaf(leaf)) => return Sources::One([(*leaf, span)]),
                Some(Origin::Revealed { parent, map }) => (at, span) = (*parent, map.source_of(&span)),
                Some(Origin::Unpacked { parent, packing }) => (at, span) = (*parent, packing.run.clone()),
                Some(Origin::Joined(joined)) => {
                    let sources = joined.sources_of(&span).into_iter();
                    let of_each = sources.map(|(segment, span)| self.trace(segment, span).to_vec());
                    return Sources::Many(of_each.flatten().collect());
                }
            }
        }
    }
}

/// Leaves, and the bytes of each, that a span came from. A call may have thousands of findings, nearly all of one leaf: that
/// takes no allocation.
#[derive(Clone, Debug)]
pub(crate) enum Sources {
    One([(usize, Range<usize>); 1]),
    Many(Vec<(usize, Range<usize>)>),
}

impl Deref for Sources {
    type Target = [(usize, Range<usize>)];

    fn deref(&self) -> &Self::Target {
        match self {
            Self::One(source) => source,
            Self::Many(sources) => sources,
        }
    }
}

/// The segments of the next depth while they are collected.
struct Children<'l> {
    /// How many segments stand before them.
    before: usize,
    loose: Vec<Segment<'l>>,
    firm: Vec<Segment<'l>>,
}

impl<'l> Children<'l> {
    fn after(before: usize) -> Self {
        Self { before, loose: Vec::new(), firm: Vec::new() }
    }

    /// Answers where the segment will stand if it is loose.
    fn push(&mut self, child: Segment<'l>) -> usize {
        let place = self.before + self.loose.len();
        let list = if child.is_loose() { &mut self.loose } else { &mut self.firm };
        list.push(child);
        place
    }

    fn extend(&mut self, children: impl IntoIterator<Item = Segment<'l>>) {
        for child in children {
            self.push(child);
        }
    }

    fn first(&self) -> Option<&Segment<'l>> {
        self.loose.first().or(self.firm.first())
    }

    /// Appends them, the loose ones first; answers where either kind stands.
    fn settle(mut self, segments: &mut Vec<Segment<'l>>) -> Vec<Range<usize>> {
        let border = self.before + self.loose.len();
        segments.append(&mut self.loose);
        segments.append(&mut self.firm);
        [self.before..border, border..segments.len()].into_iter().filter(|range| !range.is_empty()).collect()
    }
}

impl Segment<'_> {
    /// Whether it was put together on the mere chance that its pieces are one value.
    pub(crate) fn is_loose(&self) -> bool {
        matches!(&self.origin, Origin::Joined(joined) if !joined.is_sure)
    }
}

impl Origin {
    fn parent(&self) -> Option<usize> {
        match self {
            Self::Leaf(_) => None,
            Self::Revealed { parent, .. } | Self::Unpacked { parent, .. } => Some(*parent),
            Self::Joined(joined) => joined.first_segment(),
        }
    }
}

/// The host of a URL, with where it starts.
fn host_of(url: &str) -> Option<(usize, &str)> {
    let scheme_end = url.find("://").map(|at| at + 3)?;
    let authority = url.get(scheme_end..)?.split(['/', '?', '#', '\\']).next()?;
    let start = scheme_end + authority.rfind('@').map_or(0, |at| at + 1);
    Some((start, url.get(start..scheme_end + authority.len())?))
}
