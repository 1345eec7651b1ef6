//! Comments and blank lines of a YAML text, each with the part of the document that it is about.

use crate::diagnostic::{Path, Position, Step};
use crate::node::{Content, Node};
use granit_parser::{Event, Parser};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Keys that the canonical form writes differently.
const ALIASES: [(&str, &str); 5] = [
    ("env_name", "env_names"),
    ("new_resource", "is_new_destination"),
    ("tags", "tag"),
    ("tools", "tool_names"),
    ("volume_burst", "is_volume_burst"),
];

#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// Lines before a part, `#` included; empty for a blank line.
    above: HashMap<Path, Vec<String>>,
    /// At the end of the line on which a part begins.
    beside: HashMap<Path, String>,
    /// Parts with a blank line before them and their remarks.
    set_apart: HashSet<Path>,
    /// Parts with remarks on something in them.
    remarked_inside: HashSet<Path>,
    /// Lines after everything.
    last: Vec<String>,
    /// How many comments there are.
    count: usize,
}

/// One comment of a text.
struct Comment {
    line: u32,
    /// With its `#`.
    text: String,
    is_alone_on_its_line: bool,
    /// Brackets closed before it that were opened on earlier lines: it is about what they enclose.
    closed: usize,
}

/// A key or an item of a list, where it begins.
struct Part {
    line: u32,
    path: Path,
    /// A comment on this line is about its first key alone: the part is a map that goes on in the next line.
    goes_on_below: bool,
}

impl Remarks {
    /// The remarks of `text`, whose tree is `root`, on the parts of `document`, its canonical form.
    pub(crate) fn read(text: &str, root: &Node, document: &Value) -> Result<Self, (Position, String)> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let is_blank = |line: u32| {
            let before = usize::try_from(line).ok().and_then(|line| line.checked_sub(2));
            before.and_then(|at| lines.get(at)).is_some_and(|line| line.is_empty())
        };
        let mut parts = Vec::new();
        collect_parts(root, &Path::default(), &mut parts);
        let mut remarks = Self::default();
        let mut waiting: Vec<Comment> = Vec::new();
        let comments = comments(text)?;
        remarks.count = comments.len();
        let mut comments = comments.into_iter().peekable();
        for (index, part) in parts.iter().enumerate() {
            while let Some(comment) = comments.next_if(|comment| comment.line < part.line) {
                remarks.take(comment, parts.get(..index).unwrap_or_default(), document, &mut waiting);
            }
            let begins_line =
                index.checked_sub(1).and_then(|at| parts.get(at)).is_none_or(|p| p.line < part.line);
            if begins_line && is_blank(waiting.first().map_or(part.line, |first| first.line)) {
                remarks.set_apart.insert(part.path.clone());
            }
            if !waiting.is_empty() {
                let mut above = spaced(std::mem::take(&mut waiting), is_blank);
                above.extend(is_blank(part.line).then(String::new));
                remarks.put_above(&part.path, document, above);
            }
        }
        for comment in comments {
            remarks.take(comment, &parts, document, &mut waiting);
        }
        let gap = waiting.first().filter(|first| is_blank(first.line)).map(|_| String::new());
        remarks.last = gap.into_iter().chain(spaced(waiting, is_blank)).collect();
        Ok(remarks)
    }

    /// A comment beside something belongs to it; one that is alone on its line waits for what comes next.
    fn take(&mut self, comment: Comment, before: &[Part], document: &Value, waiting: &mut Vec<Comment>) {
        let first = before.partition_point(|part| part.line < comment.line);
        let on_line = before.iter().skip(first).find(|part| !part.goes_on_below);
        match on_line.or(before.last()) {
            Some(part) if !comment.is_alone_on_its_line => {
                let about = part.path.0.len().saturating_sub(comment.closed);
                let path = Path(part.path.0.iter().take(about).cloned().collect());
                self.put_beside(&path, document, comment.text);
            }
            _ => waiting.push(comment),
        }
    }

    fn put_above(&mut self, path: &Path, document: &Value, lines: Vec<String>) {
        let at = standing(path, document);
        self.note_ancestors(&at);
        self.above.entry(at).or_default().extend(lines);
    }

    fn put_beside(&mut self, path: &Path, document: &Value, text: String) {
        let at = standing(path, document);
        if at.0.len() < path.0.len() || self.beside.contains_key(&at) {
            return self.put_above(path, document, vec![text]);
        }
        self.note_ancestors(&at);
        self.beside.insert(at, text);
    }

    fn note_ancestors(&mut self, path: &Path) {
        let mut path = path.clone();
        while path.0.pop().is_some() {
            self.remarked_inside.insert(path.clone());
        }
    }

    pub(crate) fn above(&self, path: &Path) -> &[String] {
        self.above.get(path).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn beside(&self, path: &Path) -> Option<&str> {
        self.beside.get(path).map(String::as_str)
    }

    pub(crate) fn is_set_apart(&self, path: &Path) -> bool {
        self.set_apart.contains(path)
    }

    pub(crate) fn has_any_inside(&self, path: &Path) -> bool {
        self.remarked_inside.contains(path)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether as many comments stand in `printed`.
    pub(crate) fn are_all_in(&self, printed: &str) -> bool {
        comments(printed).is_ok_and(|comments| comments.len() == self.count)
    }

    pub(crate) fn at_the_end(&self) -> &[String] {
        &self.last
    }
}

/// The lines of comments, with a blank one where one was.
fn spaced(comments: Vec<Comment>, is_blank: impl Fn(u32) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for comment in comments {
        if !lines.is_empty() && is_blank(comment.line) {
            lines.push(String::new());
        }
        lines.push(comment.text);
    }
    lines
}

/// The part of the canonical document at `path`, or the nearest around it.
fn standing(path: &Path, document: &Value) -> Path {
    let mut standing = Path::default();
    let mut value = document;
    for step in &path.0 {
        let next = match step {
            Step::Index(index) => value.get(*index).map(|next| (step.clone(), next)),
            Step::Key(key) => {
                let alias = ALIASES.iter().find(|(alias, _)| alias == key).map(|(_, canonical)| *canonical);
                [key.as_str()]
                    .into_iter()
                    .chain(alias)
                    .find_map(|key| value.get(key).map(|next| (key.into(), next)))
            }
        };
        let Some((step, next)) = next else { break };
        standing.0.push(step);
        value = next;
    }
    standing
}

/// In the order of the text.
fn collect_parts(node: &Node, path: &Path, parts: &mut Vec<Part>) {
    let mut enter = |at: Option<Position>, path: Path, value: &Node, goes_on_below| {
        parts.extend(at.map(|at| Part { line: at.line, path: path.clone(), goes_on_below }));
        collect_parts(value, &path, parts);
    };
    match &node.content {
        Content::Map(members) => {
            for member in members {
                enter(member.key_at, path.then(member.key.as_str()), &member.value, false);
            }
        }
        Content::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let line = |at: Option<Position>| at.map(|at| at.line);
                let goes_on_below = matches!(&item.content, Content::Map(members)
                    if members.iter().any(|member| line(member.key_at) > line(item.at)));
                enter(item.at, path.then(index), item, goes_on_below);
            }
        }
        _ => {}
    }
}

/// Fails at an alias, which would be written out.
fn comments(text: &str) -> Result<Vec<Comment>, (Position, String)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut comments = Vec::new();
    // The text has been read once: there is no error left to find.
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let line = span.start.line();
        let column = span.start.col();
        let at = |line| u32::try_from(line).unwrap_or(u32::MAX);
        match event {
            Event::Comment(comment, _) => {
                let before = lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
                let before: String = before.chars().take(column).collect();
                let closed = closed_brackets(&before);
                comments.push(Comment {
                    closed,
                    line: at(line),
                    text: format!("#{}", comment.trim_end()),
                    is_alone_on_its_line: before
                        .chars()
                        .all(|c| c.is_whitespace() || c == '-' || c == '\u{feff}'),
                });
            }
            Event::Alias(_) => {
                let position = Position { line: at(line), column: at(column + 1) };
                let message = "an alias (`*name`) cannot be formatted: it would be written out; replace it";
                return Err((position, message.to_owned()));
            }
            _ => {}
        }
    }
    Ok(comments)
}

/// How many more brackets a line closes than it opens, quoted text aside.
fn closed_brackets(line: &str) -> usize {
    let (mut open, mut closed, mut quote) = (0_usize, 0, None);
    for c in line.chars() {
        match (quote, c) {
            (None, '[' | '{') => open += 1,
            (None, ']' | '}') if open > 0 => open -= 1,
            (None, ']' | '}') => closed += 1,
            (None, '"' | '\'') => quote = Some(c),
            (Some(begun), _) if begun == c => quote = None,
            _ => {}
        }
    }
    closed
}
