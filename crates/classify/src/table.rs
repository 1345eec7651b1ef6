//! Tables inside a text: CSV, TSV, semicolons, and Markdown. A label at the head of a column names every value below.

use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

/// Longest line of a table.
const LONGEST_LINE: usize = 1_024;
/// Most columns that are told apart in one table.
const MOST_COLUMNS: usize = 32;
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Where the rows of a table are, and what stands between its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    rows: Range<usize>,
    delimiter: u8,
}

/// The column of a table that a label heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) rows: Range<usize>,
    delimiter: u8,
    index: usize,
}

/// Finds the columns that words head; the words come nearly in order. Each line is looked at once.
#[derive(Default)]
pub(crate) struct Heads {
    /// The line that was looked at last, and the table below it.
    line: Range<usize>,
    /// The line without the key of the text that it opens.
    head: Range<usize>,
    table: Option<Table>,
    columns: usize,
}

impl Heads {
    /// The column that the word at `word` heads, if its line is the head of a table: the line below has as many fields.
    pub(crate) fn column_of(&mut self, text: &str, word: &Range<usize>) -> Option<Column> {
        let bytes = text.as_bytes();
        let is_known = self.line.contains(&word.start);
        // A row of a table is no head.
        let is_row = self.table.as_ref().is_some_and(|table| word.start < table.rows.end);
        if !is_known && is_row {
            return None;
        }
        if !is_known {
            let Some(line) = line_at(bytes, word.start) else {
                self.line = word.start..word.start + LONGEST_LINE;
                self.table = None;
                return None;
            };
            // A text that is a member's value begins in the line of its key: `"csv": "id,ssn`.
            let key = bytes
                .get(line.clone())
                .and_then(|line| memmem::rfind(line, b"\": \""))
                .map_or(0, |at| at + 4);
            let head = line.start + key..line.end;
            self.table = Table::below(bytes, &head);
            self.head = head;
            self.line = line;
            self.columns = 0;
        }
        let table = self.table.as_ref().filter(|_| self.head.start <= word.start)?;
        self.columns += 1;
        if self.columns > MOST_COLUMNS {
            return None;
        }
        let index = count_fields(bytes.get(self.head.start..word.start)?, table.delimiter) - 1;
        Some(Column { rows: table.rows.clone(), delimiter: table.delimiter, index })
    }
}

impl Table {
    fn below(bytes: &[u8], head: &Range<usize>) -> Option<Self> {
        let cells = bytes.get(head.clone())?;
        // A head names; it holds no values and no JSON.
        if cells.iter().any(|b| matches!(b, b'{' | b'}' | b':' | b'=')) {
            return None;
        }
        let delimiter = DELIMITERS.into_iter().find(|d| memchr(*d, cells).is_some())?;
        // A line of a list ends in a comma: `"FirstName",`.
        let is_item =
            matches!(cells.trim_ascii_end(), [item @ .., last] if *last == delimiter && !item.contains(last));
        if is_item {
            return None;
        }
        let first = line_at(bytes, head.end + 1)?;
        if count_fields(bytes.get(first.clone())?, delimiter) != count_fields(cells, delimiter) {
            return None;
        }
        let mut end = first.end;
        while let Some(row) = line_at(bytes, end + 1)
            && bytes.get(row.clone()).is_some_and(|row| memchr(delimiter, row).is_some())
        {
            end = row.end;
        }
        Some(Self { rows: first.start..end, delimiter })
    }
}

impl Column {
    /// Whether `span` lies in this column.
    pub(crate) fn holds(&self, text: &str, span: &Range<usize>) -> bool {
        let bytes = text.as_bytes();
        self.rows.start <= span.start
            && span.end <= self.rows.end
            && line_at(bytes, span.start)
                .and_then(|line| bytes.get(line.start..span.start))
                .is_some_and(|before| count_fields(before, self.delimiter) == self.index + 1)
    }
}

/// The line round `at`, without its end; `None` past the text, or where the line is too long for a table.
fn line_at(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let from = at.saturating_sub(LONGEST_LINE);
    let before = bytes.get(from..at)?;
    let start = memrchr(b'\n', before).map_or(from, |found| from + found + 1);
    let after = bytes.get(at..bytes.len().min(at + LONGEST_LINE))?;
    let end = memchr(b'\n', after).map_or(at + after.len(), |found| at + found);
    (at < bytes.len() && end - start < LONGEST_LINE).then_some(start..end)
}

/// Fields of a line; a delimiter between quotes is none.
fn count_fields(line: &[u8], delimiter: u8) -> usize {
    let mut is_quoted = false;
    1 + line
        .iter()
        .filter(|b| {
            is_quoted ^= **b == b'"';
            **b == delimiter && !is_quoted
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_below(text: &str, head: &str, value: &str) -> bool {
        let start = text.find(head).unwrap();
        let Some(column) = Heads::default().column_of(text, &(start..start + head.len())) else {
            return false;
        };
        let at = text.rfind(value).unwrap();
        column.holds(text, &(at..at + value.len()))
    }

    #[test]
    fn a_column_goes_by_its_head() {
        let rows = "\n1,\"a, b\",536\n".repeat(3);
        for text in [
            format!("id,name,ssn{rows}"),
            format!("id\tname\tssn\n{}", "1\tab\t536\n".repeat(40)),
            "| id | ssn |\n| -- | --- |\n| 7 | 536 |\n".to_owned(),
            "id;ssn;x\n1;536;y".to_owned(),
            "\"csv\": \"id,ssn\n1,536\"\n".to_owned(),
        ] {
            assert!(is_below(&text.replace("\n\n", "\n"), "ssn", "536"), "{text}");
        }
        for text in [
            "id,ssn\n536,1\n",
            "id,ssn\n\n1,536",
            "the ssn, please\n536",
            "{\"ssn\": 1,\n\"x\": 536,",
            "\"ssn\",\n\"536\",",
        ] {
            assert!(!is_below(text, "ssn", "536"), "{text}");
        }
    }
}
