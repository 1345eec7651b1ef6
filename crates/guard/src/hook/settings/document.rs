//! A client's settings as a text in which only what must change is changed: comments, key order and blanks stay.

use crate::{
    json_text::{Member, elements, members, place, quoted, with_replaced},
    settings_file::{EditError, blank_comments, trailing_comma},
};
use std::ops::Range;

/// A step into the document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

#[derive(Debug)]
pub(super) struct Document {
    text: String,
    /// The same, byte for byte, with blanks for comments.
    plain: String,
}

impl Document {
    /// # Errors
    /// Text that is no JSON object, comments and trailing commas aside.
    pub(super) fn read(text: &str) -> Result<Self, EditError> {
        let text = if text.trim().is_empty() { "{}\n" } else { text };
        let document = Self { text: text.to_owned(), plain: blank_comments(text) };
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&document.plain) {
            return Err(EditError::NotJson(error.to_string()));
        }
        document.check_names(&document.members(&[])?)?;
        Ok(document)
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The text at a place, without comments.
    pub(super) fn at(&self, path: &[Step<'_>]) -> Option<&str> {
        path.iter().try_fold(self.plain.trim(), |text, step| match step {
            Step::Member(name) => {
                members(text)?.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            Step::Element(index) => elements(text)?.get(*index).copied(),
        })
    }

    /// How many elements the array at a place has: none when it is not there.
    pub(super) fn length(&self, path: &[Step<'_>]) -> Result<usize, EditError> {
        match self.at(path) {
            None => Ok(0),
            Some(text) => elements(text).map(|all| all.len()).ok_or_else(|| EditError::NoList(name_of(path))),
        }
    }

    /// Adds an element to the end of the array at a place, and the objects and the array on the way where they are not there.
    pub(super) fn push(&mut self, path: &[&str], element: &str) -> Result<(), EditError> {
        let steps: Vec<Step<'_>> = path.iter().map(|name| Step::Member(name)).collect();
        for depth in 1..=steps.len() {
            let (Some(here), Some(outer), Some(name)) =
                (steps.get(..depth), steps.get(..depth - 1), path.get(depth - 1))
            else {
                break;
            };
            if self.at(here).is_none() {
                let value = if depth == steps.len() { "[]" } else { "{}" };
                self.add_member(outer, name, value)?;
            }
            if depth < steps.len() {
                self.check_names(&self.members(here)?)?;
            }
        }
        self.length(&steps)?;
        self.append(&steps, element)
    }

    pub(super) fn add_member(&mut self, path: &[Step<'_>], name: &str, value: &str) -> Result<(), EditError> {
        self.members(path)?;
        self.append(path, &format!("{}: {value}", quoted(name)))
    }

    pub(super) fn replace(&mut self, path: &[Step<'_>], value: &str) {
        if let Some(range) = self.range(path) {
            let value = indented(value, self.indent_of_line(range.start));
            self.change(range, value);
        }
    }

    /// Takes an element out of an array, or a member out of an object, with the comma that is left over.
    pub(super) fn remove(&mut self, path: &[Step<'_>]) {
        let Some((last, outer)) = path.split_last() else { return };
        let (Some(container), Some(own)) = (self.range(outer), self.range(path)) else { return };
        // Where each of its siblings begins and ends; a member begins with its name.
        let siblings: Vec<Range<usize>> = match last {
            Step::Element(_) => self.values(outer),
            Step::Member(_) => self
                .values(outer)
                .into_iter()
                .scan(container.start + 1, |from, value| {
                    let start =
                        self.plain.get(*from..value.start)?.find('"').map_or(value.start, |at| *from + at);
                    *from = value.end;
                    Some(start..value.end)
                })
                .collect(),
        };
        let Some(index) = siblings.iter().position(|range| range.end == own.end) else { return };
        let sibling = |index: usize| siblings.get(index).cloned();
        let range = match (index.checked_sub(1).and_then(sibling), sibling(index + 1), sibling(index)) {
            (Some(before), _, _) => before.end..own.end,
            (None, Some(after), Some(this)) => this.start..after.start,
            (None, _, _) => container.start + 1..container.end - 1,
        };
        self.change(range, String::new());
    }

    fn members(&self, path: &[Step<'_>]) -> Result<Vec<Member<'_>>, EditError> {
        self.at(path).and_then(members).ok_or_else(|| EditError::NoObject(name_of(path)))
    }

    /// With two of a name, which one the client reads is anybody's guess.
    fn check_names(&self, all: &[Member<'_>]) -> Result<(), EditError> {
        for (index, (name, _)) in all.iter().enumerate() {
            if all.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(EditError::Twice(name.to_string()));
            }
        }
        Ok(())
    }

    fn range(&self, path: &[Step<'_>]) -> Option<Range<usize>> {
        place(&self.plain, self.at(path)?)
    }

    /// The places of the values in a container.
    fn values(&self, path: &[Step<'_>]) -> Vec<Range<usize>> {
        let Some(text) = self.at(path) else { return Vec::new() };
        let all: Vec<&str> = match members(text) {
            Some(all) => all.into_iter().map(|(_, value)| value).collect(),
            None => elements(text).unwrap_or_default(),
        };
        all.into_iter().filter_map(|value| place(&self.plain, value)).collect()
    }

    /// Puts an item last into an object or an array.
    fn append(&mut self, path: &[Step<'_>], item: &str) -> Result<(), EditError> {
        let container = self.range(path).ok_or_else(|| EditError::NoObject(name_of(path)))?;
        let values = self.values(path);
        match values.last() {
            Some(last) => {
                let indent = values.first().map_or(0, |first| self.indent_of_line(first.start));
                let rest = self.text.get(last.end..container.end - 1).unwrap_or_default();
                // A comma that nothing followed was there already.
                let (at, comma) = match trailing_comma(rest) {
                    Some(offset) => (last.end + offset + 1, ""),
                    None => (last.end, ","),
                };
                let item = indented(item, indent);
                self.change(at..at, format!("{comma}\n{}{item}", " ".repeat(indent)));
            }
            None => {
                let outer = self.indent_of_line(container.start);
                let item = indented(item, outer + 2);
                // A comment may stand between the brackets.
                let inside =
                    self.text.get(container.start + 1..container.end - 1).unwrap_or_default().trim_end();
                let at = container.start + 1 + inside.len();
                let text = format!("\n{}{item}\n{}", " ".repeat(outer + 2), " ".repeat(outer));
                self.change(at..container.end - 1, text);
            }
        }
        Ok(())
    }

    fn indent_of_line(&self, at: usize) -> usize {
        let start = self.plain.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |end| end + 1);
        let line = self.text.get(start..at).unwrap_or_default();
        line.len() - line.trim_start_matches([' ', '\t']).len()
    }

    fn change(&mut self, range: Range<usize>, text: String) {
        self.text = with_replaced(&self.text, vec![(range, text)]);
        self.plain = blank_comments(&self.text);
    }
}

/// Every line but the first this much further in.
fn indented(text: &str, indent: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}

fn name_of(path: &[Step<'_>]) -> String {
    let names: Vec<&str> = path
        .iter()
        .filter_map(|step| match step {
            Step::Member(name) => Some(*name),
            Step::Element(_) => None,
        })
        .collect();
    if names.is_empty() { "the file".to_owned() } else { names.join(".") }
}
