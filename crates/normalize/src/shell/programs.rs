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
    not_reading: BTreeSet<String>,
    /// Subcommands of which the same holds.
    not_reading_subcommands: HashMap<String, BTreeSet<String>>,
    /// Their last operand is where they write to.
    writing_last: BTreeSet<String>,
    /// Each of their operands is written.
    writing_all: BTreeSet<String>,
    /// Each of their operands is gone afterwards.
    removing: BTreeSet<String>,
    /// Their first operand is no file, unless an option says what it would.
    pattern_first: BTreeSet<String>,
    /// Print commands of their own for `eval "$(…)"`.
    setting_up: Vec<String>,
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
    /// One operand must look like one of these, lower-case globs.
    #[serde(default)]
    operands: Vec<String>,
    /// Every operand after the subcommand must be one of these, inside the directory or where the pattern says from the root
    /// on; an empty list: there is none.
    only_operands: Option<Vec<String>>,
    /// More operands come from a list than the command shows.
    #[serde(default)]
    of_a_list: bool,
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
    /// They were found: `find -exec rm {}`.
    pub(super) is_found: bool,
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

    /// An option says what to search for or to run; long names may be cut short.
    fn gives_pattern(&self) -> bool {
        const NAMES: [&str; 4] = ["regexp", "expression", "file", "from-file"];
        let is_name = |flag: &&str| flag.len() > 2 && NAMES.iter().any(|name| name.starts_with(*flag));
        self.has_flag(&["e", "f"]) || self.flags.iter().any(is_name)
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

    /// The operands that `program` reads: not those that it only names, writes to or searches for.
    pub(super) fn read_operands<'w>(&self, program: &str, arguments: &Arguments<'w>) -> Vec<&'w str> {
        let operands = &arguments.operands;
        let subcommands = self.not_reading_subcommands.get(program);
        let only_names =
            subcommands.zip(operands.first()).is_some_and(|(names, first)| names.contains(*first));
        if only_names || self.not_reading.contains(program) {
            return Vec::new();
        }
        let written = usize::from(self.writing_last.contains(program) && operands.len() > 1);
        let begin = usize::from(self.pattern_first.contains(program) && !arguments.gives_pattern());
        operands.get(begin..operands.len() - written).unwrap_or_default().to_vec()
    }

    pub(super) fn removed_operands<'w>(&self, program: &str, arguments: &Arguments<'w>) -> Vec<&'w str> {
        if self.removing.contains(program) { arguments.operands.clone() } else { Vec::new() }
    }

    /// The operands that `program` writes to.
    pub(super) fn written_operands<'w>(&self, program: &str, arguments: &Arguments<'w>) -> Vec<&'w str> {
        let operands = &arguments.operands;
        let edits = matches!(program, "sed" | "perl") && arguments.has_flag(&["i", "in-place"]);
        if edits || self.writing_all.contains(program) {
            return operands.clone();
        }
        if program == "dd" {
            return operands.iter().filter_map(|operand| operand.strip_prefix("of=")).collect();
        }
        let last = operands.last().filter(|_| operands.len() > 1 && self.writing_last.contains(program));
        last.copied().into_iter().collect()
    }

    /// `eval "$(direnv hook bash)"`: commands that a program of the machine prints about itself.
    pub(super) fn setting_up<'s>(&self, script: &'s str) -> Option<&'s str> {
        let command = script.trim().strip_prefix("$(")?.strip_suffix(')')?;
        let fits = |known: &String| {
            command.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        let is_one = !command.contains([';', '|', '&', '$', '`', '<', '>', '(', '\n']);
        (is_one && self.setting_up.iter().any(fits)).then_some(command)
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
        let lower: Vec<String> = match self.operands.is_empty() {
            true => Vec::new(),
            false => arguments.operands.iter().map(|operand| operand.to_ascii_lowercase()).collect(),
        };
        let has_operand = |pattern: &String| lower.iter().any(|operand| is_glob_match(pattern, operand));
        let subcommand = self.subcommands.iter().find(|subcommand| begins(subcommand));
        let taken = subcommand.map_or(0, |subcommand| subcommand.split(' ').count());
        let is_only = |patterns: &Vec<String>| {
            let rest = arguments.operands.get(taken..).unwrap_or_default();
            let is_listed = |operand: &&str| {
                let place = |pattern: &&String| is_inside(operand) || !is_inside(pattern);
                patterns.iter().filter(place).any(|p| is_glob_match(p, trimmed(operand)))
            };
            !arguments.is_open
                && rest.is_empty() == patterns.is_empty()
                && rest.iter().all(|operand| !climbs(operand) && is_listed(operand))
        };
        (!self.of_a_list || arguments.is_open || arguments.is_found)
            && (self.subcommands.is_empty() || subcommand.is_some())
            && self.only_operands.as_ref().is_none_or(is_only)
            && (self.flags.is_empty()
                || self.flags.iter().any(|flag| arguments.flags.contains(flag.as_str())))
            && (self.operands.is_empty() || self.operands.iter().any(has_operand))
    }
}

/// A relative path.
fn is_inside(path: &str) -> bool {
    !path.starts_with(['/', '~', '$', '`'])
}

/// Leaves the directory that it names before.
fn climbs(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| part == "..")
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
