//! Markdown tables: a heading whose columns after the first are numbers, and rows.

use std::fmt::{self, Display};

#[derive(Debug)]
pub(crate) struct Table {
    lines: String,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        let rule: String = (1..columns.len()).map(|_| " --: |").collect();
        Self { lines: format!("| {} |\n| --- |{rule}\n", columns.join(" | ")) }
    }

    pub(crate) fn row(&mut self, cells: &[&dyn Display]) {
        self.lines.push('|');
        for cell in cells {
            self.lines.push_str(&format!(" {cell} |"));
        }
        self.lines.push('\n');
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.lines)
    }
}

/// A share of a whole, shown with three digits; nothing of nothing has no share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share(pub(crate) usize, pub(crate) usize);

impl Share {
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
    fn value(self) -> Option<f64> {
        (self.1 > 0).then(|| self.0 as f64 / self.1 as f64)
    }
}

impl Display for Share {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(share) => write!(out, "{share:.3}"),
            None => out.write_str("–"),
        }
    }
}

/// Rows per thousand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PerThousand(pub(crate) usize, pub(crate) usize);

impl Display for PerThousand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Share(self.0, self.1).value() {
            Some(share) => write!(out, "{:.2}", share * 1000.0),
            None => out.write_str("–"),
        }
    }
}

/// What was found of what there is, and what was found beside it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Score {
    pub(crate) right: usize,
    pub(crate) wrong: usize,
    pub(crate) all: usize,
}

impl Score {
    pub(crate) fn recall(self) -> Share {
        Share(self.right, self.all)
    }

    pub(crate) fn precision(self) -> Share {
        Share(self.right, self.right + self.wrong)
    }

    /// The harmonic mean of both.
    pub(crate) fn f1(self) -> Share {
        Share(2 * self.right, self.right + self.wrong + self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::{PerThousand, Score, Share, Table};

    #[test]
    fn scores_are_those_of_the_textbook() {
        let score = Score { right: 8, wrong: 2, all: 16 };
        let shown = [score.recall(), score.precision(), score.f1()].map(|share| share.to_string());
        assert_eq!(shown, ["0.500", "0.800", "0.615"]);
        assert_eq!(Share(0, 0).to_string(), "–");
        assert_eq!(PerThousand(3, 2000).to_string(), "1.50");
    }

    #[test]
    fn numbers_stand_right() {
        let mut table = Table::new(&["class", "rows"]);
        table.row(&[&"PII", &3]);
        assert_eq!(table.to_string(), "| class | rows |\n| --- | --: |\n| PII | 3 |\n");
    }
}
