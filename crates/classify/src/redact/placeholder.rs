//! Who is who in a redacted body: the same value always has the same placeholder, two values never share one.

use crate::{
    detectors::Detector,
    layers::Layers,
    marker::{FIELD, LARGEST_INDEX, Markers},
};
use core::net::IpAddr;
use interven_types::DataClass;
use std::{borrow::Cow, collections::BTreeMap};

/// Stands for one value: `[REDACTED:<detector>]` for the first of a detector, `[REDACTED:<detector>_2]` for the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placeholder {
    detector: usize,
    index: u32,
}

/// Hands out placeholders, in the order in which values are named.
pub(super) struct Placeholders<'c> {
    detectors: &'c [Detector],
    /// The last index of each detector's id that was given away.
    last: BTreeMap<&'c str, u32>,
    of_value: BTreeMap<(DataClass, String), Placeholder>,
}

impl<'c> Placeholders<'c> {
    /// Goes on after the markers that `layers` hold from an earlier redaction: a new value must not pass for an old one.
    pub(super) fn after(layers: &Layers<'_>, detectors: &'c [Detector], markers: &'c Markers) -> Self {
        let mut last = BTreeMap::new();
        for (id, index) in layers.levels.iter().flat_map(|level| markers.find_all(&level.text)) {
            let highest = last.entry(id).or_insert(index);
            *highest = index.max(*highest);
        }
        Self { detectors, last, of_value: BTreeMap::new() }
    }

    /// The placeholder of `value`. Beyond the largest index, values share the last one.
    pub(super) fn name(&mut self, detector: usize, value: &str) -> Placeholder {
        let Some(kind) = self.detectors.get(detector) else { return Placeholder { detector, index: 1 } };
        let last = &mut self.last;
        *self.of_value.entry((kind.class, identify(kind.class, value).into_owned())).or_insert_with(|| {
            let index = last.entry(&kind.id).or_default();
            *index = (*index + 1).min(LARGEST_INDEX);
            Placeholder { detector, index: *index }
        })
    }

    pub(super) fn write(&self, placeholder: Placeholder) -> String {
        let id = self.detectors.get(placeholder.detector).map_or(FIELD, |d| d.id.as_str());
        Markers::write(id, placeholder.index)
    }
}

/// What makes two spellings one value: nothing for a credential; for what people write of themselves, neither case nor the
/// separators of a number.
pub(super) fn identify(class: DataClass, value: &str) -> Cow<'_, str> {
    /// Shorter numbers are dates, in which separators tell 1/11 from 11/1.
    const SHORTEST_NUMBER: usize = 9;
    match class {
        DataClass::Secrets => Cow::Borrowed(value),
        DataClass::Internal => value.to_lowercase().into(),
        DataClass::Pii | DataClass::Phi => {
            let has_digit = value.bytes().any(|b| b.is_ascii_digit());
            if !has_digit || value.contains('@') || value.parse::<IpAddr>().is_ok() {
                return value.to_lowercase().into();
            }
            let compact: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
            if compact.len() < SHORTEST_NUMBER { value.to_lowercase() } else { compact.to_lowercase() }.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_value_are_one_and_of_two_are_two() {
        use DataClass::{Internal, Pii, Secrets};
        let is_same = |class, a: &str, b: &str| identify(class, a) == identify(class, b);
        for (class, a, b) in [
            (Pii, "Jane.Doe@Example.org", "jane.doe@example.org"),
            (Pii, "536-90-4399", "536904399"),
            (Pii, "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
            (Pii, "Jane DOE", "jane doe"),
            (Internal, "Internal Only", "INTERNAL ONLY"),
        ] {
            assert!(is_same(class, a, b), "{a} {b}");
        }
        for (class, a, b) in [
            (Pii, "j.doe@example.org", "jdoe@example.org"),
            (Pii, "1/11/1980", "11/1/1980"),
            (Pii, "111.11.111.111", "11.111.111.111"),
            (Secrets, "hunter2X", "Hunter2x"),
        ] {
            assert!(!is_same(class, a, b), "{a} {b}");
        }
    }
}
