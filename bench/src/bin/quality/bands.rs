//! How far each confidence can be trusted: of the rows whose strongest finding is of one, how many are right.

use std::collections::BTreeMap;
use std::fmt;

use interven_types::{Confidence, DataClass};

use crate::finder::name_of;
use crate::table::{Share, Table};

#[derive(Debug, Default)]
struct Band {
    right: usize,
    wrong: usize,
    benign: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Bands(BTreeMap<(DataClass, Confidence), Band>);

impl Bands {
    /// A finding in a labelled row.
    pub(crate) fn add_labelled(&mut self, class: DataClass, confidence: Confidence, is_right: bool) {
        let band = self.0.entry((class, confidence)).or_default();
        if is_right { band.right += 1 } else { band.wrong += 1 }
    }

    /// A finding in a row that holds nothing.
    pub(crate) fn add_benign(&mut self, class: DataClass, confidence: Confidence) {
        self.0.entry((class, confidence)).or_default().benign += 1;
    }
}

impl fmt::Display for Bands {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&[
            "class",
            "confidence",
            "right, labelled",
            "wrong, labelled",
            "precision, labelled",
            "benign bodies flagged",
        ]);
        for ((class, confidence), band) in self.0.iter().rev() {
            let precision = Share(band.right, band.right + band.wrong);
            table.row(&[class, &name_of(*confidence), &band.right, &band.wrong, &precision, &band.benign]);
        }
        table.fmt(out)
    }
}
