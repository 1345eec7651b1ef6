//! What calls can be named, gathered from the tables and from what the code names itself.

use crate::{
    embedded::{PROGRAMS, WORDS, tables},
    http, logical, namer, shell,
    table::Table,
    words,
};
use interven_types::{ToolVocabulary, Verb, Vocabulary};
use std::sync::LazyLock;

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(gather);

/// Every tool, operation and category that a call can be named.
pub fn vocabulary() -> &'static Vocabulary {
    &VOCABULARY
}

fn gather() -> Vocabulary {
    let mut vocabulary = Vocabulary::default();
    for table in tables() {
        add_table(vocabulary.0.entry(table.tool.clone()).or_default(), table);
    }
    let own = shell::OWN_OPERATIONS.map(|(operation, verb, category)| (None, operation, verb, category));
    for (tool, operation, verb, category) in PROGRAMS.operations().chain(own) {
        let tool = vocabulary.0.entry(tool.unwrap_or(shell::TOOL).to_owned()).or_default();
        add(tool, operation, verb);
        tool.categories.insert(category.to_owned());
    }
    let file = vocabulary.0.entry(logical::FILE.to_owned()).or_default();
    logical::FILE_OPERATIONS.iter().for_each(|(operation, verb)| add(file, operation, *verb));
    file.categories.extend(["files", "credentials"].map(str::to_owned));
    for tool in [logical::MCP, http::CUSTOM_PROXY] {
        let open = vocabulary.0.entry(tool.to_owned()).or_default();
        open.is_open = true;
        open.categories.extend(["web", "tools"].map(str::to_owned));
    }
    for tool in vocabulary.0.values_mut() {
        namer::BOUNDS.iter().for_each(|operation| add(tool, operation, Verb::Admin));
        // Calls that no rule knows have the category of a word in their name.
        if tool.is_open {
            tool.categories.extend(WORDS.categories().map(str::to_owned));
        }
    }
    vocabulary
}

fn add(tool: &mut ToolVocabulary, operation: &str, verb: Verb) {
    tool.operations.entry(operation.to_owned()).or_default().insert(verb);
}

fn add_table(tool: &mut ToolVocabulary, table: &Table) {
    tool.categories.insert(table.category.clone());
    tool.is_open |= table.is_open || !table.graphql.is_empty();
    for rule in &table.rules {
        tool.categories.extend(rule.category.clone());
        match rule.operation.constant() {
            Some(name) => add(tool, name, rule.verb.unwrap_or_else(|| words::verb_of_name(name))),
            None => tool.is_open = true,
        }
    }
    // Calls that no rule knows are named by their method.
    for method in http::FALLBACK_OPERATIONS {
        add(tool, method, words::verb_of_method(&method.to_ascii_uppercase()));
    }
}
