//! A JSON body as a flat list of its keys, strings and numbers, in one fixed order.

use crate::{layers::read_code, prefilter::measure_time};
use interven_types::Place;
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap, fmt::Write, ops::Range};

/// Deepest nesting that is walked; the gateway's reader refuses more than 100 (`interven_types::MAX_JSON_DEPTH`).
pub(crate) const MAX_DEPTH: usize = 128;

/// Objects of an array whose members of one name are read together: chunks of a stream are few and small.
const MOST_CHUNKS: usize = 64;
const MOST_COLUMNS: usize = 8;
/// Up to so many names, an object is a chunk and no record.
const NARROW: usize = 4;
/// Leaves of one such object, of any depth.
const MOST_MEMBERS: usize = 32;

/// Shortest name of a header that may be a credential.
const SHORTEST_HIDING_NAME: usize = 16;

/// Fewest numbers of an array that may be codes of characters.
const FEWEST_CODES: usize = 9;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Key,
    Text,
    Number,
}

/// One key, string or number.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a> {
    pub(crate) role: Role,
    pub(crate) text: Cow<'a, str>,
    /// What labels the value: the name of its member, or of its column; empty for keys and in top-level arrays.
    pub(crate) label: &'a str,
    /// Whether the label stands elsewhere, at the head of a column.
    pub(crate) is_cell: bool,
    /// The step that leads to this leaf.
    pub(crate) step: usize,
}

/// A step of a JSON Pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Token<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) parent: usize,
    pub(crate) token: Token<'a>,
}

/// What is known of a value from what stands before it.
#[derive(Clone, Copy, Default)]
struct Heading<'a> {
    label: &'a str,
    /// Whether the label is the name of a column.
    is_of_column: bool,
    /// The names of its items, if it is a row of a table.
    cells: Option<&'a [Value]>,
    /// The names of its columns, if it is a list of rows.
    rows: Option<&'a [Value]>,
    /// Whether the first of the rows is these names.
    has_head: bool,
}

impl<'a> Heading<'a> {
    /// What is known of the items of a list of this heading: those of a row have the names of its columns, and the first of
    /// several rows may name them.
    fn of_items(self, items: &'a [Value]) -> Self {
        let head = if self.cells.is_none() { head_of(items) } else { None };
        Self { rows: self.rows.or(head), has_head: self.rows.is_none() && head.is_some(), ..self }
    }

    fn of_item(self, index: usize) -> Self {
        let name = self.cells.and_then(|cells| cells.get(index)).and_then(column_name);
        match name {
            Some(label) => Self { label, is_of_column: true, ..Self::default() },
            None if self.has_head && index == 0 => Self { label: self.label, ..Self::default() },
            None => Self { label: self.label, cells: self.rows, ..Self::default() },
        }
    }
}

fn are_rows(value: &Value) -> bool {
    matches!(value, Value::Array(items) if items.first().is_some_and(Value::is_array))
}

/// The first of several rows, where it names the columns of the others.
fn head_of(items: &[Value]) -> Option<&[Value]> {
    /// Rows that are looked at.
    const MOST_ROWS: usize = 4;
    let (head, rows) = items.split_first()?;
    let head = head.as_array().filter(|head| head.len() > 1 && head.iter().all(Value::is_string))?;
    let is_row = |row: &Value| row.as_array().is_some_and(|row| row.len() <= head.len());
    let is_table = !rows.is_empty() && rows.iter().take(MOST_ROWS).all(is_row);
    (is_table && head.iter().all(|name| column_name(name).is_some())).then_some(head)
}

/// The names of the columns of the rows that stand beside them: `{"columns": ["id", "ssn"], "rows": [[1, "…"]]}`.
fn columns_of(members: &serde_json::Map<String, Value>) -> Option<&[Value]> {
    const NAMES: [&str; 7] =
        ["columns", "fields", "headers", "header", "cols", "columnNames", "column_names"];
    let names = NAMES.iter().find_map(|name| members.get(*name)).and_then(Value::as_array)?;
    (names.len() > 1 && names.iter().all(|name| column_name(name).is_some())).then_some(names)
}

/// The name of a column, written as a text or as an object that has one.
fn column_name(value: &Value) -> Option<&str> {
    const LONGEST: usize = 64;
    let name = value.as_str().or_else(|| value.get("name")?.as_str())?;
    (name.len() <= LONGEST && name.contains(char::is_alphabetic)).then_some(name)
}

/// Strings that stand side by side, as a range of the leaves listed in [`Leaves::ranks`]: items of one array, members of
/// one object, or one member across an array's objects.
type Siblings = Range<usize>;

/// Steps whose key is not to be shown, each with what stands in its place.
pub(crate) type CoveredKeys = BTreeMap<usize, String>;

/// The leaves of one place of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaves<'a> {
    pub(crate) list: Vec<Leaf<'a>>,
    /// Leaves in the order of their ranks: each range of `siblings` is one group.
    ranks: Vec<usize>,
    siblings: Vec<Siblings>,
    /// Leaves of arrays whose numbers are all codes of characters.
    code_rows: Vec<Range<usize>>,
    /// Groups that are being collected, the innermost last.
    open: Vec<usize>,
    places: Vec<Place>,
    steps: Vec<Step<'a>>,
    /// Whether something lay deeper than [`MAX_DEPTH`].
    pub(crate) is_cut: bool,
}

/// What a walked value was.
enum Walked {
    /// A string, with its leaf.
    Text(usize),
    Object,
    Other,
}

impl<'a> Leaves<'a> {
    /// Keys and values of a body; a key comes right before its value.
    pub(crate) fn of_body(body: &'a Value) -> Self {
        let (leaves, steps) = measure(body, 0);
        let mut leaves = Self {
            list: Vec::with_capacity(leaves),
            steps: Vec::with_capacity(steps + 1),
            ..Self::default()
        };
        leaves.steps.push(Step { parent: 0, token: Token::Root });
        leaves.walk(body, 0, Heading::default(), 0);
        leaves
    }

    /// One text, such as the command line reads.
    pub(crate) fn of_text(text: &'a str) -> Self {
        let mut leaves = Self { steps: vec![Step { parent: 0, token: Token::Root }], ..Self::default() };
        leaves.push(Role::Text, Cow::Borrowed(text), "", 0);
        leaves
    }

    /// The URL and the header values: each is a leaf of its own place.
    pub(crate) fn of_envelope(url: &'a str, headers: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut leaves = Self { steps: vec![Step { parent: 0, token: Token::Root }], ..Self::default() };
        leaves.push(Role::Text, Cow::Borrowed(url), "", 0);
        leaves.places.push(Place::Url);
        for (name, value) in headers {
            let place = Place::Header(name.to_ascii_lowercase());
            // A step of its own tells the names apart that are not to be shown.
            let step = leaves.step(0, Token::Root);
            if name.len() >= SHORTEST_HIDING_NAME {
                leaves.push(Role::Key, Cow::Borrowed(name), "", step);
                leaves.places.push(place.clone());
            }
            leaves.push(Role::Text, Cow::Borrowed(value), name, step);
            leaves.places.push(place);
        }
        leaves
    }

    /// Whether a leaf is labelled by the head of its column.
    pub(crate) fn is_cell(&self, leaf: usize) -> bool {
        self.list.get(leaf).is_some_and(|leaf| leaf.is_cell)
    }

    /// Where a leaf lies.
    pub(crate) fn place(&self, leaf: usize) -> Place {
        self.places.get(leaf).cloned().unwrap_or(Place::Body)
    }

    /// Where a leaf lies, as it may be told: a marker stands in place of a header's name that was covered.
    pub(crate) fn shown_place(&self, leaf: usize, covered: &CoveredKeys) -> Place {
        let marker = || self.list.get(leaf).and_then(|l| covered.get(&l.step));
        match self.place(leaf) {
            Place::Header(name) => Place::Header(marker().cloned().unwrap_or(name)),
            place => place,
        }
    }

    /// JSON Pointer (RFC 6901) of a leaf; of its member, for a key. A marker stands in place of each covered key, so that
    /// a path never tells a value.
    pub(crate) fn pointer(&self, leaf: usize, covered: &CoveredKeys) -> String {
        self.pointer_at(self.step_of(leaf), covered)
    }

    /// JSON Pointer of what a step leads to.
    pub(crate) fn pointer_at(&self, step: usize, covered: &CoveredKeys) -> String {
        let mut tokens = Vec::new();
        let mut at = step;
        while let Some(step) = self.steps.get(at) {
            match step.token {
                Token::Root => break,
                token => tokens.push((at, token)),
            }
            at = step.parent;
        }
        let mut pointer = String::new();
        for (step, token) in tokens.into_iter().rev() {
            pointer.push('/');
            if let Some(marker) = covered.get(&step) {
                pointer.push_str(marker);
                continue;
            }
            match token {
                Token::Root => {}
                Token::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                Token::Index(index) => {
                    // Writing to a String cannot fail.
                    let _ = write!(pointer, "{index}");
                }
            }
        }
        pointer
    }

    /// Whether a leaf of the body lies at `path`, in which `None` is any step.
    pub(crate) fn is_at(&self, leaf: usize, path: &[Option<String>]) -> bool {
        if self.place(leaf) != Place::Body {
            return false;
        }
        let mut wanted = path.iter().rev();
        let mut at = self.list.get(leaf).map_or(0, |l| l.step);
        while let Some(step) = self.steps.get(at) {
            let is_same = |name: &str| match step.token {
                Token::Root => false,
                Token::Key(key) => key == name,
                Token::Index(index) => name.parse() == Ok(index),
            };
            match (step.token, wanted.next()) {
                (Token::Root, end) => return end.is_none(),
                (_, Some(Some(name))) if !is_same(name) => return false,
                (_, Some(_)) => at = step.parent,
                (_, None) => return false,
            }
        }
        false
    }

    /// Notes that `leaf`, if it is a key, goes by `marker` in pointers.
    pub(crate) fn cover(&self, leaf: usize, marker: impl FnOnce() -> String, covered: &mut CoveredKeys) {
        if let Some(key) = self.list.get(leaf).filter(|l| l.role == Role::Key) {
            covered.entry(key.step).or_insert_with(marker);
        }
    }

    /// The step that leads to a leaf; to its member, for a key.
    pub(crate) fn step_of(&self, leaf: usize) -> usize {
        self.list.get(leaf).map_or(0, |l| l.step)
    }

    /// The step of what a reader calls the field of a leaf: the array's, for the codes of one text.
    pub(crate) fn field_of(&self, leaf: usize) -> usize {
        let step = self.step_of(leaf);
        let before = self.code_rows.partition_point(|row| row.start <= leaf);
        let row = before.checked_sub(1).and_then(|at| self.code_rows.get(at));
        if row.is_some_and(|row| row.contains(&leaf)) { self.parent_of(step) } else { step }
    }

    /// Those of `sources` that are to be told: of the codes of one text, the first stands for all.
    pub(crate) fn tellable<'s>(
        &self,
        sources: &'s [(usize, Range<usize>)],
    ) -> impl Iterator<Item = &'s (usize, Range<usize>)> {
        let mut told = None;
        sources.iter().filter(move |(leaf, _)| {
            let field = self.field_of(*leaf);
            let is_told = field != self.step_of(*leaf) && told == Some(field);
            told = Some(field);
            !is_told
        })
    }

    /// The step before `step`; the root's is the root.
    pub(crate) fn parent_of(&self, step: usize) -> usize {
        self.steps.get(step).map_or(0, |s| s.parent)
    }

    /// Every step, the root first and each after its parent.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step<'a>> {
        self.steps.iter().copied()
    }

    /// The leaves that `marks` selects, with `texts` in place of their own, and the index that each had. Only what stood
    /// side by side stays so.
    pub(crate) fn select(&self, marks: &[bool], texts: &BTreeMap<usize, String>) -> (Self, Vec<usize>) {
        let is_kept = |leaf: &usize| marks.get(*leaf).copied().unwrap_or_default();
        let origins: Vec<usize> = (0..self.list.len()).filter(is_kept).collect();
        let mut selected = Self { steps: self.steps.clone(), ..Self::default() };
        for leaf in &origins {
            let Some(source) = self.list.get(*leaf) else { continue };
            let text = texts.get(leaf).map_or_else(|| source.text.clone(), |text| Cow::Owned(text.clone()));
            selected.list.push(Leaf { text, ..source.clone() });
        }
        for group in self.groups() {
            for run in group.split(|leaf| !is_kept(leaf)).filter(|run| run.len() > 1) {
                let start = selected.ranks.len();
                selected.ranks.extend(run.iter().filter_map(|leaf| origins.binary_search(leaf).ok()));
                selected.siblings.push(start..selected.ranks.len());
            }
        }
        (selected, origins)
    }

    fn push(&mut self, role: Role, text: Cow<'a, str>, label: &'a str, step: usize) -> usize {
        self.list.push(Leaf { role, text, label, is_cell: false, step });
        self.list.len() - 1
    }

    fn push_value(&mut self, role: Role, text: Cow<'a, str>, heading: Heading<'a>, step: usize) -> usize {
        self.list.push(Leaf { role, text, label: heading.label, is_cell: heading.is_of_column, step });
        self.list.len() - 1
    }

    fn walk(&mut self, value: &'a Value, step: usize, heading: Heading<'a>, depth: usize) -> Walked {
        if depth > MAX_DEPTH {
            self.is_cut = true;
            return Walked::Other;
        }
        match value {
            Value::Null | Value::Bool(_) => Walked::Other,
            Value::Number(number) => {
                self.push_value(Role::Number, Cow::Owned(number.to_string()), heading, step);
                Walked::Other
            }
            Value::String(text) => {
                Walked::Text(self.push_value(Role::Text, Cow::Borrowed(text), heading, step))
            }
            Value::Array(items) => {
                let heading = heading.of_items(items);
                let base = self.open.len();
                let mut columns = Columns::new(items.len());
                let first = self.list.len();
                for (index, item) in items.iter().enumerate() {
                    let next = self.step(step, Token::Index(index));
                    let start = self.list.len();
                    match self.walk(item, next, heading.of_item(index), depth + 1) {
                        Walked::Text(leaf) => self.open.push(leaf),
                        Walked::Object => columns.add(self, start..self.list.len()),
                        Walked::Other => {}
                    }
                }
                if items.len() >= FEWEST_CODES && items.iter().all(|item| code_of(item).is_some()) {
                    self.code_rows.push(first..self.list.len());
                }
                self.close(base);
                for column in columns.into_groups(self) {
                    let start = self.ranks.len();
                    self.ranks.extend(column);
                    self.siblings.push(start..self.ranks.len());
                }
                Walked::Other
            }
            Value::Object(members) => {
                let base = self.open.len();
                for (key, member) in members {
                    let next = self.step(step, Token::Key(key));
                    self.push(Role::Key, Cow::Borrowed(key), "", next);
                    let rows = if are_rows(member) { columns_of(members) } else { None };
                    let heading = Heading { label: key, rows, ..Heading::default() };
                    if let Walked::Text(leaf) = self.walk(member, next, heading, depth + 1) {
                        self.open.push(leaf);
                    }
                }
                self.close(base);
                Walked::Object
            }
        }
    }

    /// Ends the group that was opened at `base`.
    fn close(&mut self, base: usize) {
        let start = self.ranks.len();
        self.ranks.extend(self.open.drain(base..));
        let group = start..self.ranks.len();
        if group.len() > 1 {
            self.siblings.push(group);
        }
    }

    /// Each array of numbers that may be a text: its leaves, in their order.
    pub(crate) fn code_rows(&self) -> impl Iterator<Item = Range<usize>> {
        self.code_rows.iter().cloned()
    }

    /// Each group of strings that stand side by side, in their order.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[usize]> {
        self.siblings.iter().filter_map(|group| self.ranks.get(group.clone()))
    }

    fn step(&mut self, parent: usize, token: Token<'a>) -> usize {
        self.steps.push(Step { parent, token });
        self.steps.len() - 1
    }
}

/// How many leaves and steps a value has: growing their lists would copy them over and over.
fn measure(value: &Value, depth: usize) -> (usize, usize) {
    let add =
        |(leaves, steps): (usize, usize), (more, inner): (usize, usize)| (leaves + more, steps + inner + 1);
    match value {
        _ if depth > MAX_DEPTH => (0, 0),
        Value::Null | Value::Bool(_) => (0, 0),
        Value::Number(_) | Value::String(_) => (1, 0),
        Value::Array(items) => items.iter().map(|item| measure(item, depth + 1)).fold((0, 0), add),
        Value::Object(members) => {
            members.values().map(|member| measure(member, depth + 1)).fold((members.len(), 0), add)
        }
    }
}

/// The character that a number is the code of.
pub(crate) fn code_of(item: &Value) -> Option<char> {
    item.as_u64().and_then(|code| u32::try_from(code).ok()).and_then(read_code)
}

/// Members of the same name across the objects of an array.
struct Columns<'a> {
    list: Vec<Column<'a>>,
    objects: usize,
    is_wide: bool,
    is_open: bool,
}

struct Column<'a> {
    name: &'a str,
    leaves: Vec<usize>,
    /// Whether a value is no single token, or a time.
    is_wordy: bool,
}

impl<'a> Columns<'a> {
    fn new(items: usize) -> Self {
        Self { list: Vec::new(), objects: 0, is_wide: false, is_open: (2..=MOST_CHUNKS).contains(&items) }
    }

    /// Records are wide and chunks are narrow: too many names end it.
    fn add(&mut self, leaves: &Leaves<'a>, members: Range<usize>) {
        self.is_open &= members.len() <= MOST_MEMBERS;
        if !self.is_open {
            return;
        }
        // Objects of an array mostly have their members in the same order.
        let mut next = 0;
        for leaf in members {
            let Some(source) = leaves.list.get(leaf).filter(|l| l.role == Role::Text) else { continue };
            let is_wanted = |column: &Column<'_>| column.name == source.label;
            let at = match self.list.get(next) {
                Some(column) if is_wanted(column) => next,
                _ => self.list.iter().position(is_wanted).unwrap_or(self.list.len()),
            };
            if at == self.list.len() {
                // Among many names, those that came first were judged by the first two objects.
                if self.is_wide && self.objects > 1 {
                    continue;
                }
                self.list.push(Column { name: source.label, leaves: Vec::new(), is_wordy: false });
            }
            if let Some(column) = self.list.get_mut(at) {
                column.leaves.push(leaf);
                column.is_wordy = column.is_wordy || !is_piece(&source.text);
            }
            next = at + 1;
        }
        self.objects += 1;
        self.is_wide |= self.list.len() > NARROW;
        if self.is_wide && self.objects == 2 {
            self.list.retain(|column| column.may_be_cut(leaves));
        }
        if self.list.len() > MOST_COLUMNS || self.is_wide && self.list.is_empty() {
            self.is_open = false;
            self.list.clear();
        }
    }

    /// The columns that may be one value.
    fn into_groups(self, leaves: &Leaves<'a>) -> Vec<Vec<usize>> {
        let is_worth =
            |column: &Column<'_>| column.leaves.len() > 1 && (!self.is_wide || column.may_be_cut(leaves));
        self.list.into_iter().filter(is_worth).map(|column| column.leaves).collect()
    }
}

impl Column<'_> {
    /// Whether each value is a token, and the first two are neither the same nor numbered ids.
    fn may_be_cut(&self, leaves: &Leaves<'_>) -> bool {
        const ALIKE: usize = 3;
        let text =
            |at: usize| self.leaves.get(at).and_then(|leaf| leaves.list.get(*leaf)).map_or("", |l| &l.text);
        let (first, second) = (text(0).as_bytes(), text(1).as_bytes());
        let alike = first.iter().zip(second).take_while(|(a, b)| a == b).count();
        !self.is_wordy && first != second && alike < ALIKE
    }
}

/// Whether a text is one token, and neither a time nor a UUID (RFC 9562 §4).
fn is_piece(text: &str) -> bool {
    const UUID_LEN: usize = 36;
    let is_uuid = || {
        text.len() == UUID_LEN
            && text.bytes().enumerate().filter(|(_, b)| *b == b'-').map(|(at, _)| at).eq([8, 13, 18, 23])
    };
    text.bytes().all(|b| b.is_ascii_graphic()) && !is_uuid() && measure_time(text.as_bytes(), 0).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_key_string_and_number_is_a_leaf_with_its_pointer() {
        let body = json!({"a/b": ["x", 7, {"m~n": "y"}], "c": null, "d": true});
        let leaves = Leaves::of_body(&body);
        let shown: Vec<(String, String)> = (0..leaves.list.len())
            .map(|i| (leaves.pointer(i, &CoveredKeys::new()), leaves.list[i].text.to_string()))
            .collect();
        let expected = [
            ("/a~1b", "a/b"),
            ("/a~1b/0", "x"),
            ("/a~1b/1", "7"),
            ("/a~1b/2/m~0n", "m~n"),
            ("/a~1b/2/m~0n", "y"),
            ("/c", "c"),
            ("/d", "d"),
        ];
        assert_eq!(shown, expected.map(|(p, t)| (p.to_owned(), t.to_owned())));
        for (pointer, text) in shown.iter().filter(|(_, t)| t == "x" || t == "y") {
            assert_eq!(body.pointer(pointer).unwrap(), text);
        }
    }

    #[test]
    fn neighbours_are_grouped() {
        let body =
            json!({"parts": ["a", "b"], "frames": [{"data": "c", "op": "t"}, {"data": "d", "op": "t"}]});
        let leaves = Leaves::of_body(&body);
        let texts: Vec<Vec<&str>> = leaves
            .groups()
            .map(|group| group.iter().map(|i| leaves.list[*i].text.as_ref()).collect())
            .collect();
        for expected in [vec!["a", "b"], vec!["c", "d"], vec!["c", "t"]] {
            assert!(texts.contains(&expected), "{texts:?}");
        }
    }
}
