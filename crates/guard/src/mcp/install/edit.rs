//! A text of servers with the guard in front of them. Pure.

use crate::{
    json_text::{Member, elements, members, place, quoted, string, with_replaced},
    mcp::call::ServerName,
    settings_file::{EditError, Edited, blank_comments, trailing_comma},
};
use std::{collections::BTreeMap, ops::Range};

/// How the guard is started.
#[derive(Debug, Clone)]
pub struct Wrapping {
    /// Path of this program.
    pub program: String,
    /// Of `mcp-guard proxy`, before the server: `--local`, `--wait 60`, …
    pub options: Vec<String>,
    /// For the env block: INTERVEN_API_KEY and its like.
    pub environment: BTreeMap<String, String>,
}

/// What to put in.
#[derive(Debug, Clone)]
pub enum Plan {
    /// In front of every server that is started by a command.
    Wrap,
    /// In front of this one, also when it is reached by a URL.
    WrapOne(String),
    /// The guard's own server, under this name.
    Add(String),
}

const GUARD: [&str; 2] = ["mcp-guard", "proxy"];
/// Headers of a server that is reached by a URL: on a command line everybody could read them.
pub const HEADERS_VARIABLE: &str = "INTERVEN_MCP_HEADERS";
const OWN_PREFIX: &str = "INTERVEN_";

/// The text with the guard in it.
pub fn install(text: &str, member: &str, plan: &Plan, wrapping: &Wrapping) -> Result<Edited, EditError> {
    let file = ServersFile::read(text, member)?;
    match plan {
        Plan::Add(name) => file.with_own_server(name, wrapping),
        Plan::Wrap => file.with_wrapped(None, wrapping),
        Plan::WrapOne(name) => file.with_wrapped(Some(name), wrapping),
    }
}

/// The text without the guard: in front of one server, or of all, and its own.
pub fn uninstall(text: &str, member: &str, server: Option<&str>) -> Result<Edited, EditError> {
    ServersFile::read(text, member)?.without_guard(server)
}

/// A client's file, read. Places are those of the original text.
struct ServersFile<'a> {
    original: &'a str,
    member: &'a str,
    /// The same with blanks for comments and for commas that nothing follows.
    plain: String,
}

impl<'a> ServersFile<'a> {
    fn read(original: &'a str, member: &'a str) -> Result<Self, EditError> {
        let plain = if original.trim().is_empty() { original.to_owned() } else { blank_comments(original) };
        let file = Self { original, member, plain };
        if !file.plain.trim().is_empty() {
            if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&file.plain) {
                return Err(EditError::NotJson(error.to_string()));
            }
            let root = members(&file.plain).ok_or_else(|| EditError::NoObject("the file".to_owned()))?;
            check_names(&root)?;
            if let Some(servers) = file.servers()? {
                check_names(&servers)?;
            }
        }
        Ok(file)
    }

    fn root(&self) -> Vec<Member<'_>> {
        members(&self.plain).unwrap_or_default()
    }

    fn servers_text(&self) -> Option<&str> {
        self.root().into_iter().find(|(name, _)| name == self.member).map(|(_, value)| value)
    }

    fn servers(&self) -> Result<Option<Vec<Member<'_>>>, EditError> {
        let Some(text) = self.servers_text() else { return Ok(None) };
        members(text).map(Some).ok_or_else(|| EditError::NoObject(self.member.to_owned()))
    }

    fn finish(&self, replaced: Vec<(Range<usize>, String)>, edited: Edited) -> Edited {
        Edited { text: with_replaced(self.original, replaced), ..edited }
    }

    fn with_wrapped(&self, only: Option<&str>, wrapping: &Wrapping) -> Result<Edited, EditError> {
        let servers = self.servers()?.unwrap_or_default();
        self.must_have(&servers, only)?;
        let (mut edited, mut replaced) = (Edited::default(), Vec::new());
        for (name, text) in &servers {
            if only.is_some_and(|only| only != name) {
                continue;
            }
            let entry = Entry::read(name, text)?;
            match entry.wrapped(name, wrapping, only.is_some()) {
                Ok(changes) => {
                    replaced.extend(self.placed(text, changes));
                    edited.done.push(name.to_string());
                }
                Err(reason) => edited.left.push((name.to_string(), reason.to_owned())),
            }
        }
        Ok(self.finish(replaced, edited))
    }

    fn without_guard(&self, only: Option<&str>) -> Result<Edited, EditError> {
        let servers = self.servers()?.unwrap_or_default();
        self.must_have(&servers, only)?;
        let (mut edited, mut replaced) = (Edited::default(), Vec::new());
        for (index, (name, text)) in servers.iter().enumerate() {
            if only.is_some_and(|only| only != name) {
                continue;
            }
            let entry = Entry::read(name, text)?;
            if entry.is_own_server() {
                replaced.extend(self.member_place(&servers, index).map(|place| (place, String::new())));
            } else if let Some(changes) = entry.unwrapped() {
                replaced.extend(self.placed(text, changes));
            } else {
                edited.left.push((name.to_string(), "the guard is not in front of it".to_owned()));
                continue;
            }
            edited.done.push(name.to_string());
        }
        Ok(self.finish(replaced, edited))
    }

    fn with_own_server(&self, name: &str, wrapping: &Wrapping) -> Result<Edited, EditError> {
        let mut arguments = vec!["mcp-guard".to_owned()];
        arguments.extend(wrapping.options.iter().cloned());
        let is_typed = if self.member == "servers" { r#""type": "stdio", "# } else { "" };
        let entry = format!(
            r#"{{{is_typed}"command": {}, "args": {}, "env": {}}}"#,
            quoted(&wrapping.program),
            array(&arguments),
            object(&wrapping.environment)
        );
        let done = Edited { done: vec![name.to_owned()], ..Edited::default() };
        let servers = self.servers()?;
        let there = servers.iter().flatten().find(|(there, _)| there == name);
        if let Some((_, text)) = there {
            if !Entry::read(name, text)?.is_own_server() {
                return Err(EditError::Taken(name.to_owned()));
            }
            let same = self.placed(text, vec![(0..text.len(), entry)]);
            return Ok(self.finish(same, done));
        }
        let member = format!("{}: {entry}", quoted(name));
        if let Some(text) = self.servers_text() {
            return Ok(self.finish(self.inserted(text, &member), done));
        }
        let servers = format!("{}: {{\n    {member}\n  }}", quoted(self.member));
        if self.plain.trim().is_empty() {
            return Ok(Edited { text: format!("{{\n  {servers}\n}}\n"), ..done });
        }
        Ok(self.finish(self.inserted(self.plain.trim(), &servers), done))
    }

    /// A member put last into an object, a slice of the plain text.
    fn inserted(&self, object: &str, member: &str) -> Vec<(Range<usize>, String)> {
        let (Some(at), Some(all)) = (place(&self.plain, object), members(object)) else { return Vec::new() };
        let last = all.last().and_then(|(_, value)| place(&self.plain, value));
        // As far in as the object's other members, or two further than the object.
        let line = |at: usize| {
            let start = self.plain.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |end| end + 1);
            let line = self.plain.get(start..at).unwrap_or_default();
            line.len() - line.trim_start_matches([' ', '\t']).len()
        };
        let outer = line(at.end.saturating_sub(1));
        match last {
            Some(last) => {
                let inner = all
                    .first()
                    .and_then(|(_, value)| place(&self.plain, value))
                    .map_or(2, |at| line(at.start));
                // A comma that nothing followed was there already.
                let rest = self.original.get(last.end..at.end.saturating_sub(1)).unwrap_or_default();
                let comma_at = trailing_comma(rest).map(|offset| last.end + offset);
                let start = comma_at.map_or(last.end, |comma| comma + 1);
                let comma = if comma_at.is_some() { "" } else { "," };
                vec![(start..start, format!("{comma}\n{}{member}", " ".repeat(inner)))]
            }
            None => {
                let inner = " ".repeat(outer + 2);
                vec![(at.start + 1..at.end - 1, format!("\n{inner}{member}\n{}", " ".repeat(outer)))]
            }
        }
    }

    /// From the end of what stands before the member to its own end, so that no comma is left over.
    fn member_place(&self, all: &[Member<'_>], index: usize) -> Option<Range<usize>> {
        let value = |index: usize| all.get(index).and_then(|(_, value)| place(&self.plain, value));
        let own = value(index)?;
        if let Some(before) = index.checked_sub(1).and_then(value) {
            return Some(before.end..own.end);
        }
        let servers = self.servers_text().and_then(|text| place(&self.plain, text))?;
        let end = match value(1) {
            // To the name of the next.
            Some(_) => self.plain.get(own.end..)?.find('"').map(|next| own.end + next)?,
            None => servers.end - 1,
        };
        let start = self.plain.get(servers.start..own.start)?.find('"').map(|name| servers.start + name)?;
        Some(if value(1).is_some() { start..end } else { servers.start + 1..end })
    }

    fn placed(&self, part: &str, changes: Vec<(Range<usize>, String)>) -> Vec<(Range<usize>, String)> {
        let start = place(&self.plain, part).map_or(0, |at| at.start);
        changes.into_iter().map(|(at, text)| (at.start + start..at.end + start, text)).collect()
    }

    fn must_have(&self, servers: &[Member<'_>], only: Option<&str>) -> Result<(), EditError> {
        let Some(only) = only.filter(|only| !servers.iter().any(|(name, _)| name == only)) else {
            return Ok(());
        };
        let names: Vec<String> = servers.iter().map(|(name, _)| format!("`{name}`")).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Err(EditError::NoServer(only.to_owned(), names))
    }
}

fn check_names(all: &[Member<'_>]) -> Result<(), EditError> {
    for (index, (name, _)) in all.iter().enumerate() {
        if all.iter().take(index).any(|(earlier, _)| earlier == name) {
            return Err(EditError::Twice(name.to_string()));
        }
    }
    Ok(())
}

/// One server of the file.
struct Entry<'a> {
    text: &'a str,
    command: Option<&'a str>,
    args: Option<&'a str>,
    env: Option<&'a str>,
    url: Option<&'a str>,
    headers: Option<&'a str>,
}

type Changes = Vec<(Range<usize>, String)>;

impl<'a> Entry<'a> {
    fn read(name: &str, text: &'a str) -> Result<Self, EditError> {
        let all = members(text).ok_or_else(|| EditError::NoObject(name.to_owned()))?;
        check_names(&all)?;
        let value = |wanted: &str| all.iter().find(|(name, _)| name == wanted).map(|(_, value)| *value);
        let entry = Self {
            text,
            command: value("command"),
            args: value("args"),
            env: value("env"),
            url: value("url").or(value("serverUrl")),
            headers: value("headers"),
        };
        if entry.command.is_none() && entry.url.is_none() {
            return Err(EditError::NotStartable(name.to_owned()));
        }
        Ok(entry)
    }

    fn arguments(&self) -> Vec<String> {
        let all = self.args.and_then(elements).unwrap_or_default();
        all.into_iter().filter_map(string).map(std::borrow::Cow::into_owned).collect()
    }

    fn environment(&self) -> BTreeMap<String, String> {
        let all = self.env.and_then(members).unwrap_or_default();
        all.into_iter()
            .filter_map(|(name, value)| Some((name.into_owned(), string(value)?.into_owned())))
            .collect()
    }

    fn is_guards(&self) -> bool {
        let program = self.command.and_then(string).unwrap_or_default();
        let name = program.rsplit(['/', '\\']).next().unwrap_or_default();
        name.trim_end_matches(".exe") == "interven"
            && self.arguments().first().is_some_and(|word| word == GUARD[0])
    }

    fn is_own_server(&self) -> bool {
        self.is_guards() && self.arguments().get(1).is_none_or(|word| word != GUARD[1])
    }

    /// What stands behind the guard: the command line of the server, or its URL.
    fn behind(&self) -> Option<Behind> {
        if !self.is_guards() || self.is_own_server() {
            return None;
        }
        let arguments = self.arguments();
        let after = |word: &str| arguments.iter().position(|argument| argument == word);
        if let Some(end) = after("--") {
            return arguments.get(end + 1..).map(|line| Behind::Command(line.to_vec()));
        }
        let url = arguments.get(after("--url")? + 1)?.clone();
        Some(Behind::Url(url))
    }

    fn wrapped(&self, name: &str, wrapping: &Wrapping, is_named: bool) -> Result<Changes, &'static str> {
        if self.is_own_server() {
            return Err("it is the guard's own");
        }
        let behind = match self.behind() {
            Some(behind) => behind,
            None => match (self.command.and_then(string), self.url.and_then(string)) {
                (Some(command), _) => {
                    Behind::Command([vec![command.into_owned()], self.arguments()].concat())
                }
                (None, Some(url)) if is_named => Behind::Url(url.into_owned()),
                (None, Some(_)) => {
                    return Err(
                        "it is reached by a URL; name it with --server when it needs no sign-in in the client",
                    );
                }
                (None, None) => return Err("it cannot be read"),
            },
        };
        let server =
            ServerName::new(name).map_or_else(|| "server".to_owned(), |name| name.as_str().to_owned());
        let mut arguments: Vec<String> = GUARD.iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(["--server".to_owned(), server]);
        arguments.extend(wrapping.options.iter().cloned());
        let mut environment = self.environment();
        environment.retain(|name, _| !name.starts_with(OWN_PREFIX) || name == HEADERS_VARIABLE);
        environment.extend(wrapping.environment.clone());
        match behind {
            Behind::Command(line) => {
                arguments.push("--".to_owned());
                arguments.extend(line);
            }
            Behind::Url(url) => {
                arguments.extend(["--url".to_owned(), url]);
                if let Some(headers) = self.headers {
                    environment.insert(HEADERS_VARIABLE.to_owned(), headers.to_owned());
                }
            }
        }
        Ok(self.changed(&wrapping.program, &arguments, &environment))
    }

    fn unwrapped(&self) -> Option<Changes> {
        let mut environment = self.environment();
        let headers = environment.remove(HEADERS_VARIABLE);
        environment.retain(|name, _| !name.starts_with(OWN_PREFIX));
        match self.behind()? {
            Behind::Command(line) => {
                let (program, arguments) = line.split_first()?;
                Some(self.changed(program, arguments, &environment))
            }
            Behind::Url(url) => {
                let mut text = format!(r#"{{"type": "http", "url": {}"#, quoted(&url));
                if let Some(headers) = headers {
                    text.push_str(&format!(r#", "headers": {headers}"#));
                }
                text.push('}');
                Some(vec![(0..self.text.len(), text)])
            }
        }
    }

    /// Other command, arguments and environment; everything else stays.
    fn changed(
        &self,
        program: &str,
        arguments: &[String],
        environment: &BTreeMap<String, String>,
    ) -> Changes {
        let at = |part: Option<&str>| part.and_then(|part| place(self.text, part));
        let Some(command_at) = at(self.command) else {
            // Was reached by a URL: what says so goes.
            let text = format!(
                r#"{{"command": {}, "args": {}, "env": {}}}"#,
                quoted(program),
                array(arguments),
                object(environment)
            );
            return vec![(0..self.text.len(), text)];
        };
        let mut changes = Vec::new();
        let mut change =
            |there: Option<Range<usize>>, now: Option<&str>, name: &str, value: String| match there {
                // What is the same stays as it is written.
                Some(_) if now.is_some_and(|now| is_same(now, &value)) => {}
                Some(there) => changes.push((there, value)),
                None if matches!(value.as_str(), "[]" | "{}") => {}
                None => {
                    changes.push((command_at.end..command_at.end, format!(", {}: {value}", quoted(name))))
                }
            };
        change(Some(command_at.clone()), self.command, "command", quoted(program));
        change(at(self.args), self.args, "args", array(arguments));
        change(at(self.env), self.env, "env", object(environment));
        changes
    }
}

enum Behind {
    Command(Vec<String>),
    Url(String),
}

fn is_same(was: &str, now: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    read(was).is_some_and(|was| Some(was) == read(now))
}

fn array(all: &[String]) -> String {
    format!("[{}]", all.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
}

fn object(all: &BTreeMap<String, String>) -> String {
    let all: Vec<String> =
        all.iter().map(|(name, value)| format!("{}: {}", quoted(name), quoted(value))).collect();
    format!("{{{}}}", all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn wrapping() -> Wrapping {
        Wrapping {
            program: "/usr/bin/interven".to_owned(),
            options: vec!["--local".to_owned()],
            environment: [("INTERVEN_API_KEY".to_owned(), "iv_live_x".to_owned())].into(),
        }
    }

    fn value(text: &str) -> Value {
        serde_json::from_str(&blank_comments(text)).unwrap()
    }

    const CONFIG: &str = r#"{
  // what I use
  "theme": "dark",   "n": 1.50,
  "mcpServers": {
    "My Files": {
      "command": "npx", "args": ["-y", "server-files", "/tmp"],
      "env": {"TOKEN": "t"}, "disabled": false
    },
    "plain": {"command": "server"},
    "remote": {"url": "https://mcp.example/x", "headers": {"Authorization": "Bearer s"}}, /* last */
  },
}
"#;

    #[test]
    fn servers_are_wrapped_and_everything_else_stays() {
        let edited = install(CONFIG, "mcpServers", &Plan::Wrap, &wrapping()).unwrap();
        assert_eq!(edited.done, ["My Files", "plain"]);
        assert_eq!(edited.left.len(), 1);
        let now = value(&edited.text);
        assert_eq!(
            now["mcpServers"]["My Files"],
            json!({"command": "/usr/bin/interven", "disabled": false, "env": {"TOKEN": "t", "INTERVEN_API_KEY": "iv_live_x"},
                "args": ["mcp-guard", "proxy", "--server", "my-files", "--local", "--", "npx", "-y", "server-files", "/tmp"]})
        );
        for kept in [
            "  // what I use\n  \"theme\": \"dark\",   \"n\": 1.50,\n",
            "\"disabled\": false\n",
            "/* last */\n  },\n}\n",
        ] {
            assert!(edited.text.contains(kept), "{}", edited.text);
        }
        // Again: nothing changes. And back: as it was.
        let again = install(&edited.text, "mcpServers", &Plan::Wrap, &wrapping()).unwrap();
        assert_eq!(again.text, edited.text);
        let back = uninstall(&edited.text, "mcpServers", None).unwrap();
        let mut before = value(CONFIG);
        before["mcpServers"]["plain"]["args"] = json!([]);
        before["mcpServers"]["plain"]["env"] = json!({});
        assert_eq!(value(&back.text), before);
        assert!(back.text.contains("// what I use") && back.text.contains("1.50"));
    }

    #[test]
    fn a_url_is_wrapped_when_it_is_named_and_its_headers_stay_off_the_command_line() {
        let edited = install(CONFIG, "mcpServers", &Plan::WrapOne("remote".to_owned()), &wrapping()).unwrap();
        let remote = value(&edited.text)["mcpServers"]["remote"].clone();
        assert_eq!(
            remote["args"],
            json!(["mcp-guard", "proxy", "--server", "remote", "--local", "--url", "https://mcp.example/x"])
        );
        assert_eq!(remote["env"][HEADERS_VARIABLE], r#"{"Authorization": "Bearer s"}"#);
        assert!(remote.get("url").is_none() && remote.get("headers").is_none());
        let back = uninstall(&edited.text, "mcpServers", Some("remote")).unwrap();
        let mut before = value(CONFIG);
        before["mcpServers"]["remote"]["type"] = json!("http");
        assert_eq!(value(&back.text), before);
    }

    #[test]
    fn the_guards_own_server_comes_and_goes() {
        let plan = Plan::Add("interven".to_owned());
        for text in [
            "",
            "{}",
            "{\n}\n",
            "{\"a\": 1}",
            "{\n  \"mcpServers\": {}\n}\n",
            "{\n  \"mcpServers\": {\n    \"x\": {\"command\": \"y\"}, // own\n  }\n}",
            "\u{feff}{\"mcpServers\":{\"x\":{\"command\":\"y\"}}}",
            CONFIG,
        ] {
            let edited = install(text, "mcpServers", &plan, &wrapping()).unwrap();
            let own = value(&edited.text)["mcpServers"]["interven"].clone();
            assert_eq!(own["args"], json!(["mcp-guard", "--local"]), "{}", edited.text);
            assert_eq!(own["env"]["INTERVEN_API_KEY"], "iv_live_x");
            assert_eq!(install(&edited.text, "mcpServers", &plan, &wrapping()).unwrap().text, edited.text);
            let back = uninstall(&edited.text, "mcpServers", Some("interven")).unwrap();
            let mut before = if text.is_empty() { json!({}) } else { value(text) };
            if before.get("mcpServers").is_none() {
                before["mcpServers"] = json!({});
            }
            assert_eq!(value(&back.text), before, "{}", back.text);
        }
        let edited = install("{}", "servers", &plan, &wrapping()).unwrap();
        assert_eq!(value(&edited.text)["servers"]["interven"]["type"], "stdio");
        let first = install("", "mcpServers", &plan, &wrapping()).unwrap().text;
        let two = install(&first, "mcpServers", &Plan::Add("second".to_owned()), &wrapping()).unwrap().text;
        let one = uninstall(&two, "mcpServers", Some("interven")).unwrap().text;
        assert_eq!(value(&one)["mcpServers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["second"]);
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused_with_the_reason() {
        for (text, plan, expected) in [
            ("{\"mcpServers\": {", Plan::Wrap, "not valid JSON (EOF while parsing"),
            ("[]", Plan::Wrap, "`the file` is no object"),
            ("{\"mcpServers\": []}", Plan::Wrap, "`mcpServers` is no object"),
            ("{\"mcpServers\": {\"a\": 1}}", Plan::Wrap, "`a` is no object"),
            ("{\"mcpServers\": {\"a\": {}}}", Plan::Wrap, "neither `command` nor `url`"),
            (
                "{\"mcpServers\": {\"a\": {\"command\":\"x\"}, \"a\": {\"command\":\"y\"}}}",
                Plan::Wrap,
                "`a` stands in it twice",
            ),
            (
                "{\"mcpServers\": {\"a\": {\"command\":\"x\"}}}",
                Plan::WrapOne("b".to_owned()),
                "no server `b`; it has `a`",
            ),
            ("{\"mcpServers\": {\"a\": {\"command\":\"x\"}}}", Plan::Add("a".to_owned()), "not the guard's"),
        ] {
            let error = install(text, "mcpServers", &plan, &wrapping()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
