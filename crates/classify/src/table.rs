//! Tables inside a text: CSV, TSV, semicolons, Markdown, and rows that SQL inserts. A label at the head of a column names
//! every value below.

use memchr::{memchr, memmem, memrchr};
use std::ops::Range;

/// Longest line of a table.
const LONGEST_LINE: usize = 1_024;
/// Most columns that are told apart in one table.
const MOST_COLUMNS: usize = 32;
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Longest list of columns that an insertion names.
const LONGEST_LIST: usize = 512;

/// Where the rows of a table are, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Table {
    rows: Range<usize>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Lines, with this between the fields.
    Lines { delimiter: u8 },
    /// `('a', 1), ('b', 2)`.
    Tuples,
}

/// The column of a table that a label heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Where the columns are named.
    pub(crate) names: Range<usize>,
    pub(crate) rows: Range<usize>,
    form: Form,
    index: usize,
}

/// Finds the columns that words head; the words come nearly in order. Each line is looked at once.
#[derive(Default)]
pub(crate) struct Heads {
    line: Head,
    insertion: Head,
    /// Whether the text may insert rows; unknown until the first word.
    has_insertions: Option<bool>,
}

/// What was looked at last.
#[derive(Default)]
struct Head {
    seen: Range<usize>,
    /// The names of the columns.
    names: Range<usize>,
    /// The table below, if there is one.
    table: Option<Table>,
    columns: usize,
}

impl Heads {
    /// The column that the word at `word` heads, if its line is the head of a table: the line below has as many fields; or if
    /// it stands in the list of columns of an `INSERT`.
    pub(crate) fn column_of(&mut self, text: &str, word: &Range<usize>) -> Option<Column> {
        let bytes = text.as_bytes();
        let has_insertions = self.has_insertions.get_or_insert_with(|| {
            [b"VALUES", b"values", b"Values"].iter().any(|keyword| memmem::find(bytes, *keyword).is_some())
        });
        let (line, insertion) = (&mut self.line, &mut self.insertion);
        if *has_insertions {
            let found = insertion.look(word, || Head::of_insertion(bytes, word.start));
            if let Some(column) = found.column(bytes, word) {
                return Some(column);
            }
        }
        line.look(word, || Some(Head::of_line(bytes, word.start))).column(bytes, word)
    }
}

impl Head {
    /// Looks again where `word` is neither in what was seen nor in a row of the table: a row is no head.
    fn look(&mut self, word: &Range<usize>, find: impl Fn() -> Option<Self>) -> &mut Self {
        let is_row = self.table.as_ref().is_some_and(|table| word.start < table.rows.end);
        if !self.seen.contains(&word.start)
            && !is_row
            && let Some(found) = find()
        {
            *self = found;
        }
        self
    }

    fn of_line(bytes: &[u8], at: usize) -> Self {
        let Some(line) = line_at(bytes, at) else {
            return Self { seen: at..at + LONGEST_LINE, ..Self::default() };
        };
        // A text that is a member's value begins in the line of its key: `"csv": "id,ssn`.
        let key =
            bytes.get(line.clone()).and_then(|line| memmem::rfind(line, b"\": \"")).map_or(0, |at| at + 4);
        let names = line.start + key..line.end;
        Self { table: Table::below(bytes, &names), seen: line, names, columns: 0 }
    }

    /// The list of columns of an `INSERT` that holds `at`, and the rows behind it (SQL-92 §13.8).
    fn of_insertion(bytes: &[u8], at: usize) -> Option<Self> {
        const VALUES: &[u8] = b"values";
        let is_listed =
            |b: &u8| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"_,.\"`[]\\".contains(b);
        let floor = at.saturating_sub(LONGEST_LIST);
        let start = floor + memrchr(b'(', bytes.get(floor..at)?)? + 1;
        let rest = bytes.get(start..bytes.len().min(start + LONGEST_LIST))?;
        let end = start + memchr(b')', rest)?;
        let names = bytes.get(start..end).filter(|names| at < end && names.iter().all(is_listed))?;
        let after = bytes.get(end + 1..)?;
        let blanks = |bytes: &[u8]| bytes.iter().take(8).take_while(|b| b.is_ascii_whitespace()).count();
        let (keyword, tuples) = after.get(blanks(after)..)?.split_at_checked(VALUES.len())?;
        let tuples = tuples.get(blanks(tuples)..)?;
        if names.is_empty() || !keyword.eq_ignore_ascii_case(VALUES) || tuples.first() != Some(&b'(') {
            return None;
        }
        let first = bytes.len() - tuples.len();
        let table = Table { rows: first..first + measure_statement(tuples), form: Form::Tuples };
        Some(Self { seen: start..end, names: start..end, table: Some(table), columns: 0 })
    }

    fn column(&mut self, bytes: &[u8], word: &Range<usize>) -> Option<Column> {
        let table = self.table.as_ref()?;
        if !self.seen.contains(&word.start) || word.start < self.names.start {
            return None;
        }
        self.columns += 1;
        if self.columns > MOST_COLUMNS {
            return None;
        }
        let index = table.form.count_fields(bytes.get(self.names.start..word.start)?) - 1;
        Some(Column { names: self.names.clone(), rows: table.rows.clone(), form: table.form, index })
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
        let form = Form::Lines { delimiter };
        // A line of a list ends in a comma: `"FirstName",`.
        let is_item =
            matches!(cells.trim_ascii_end(), [item @ .., last] if *last == delimiter && !item.contains(last));
        if is_item {
            return None;
        }
        let first = line_at(bytes, head.end + 1)?;
        if form.count_fields(bytes.get(first.clone())?) != form.count_fields(cells) {
            return None;
        }
        let mut end = first.end;
        while let Some(row) = line_at(bytes, end + 1)
            && bytes.get(row.clone()).is_some_and(|row| memchr(delimiter, row).is_some())
        {
            end = row.end;
        }
        Some(Self { rows: first.start..end, form })
    }
}

impl Form {
    /// Fields of a row, or of the beginning of one; a delimiter between quotes is none.
    fn count_fields(self, row: &[u8]) -> usize {
        let (delimiter, quote) = match self {
            Self::Lines { delimiter } => (delimiter, b'"'),
            Self::Tuples => (b',', b'\''),
        };
        let mut is_quoted = false;
        1 + row
            .iter()
            .filter(|b| {
                is_quoted ^= **b == quote;
                **b == delimiter && !is_quoted
            })
            .count()
    }

    /// Where the row starts that holds `at`.
    fn row_start(self, bytes: &[u8], rows: &Range<usize>, at: usize) -> Option<usize> {
        if let Self::Lines { .. } = self {
            return line_at(bytes, at).map(|line| line.start);
        }
        let floor = rows.start.max(at.saturating_sub(LONGEST_LINE));
        let before = bytes.get(floor..at)?;
        // The first row opens the table; another stands after the end of one and a comma.
        let is_opening = |open: usize| {
            let ended = before.get(..open).unwrap_or_default().trim_ascii_end().strip_suffix(b",");
            floor + open == rows.start || ended.is_some_and(|row| row.trim_ascii_end().ends_with(b")"))
        };
        memchr::memrchr_iter(b'(', before).find(|open| is_opening(*open)).map(|open| floor + open + 1)
    }
}

/// How many bytes a statement has up to the semicolon that ends it.
fn measure_statement(statement: &[u8]) -> usize {
    let mut is_quoted = false;
    let end = memchr::memchr2_iter(b'\'', b';', statement).find(|at| {
        let is_quote = statement.get(*at) == Some(&b'\'');
        is_quoted ^= is_quote;
        !is_quote && !is_quoted
    });
    end.unwrap_or(statement.len())
}

impl Column {
    /// Whether `span` lies in this column.
    pub(crate) fn holds(&self, text: &str, span: &Range<usize>) -> bool {
        let bytes = text.as_bytes();
        self.rows.start <= span.start
            && span.end <= self.rows.end
            && self
                .form
                .row_start(bytes, &self.rows, span.start)
                .and_then(|start| bytes.get(start..span.start))
                .is_some_and(|before| self.form.count_fields(before) == self.index + 1)
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
            "INSERT INTO users (id, name, ssn) VALUES (1, 'a, (b', '536');".to_owned(),
            "insert into `u` (`name`, `ssn`)\nvalues\n  ('x; y', '1'),\n  ('o''z', '536')".to_owned(),
        ] {
            assert!(is_below(&text.replace("\n\n", "\n"), "ssn", "536"), "{text}");
        }
        for text in [
            "id,ssn\n536,1\n",
            "id,ssn\n\n1,536",
            "the ssn, please\n536",
            "{\"ssn\": 1,\n\"x\": 536,",
            "\"ssn\",\n\"536\",",
            "INSERT INTO users (id, ssn) VALUES (536, '1')",
            "INSERT INTO users (ssn, id) VALUES ('1', 2); f(536)",
            "f(ssn, id) (536, 2)",
        ] {
            assert!(!is_below(text, "ssn", "536"), "{text}");
        }
    }
}
