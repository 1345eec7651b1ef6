//! What each decoder promises for any input, as checks that panic: the fuzz targets call them, and so does a test on
//! the seeds of each target.

use super::{
    Layers, Origin,
    budget::{Budget, MAX_LAYERS, MAX_OUTPUT},
    inflate::{Compression, HARMLESS_BYTES, MAX_RATIO, deflate, inflate},
    join::join_siblings,
    reveal::reveal,
    runs::{find_long, find_runs, split_run},
    unpack::unpack,
};
use crate::{leaves::Leaves, marker::Markers};
use serde_json::Value;
use std::ops::Range;

/// Most spans that one input is asked about.
const SPANS: usize = 64;

/// Every span of the revealed text leads to a part of the source, and a wider one never to a smaller part.
pub fn check_reveal(source: &str) {
    let Some(revealed) = reveal(source) else { return };
    for span in spans(&revealed.text) {
        let origin = revealed.source_of(&span);
        assert!(source.get(origin.clone()).is_some(), "{span:?} leads to {origin:?} of {}", source.len());
        let rest = revealed.source_of(&(span.start..revealed.text.len()));
        assert!(rest.end >= origin.end, "{span:?} leads beyond the rest of the text");
    }
}

/// Runs lie in the source one after the other, and what they hold stays within the budget and can be packed again.
pub fn check_unpack(source: &str) {
    let mut budget = Budget::default();
    let (unpacked, _) = unpack(source, |_| true, &mut budget);
    let mut size = 0;
    for packing in &unpacked {
        assert!(source.get(packing.run.clone()).is_some(), "{:?} is no part of the source", packing.run);
        size += packing.text.len();
        let _ = packing.pack("[REDACTED:field]");
    }
    // Lossy text may take three bytes for one.
    assert!(size <= 3 * MAX_OUTPUT, "{size} bytes were unpacked");
}

/// Runs are in order, apart from each other, and their parts lie inside.
pub fn check_runs(source: &str) {
    let mut end = 0;
    for run in find_runs(source) {
        assert!(run.range.start >= end && source.get(run.range.clone()).is_some(), "{:?}", run.range);
        end = run.range.end;
        for part in split_run(source, &run.range) {
            assert!(part.start >= run.range.start && part.end <= end && part.start < part.end, "{part:?}");
        }
    }
    let mut at = 0;
    while let Some(found) = find_long(source.as_bytes(), at) {
        assert!(found >= at && found < source.len());
        at = found + 1;
    }
}

/// Inflating is bounded, and undoes deflating.
pub fn check_inflate(bytes: &[u8]) {
    if let Some(inflated) = inflate(bytes, &mut Budget::default()) {
        let limit = (bytes.len() * MAX_RATIO).clamp(HARMLESS_BYTES, MAX_OUTPUT);
        assert!(inflated.bytes.len() <= limit, "{} bytes out of {}", inflated.bytes.len(), bytes.len());
    }
    for compression in [Compression::Gzip, Compression::Zlib] {
        let packed = deflate(bytes, compression).unwrap_or_default();
        let again = inflate(&packed, &mut Budget::default());
        let is_small = bytes.len() <= HARMLESS_BYTES;
        assert!(!is_small || again.is_some_and(|i| i.is_whole && i.bytes == bytes), "{compression:?}");
    }
}

/// Joined text consists of parts of its leaves.
pub fn check_join(body: &Value) {
    let leaves = Leaves::of_body(body);
    for segment in join_siblings(&leaves, &mut Budget::default()) {
        let Origin::Joined(joined) = &segment.origin else { continue };
        for span in spans(&segment.text) {
            for (leaf, part) in joined.sources_of(&span) {
                let text = leaves.list.get(leaf).map_or("", |leaf| &leaf.text);
                assert!(text.get(part.clone()).is_some(), "{part:?} is no part of leaf {leaf}");
            }
        }
    }
}

/// Layers are few, and every span of every level is a part of leaves, or of what stands between segments.
pub fn check_layers(body: &Value) {
    let leaves = Leaves::of_body(body);
    let layers = Layers::of(&leaves);
    assert!(layers.levels.len() <= 2 * MAX_LAYERS + 1, "{} levels", layers.levels.len());
    for flat in &layers.levels {
        for span in spans(&flat.text) {
            let Some((segment, inner)) = flat.locate(&span, &layers) else { continue };
            for (leaf, part) in layers.trace(segment, inner).iter() {
                let text = leaves.list.get(*leaf).map_or("", |leaf| &leaf.text);
                assert!(text.get(part.clone()).is_some(), "{part:?} is no part of leaf {leaf}");
            }
        }
    }
}

/// Whether something is a marker can be asked of any part of any text.
pub fn check_markers(text: &str) {
    let markers = Markers::of(&[]);
    for span in spans(text) {
        let is_marker = markers.are_all_of(text, &span);
        assert!(!is_marker || text.contains('['), "{span:?} of a text without brackets is a marker");
    }
}

/// Spans all over a text, on boundaries of its characters.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let stride = text.len() / SPANS + 1;
    (0..text.len()).step_by(stride).enumerate().map(move |(n, at)| {
        let width = [1, 4, 20, 64, 300].get(n % 5).copied().unwrap_or(1);
        text.floor_char_boundary(at)..text.ceil_char_boundary(at + width)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    /// Every seed of a fuzz target, and each input that once broke a promise.
    fn seeds(target: &str) -> Vec<Vec<u8>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
        fs::read_dir(folder).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }

    #[test]
    fn every_seed_of_the_fuzz_targets_keeps_the_promises() {
        for (target, check) in [
            ("reveal", check_reveal as fn(&str)),
            ("unpack", check_unpack),
            ("runs", check_runs),
            ("markers", check_markers),
        ] {
            let seeds = seeds(target);
            assert!(!seeds.is_empty(), "{target} has no seeds");
            seeds.iter().for_each(|seed| check(&String::from_utf8_lossy(seed)));
        }
        for (target, check) in [("join", check_join as fn(&Value)), ("layers", check_layers)] {
            let seeds = seeds(target);
            assert!(!seeds.is_empty(), "{target} has no seeds");
            seeds.iter().for_each(|seed| check(&serde_json::from_slice(seed).unwrap()));
        }
        seeds("inflate").iter().for_each(|seed| check_inflate(seed));
    }
}
