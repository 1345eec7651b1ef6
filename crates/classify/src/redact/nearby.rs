//! What a change can reach: after some leaves changed, only they and what is read together with them is judged again.

use crate::{
    classifier::Reading,
    layers::{Flat, Layers},
};
use std::ops::Range;

/// Bytes of neighbours that one value may be cut into.
const LONGEST_JOINED: usize = 512;

/// Marks of leaves, by index.
pub(super) type Marks = Vec<bool>;

pub(super) fn is_marked(marks: &Marks, leaf: usize) -> bool {
    marks.get(leaf).copied().unwrap_or_default()
}

/// The marked leaves, those that stand within reach of one in some layer, and those that one may be joined with.
pub(super) fn spread(reading: &Reading<'_>, marks: &Marks) -> Marks {
    let mut near = marks.clone();
    let mut levels = reading.layers.levels.iter();
    if let Some(leaves) = levels.next() {
        let ranges = (0..marks.len()).filter(|leaf| is_marked(marks, *leaf)).map(|leaf| leaf..leaf + 1);
        reach_out(leaves, ranges, reading.reach, |leaf| set(&mut near, leaf));
    }
    for level in levels {
        let sources: Vec<Vec<usize>> =
            level.segments().map(|segment| leaves_of(&reading.layers, segment)).collect();
        let ranges = ranges_of(&sources, marks);
        reach_out(level, ranges.into_iter(), reading.reach, |rank| {
            sources.get(rank).into_iter().flatten().for_each(|leaf| set(&mut near, *leaf));
        });
    }
    for group in reading.leaves.groups() {
        spread_in_group(reading, group, marks, &mut near);
    }
    near
}

fn set(marks: &mut Marks, leaf: usize) {
    if let Some(mark) = marks.get_mut(leaf) {
        *mark = true;
    }
}

/// Calls `see` with each rank of `level` within `reach` of `ranges`, which come in rising order.
fn reach_out(
    level: &Flat,
    ranges: impl Iterator<Item = Range<usize>>,
    reach: usize,
    mut see: impl FnMut(usize),
) {
    let mut seen = 0;
    for range in ranges {
        let near = level.around(&range, reach);
        (near.start.max(seen)..near.end).for_each(&mut see);
        seen = seen.max(near.end);
    }
}

fn leaves_of(layers: &Layers<'_>, segment: usize) -> Vec<usize> {
    let len = layers.segments.get(segment).map_or(0, |s| s.text.len());
    layers.trace(segment, 0..len).iter().map(|(leaf, _)| *leaf).collect()
}

/// The ranks of a level that came from a marked leaf; for a marked leaf that has none, where one would stand.
fn ranges_of(sources: &[Vec<usize>], marks: &Marks) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut next_leaf = 0;
    for (rank, leaves) in sources.iter().enumerate() {
        let is_gap_marked = leaves.first().is_some_and(|leaf| {
            let gap = next_leaf..*leaf;
            next_leaf = next_leaf.max(leaf + 1);
            marks.get(gap).is_some_and(|gap| gap.contains(&true))
        });
        if is_gap_marked {
            ranges.push(rank..rank);
        }
        if leaves.iter().any(|leaf| is_marked(marks, *leaf)) {
            ranges.push(rank..rank + 1);
        }
    }
    if marks.get(next_leaf..).is_some_and(|rest| rest.contains(&true)) {
        ranges.push(sources.len()..sources.len());
    }
    ranges
}

/// Marks the neighbours on both sides of each marked leaf, as far as a value that is cut into pieces may go.
fn spread_in_group(reading: &Reading<'_>, group: &[usize], marks: &Marks, near: &mut Marks) {
    let len_of = |leaf: usize| reading.leaves.list.get(leaf).map_or(0, |l| l.text.len() + 1);
    let mut pass = |leaves: &mut dyn Iterator<Item = &usize>| {
        let mut left = 0_usize;
        for leaf in leaves {
            if left > 0 {
                set(near, *leaf);
            }
            left = if is_marked(marks, *leaf) { LONGEST_JOINED } else { left.saturating_sub(len_of(*leaf)) };
        }
    };
    pass(&mut group.iter());
    pass(&mut group.iter().rev());
}
