//! Policies as text, in one form: keys in the order of the language, short maps and lists on one line.

use crate::condition::{Condition, TimeWindow};
use crate::diagnostic::{Path, Step};
use crate::read::keys_of;
use crate::remarks::Remarks;
use crate::scalar::{Style, scalar};
use crate::source::{Match, PolicySource, RuleSource};
use serde_json::{Map, Value};

/// A line that is longer is broken where it can be.
const MAX_COLUMNS: usize = 110;

/// Policies as YAML that reads back as the same policies: one alone, several as a pack.
pub fn print_yaml(policies: &[PolicySource]) -> String {
    let is_pack = policies.len() != 1;
    print_with(&document(policies, is_pack), is_pack, &Remarks::default())
}

/// Policies as JSON that reads back as the same policies: one alone, several as a pack.
pub fn print_json(policies: &[PolicySource]) -> String {
    print_json_as(policies, policies.len() != 1)
}

pub(crate) fn print_json_as(policies: &[PolicySource], is_pack: bool) -> String {
    #[derive(serde::Serialize)]
    struct Pack<'p> {
        policies: &'p [PolicySource],
    }
    let text = match policies {
        [one] if !is_pack => serde_json::to_string_pretty(one),
        policies => serde_json::to_string_pretty(&Pack { policies }),
    };
    // Every type of the language is a map of texts, numbers and lists: there is nothing to fail on.
    text.map(|text| text + "\n").unwrap_or_default()
}

/// The canonical form of policies as a tree.
pub(crate) fn document(policies: &[PolicySource], is_pack: bool) -> Value {
    let trees: Vec<Value> = policies.iter().map(tree).collect();
    match <[Value; 1]>::try_from(trees) {
        Ok([one]) if !is_pack => one,
        Ok(one) => serde_json::json!({ "policies": one }),
        Err(trees) => serde_json::json!({ "policies": trees }),
    }
}

pub(crate) fn tree<T: serde::Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

/// Prints a document; each remark stands where what it is about stands.
pub(crate) fn print_with(document: &Value, is_pack: bool, remarks: &Remarks) -> String {
    let mut printer = Printer { out: String::new(), remarks, of_item: None };
    let kind = if is_pack { Kind::Pack } else { Kind::Policy };
    let write = |out: &mut String, lines: &[String]| lines.iter().for_each(|line| out.extend([line, "\n"]));
    write(&mut printer.out, remarks.above(&Path::default()));
    printer.block(document, kind, &Path::default(), 0, false);
    write(&mut printer.out, remarks.at_the_end());
    printer.out
}

/// What a map is, and so which keys come first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pack,
    Policy,
    Rule,
    Match,
    Condition,
    Window,
    Other,
}

impl Kind {
    /// What stands under a key, or in the list there.
    fn under(self, key: &str) -> Self {
        match (self, key) {
            (Self::Pack, "policies") => Self::Policy,
            (Self::Policy, "rules") => Self::Rule,
            (Self::Rule, "match") => Self::Match,
            (Self::Rule, "condition") | (Self::Condition, "not" | "any_of") => Self::Condition,
            (Self::Condition, "time_of_day_outside") => Self::Window,
            _ => Self::Other,
        }
    }

    fn ordered(self, map: &Map<String, Value>) -> Vec<(&String, &Value)> {
        let order = match self {
            Self::Pack | Self::Other => &[],
            Self::Policy => keys_of::<PolicySource>(),
            Self::Rule => keys_of::<RuleSource>(),
            Self::Match => keys_of::<Match>(),
            Self::Condition => keys_of::<Condition>(),
            Self::Window => keys_of::<TimeWindow>(),
        };
        let mut members: Vec<_> = map.iter().collect();
        members.sort_by_key(|(key, _)| order.iter().position(|known| known == key));
        members
    }

    /// Policies and rules are always written line by line.
    fn may_be_one_line(self) -> bool {
        !matches!(self, Self::Pack | Self::Policy | Self::Rule)
    }
}

struct Printer<'r> {
    out: String,
    remarks: &'r Remarks,
    /// A remark on an item, for the end of the line on which the item begins.
    of_item: Option<&'r str>,
}

impl Printer<'_> {
    /// Members or items, each on lines of its own. `is_inline`: the first continues the line of a `- `.
    fn block(&mut self, value: &Value, kind: Kind, path: &Path, indent: usize, is_inline: bool) {
        let members: Vec<(Step, Option<String>, &Value, Kind)> = match value {
            Value::Object(map) => kind
                .ordered(map)
                .into_iter()
                .map(|(key, value)| {
                    (key.as_str().into(), Some(scalar(key, Style::Key)), value, kind.under(key))
                })
                .collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| (index.into(), None, item, kind)).collect()
            }
            _ => Vec::new(),
        };
        for (place, (step, key, value, kind)) in members.into_iter().enumerate() {
            let at = path.then(step);
            let is_inline = is_inline && place == 0;
            if !is_inline {
                let is_apart =
                    place > 0 && (key.is_none() && kind == Kind::Policy || self.remarks.is_set_apart(&at));
                let first = value.as_object().and_then(|map| kind.ordered(map).into_iter().next());
                let first = first.filter(|_| key.is_none()).map(|(key, _)| at.then(key.as_str()));
                self.lead([Some(&at), first.as_ref()], indent, is_apart);
            }
            match key {
                Some(key) => {
                    self.out.push_str(&key);
                    self.out.push(':');
                    self.after_key(value, kind, &at, indent);
                }
                None => self.item(value, kind, &at, indent),
            }
        }
    }

    /// What stands before a member: a blank line, remarks, its indentation. What stands before the first key of an
    /// item stands before the item.
    fn lead(&mut self, of: [Option<&Path>; 2], indent: usize, is_apart: bool) {
        if is_apart {
            self.out.push('\n');
        }
        let margin = " ".repeat(indent);
        for line in of.into_iter().flatten().flat_map(|at| self.remarks.above(at)) {
            self.out.push_str(if line.is_empty() { "" } else { &margin });
            self.out.push_str(line);
            self.out.push('\n');
        }
        self.out.push_str(&margin);
    }

    fn end_line(&mut self, at: &Path) {
        for remark in self.of_item.take().into_iter().chain(self.remarks.beside(at)) {
            self.out.push(' ');
            self.out.push_str(remark);
        }
        self.out.push('\n');
    }

    fn after_key(&mut self, value: &Value, kind: Kind, at: &Path, indent: usize) {
        if let Some(short) = self.one_line(value, kind, at) {
            self.out.push(' ');
            self.out.push_str(&short);
            self.end_line(at);
        } else if let Value::String(text) = value {
            self.long_text(text, at, indent + 2);
        } else if let Some(items) = self.fillable(value, at) {
            self.fill(items, at, indent + 2);
        } else {
            self.end_line(at);
            self.block(value, kind, at, indent + 2, false);
        }
    }

    fn item(&mut self, value: &Value, kind: Kind, at: &Path, indent: usize) {
        self.out.push_str("- ");
        match value {
            // A condition of one key needs no braces.
            Value::Object(map)
                if map.len() == 1 || !map.is_empty() && self.one_line(value, kind, at).is_none() =>
            {
                self.of_item = self.remarks.beside(at);
                self.block(value, kind, at, indent + 2, true);
            }
            _ => {
                self.out.push_str(&flow(value, kind));
                self.end_line(at);
            }
        }
    }

    /// The value, when it is one for the current line and fits.
    fn one_line(&self, value: &Value, kind: Kind, at: &Path) -> Option<String> {
        let column = self.column();
        match value {
            Value::String(text) => {
                let short = scalar(text, Style::Plain);
                let fits = column + 1 + short.chars().count() <= MAX_COLUMNS;
                (fits && !text.contains('\n') || !is_foldable(text) && !is_literal(text)).then_some(short)
            }
            Value::Array(items) if items.is_empty() => Some("[]".to_owned()),
            Value::Object(map) if map.is_empty() => Some("{}".to_owned()),
            Value::Array(_) | Value::Object(_) => {
                let is_free = kind.may_be_one_line() && !self.remarks.has_any_inside(at);
                let short = is_free.then(|| flow(value, kind))?;
                (column + 1 + short.chars().count() <= MAX_COLUMNS).then_some(short)
            }
            other => Some(other.to_string()),
        }
    }

    /// The items of a list of words that has no remarks.
    fn fillable<'v>(&self, value: &'v Value, at: &Path) -> Option<&'v [Value]> {
        let items = value.as_array()?;
        let is_plain = |item: &Value| !item.is_array() && !item.is_object();
        (items.iter().all(is_plain) && !self.remarks.has_any_inside(at)).then_some(items)
    }

    /// `[a, b, …` on as many lines as it takes.
    fn fill(&mut self, items: &[Value], at: &Path, indent: usize) {
        self.out.push_str(" [");
        for (place, item) in items.iter().enumerate() {
            let item = flow(item, Kind::Other);
            if place > 0 {
                self.out.push(',');
                // The comma or bracket that follows must fit too.
                if self.column() + 1 + item.chars().count() + 1 > MAX_COLUMNS {
                    self.out.push('\n');
                    self.out.push_str(&" ".repeat(indent));
                } else {
                    self.out.push(' ');
                }
            }
            self.out.push_str(&item);
        }
        self.out.push(']');
        self.end_line(at);
    }

    fn column(&self) -> usize {
        let line = self.out.rsplit('\n').next().unwrap_or_default();
        line.chars().count()
    }

    /// `>-` for a long line, `|` for several.
    fn long_text(&mut self, text: &str, at: &Path, indent: usize) {
        let margin = " ".repeat(indent);
        let is_several = text.contains('\n');
        self.out.push_str(match (is_several, text.ends_with('\n')) {
            (false, _) => " >-",
            (true, false) => " |-",
            (true, true) => " |",
        });
        self.end_line(at);
        if is_several {
            for line in text.lines() {
                self.out.push_str(if line.is_empty() { "" } else { &margin });
                self.out.push_str(line);
                self.out.push('\n');
            }
            return;
        }
        let mut column = 0;
        for word in text.split(' ') {
            let width = word.chars().count();
            if column > 0 && indent + column + 1 + width > MAX_COLUMNS {
                self.out.push('\n');
                column = 0;
            }
            self.out.push_str(if column == 0 { &margin } else { " " });
            self.out.push_str(word);
            column += width + 1;
        }
        self.out.push('\n');
    }
}

/// Words with one space between them, and nothing that a fold could change.
fn is_foldable(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(|word| !word.is_empty() && word.chars().all(is_printable))
}

/// Lines that a literal block gives back as they are.
fn is_literal(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n'])
        && !text.ends_with("\n\n")
        && text
            .lines()
            .all(|line| line.trim_end() == line && line.chars().all(|c| c == ' ' || is_printable(c)))
}

fn is_printable(c: char) -> bool {
    !c.is_control() && !c.is_whitespace() && c != '\u{feff}'
}

fn flow(value: &Value, kind: Kind) -> String {
    match value {
        Value::String(text) => scalar(text, Style::Flow),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, kind)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let members: Vec<String> = kind
                .ordered(map)
                .into_iter()
                .map(|(key, value)| format!("{}: {}", scalar(key, Style::Key), flow(value, kind.under(key))))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}
