//! Making a client call the hook: the entry in its settings, where it stands, and how it comes out again.

mod document;
mod place;

pub use place::{Homes, Scope};

use super::Client;
use crate::{
    json_text::{elements, member, quoted, string},
    settings_file::{EditError, Edited},
};
use document::{Document, Step};

/// How a client is to start the hook.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The program and its arguments, a word each: `/usr/bin/interven`, `hook`, `claude-code`, …
    pub words: Vec<String>,
    /// After which the client gives up on the hook: longer than the hook's own deadline.
    pub timeout_seconds: u64,
    /// A hook that does not start, dies or says nothing blocks the call, where the client can be told so.
    pub fails_closed: bool,
}

/// The text with the hook in it, once, for every tool.
///
/// # Errors
/// A text that cannot be edited without guessing.
pub fn install(client: Client, text: &str, entry: &Entry) -> Result<Edited, EditError> {
    let form = Form::of(client);
    let mut document = Document::read(text)?;
    if form.has_version && document.at(&[Step::Member("version")]).is_none() {
        document.add_member(&[], "version", "1")?;
    }
    let wanted = form.hook(entry);
    let found = form.find(&document)?;
    let keep = found.iter().position(|own| own.sees_every_tool);
    // From the end, so that what is yet to be changed stays where it is.
    for (index, own) in found.iter().enumerate().rev() {
        match Some(index) == keep {
            true if is_same(document.at(&own.path()), &wanted) => {}
            true => document.replace(&own.path(), &wanted),
            false => form.remove(&mut document, own)?,
        }
    }
    if keep.is_none() {
        document.push(&form.path, &form.group(&wanted))?;
    }
    Ok(Edited { text: document.into_text(), done: vec![client.as_str().to_owned()], left: Vec::new() })
}

/// The text without the hook.
///
/// # Errors
/// As of [`install`].
pub fn uninstall(client: Client, text: &str) -> Result<Edited, EditError> {
    let form = Form::of(client);
    if text.trim().is_empty() {
        return Ok(Edited { text: text.to_owned(), ..Edited::default() });
    }
    let mut document = Document::read(text)?;
    let found = form.find(&document)?;
    for own in found.iter().rev() {
        form.remove(&mut document, own)?;
    }
    let done = if found.is_empty() { Vec::new() } else { vec![client.as_str().to_owned()] };
    Ok(Edited { text: document.into_text(), done, left: Vec::new() })
}

/// The command lines of the hook in these settings, as the client runs them. Empty: the client does not call it.
///
/// # Errors
/// As of [`install`].
pub fn installed(client: Client, text: &str) -> Result<Vec<String>, EditError> {
    let form = Form::of(client);
    let document = Document::read(text)?;
    let found = form.find(&document)?;
    Ok(found.iter().filter_map(|own| command_of(document.at(&own.path())?)).collect())
}

/// Whether these settings switch all hooks off: `disableAllHooks` of Claude Code and Copilot.
pub fn switches_hooks_off(text: &str) -> bool {
    let off = [Step::Member("disableAllHooks")];
    Document::read(text).is_ok_and(|document| document.at(&off) == Some("true"))
}

/// Where in a client's settings a hook stands.
struct Form {
    client: Client,
    path: [&'static str; 2],
    /// Hooks stand in groups with a matcher.
    has_groups: bool,
    has_version: bool,
}

/// A hook of ours in a document.
struct Own {
    event: [&'static str; 2],
    index: usize,
    in_group: Option<usize>,
    sees_every_tool: bool,
}

impl Own {
    fn path(&self) -> Vec<Step<'static>> {
        let mut path: Vec<Step<'static>> = self.event.iter().map(|name| Step::Member(name)).collect();
        path.push(Step::Element(self.index));
        if let Some(index) = self.in_group {
            path.extend([Step::Member("hooks"), Step::Element(index)]);
        }
        path
    }
}

impl Form {
    fn of(client: Client) -> Self {
        match client {
            Client::ClaudeCode => {
                Self { client, path: ["hooks", "PreToolUse"], has_groups: true, has_version: false }
            }
            Client::Copilot | Client::Cursor => {
                Self { client, path: ["hooks", "preToolUse"], has_groups: false, has_version: true }
            }
        }
    }

    fn hook(&self, entry: &Entry) -> String {
        let command = quoted(&shell_line(&entry.words));
        let seconds = entry.timeout_seconds;
        match self.client {
            Client::ClaudeCode => {
                // Since 2.1.295; older versions let the call through when the hook does not start or dies.
                let on_failure = if entry.fails_closed { ",\n  \"onFailure\": \"block\"" } else { "" };
                format!(
                    "{{\n  \"type\": \"command\",\n  \"command\": {command},\n  \"timeout\": {seconds}{on_failure}\n}}"
                )
            }
            Client::Copilot => {
                let powershell = quoted(&powershell_line(&entry.words));
                format!(
                    "{{\n  \"type\": \"command\",\n  \"bash\": {command},\n  \"powershell\": {powershell},\n  \
                     \"timeoutSec\": {seconds}\n}}"
                )
            }
            Client::Cursor => format!(
                "{{\n  \"command\": {command},\n  \"timeout\": {seconds},\n  \"failClosed\": {}\n}}",
                entry.fails_closed
            ),
        }
    }

    fn group(&self, hook: &str) -> String {
        if !self.has_groups {
            return hook.to_owned();
        }
        let hook = hook.replace('\n', "\n    ");
        format!("{{\n  \"matcher\": \"*\",\n  \"hooks\": [\n    {hook}\n  ]\n}}")
    }

    fn find(&self, document: &Document) -> Result<Vec<Own>, EditError> {
        let event = self.path;
        let steps = event.map(Step::Member);
        if let Some(hooks) = document.at(steps.get(..1).unwrap_or_default())
            && crate::json_text::members(hooks).is_none()
        {
            return Err(EditError::NoObject("hooks".to_owned()));
        }
        let mut found = Vec::new();
        for index in 0..document.length(&steps)? {
            let [hooks, list] = steps;
            let Some(text) = document.at(&[hooks, list, Step::Element(index)]) else { continue };
            let sees_every_tool = sees_every_tool(text);
            if !self.has_groups {
                if self.is_own(text) {
                    found.push(Own { event, index, in_group: None, sees_every_tool });
                }
                continue;
            }
            let hooks = member(text, "hooks").and_then(elements).unwrap_or_default();
            let own = hooks.iter().enumerate().filter(|(_, hook)| self.is_own(hook));
            found.extend(own.map(|(hook, _)| Own { event, index, in_group: Some(hook), sees_every_tool }));
        }
        Ok(found)
    }

    /// A command of ours, wherever the program was then.
    fn is_own(&self, hook: &str) -> bool {
        let call = format!(" hook {}", self.client.as_str());
        command_of(hook).is_some_and(|command| {
            command.split_once(&call).is_some_and(|(program, rest)| {
                let program = program.trim_end_matches(['\'', '"']);
                let name = program.rsplit(['/', '\\', '\'', '"']).next().unwrap_or(program);
                (rest.is_empty() || rest.starts_with(' '))
                    && name.trim_end_matches(".exe").eq_ignore_ascii_case("interven")
            })
        })
    }

    /// With the group around it, when nothing else is in that.
    fn remove(&self, document: &mut Document, own: &Own) -> Result<(), EditError> {
        let path = own.path();
        let group = path.get(..3).unwrap_or_default();
        let mut hooks = group.to_vec();
        hooks.push(Step::Member("hooks"));
        let is_alone = !self.has_groups || document.length(&hooks)? == 1;
        document.remove(if is_alone { group } else { &path });
        let list = path.get(..2).unwrap_or_default();
        if document.length(list)? == 0 {
            document.remove(list);
        }
        Ok(())
    }
}

fn command_of(hook: &str) -> Option<String> {
    let text = member(hook, "command").or_else(|| member(hook, "bash"))?;
    string(text).map(std::borrow::Cow::into_owned)
}

fn sees_every_tool(entry: &str) -> bool {
    match member(entry, "matcher").and_then(string) {
        Some(matcher) => matches!(&*matcher, "" | "*" | ".*"),
        None => member(entry, "matcher").is_none(),
    }
}

fn is_same(there: Option<&str>, wanted: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    there.and_then(read) == read(wanted)
}

/// Words for `sh -c`.
fn shell_line(words: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | '=' | '@'))
    };
    let quote = |word: &String| match is_plain(word) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn powershell_line(words: &[String]) -> String {
    let quote = |word: &String| format!("'{}'", word.replace('\'', "''"));
    format!("& {}; exit $LASTEXITCODE", words.iter().map(quote).collect::<Vec<_>>().join(" "))
}
