//! The tables that are part of the program, parsed once.

use crate::{logical::Names, shell::Programs, table::Table, words::Words};
use serde::de::DeserializeOwned;
use std::{collections::HashMap, sync::LazyLock};

/// Every tool table, in the order in which tools that share a host are tried.
pub(crate) const TABLE_TEXTS: &[&str] = &[
    include_str!("../tools/slack.toml"),
    include_str!("../tools/github.toml"),
    include_str!("../tools/gdrive.toml"),
    include_str!("../tools/gmail.toml"),
    include_str!("../tools/aws.toml"),
    include_str!("../tools/stripe.toml"),
    include_str!("../tools/discord.toml"),
    include_str!("../tools/teams.toml"),
    include_str!("../tools/jira.toml"),
    include_str!("../tools/openai.toml"),
    include_str!("../tools/anthropic.toml"),
    include_str!("../tools/linear.toml"),
    include_str!("../tools/gitlab.toml"),
    include_str!("../tools/pagerduty.toml"),
    include_str!("../tools/datadog.toml"),
    include_str!("../tools/sendgrid.toml"),
    include_str!("../tools/twilio.toml"),
    include_str!("../tools/salesforce.toml"),
    include_str!("../tools/hubspot.toml"),
    include_str!("../tools/zendesk.toml"),
    include_str!("../tools/intercom.toml"),
    include_str!("../tools/notion.toml"),
    include_str!("../tools/confluence.toml"),
    include_str!("../tools/dropbox.toml"),
    include_str!("../tools/supabase.toml"),
    include_str!("../tools/firebase.toml"),
    include_str!("../tools/cloudflare.toml"),
    include_str!("../tools/vercel.toml"),
    include_str!("../tools/netlify.toml"),
    include_str!("../tools/box.toml"),
    include_str!("../tools/asana.toml"),
    include_str!("../tools/monday.toml"),
    include_str!("../tools/workday.toml"),
    include_str!("../tools/bamboohr.toml"),
    include_str!("../tools/greenhouse.toml"),
];
const WORDS_TEXT: &str = include_str!("../tools/words.toml");
const NAMES_TEXT: &str = include_str!("../tools/names.toml");
const SHELL_TEXT: &str = include_str!("../tools/shell.toml");

// The texts are constants and a test reads each of them, so the empty tables never appear.
pub(crate) static WORDS: LazyLock<Words> = LazyLock::new(|| read_or_empty(WORDS_TEXT));
pub(crate) static NAMES: LazyLock<Names> = LazyLock::new(|| read_or_empty(NAMES_TEXT));
pub(crate) static PROGRAMS: LazyLock<Programs> =
    LazyLock::new(|| Programs::read(SHELL_TEXT).unwrap_or_default());
static TABLES: LazyLock<Tables> = LazyLock::new(Tables::embedded);

fn read_or_empty<T: DeserializeOwned + Default>(text: &str) -> T {
    toml::from_str(text).unwrap_or_default()
}

/// Tool tables by host and by name.
#[derive(Debug)]
struct Tables {
    all: Vec<Table>,
    by_host: HashMap<String, Vec<usize>>,
    /// By the part after `*.`.
    by_parent: HashMap<String, Vec<usize>>,
    by_tool: HashMap<String, usize>,
}

impl Tables {
    fn embedded() -> Self {
        let all: Vec<Table> = TABLE_TEXTS.iter().filter_map(|text| Table::read(text).ok()).collect();
        let (mut by_host, mut by_parent) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        let mut by_tool = HashMap::new();
        for (index, table) in all.iter().enumerate() {
            by_tool.insert(table.tool.clone(), index);
            for host in &table.hosts {
                let (map, name) = match host.strip_prefix("*.") {
                    Some(parent) => (&mut by_parent, parent),
                    None => (&mut by_host, host.as_str()),
                };
                map.entry(name.to_owned()).or_default().push(index);
            }
        }
        Self { all, by_host, by_parent, by_tool }
    }
}

pub(crate) fn tables() -> &'static [Table] {
    &TABLES.all
}

pub(crate) fn table_named(tool: &str) -> Option<&'static Table> {
    TABLES.by_tool.get(tool).and_then(|index| TABLES.all.get(*index))
}

/// The table of the tool that serves `path` on `host`.
pub(crate) fn table_at(host: &str, path: &str) -> Option<&'static Table> {
    let covering = |indices: &Vec<usize>| {
        indices.iter().filter_map(|index| TABLES.all.get(*index)).find(|table| table.covers(path))
    };
    if let Some(table) = TABLES.by_host.get(host).and_then(covering) {
        return Some(table);
    }
    let mut name = host;
    while let Some((_, parent)) = name.split_once('.') {
        if let Some(table) = TABLES.by_parent.get(parent).and_then(covering) {
            return Some(table);
        }
        name = parent;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_text_parses() {
        for text in TABLE_TEXTS {
            Table::read(text).unwrap();
        }
        toml::from_str::<Words>(WORDS_TEXT).unwrap();
        toml::from_str::<Names>(NAMES_TEXT).unwrap();
        Programs::read(SHELL_TEXT).unwrap();
    }

    #[test]
    fn every_alias_names_an_operation_of_its_table() {
        for table in tables() {
            for alias in table.aliases.keys() {
                assert!(table.operation_named(alias).is_some(), "{}: `{alias}`", table.tool);
            }
        }
    }
}
