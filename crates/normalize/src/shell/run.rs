//! Walks through the commands of a script and names each.

use super::{
    TOOL, client,
    expand::{Expanded, Variables},
    found, gh,
    lex::Word,
    output,
    outside::{self, Reach},
    parse::{Command, parse},
    powershell,
    programs::Arguments,
};
use crate::{
    CanonicalUrl, aws,
    embedded::PROGRAMS,
    http::Call,
    namer::{MAX_DEPTH, Namer},
    paths::{is_disk, is_guard_path, is_secret_path, is_startup_path},
    template::bounded,
};
use interven_types::{Action, Tool, Verb};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Most text read of one call, in bytes, commands in commands counted again; most commands; most words of one.
const MAX_TEXT: usize = 1_048_576;
const MAX_COMMANDS: usize = 1_024;
const MAX_WORDS: usize = 4_096;

/// Most text of a list that is put into a command, in bytes: `xargs`, `find -exec`.
const MAX_LISTED: usize = 16_384;

/// Most URLs, most AWS commands and most words of one, that are named of what is beyond the bounds.
const MAX_GLANCED: usize = 32;

/// Wrappers that give a command more rights.
const ELEVATING: [&str; 5] = ["sudo", "doas", "su", "pkexec", "runas"];

/// What flows through a pipe into a command.
#[derive(Clone, Debug)]
struct Piped {
    /// When it can be foreseen.
    text: Option<String>,
    /// It stands in the command line, for all to read: a here-document.
    is_written: bool,
}

pub(super) struct Walk<'n, 'o, 'a> {
    namer: &'n mut Namer<'o>,
    call: Call<'a>,
    variables: Variables,
    depth: usize,
    commands_left: usize,
    text_left: usize,
    /// Of what is beyond the bounds.
    glance_left: usize,
    /// The command at hand talks to a host outside.
    is_outside: bool,
    has_named: bool,
    /// Where `cd` went to.
    place: String,
    /// Files that were fetched from elsewhere.
    fetched: Vec<String>,
    /// A command that says nothing by itself, kept for a call that does nothing else.
    quiet: Option<Action>,
}

impl<'n, 'o, 'a> Walk<'n, 'o, 'a> {
    pub(super) fn new(namer: &'n mut Namer<'o>, call: Call<'a>) -> Self {
        Self {
            namer,
            call,
            variables: Variables::default(),
            depth: 0,
            commands_left: MAX_COMMANDS,
            text_left: MAX_TEXT,
            glance_left: MAX_TEXT,
            is_outside: false,
            has_named: false,
            place: String::new(),
            fetched: Vec::new(),
            quiet: None,
        }
    }

    /// Names what `script` does; at least one action, be it an empty `exec`.
    pub(super) fn name(mut self, script: &str) {
        let _output = self.script(script, None);
        if !self.has_named {
            let action = self.quiet.take().unwrap_or_else(|| self.action("exec", Verb::Write, "shell", None));
            self.namer.push(action);
        }
    }

    fn action(&self, operation: &str, verb: Verb, category: &str, resource: Option<&str>) -> Action {
        Action {
            tool: Tool::Borrowed(TOOL),
            operation: Tool::Owned(operation.to_owned()),
            verb,
            category: Tool::Owned(category.to_owned()),
            resource: resource.map(bounded),
            host: None,
            external_host: self.is_outside,
            ..self.namer.blank(self.call)
        }
    }

    fn push(&mut self, operation: &str, verb: Verb, category: &str, resource: Option<&str>) {
        let action = self.action(operation, verb, category, resource);
        self.has_named = true;
        self.namer.push(action);
    }

    /// What is beyond the bounds may be anything and go anywhere. Of `text` is still named what a glance shows: the
    /// URLs, and the command lines of AWS, so that padding hides no call.
    fn give_up(&mut self, text: &str) {
        let action = self.action("unreadable_command", Verb::Admin, "shell", None);
        self.has_named = true;
        self.namer.push(Action { external_host: true, ..action });
        let seen = text.get(..text.floor_char_boundary(self.glance_left)).unwrap_or_default();
        self.glance_left -= seen.len();
        let headers = BTreeMap::new();
        let mut urls: Vec<CanonicalUrl> = outside::find_urls(seen);
        urls.dedup();
        for url in urls.iter().take(MAX_GLANCED) {
            self.namer.name(Call { method: "GET", url, headers: &headers, body: &Value::Null });
        }
        for (at, _) in seen.match_indices("aws ").take(MAX_GLANCED) {
            let line = seen.get(at..).unwrap_or_default().split(['\n', ';', '|', '&']).next();
            let words = line.unwrap_or_default().split_whitespace().skip(1).take(MAX_GLANCED);
            let words: Vec<String> = words.map(|word| word.trim_matches(['\'', '"']).to_owned()).collect();
            aws::name_command(self.namer, &words);
        }
    }

    /// Runs through a script; gives its output when that is foreseeable.
    fn script(&mut self, text: &str, input: Option<Piped>) -> Option<String> {
        if self.depth >= MAX_DEPTH || text.len() > self.text_left {
            self.give_up(text);
            return None;
        }
        self.text_left -= text.len();
        self.depth += 1;
        let mut printed = Some(String::new());
        for pipeline in parse(text) {
            let mut flowing = input.clone();
            for command in &pipeline {
                if self.commands_left == 0 || self.namer.is_full() {
                    self.give_up(text);
                    self.depth -= 1;
                    return None;
                }
                let output = self.command(command, flowing.take());
                flowing = Some(Piped { text: output, is_written: false });
            }
            let output = flowing.and_then(|piped| piped.text);
            printed = printed.zip(output).map(|(before, output)| before + &output);
        }
        self.depth -= 1;
        printed
    }

    fn expand(&mut self, word: &Word) -> Expanded {
        let variables = std::mem::take(&mut self.variables);
        let expanded = variables.expand(word, &mut |text| {
            let output = self.script(text, None)?;
            Some(output.trim_end_matches('\n').to_owned())
        });
        // What a substitution sets stays in its subshell.
        self.variables = variables;
        expanded
    }

    fn command(&mut self, command: &Command, piped: Option<Piped>) -> Option<String> {
        let (mut words, mut is_unforeseen, mut has_process) = (Vec::new(), false, false);
        let mut runs_output = false;
        for word in &command.words {
            let written = word.written();
            let expanded = self.expand(word);
            if words.is_empty()
                && let Some(name) = assigned_name(&written)
            {
                let value = expanded.words.join(" ");
                let value = value.split_once('=').map_or("", |(_, value)| value).to_owned();
                self.variables.set(name, value);
                continue;
            }
            // A command that is whole the output of another, unknown one.
            runs_output |= words.is_empty() && expanded.is_unforeseen && word.is_one_command();
            is_unforeseen |= expanded.is_unforeseen;
            has_process |= expanded.has_process;
            words.extend(expanded.words);
        }
        if words.len() > MAX_WORDS {
            self.give_up(&words.join(" "));
            words.truncate(MAX_WORDS);
        }
        for word in &command.reads {
            let file = self.expand(word).words.join(" ");
            self.name_read(&file);
        }
        for word in &command.writes {
            let file = self.expand(word).words.join(" ");
            self.name_write(&file);
        }
        let input = match &command.input {
            Some(text) => Some(Piped { text: Some(text.clone()), is_written: true }),
            None => piped,
        };
        if runs_output {
            self.push("pipe_to_shell", Verb::Admin, "shell", None);
            return None;
        }
        let was_redirected = !command.writes.is_empty();
        let facts = Facts { is_unforeseen, has_process, was_redirected, is_found: false };
        self.program(&words, input, facts)
    }

    fn name_read(&mut self, file: &str) {
        if is_socket(file) {
            let is_outside = outside::is_socket_outside(self.namer.own, file);
            let before = std::mem::replace(&mut self.is_outside, is_outside);
            self.push("open_socket", Verb::Admin, "network", Some(file));
            self.is_outside = before;
        } else if is_secret_path(&self.placed(file)) {
            self.push("read_secret_file", Verb::Read, "credentials", Some(file));
        }
    }

    /// The path from where the script has gone to.
    fn placed<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match self.place.is_empty() || path.starts_with(['/', '~', '$']) {
            true => Cow::Borrowed(path),
            false => Cow::Owned(format!("{}/{path}", self.place)),
        }
    }

    fn name_write(&mut self, file: &str) {
        if is_socket(file) {
            let is_outside = outside::is_socket_outside(self.namer.own, file);
            let before = std::mem::replace(&mut self.is_outside, is_outside);
            self.push("open_socket", Verb::Admin, "network", Some(file));
            self.is_outside = before;
        } else if !self.name_dangerous_write(file)
            && !matches!(file, "/dev/null" | "/dev/stdout" | "/dev/stderr" | "")
        {
            self.push("write_file", Verb::Write, "files", Some(file));
        }
    }

    /// False when nothing speaks against a write to `file`.
    fn name_dangerous_write(&mut self, file: &str) -> bool {
        let placed = self.placed(file);
        let (operation, category) = match () {
            () if is_disk(&placed) => ("wipe_disk", "infrastructure"),
            () if is_guard_path(&placed) => ("write_guard_file", "files"),
            () if is_startup_path(&placed) => ("write_startup_file", "files"),
            () => return false,
        };
        self.push(operation, Verb::Admin, category, Some(file));
        true
    }

    /// One program with its arguments.
    fn program(&mut self, words: &[String], input: Option<Piped>, facts: Facts) -> Option<String> {
        let before = self.is_outside;
        let output = self.inner_program(words, input, facts);
        self.is_outside = before;
        output
    }

    fn inner_program(&mut self, words: &[String], input: Option<Piped>, facts: Facts) -> Option<String> {
        self.commands_left = self.commands_left.saturating_sub(1);
        let line = words;
        let (program, words) = self.unwrap(line)?;
        let wrappers = line.get(..line.len() - words.len()).unwrap_or_default();
        let is_listed = wrappers.iter().any(|w| w == "xargs" || w == "parallel");
        let list = input.as_ref().filter(|_| is_listed).and_then(|piped| piped.text.as_deref());
        let words = with_list(words, list);
        let words = words.as_ref();
        let arguments = words.get(1..).unwrap_or_default();
        let program = program.as_str();
        let mut parsed = Arguments::of(arguments, PROGRAMS.options_with_value.get(program));
        parsed.is_open = is_listed && list.is_none();
        parsed.is_found = is_listed || facts.is_found;
        let operands = &parsed.operands;
        let is_unforeseen = facts.is_unforeseen;
        self.is_outside = Reach { program, arguments, operands, is_unforeseen }.is_outside(self.namer.own);
        let runs_file = PROGRAMS.shells.contains(program)
            || PROGRAMS.interpreters.contains(program)
            || matches!(program, "." | "source");
        let run = if runs_file { operands.first().copied() } else { words.first().map(String::as_str) };
        if run.is_some_and(|file| self.fetched.iter().any(|fetched| fetched == file.trim_start_matches("./")))
        {
            self.push("pipe_to_shell", Verb::Admin, "shell", run);
        }
        if PROGRAMS.shells.contains(program) {
            return self.shell(program, arguments, &parsed, input, facts);
        }
        match program {
            "eval" => return self.code(&arguments.join(" "), facts),
            "iex" | "invoke-expression" if arguments.is_empty() => {
                self.push("pipe_to_shell", Verb::Admin, "shell", None);
            }
            "iex" | "invoke-expression" => {
                return self.code(&powershell::to_posix(&arguments.join(" ")), facts);
            }
            "cd" | "pushd" | "set-location" => {
                let to = operands.first().copied().unwrap_or("~");
                self.place = self.placed(to).into_owned();
            }
            "trap" => {
                if let Some(code) = operands.first() {
                    let _output = self.code(code, facts);
                }
            }
            "alias" => {
                for (_, code) in operands.iter().filter_map(|word| word.split_once('=')) {
                    let _output = self.code(code, facts);
                }
            }
            "." | "source" if matches!(operands.first(), Some(&"/dev/stdin" | &"-")) => {
                self.push("pipe_to_shell", Verb::Admin, "shell", None);
                return input.and_then(|piped| self.script(&piped.text?, None));
            }
            "awk" | "gawk" | "mawk" | "nawk" => {
                for script in quoted_commands(&arguments.join(" ")) {
                    let _output = self.script(&script, None);
                }
            }
            "git" => self.name_git_settings(arguments),
            "npx" | "bunx" | "pnpx" => {
                let inner = skip_own_options(program, arguments);
                if inner.first().is_some_and(|first| PROGRAMS.knows(first)) {
                    self.name_inner(inner, Facts::default());
                }
            }
            "." | "source" if facts.has_process || facts.is_unforeseen => {
                self.push("pipe_to_shell", Verb::Admin, "shell", Some(&words.join(" ")));
            }
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                for word in arguments {
                    if let (Some(name), Some((_, value))) = (assigned_name(word), word.split_once('=')) {
                        self.variables.set(name, value.to_owned());
                    }
                }
            }
            "curl" | "wget" | "http" | "https" | "httpie" | "xh" => {
                self.has_named = true;
                let proxies = self.proxies(line);
                let input = input.and_then(|piped| piped.text);
                let files = client::name(self.namer, program, arguments, input, proxies);
                files.read.iter().for_each(|file| self.name_read(file));
                files.written.iter().for_each(|file| self.name_write(file));
                self.fetched
                    .extend(files.written.iter().map(|file| file.trim_start_matches("./").to_owned()));
                return None;
            }
            "aws" => {
                self.has_named = true;
                aws::name_command(self.namer, arguments);
                self.name_secret_operands(program, &parsed);
                return None;
            }
            "gh" if arguments.first().is_some_and(|first| first == "api")
                && gh::name_api(self.namer, arguments.get(1..).unwrap_or_default()) =>
            {
                self.has_named = true;
                return None;
            }
            // `kubectl exec pod -- command`
            "kubectl" | "oc" | "aws-vault" | "op" => self.name_after_dashes(arguments),
            "docker" | "podman" | "docker-compose" => self.name_in_container(arguments),
            "ssh" => {
                if let Some((_, remote)) =
                    parsed.operands.split_first().filter(|(_, remote)| !remote.is_empty())
                {
                    let _output = self.script(&remote.join(" "), input.clone());
                }
            }
            "find" | "fd" => self.name_found(arguments),
            _ => {}
        }
        let is_interpreter = PROGRAMS.interpreters.contains(program);
        let runs_code =
            is_interpreter && self.interpreter(program, arguments, &parsed, input.as_ref(), facts);
        self.name_secret_operands(program, &parsed);
        if !runs_code {
            self.name_program(program, words, &parsed, facts);
        }
        match program {
            "find" => Some(found::selected(arguments) + "\n"),
            _ => output::foresee(program, arguments, input.and_then(|piped| piped.text).as_deref()),
        }
    }

    /// What the environment of a command names as proxies of its calls.
    fn proxies(&self, line: &[String]) -> Vec<String> {
        const NAMES: [&str; 6] =
            ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        // `env https_proxy=… curl`
        let assigned = line.iter().filter_map(|word| word.split_once('='));
        let assigned = assigned.filter(|(name, _)| NAMES.contains(name)).map(|(_, proxy)| proxy);
        let set = NAMES.iter().filter_map(|name| self.variables.get(name));
        assigned.chain(set).filter(|proxy| !proxy.is_empty()).map(str::to_owned).collect()
    }

    /// Takes off assignments and programs that run another: `env A=b sudo -u root rm` is `rm`. Gives the program's name, without
    /// its path, and the words from it on.
    fn unwrap<'w>(&mut self, mut words: &'w [String]) -> Option<(String, &'w [String])> {
        loop {
            let (first, arguments) = words.split_first()?;
            if assigned_name(first).is_some() {
                words = arguments;
                continue;
            }
            let base = first.rsplit('/').next().unwrap_or(first).to_ascii_lowercase();
            let base = base.strip_suffix(".exe").unwrap_or(&base);
            let is_glob = base.contains(['?', '*']);
            let program = if is_glob { PROGRAMS.program_like(base, arguments).unwrap_or(base) } else { base };
            if arguments.is_empty() && matches!(program, "set" | "export" | "declare" | "typeset") {
                return Some(("printenv".to_owned(), words));
            }
            if !PROGRAMS.wrappers.contains(program) {
                return Some((program.to_owned(), words));
            }
            let inner = skip_own_options(program, arguments);
            if ELEVATING.contains(&program) {
                self.push("elevate", Verb::Admin, "shell", inner.first().map(String::as_str));
            }
            // `env` alone shows every variable.
            if inner.is_empty() && program == "env" {
                return Some(("printenv".to_owned(), words));
            }
            // `su -c 'rm -rf x'`, `script -c '…'`: a whole line in one word.
            if let [line, ..] = inner
                && line.contains(char::is_whitespace)
                && matches!(program, "su" | "script" | "flock" | "watch")
            {
                let _output = self.code(line, Facts::default());
                return None;
            }
            words = inner;
        }
    }

    fn name_program(&mut self, program: &str, words: &[String], parsed: &Arguments<'_>, facts: Facts) {
        if let Some(rule) = PROGRAMS.rule(program, parsed) {
            let resource = parsed.operands.last().copied().unwrap_or(program);
            let mut action = self.action(&rule.operation, rule.verb, &rule.category, Some(resource));
            if let Some(tool) = &rule.tool {
                action.tool = Tool::Owned(tool.clone());
            }
            self.has_named = true;
            self.namer.push(action);
        } else if PROGRAMS.quiet.contains(program) {
            if !facts.was_redirected {
                let action = self.action("exec", Verb::Read, "shell", Some(&words.join(" ")));
                self.quiet.get_or_insert(action);
            }
        } else {
            self.push("exec", Verb::Write, "shell", Some(&words.join(" ")));
        }
    }

    /// The paths among the operands that hold credentials, or that somebody obeys.
    fn name_secret_operands(&mut self, program: &str, parsed: &Arguments<'_>) {
        for operand in PROGRAMS.read_operands(program, parsed) {
            // `if=/etc/shadow`, `@.env`, `file.pem:/target`
            let path = operand.rsplit(['=', '@']).next().unwrap_or(operand);
            if is_secret_path(&self.placed(path)) || path.split(':').any(is_secret_path) {
                self.push("read_secret_file", Verb::Read, "credentials", Some(path));
            }
        }
        for operand in PROGRAMS.written_operands(program, parsed) {
            let _is_named = self.name_dangerous_write(operand);
        }
        for operand in PROGRAMS.removed_operands(program, parsed) {
            if is_guard_path(&self.placed(operand)) {
                self.push("write_guard_file", Verb::Admin, "files", Some(operand));
            }
        }
    }

    fn shell(
        &mut self,
        program: &str,
        arguments: &[String],
        parsed: &Arguments<'_>,
        input: Option<Piped>,
        facts: Facts,
    ) -> Option<String> {
        let is_powershell = matches!(program, "pwsh" | "powershell");
        // `cmd /c del x`
        if let [first, line @ ..] = arguments
            && matches!(first.as_str(), "/c" | "/C" | "/k" | "/K")
        {
            return self.code(&line.join(" "), facts);
        }
        if let Some(packed) = powershell::encoded_command(arguments).filter(|_| is_powershell) {
            self.push("pipe_to_shell", Verb::Admin, "shell", None);
            return powershell::decoded(packed)
                .and_then(|line| self.code(&powershell::to_posix(&line), facts));
        }
        if parsed.has_flag(&["c", "Command", "command"]) {
            // The command is the first operand after `-c`, or what the option was joined with; what follows is `$0`, `$1`, ….
            let (script, given) =
                parsed.operands.split_first().map_or(("", [].as_slice()), |(s, given)| (*s, given));
            for (number, value) in given.iter().enumerate() {
                self.variables.set(&number.to_string(), (*value).to_owned());
            }
            return match is_powershell {
                true => self.code(&powershell::to_posix(&parsed.operands.join(" ")), facts),
                false => self.code(script, facts),
            };
        }
        // `bash -n`: read, and nothing of it run.
        if !is_powershell && program != "cmd" && parsed.has_flag(&["n"]) {
            self.push("exec", Verb::Read, "shell", parsed.operands.first().copied());
            return None;
        }
        if facts.has_process {
            self.push("pipe_to_shell", Verb::Admin, "shell", Some(&arguments.join(" ")));
            return None;
        }
        match (parsed.operands.first(), input) {
            (None, Some(piped)) => {
                self.push("pipe_to_shell", Verb::Admin, "shell", None);
                piped.text.and_then(|text| self.script(&text, None))
            }
            (Some(script), Some(piped))
                if matches!(*script, "/dev/stdin" | "-") || parsed.has_flag(&["s"]) =>
            {
                self.push("pipe_to_shell", Verb::Admin, "shell", None);
                piped.text.and_then(|text| self.script(&text, None))
            }
            (script, _) => {
                self.push("exec", Verb::Write, "shell", script.copied());
                None
            }
        }
    }

    /// Code given to `eval` or `sh -c`.
    fn code(&mut self, script: &str, facts: Facts) -> Option<String> {
        if let Some(command) = PROGRAMS.setting_up(script) {
            let _output = self.script(command, None);
            return None;
        }
        if facts.is_unforeseen || facts.has_process {
            self.push("pipe_to_shell", Verb::Admin, "shell", None);
        }
        let before = std::mem::replace(&mut self.has_named, false);
        let output = self.script(script, None);
        self.has_named |= before;
        output
    }

    /// Code given to another language's interpreter: the command lines that stand in it as texts are read. False when it
    /// is given none, but a file or a module.
    fn interpreter(
        &mut self,
        program: &str,
        arguments: &[String],
        parsed: &Arguments<'_>,
        input: Option<&Piped>,
        facts: Facts,
    ) -> bool {
        let has_code = parsed.has_flag(&["c", "e", "r", "E", "eval"]);
        let reads_input = parsed.operands.first().is_none_or(|first| matches!(*first, "-" | "/dev/stdin"));
        let is_piped = !has_code && ((reads_input && input.is_some()) || facts.has_process);
        let is_read =
            input.is_some_and(|piped| piped.is_written && !piped.text.as_deref().is_some_and(fetches));
        if is_piped && !is_read {
            self.push("pipe_to_shell", Verb::Admin, "shell", Some(program));
        }
        let piped = input.and_then(|piped| piped.text.as_deref()).unwrap_or_default();
        let code = if has_code { arguments.join(" ") } else { piped.to_owned() };
        if !code.is_empty() {
            self.push("run_code", Verb::Write, "code", Some(program));
            for script in quoted_commands(&code) {
                let _output = self.script(&script, None);
            }
        }
        has_code || is_piped
    }

    /// The command that another program runs elsewhere or with secrets.
    fn name_after_dashes(&mut self, arguments: &[String]) {
        if let Some(at) = arguments.iter().position(|word| word == "--") {
            self.name_inner(arguments.get(at + 1..).unwrap_or_default(), Facts::default());
        }
    }

    /// `docker exec web rm -rf /data`: from the first word on that is a program of the table, since the options before are many.
    fn name_in_container(&mut self, arguments: &[String]) {
        let Some(at) = arguments.iter().position(|word| word == "run" || word == "exec") else { return };
        let rest = arguments.get(at + 1..).unwrap_or_default();
        let base = |word: &String| word.rsplit('/').next().map(str::to_ascii_lowercase).unwrap_or_default();
        if let Some(at) = rest.iter().position(|word| !word.contains(':') && PROGRAMS.knows(&base(word))) {
            self.name_inner(rest.get(at..).unwrap_or_default(), Facts::default());
        }
    }

    /// `git -c alias.x='!command' x`: settings that are commands.
    fn name_git_settings(&mut self, arguments: &[String]) {
        const COMMANDS: [&str; 8] =
            ["pager", "editor", "sshcommand", "askpass", "fsmonitor", "helper", "program", "textconv"];
        for pair in arguments.windows(2) {
            let [option, setting] = pair else { continue };
            let Some((name, value)) = setting.split_once('=').filter(|_| option == "-c") else { continue };
            let name = name.to_ascii_lowercase();
            if name == "core.hookspath" {
                self.push("write_startup_file", Verb::Admin, "files", Some(value));
            } else if let Some(command) = value.strip_prefix('!') {
                let _output = self.code(command, Facts::default());
            } else if name.starts_with("alias.") {
                let _output = self.code(&format!("git {value}"), Facts::default());
            } else if COMMANDS.iter().any(|command| name.ends_with(command)) {
                let _output = self.code(value, Facts::default());
            }
        }
    }

    /// A command within another.
    fn name_inner(&mut self, words: &[String], facts: Facts) {
        if self.depth >= MAX_DEPTH || self.commands_left == 0 {
            return self.give_up(&words.join(" "));
        }
        self.depth += 1;
        let _output = self.program(words, None, facts);
        self.depth -= 1;
    }

    /// `find … -exec command {} ;` and `find … -delete`, each for what the tests before it select.
    fn name_found(&mut self, arguments: &[String]) {
        let facts = Facts { is_found: true, ..Facts::default() };
        let is_action = |word: &String| {
            matches!(word.as_str(), "-delete" | "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "--exec")
        };
        let mut begin = 0;
        while let Some(at) = arguments.get(begin..).and_then(|rest| rest.iter().position(is_action)) {
            let at = begin + at;
            let selected = found::selected(arguments.get(..at).unwrap_or_default());
            let rest = arguments.get(at + 1..).unwrap_or_default();
            let is_delete = arguments.get(at).is_some_and(|action| action == "-delete");
            let end = match is_delete {
                true => 0,
                false => rest.iter().position(|word| word == ";" || word == "+").unwrap_or(rest.len()),
            };
            begin = at + 1 + end;
            if is_delete {
                self.name_inner(&["rm".to_owned(), "-r".to_owned(), selected], facts);
            } else {
                self.name_inner(&with_list(rest.get(..end).unwrap_or_default(), Some(&selected)), facts);
            }
            if self.commands_left == 0 {
                break;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    /// A word is the output of a command that cannot be foreseen.
    is_unforeseen: bool,
    has_process: bool,
    was_redirected: bool,
    /// Its operands are what `find` finds.
    is_found: bool,
}

/// The words with those of `list` where `{}` stands, or at their end; at most [`MAX_LISTED`] bytes of them.
fn with_list<'w>(words: &'w [String], list: Option<&str>) -> Cow<'w, [String]> {
    let Some(list) = list else { return Cow::Borrowed(words) };
    let list = list.get(..list.floor_char_boundary(MAX_LISTED)).unwrap_or_default();
    let mut all = words.to_vec();
    let mut has_mark = false;
    let mut left = MAX_LISTED / list.len().max(1);
    for word in &mut all {
        let marks = word.matches("{}").take(left).count();
        has_mark |= marks > 0;
        left -= marks;
        if marks > 0 {
            *word = word.replacen("{}", list.trim_end(), marks);
        }
    }
    if !has_mark {
        all.extend(list.split_whitespace().map(str::to_owned));
    }
    Cow::Owned(all)
}

/// A text in which a command's output is put, fetched perhaps: `python3 <<< "$(curl …)"`.
fn fetches(text: &str) -> bool {
    let begins = |rest: &str| rest.trim_start().starts_with(|c: char| c.is_ascii_lowercase() || c == '/');
    text.split("$(").skip(1).any(begins) || ["`curl", "`wget"].iter().any(|begin| text.contains(begin))
}

fn is_socket(file: &str) -> bool {
    file.starts_with("/dev/tcp/") || file.starts_with("/dev/udp/")
}

/// `name` of `name=value`.
fn assigned_name(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_name.then_some(name)
}

/// The command that a wrapper runs: what follows its options, their values, and assignments; of `timeout 5 cmd` also a number.
fn skip_own_options<'w>(program: &str, words: &'w [String]) -> &'w [String] {
    let with_value = PROGRAMS.options_with_value.get(program);
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        if with_value.is_some_and(|options| options.contains(word)) {
            rest = after.get(1..).unwrap_or_default();
        } else if word.starts_with('-')
            || is_number
            || assigned_name(word).is_some()
            // Their first operand is a directory, a file or a user.
            || (matches!(program, "chroot" | "flock" | "su")
                && !PROGRAMS.knows(word)
                && !word.contains(char::is_whitespace))
        {
            rest = after;
        } else {
            break;
        }
    }
    rest
}

/// Texts handed to `os.system("…")` and its like.
fn quoted_commands(code: &str) -> Vec<String> {
    const CALLS: [&str; 10] = [
        "system(",
        "popen(",
        "check_output(",
        "check_call(",
        "subprocess.run(",
        "subprocess.call(",
        "Popen(",
        "execSync(",
        "exec(",
        "spawn(",
    ];
    let mut found = Vec::new();
    for call in CALLS {
        for after in code.split(call).skip(1).take(16) {
            let list: &str = after.split(')').next().unwrap_or_default();
            let Some(quote) = after.trim_start_matches(['[', ' ', 'f', 'r', '(']).chars().next() else {
                continue;
            };
            if !matches!(quote, '\'' | '"' | '`') {
                continue;
            }
            let is_list = after.trim_start().starts_with('[');
            let texts: Vec<&str> = list.split(quote).skip(1).step_by(2).collect();
            let whole = after.split(quote).nth(1).unwrap_or_default();
            found.push(if is_list { texts.join(" ") } else { whole.to_owned() });
        }
    }
    found
}
