//! Command lines: what would run, found by reading them, never by running them.
//!
//! [`lex`] splits a text into words, [`parse`] into pipelines, [`expand`] resolves what is foreseeable of variables and
//! substitutions ([`output`]), [`run`] walks through the commands and their wrappers, [`programs`] names each by the
//! rules of `tools/shell.toml`, [`found`] what `find` hands on, [`powershell`] makes its lines readable, [`outside`] says which reach out, and [`client`] [`gh`] turn `curl` and `gh api` into the HTTP call that they make.

mod client;
mod expand;
mod fold;
mod found;
mod gh;
mod lex;
mod output;
mod outside;
mod parse;
mod powershell;
mod programs;
mod run;

pub(crate) use powershell::to_posix;
pub(crate) use programs::{Programs, is_glob_match};

use crate::{http::Call, namer::Namer};
use interven_types::Verb;
use serde_json::Value;
use std::borrow::Cow;

/// Tool of command lines.
pub(crate) const TOOL: &str = "shell";

/// Operations that the walk itself names, beside those of the table, with verb and category.
pub(crate) const OWN_OPERATIONS: [(&str, Verb, &str); 11] = [
    ("elevate", Verb::Admin, "shell"),
    ("exec", Verb::Read, "shell"),
    ("exec", Verb::Write, "shell"),
    ("open_socket", Verb::Admin, "network"),
    ("pipe_to_shell", Verb::Admin, "shell"),
    ("read_secret_file", Verb::Read, "credentials"),
    ("run_code", Verb::Write, "code"),
    ("unreadable_command", Verb::Admin, "shell"),
    ("write_file", Verb::Write, "files"),
    ("write_guard_file", Verb::Admin, "files"),
    ("write_startup_file", Verb::Admin, "files"),
];

/// Names a call to `shell://` or `exec://`. The command is the body's `command` or `cmd` (a text, or a list of words),
/// its `args`, or the body itself.
pub(crate) fn name_call(namer: &mut Namer<'_>, call: Call<'_>) {
    let command = command_of(call.body).unwrap_or_default();
    match call.url.host() {
        Some("powershell" | "pwsh") => name_script(namer, call, &to_posix(&command)),
        _ => name_script(namer, call, &command),
    }
}

/// Names every command of a script.
pub(crate) fn name_script(namer: &mut Namer<'_>, call: Call<'_>, script: &str) {
    run::Walk::new(namer, call).name(&fold::fold(script));
}

/// The command in a body of arguments.
pub(crate) fn command_of(body: &Value) -> Option<Cow<'_, str>> {
    const NAMES: [&str; 8] =
        ["command", "cmd", "program", "script", "code", "commands", "input", "shell_command"];
    match body {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(words) => join_words(words).map(Cow::Owned),
        Value::Object(members) => {
            let named =
                NAMES.iter().find_map(|name| members.get(*name)).filter(|v| v.is_string() || v.is_array());
            let args = members.get("args").or_else(|| members.get("arguments"));
            match (named.and_then(command_of), args) {
                (Some(command), Some(Value::Array(words))) => {
                    let words = join_words(words).unwrap_or_default();
                    Some(Cow::Owned(format!("{command} {words}")))
                }
                (Some(command), _) => Some(command),
                (None, args) => args.or_else(|| members.get("input")).and_then(command_of),
            }
        }
        _ => None,
    }
}

/// A list of words as one line. A single word is a line of its own; of several, each is quoted, as `exec` takes them.
fn join_words(words: &[Value]) -> Option<String> {
    let texts: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    match texts.as_slice() {
        [] => None,
        [line] => Some((*line).to_owned()),
        many => Some(many.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")),
    }
}

fn quote(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(|c| is_plain(c) || "|&;<>".contains(c)) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}
