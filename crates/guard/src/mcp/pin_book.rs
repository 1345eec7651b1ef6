//! The pins as one running guard knows them: what each list held, and which tools are withheld.

use super::{
    call::ServerName,
    descriptor::Descriptor,
    frame::only,
    lock_file::LockFile,
    pins::{Objection, Pins, Standing},
};
use crate::json_text::{elements, member, members, place, string, with_replaced};
use interven_types::Timestamp;
use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

#[derive(Debug)]
pub struct PinBook {
    file: LockFile,
    server: ServerName,
    /// Nothing is pinned on first use.
    require_approved: bool,
    now: fn() -> Timestamp,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// Tools of the server as it last offered them.
    offered: HashMap<String, Offered>,
    listing: Option<Listing>,
}

#[derive(Debug)]
struct Offered {
    /// Absent when the descriptor cannot be read.
    fingerprint: Option<String>,
    objections: Vec<Objection>,
    /// Arguments that go into headers too: their path, and the header's name.
    mirrored: Vec<(Vec<String>, String)>,
}

/// A list of which not all pages have come.
#[derive(Debug)]
struct Listing {
    names: Vec<String>,
    /// Of the next page.
    cursor: String,
}

/// A page of `tools/list` after the look.
#[derive(Debug, Default)]
pub(crate) struct ListPage {
    /// The result without the withheld tools; absent when it may pass as it came.
    pub(crate) text: Option<String>,
    pub(crate) notices: Vec<String>,
}

impl PinBook {
    pub fn new(file: LockFile, server: ServerName, require_approved: bool, now: fn() -> Timestamp) -> Self {
        Self { file, server, require_approved, now, known: Mutex::default() }
    }

    /// Why a tool may not be called; absent when it may.
    pub(crate) fn objections(&self, tool: &str) -> Option<Vec<Objection>> {
        let known = self.known();
        let offered = known.offered.get(tool);
        let fingerprint = offered.and_then(|offered| offered.fingerprint.as_deref());
        // A person may have decided since the list: the file is asked whenever something is not plain.
        match offered {
            Some(offered) if offered.objections.is_empty() => None,
            Some(offered) => {
                let is_approved = fingerprint.is_some()
                    && self.file.read().is_ok_and(|pins| {
                        pins.may_call(self.server.as_str(), tool, fingerprint) == Some(true)
                    });
                (!is_approved).then(|| offered.objections.clone())
            }
            None => match self.file.read() {
                Err(error) => Some(vec![Objection::Unreadable(error.to_string())]),
                Ok(pins) => match pins.may_call(self.server.as_str(), tool, None) {
                    Some(true) => None,
                    Some(false) => Some(vec![Objection::NotApproved]),
                    None => self.require_approved.then(|| vec![Objection::NotApproved]),
                },
            },
        }
    }

    /// Which arguments of a tool its calls repeat in headers (`x-mcp-header`, revision 2026-07-28).
    pub(crate) fn mirrored(&self, tool: &str) -> Vec<(Vec<String>, String)> {
        self.known().offered.get(tool).map(|offered| offered.mirrored.clone()).unwrap_or_default()
    }

    /// Compares one page of tools with the pins, pins what is new, and leaves out what is withheld.
    pub(crate) fn look_at(&self, cursor: Option<&str>, result: &str) -> ListPage {
        let mut known = self.known();
        let all = members(result).unwrap_or_default();
        let Ok([Some(tools)]) = only(&all, ["tools"]) else {
            let notice = "a list of tools was withheld: it has no `tools`, or two".to_owned();
            return ListPage { text: Some(r#"{"tools":[]}"#.to_owned()), notices: vec![notice] };
        };
        let Some(entries) = elements(tools) else {
            let notice = "a list of tools was withheld: `tools` is no array".to_owned();
            let text = place(result, tools).map(|at| with_replaced(result, vec![(at, "[]".to_owned())]));
            return ListPage { text: text.or(Some(r#"{"tools":[]}"#.to_owned())), notices: vec![notice] };
        };
        let mut listing = match (cursor, known.listing.take()) {
            (Some(cursor), Some(listing)) if listing.cursor == cursor => Some(listing.names),
            (None, _) => Some(Vec::new()),
            // A page out of order: nobody can say what is missing.
            (Some(_), _) => None,
        };
        if cursor.is_none() {
            known.offered.clear();
        }
        let next = member(result, "nextCursor").and_then(string);
        let mut page = self.weigh(&mut known, &entries, listing.as_mut(), next.is_none());
        if let (Some(cursor), Some(names)) = (next, listing) {
            known.listing = Some(Listing { names, cursor: cursor.into_owned() });
        }
        let withheld: Vec<usize> = std::mem::take(&mut page.withheld);
        let text = (!withheld.is_empty()).then(|| without(result, tools, &entries, &withheld));
        ListPage { text, notices: page.notices }
    }

    fn weigh(
        &self,
        known: &mut Known,
        entries: &[&str],
        listing: Option<&mut Vec<String>>,
        is_last: bool,
    ) -> Weighed {
        let mut weighed = Weighed::default();
        let read: Vec<_> = entries.iter().map(|text| Descriptor::read(text)).collect();
        let names = read.iter().flatten().map(|tool| tool.name().to_owned());
        let mut earlier: HashSet<String> = listing.iter().flat_map(|all| all.iter().cloned()).collect();
        let listing: Option<&[String]> = listing.map(|all| {
            all.extend(names);
            all.as_slice()
        });
        let server = self.server.as_str();
        let decided = self.file.update(|pins: &mut Pins| {
            let mut standings = Vec::new();
            for descriptor in read.iter().flatten() {
                standings.push(pins.consider(server, descriptor, self.require_approved, (self.now)()));
            }
            let gone = listing.filter(|_| is_last).map(|names| pins.note_removed(server, names));
            (standings, gone.unwrap_or_default())
        });
        let (mut standings, gone) = match decided {
            Ok((standings, gone)) => (standings.into_iter(), gone),
            Err(error) => {
                // What cannot be compared is not shown.
                weighed.notices.push(format!("every tool is withheld: {error}"));
                (Vec::new().into_iter(), Vec::new())
            }
        };
        for (index, read) in read.iter().enumerate() {
            let (name, fingerprint, standing) = match read {
                Ok(tool) => {
                    let unread = || Standing::Withheld(vec![Objection::Unreadable("no pins".to_owned())]);
                    (tool.name(), Some(tool.fingerprint()), standings.next().unwrap_or_else(unread))
                }
                Err(error) => ("?", None, Standing::Withheld(vec![Objection::Unreadable(error.to_string())])),
            };
            let mirrored = read.as_ref().map(Descriptor::mirrored).unwrap_or_default();
            let mut objections = match standing {
                Standing::Known => Vec::new(),
                Standing::New(findings) => {
                    let found: String = findings.iter().map(|finding| format!("; {finding}")).collect();
                    weighed.notices.push(format!("the tool `{name}` is pinned on first use{found}"));
                    Vec::new()
                }
                Standing::Withheld(objections) => objections,
            };
            if read.is_ok() && !earlier.insert(name.to_owned()) {
                objections.push(Objection::OfferedTwice);
            }
            if !objections.is_empty() {
                let why: Vec<String> = objections.iter().map(ToString::to_string).collect();
                weighed.notices.push(format!(
                    "the tool `{name}` is withheld: {}; look at it with `interven mcp-guard pins diff {server} {name}`",
                    why.join("; ")
                ));
                weighed.withheld.push(index);
            }
            known.offered.insert(name.to_owned(), Offered { fingerprint, objections, mirrored });
        }
        weighed
            .notices
            .extend(gone.iter().map(|name| format!("the server no longer offers the tool `{name}`")));
        weighed
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Weighed {
    /// Positions in the page.
    withheld: Vec<usize>,
    notices: Vec<String>,
}

/// `result` without some of its tools; what stands between the others is theirs.
fn without(result: &str, tools: &str, entries: &[&str], withheld: &[usize]) -> String {
    let kept: Vec<&str> = entries
        .iter()
        .enumerate()
        .filter(|(index, _)| !withheld.contains(index))
        .map(|(_, text)| *text)
        .collect();
    let at: Range<usize> = place(result, tools).unwrap_or_default();
    with_replaced(result, vec![(at, format!("[{}]", kept.join(",")))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book(directory: &tempfile::TempDir) -> PinBook {
        let file = LockFile::new(directory.path().join("pins.lock"));
        PinBook::new(file, ServerName::new("files").unwrap(), false, || {
            Timestamp::from_unix_ms(1_800_000_000_000)
        })
    }

    const READ: &str = r#"{"description":"Reads.", "name":"read"}"#;
    const LIST: &str = r#"{"name":"list","description":"Lists."}"#;

    #[test]
    fn a_clean_page_passes_and_a_page_with_drift_loses_the_tool_alone() {
        let directory = tempfile::tempdir().unwrap();
        let page = format!(r#"{{"x":1.0, "tools" : [{READ}, {LIST} ],"nextCursor":null}}"#);
        let first = book(&directory).look_at(None, &page);
        assert_eq!(first.text, None);
        assert_eq!(first.notices.len(), 2, "{:?}", first.notices);
        let drifted = page.replace("Lists.", "Lists all.");
        let book = book(&directory);
        let second = book.look_at(None, &drifted);
        assert_eq!(second.text.unwrap(), format!(r#"{{"x":1.0, "tools" : [{READ}],"nextCursor":null}}"#));
        assert!(second.notices[0].contains("DESCRIPTOR_DRIFT"), "{:?}", second.notices);
        assert_eq!(book.objections("list").unwrap()[0].code(), "DESCRIPTOR_DRIFT");
        assert_eq!(book.objections("read"), None);
        book.file.update(|pins| pins.approve("files", None, (book.now)())).unwrap();
        assert_eq!(book.objections("list"), None, "approved since");
    }

    #[test]
    fn what_is_gone_is_known_after_the_last_page_only() {
        let directory = tempfile::tempdir().unwrap();
        book(&directory).look_at(None, &format!(r#"{{"tools":[{READ},{LIST}]}}"#));
        let book = book(&directory);
        let first = book.look_at(None, &format!(r#"{{"tools":[{READ}],"nextCursor":"2"}}"#));
        assert_eq!(first.notices, Vec::<String>::new());
        let last = book.look_at(Some("2"), r#"{"tools":[]}"#);
        assert_eq!(last.notices, ["the server no longer offers the tool `list`"]);
        // Pages that do not follow each other say nothing about what is missing.
        assert!(book.look_at(Some("7"), r#"{"tools":[]}"#).notices.is_empty());
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let directory = tempfile::tempdir().unwrap();
        let book = book(&directory);
        for (page, expected) in [
            (r#"{"tools":[{"name":"a","name":"b"}]}"#, r#"{"tools":[]}"#),
            (r#"{"tools":[{"name":"a"},{"name":"a","title":"x"}]}"#, r#"{"tools":[{"name":"a"}]}"#),
            (r#"{"tools":{"name":"a"},"x":1}"#, r#"{"tools":[],"x":1}"#),
            (r#"{"tools":[],"tools":[{"name":"a"}]}"#, r#"{"tools":[]}"#),
            (r#"{"tools":[],"Tools":[{"name":"a"}]}"#, r#"{"tools":[]}"#),
            (r#"{"tools":[{"name":"b","Description":"x"}]}"#, r#"{"tools":[]}"#),
        ] {
            assert_eq!(book.look_at(None, page).text.as_deref(), Some(expected), "{page}");
        }
    }

    #[test]
    fn pins_that_cannot_be_written_withhold_everything() {
        let directory = tempfile::tempdir().unwrap();
        let book = book(&directory);
        std::fs::write(directory.path().join("pins.lock"), "{").unwrap();
        let page = book.look_at(None, &format!(r#"{{"tools":[{READ}]}}"#));
        assert_eq!(page.text.as_deref(), Some(r#"{"tools":[]}"#));
        assert!(page.notices[0].contains("no file of pins"), "{:?}", page.notices);
        assert!(book.objections("read").is_some());
        assert!(book.objections("unheard_of").is_some());
    }
}
