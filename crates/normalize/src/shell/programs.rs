//! Rules about programs: the table `tools/shell.toml`.

use interven_types::Verb;
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Contents of `tools/shell.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Programs {
    /// Read a script from an argument, a file or their input.
    pub(super) shells: BTreeSet<String>,
    /// Run code from their input when no file is given.
    pub(super) interpreters: BTreeSet<String>,
    /// Change nothing by themselves and say nothing about a call that does more.
    pub(super) quiet: BTreeSet<String>,
    /// Take paths without reading what lies there.
    pub(super) not_reading: BTreeSet<String>,
    /// Their last operand is where they write to.
    pub(super) writing_last: BTreeSet<String>,
    /// Run the command that follows their own options.
    pub(super) wrappers: BTreeSet<String>,
    pub(super) network: super::outside::Network,
    /// Options that take a value, by program.
    pub(super) options_with_value: HashMap<String, BTreeSet<String>>,
    #[serde(rename = "rule")]
    rules: Vec<Rule>,
    /// Rules by program: index into `rules`.
    #[serde(skip)]
    by_program: HashMap<String, Vec<usize>>,
}

/// One thing that a program does. The first rule that fits speaks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    programs: Vec<String>,
    /// First operands, in order: `pr merge`. Any one of the list.
    #[serde(default)]
    subcommands: Vec<String>,
    /// One of these must be given: letters or names, without dashes.
    #[serde(default)]
    flags: Vec<String>,
    /// One operand must look like one of these; `*` at the end or the beginning.
    #[serde(default)]
    operands: Vec<String>,
    /// Every operand after the subcommand must be one of these, inside the directory; an empty list: there is none.
    only_operands: Option<Vec<String>>,
    /// Tool, where the command is a client of one.
    pub(super) tool: Option<String>,
    pub(super) operation: String,
    pub(super) verb: Verb,
    pub(super) category: String,
}

/// A command's operands and options, told apart.
#[derive(Debug, Default)]
pub(super) struct Arguments<'w> {
    pub(super) operands: Vec<&'w str>,
    /// Without dashes; of `-rf` both `rf` and its letters.
    flags: BTreeSet<&'w str>,
    /// More operands come from the input: `xargs rm -rf dist`.
    pub(super) is_open: bool,
}

impl<'w> Arguments<'w> {
    pub(super) fn of(words: &'w [String], with_value: Option<&BTreeSet<String>>) -> Self {
        let mut arguments = Self::default();
        let mut rest = words.iter();
        let mut options_end = false;
        while let Some(word) = rest.next() {
            let is_option = !options_end && word.len() > 1 && word.starts_with('-');
            if word == "--" && !options_end {
                options_end = true;
            } else if let Some(name) = word.strip_prefix("--").filter(|_| is_option) {
                arguments.flags.insert(name.split('=').next().unwrap_or(name));
            } else if let Some(letters) = word.strip_prefix('-').filter(|_| is_option) {
                arguments.flags.insert(letters.split('=').next().unwrap_or(letters));
                arguments.flags.extend(
                    letters.char_indices().take(16).filter_map(|(at, c)| letters.get(at..at + c.len_utf8())),
                );
            } else {
                arguments.operands.push(word);
            }
            if is_option && with_value.is_some_and(|options| options.contains(word)) {
                rest.next();
            }
        }
        arguments
    }

    pub(super) fn has_flag(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.flags.contains(name))
    }
}

impl Programs {
    /// Reads the table and builds its index.
    pub(crate) fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut programs: Self = toml::from_str(text)?;
        for (index, rule) in programs.rules.iter().enumerate() {
            for program in &rule.programs {
                programs.by_program.entry(program.clone()).or_default().push(index);
            }
        }
        Ok(programs)
    }

    /// Tool (`None`: the shell), operation, verb and category of every rule.
    pub(crate) fn operations(&self) -> impl Iterator<Item = (Option<&str>, &str, Verb, &str)> {
        self.rules
            .iter()
            .map(|rule| (rule.tool.as_deref(), rule.operation.as_str(), rule.verb, rule.category.as_str()))
    }

    pub(super) fn knows(&self, program: &str) -> bool {
        self.by_program.contains_key(program)
            || [&self.shells, &self.interpreters, &self.wrappers].iter().any(|set| set.contains(program))
    }

    /// The program that the glob `pattern` means (`/bin/r?`): of those that the table knows, the one that would do the worst.
    pub(super) fn program_like(&self, pattern: &str, words: &[String]) -> Option<&str> {
        let arguments = Arguments::of(words, None);
        let verb = |name: &&String| self.rule(name, &arguments).map_or(Verb::Write, |rule| rule.verb);
        let names = self
            .by_program
            .keys()
            .chain([&self.shells, &self.interpreters, &self.wrappers].into_iter().flatten());
        let fitting = names.filter(|name| is_glob_match(pattern, name));
        fitting.max_by_key(|name| (verb(name), std::cmp::Reverse(*name))).map(String::as_str)
    }

    pub(super) fn rule(&self, program: &str, arguments: &Arguments<'_>) -> Option<&Rule> {
        let rules = self.by_program.get(program)?.iter();
        rules.filter_map(|index| self.rules.get(*index)).find(|rule| rule.fits(arguments))
    }
}

impl Rule {
    fn fits(&self, arguments: &Arguments<'_>) -> bool {
        let begins = |subcommand: &String| {
            let mut operands = arguments.operands.iter();
            subcommand.split(' ').all(|word| operands.next().is_some_and(|operand| *operand == word))
        };
        let has_operand =
            |pattern: &String| arguments.operands.iter().any(|operand| is_glob_match(pattern, operand));
        let subcommand = self.subcommands.iter().find(|subcommand| begins(subcommand));
        let taken = subcommand.map_or(0, |subcommand| subcommand.split(' ').count());
        let is_only = |patterns: &Vec<String>| {
            let rest = arguments.operands.get(taken..).unwrap_or_default();
            let is_listed = |operand: &&str| patterns.iter().any(|p| is_glob_match(p, trimmed(operand)));
            !arguments.is_open
                && rest.is_empty() == patterns.is_empty()
                && rest.iter().all(|operand| is_inside(operand) && is_listed(operand))
        };
        (self.subcommands.is_empty() || subcommand.is_some())
            && self.only_operands.as_ref().is_none_or(is_only)
            && (self.flags.is_empty()
                || self.flags.iter().any(|flag| arguments.flags.contains(flag.as_str())))
            && (self.operands.is_empty() || self.operands.iter().any(has_operand))
    }
}

/// A relative path that does not leave the directory.
fn is_inside(path: &str) -> bool {
    !path.starts_with(['/', '~', '$', '`']) && !path.split('/').any(|part| part == "..")
}

/// `./dist/` is `dist`.
fn trimmed(path: &str) -> &str {
    path.trim_start_matches("./").trim_end_matches('/')
}

/// Globs with `*` and `?`, in time linear in the product of both lengths at worst.
pub(crate) fn is_glob_match(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().take(128).collect(), text.chars().take(1024).collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || text.get(t) == Some(c) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|c| *c == '*')
}
