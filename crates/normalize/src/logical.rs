//! Calls of tools by name: `mcp://server/tool`, `tool://framework/tool`, `file://…`, and JSON-RPC over HTTP
//! (<https://modelcontextprotocol.io/specification/2025-06-18/server/tools>).

use crate::{
    CanonicalUrl,
    embedded::{NAMES, table_named, tables},
    http::{self, CUSTOM_PROXY, Call},
    namer::Namer,
    params::{Params, find},
    paths::{is_guard_path, is_secret_path, is_startup_path},
    shell,
    table::Table,
    template::{Scope, bounded},
    words::{self, snake_case},
};
use interven_types::{Action, Tool, Verb};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

pub(crate) const FILE: &str = "file";
pub(crate) const MCP: &str = "mcp";
pub(crate) const A2A: &str = "a2a";

/// Most calls of one JSON-RPC batch.
const MAX_BATCH: usize = 64;

/// Where frameworks put the arguments of a call, innermost first; the body itself is the last place.
const ARGUMENT_PLACES: [&str; 8] =
    ["params.arguments", "params.input", "arguments", "args", "input", "parameters", "kwargs", "tool_input"];

/// Contents of `tools/names.toml`: names that mean the same in every framework.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Names {
    /// Run a command line.
    shell: BTreeSet<String>,
    /// Make an HTTP request, by the method they make.
    http: BTreeMap<String, String>,
    /// Do something with a file: operation by name.
    file: BTreeMap<String, String>,
    /// Where the path of a file stands.
    path_arguments: Vec<String>,
    /// Where a tool's arguments say who is sent or given something; names joined by dots.
    principal_arguments: Vec<String>,
    /// Words between what is done and the tool it is done in: `send_message_to_slack`.
    placing: Vec<String>,
    /// Globs on lower-case paths of credentials, and of those that only look like it.
    pub(crate) secret_paths: Vec<String>,
    pub(crate) harmless_paths: Vec<String>,
    pub(crate) startup_paths: Vec<String>,
    pub(crate) guard_paths: Vec<String>,
}

const SECRET_FILE: &str = "read_secret_file";
const STARTUP_FILE: &str = "write_startup_file";
const GUARD_FILE: &str = "write_guard_file";

/// Operations on files, with their verbs.
pub(crate) const FILE_OPERATIONS: [(&str, Verb); 9] = [
    ("delete", Verb::Admin),
    ("delete_recursive", Verb::Admin),
    ("edit", Verb::Write),
    ("list", Verb::Read),
    ("read", Verb::Read),
    (SECRET_FILE, Verb::Read),
    ("write", Verb::Write),
    (GUARD_FILE, Verb::Admin),
    (STARTUP_FILE, Verb::Admin),
];

/// `mcp://server/tool`.
pub(crate) fn name_mcp(namer: &mut Namer<'_>, call: Call<'_>) {
    let server = call.url.host().unwrap_or_default();
    let name = path_text(call.url);
    let params = call.params();
    name_mcp_tool(namer, call, server, &name, params.body());
}

/// `tool://framework/tool`.
pub(crate) fn name_tool(namer: &mut Namer<'_>, call: Call<'_>) {
    let framework = call.url.host().unwrap_or_default();
    let name = path_text(call.url);
    let params = call.params();
    let arguments = arguments_of(params.body());
    if name_generic(namer, call, &name, params.body())
        || name_vendor_tool(namer, call, framework, &name, arguments)
    {
        return;
    }
    let mut action = named_by_words(namer, call, CUSTOM_PROXY, &name);
    action.resource = resource_of(arguments);
    find_principals(&mut action, namer, call, params.body());
    namer.push(action);
}

/// `a2a://agent/method`: a task that is handed to another agent.
pub(crate) fn name_delegation(namer: &mut Namer<'_>, call: Call<'_>) {
    let target = call.url.host().map(str::to_owned);
    let action = named_by_words(namer, call, A2A, &path_text(call.url));
    // The other agent is one of the same tenant.
    let external_host = false;
    namer.push(Action { resource: target, category: Tool::Borrowed("agents"), external_host, ..action });
}

/// `file://path`: by the method.
pub(crate) fn name_file(namer: &mut Namer<'_>, call: Call<'_>) {
    let operation = match call.method {
        "GET" | "HEAD" | "READ" | "OPTIONS" => "read",
        "LIST" | "PROPFIND" => "list",
        "DELETE" => "delete",
        "PATCH" | "EDIT" => "edit",
        _ => "write",
    };
    name_file_operation(namer, call, operation, &percent_decoded(call.url.path()));
}

/// A body of a JSON-RPC call to an MCP server, or a batch of them.
pub(crate) fn is_json_rpc(body: &Value) -> bool {
    match body {
        Value::Array(batch) => batch.first().is_some_and(is_json_rpc),
        Value::String(text) => text.trim_start().starts_with(['{', '[']) && text.contains("jsonrpc"),
        one => one.get("jsonrpc").is_some() && one.get("method").is_some_and(Value::is_string),
    }
}

/// MCP over HTTP: each call of a batch on its own.
pub(crate) fn name_json_rpc(namer: &mut Namer<'_>, call: Call<'_>) {
    let params = call.params();
    let server = call.url.host().unwrap_or_default();
    let calls = match params.body() {
        Value::Array(batch) => batch.as_slice(),
        one => std::slice::from_ref(one),
    };
    if calls.len() > MAX_BATCH {
        let operation = Tool::Borrowed("too_many_actions");
        namer.push(Action { tool: Tool::Borrowed(MCP), operation, verb: Verb::Admin, ..namer.blank(call) });
    }
    for one in calls.iter().take(MAX_BATCH) {
        let method = one.get("method").and_then(Value::as_str).unwrap_or_default();
        let tool = find(one, "params.name").and_then(Value::as_str).filter(|_| method == "tools/call");
        match tool {
            Some(tool) => name_mcp_tool(namer, call, server, tool, one),
            None if one.get("jsonrpc").is_some() => {
                let mut action = named_by_words(namer, call, MCP, method);
                action.resource = Some(server.to_owned());
                if matches!(method, "initialize" | "ping")
                    || method.ends_with("/list")
                    || method.ends_with("/read")
                {
                    action.verb = Verb::Read;
                }
                namer.push(action);
            }
            None => namer.push(http::custom(namer, call)),
        }
    }
}

/// The tool as itself, and as what it stands for: a shell, a file, an HTTP call, or a vendor's operation.
fn name_mcp_tool(namer: &mut Namer<'_>, call: Call<'_>, server: &str, name: &str, body: &Value) {
    if name_generic(namer, call, name, body) {
        return;
    }
    let mut action = named_by_words(namer, call, MCP, name);
    action.resource = Some(server.to_owned());
    if !name.is_empty() {
        action.operation = Tool::Owned(bounded(name));
    }
    find_principals(&mut action, namer, call, body);
    namer.push(action);
    name_vendor_tool(namer, call, server, name, arguments_of(body));
}

fn named_by_words(namer: &Namer<'_>, call: Call<'_>, tool: &'static str, name: &str) -> Action {
    let operation = match snake_case(&bounded(name)) {
        nameless if nameless.is_empty() => "call".to_owned(),
        operation => operation,
    };
    Action {
        tool: Tool::Borrowed(tool),
        verb: words::verb_of_name(&operation),
        category: Tool::Borrowed(words::category_of_name(&operation).unwrap_or("tools")),
        operation: Tool::Owned(operation),
        external_host: is_external(namer, call),
        ..namer.blank(call)
    }
}

/// Of a logical call: that of the server which carries it out.
fn is_external(namer: &Namer<'_>, call: Call<'_>) -> bool {
    match call.url.is_logical() {
        true => namer.own.is_external_server(call.url.host().unwrap_or_default()),
        false => namer.own.is_external(call.url),
    }
}

/// Who is sent or given something by a tool that no table knows.
fn find_principals(action: &mut Action, namer: &Namer<'_>, call: Call<'_>, body: &Value) {
    if action.verb == Verb::Read {
        return;
    }
    let params: Vec<Params<'_>> =
        places(body).map(|place| Params::of(place, call.url, call.headers)).collect();
    let names = || NAMES.principal_arguments.iter();
    let texts = params.iter().flat_map(|params| names().flat_map(|name| params.texts(name)));
    let each = texts.flat_map(|text| text.split([',', ';']).map(bounded).collect::<Vec<_>>());
    action.principals =
        each.map(|who| who.trim().to_owned()).filter(|who| !who.is_empty()).take(MAX_BATCH).collect();
    // A file goes `to` a name with a dot too, so only addresses and words for everybody are judged.
    let is_judged = |who: &&String| who.contains('@') || !who.contains('.');
    action.external_principal =
        action.principals.iter().filter(is_judged).any(|who| namer.own.is_external_principal(who));
}

/// Names that mean the same everywhere: shells, files, HTTP clients. False when `name` is none of them.
fn name_generic(namer: &mut Namer<'_>, call: Call<'_>, name: &str, body: &Value) -> bool {
    let name = snake_case(name);
    if NAMES.shell.contains(&name) {
        let mut commands: Vec<_> = places(body).filter_map(shell::command_of).collect();
        commands.dedup();
        let is_powershell = matches!(name.as_str(), "powershell" | "pwsh");
        for command in &commands {
            let command = if is_powershell {
                Cow::Owned(shell::to_posix(command))
            } else {
                Cow::Borrowed(command.as_ref())
            };
            shell::name_script(namer, call, &command);
        }
        if !commands.is_empty() {
            return true;
        }
    }
    if let Some(operation) = NAMES.file.get(&name) {
        let given = |place| NAMES.path_arguments.iter().filter_map(move |name| Value::get(place, name));
        let texts = places(body).flat_map(given).flat_map(|path| match path {
            Value::Array(many) => many.iter().filter_map(Value::as_str).take(MAX_BATCH).collect::<Vec<_>>(),
            one => one.as_str().into_iter().collect(),
        });
        let mut paths = texts.peekable();
        if paths.peek().is_some() {
            paths.for_each(|path| name_file_operation(namer, call, operation, path));
            return true;
        }
    }
    if let Some(method) = NAMES.http.get(&name) {
        let mut requests: Vec<_> = places(body).filter_map(|place| Some((url_of(place)?, place))).collect();
        requests.dedup_by(|(one, _), (other, _)| one == other);
        requests.iter().for_each(|(url, place)| name_request(namer, place, method, url));
        return !requests.is_empty();
    }
    false
}

fn url_of(arguments: &Value) -> Option<CanonicalUrl> {
    let text = match arguments {
        Value::String(text) => Some(text.as_str()),
        _ => ["url", "uri", "link", "website", "endpoint"]
            .iter()
            .find_map(|name| arguments.get(*name)?.as_str()),
    }?;
    let url = CanonicalUrl::parse(text).or_else(|_| CanonicalUrl::parse(&format!("https://{text}"))).ok()?;
    (url.is_http() || url.scheme() == "file").then_some(url)
}

/// The HTTP call that a tool such as `fetch` makes.
fn name_request(namer: &mut Namer<'_>, arguments: &Value, method: &str, url: &CanonicalUrl) {
    let given = arguments.get("method").and_then(Value::as_str).map(str::to_ascii_uppercase);
    let bodies = ["body", "data", "json", "content", "payload"];
    let body = bodies.iter().find_map(|name| arguments.get(*name)).unwrap_or(&Value::Null);
    let members = arguments.get("headers").and_then(Value::as_object);
    let headers: BTreeMap<String, String> = members
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect();
    let default = if body.is_null() || method != "GET" { method } else { "POST" };
    let method = given.as_deref().unwrap_or(default);
    namer.name(Call { method, url, headers: &headers, body });
}

fn name_file_operation(namer: &mut Namer<'_>, call: Call<'_>, operation: &'static str, path: &str) {
    let is_secret = operation != "list" && is_secret_path(path);
    let (operation, verb) = match operation {
        "read" if is_secret => (SECRET_FILE, Verb::Read),
        "read" | "list" => (operation, Verb::Read),
        _ if is_guard_path(path) => (GUARD_FILE, Verb::Admin),
        _ if is_startup_path(path) => (STARTUP_FILE, Verb::Admin),
        "delete" | "delete_recursive" => (operation, Verb::Admin),
        _ => (operation, Verb::Write),
    };
    namer.push(Action {
        tool: Tool::Borrowed(FILE),
        operation: Tool::Borrowed(operation),
        verb,
        category: Tool::Borrowed(if is_secret { "credentials" } else { "files" }),
        resource: Some(bounded(path)),
        ..namer.blank(call)
    });
}

/// `slack_post_message`, `github.create_issue`, `send_message_to_slack`, or a vendor's own MCP server. False when `name`
/// names no vendor's tool.
fn name_vendor_tool(
    namer: &mut Namer<'_>,
    call: Call<'_>,
    place: &str,
    name: &str,
    arguments: &Value,
) -> bool {
    let name = snake_case(name);
    let by_name =
        tables().iter().find_map(|table| Some((table, name.strip_prefix(&table.tool)?.strip_prefix('_')?)));
    let by_ending = || {
        let (rest, vendor) = name.rsplit_once('_')?;
        let (operation, word) = rest.rsplit_once('_')?;
        NAMES.placing.iter().any(|placing| placing == word).then_some((table_named(vendor)?, operation))
    };
    let by_place = || {
        let place = snake_case(place);
        let table = place.split('_').find_map(table_named)?;
        Some((table, name.as_str()))
    };
    let Some((table, operation)) = by_name.or_else(by_ending).or_else(by_place) else { return false };
    name_vendor_operation(namer, call, table, operation, arguments);
    true
}

fn name_vendor_operation(
    namer: &mut Namer<'_>,
    call: Call<'_>,
    table: &'static Table,
    name: &str,
    arguments: &Value,
) {
    let params = Params::of(arguments, call.url, call.headers);
    let scope = Scope { captures: &[], params: &params };
    let known = table.operation_named(name);
    let rules = table.rules.iter().filter(|rule| rule.operation.constant().is_some_and(|o| Some(o) == known));
    let action =
        match rules.clone().find(|rule| rule.has_expected_params(&params)).or_else(|| rules.clone().next()) {
            Some(rule) => http::apply(namer, table, rule, call, scope),
            None => Action {
                tool: Tool::Borrowed(&table.tool),
                category: Tool::Borrowed(words::category_of_name(name).unwrap_or(&table.category)),
                ..named_by_words(namer, call, CUSTOM_PROXY, name)
            },
        };
    // The vendor's server lies outside, whatever the tool that reaches it is called.
    namer.push(Action { external_host: is_external(namer, call), ..action });
}

/// Where a tool may find its arguments: in the body itself, and where a framework puts them. Who calls `read_file` with a `path`
/// may put a harmless one into an object that the tool does not read, so both count.
fn places(body: &Value) -> impl Iterator<Item = &Value> {
    let arguments = arguments_of(body);
    [body, arguments].into_iter().take(if std::ptr::eq(arguments, body) { 1 } else { 2 })
}

/// Arguments of a call, wherever the framework put them.
fn arguments_of(body: &Value) -> &Value {
    let is_arguments = |value: &&Value| value.is_object() || value.is_array() || value.is_string();
    let nested = ARGUMENT_PLACES.iter().find_map(|place| find(body, place).filter(is_arguments));
    match nested {
        // `{"command": "echo", "args": ["x"]}`: the list belongs to what stands beside it.
        Some(nested) if nested.is_object() || body.as_object().is_some_and(|members| members.len() == 1) => {
            nested
        }
        _ => body,
    }
}

/// The first text among the arguments that names something.
fn resource_of(arguments: &Value) -> Option<String> {
    const NAMES: [&str; 14] = [
        "url",
        "path",
        "file_path",
        "resource",
        "id",
        "name",
        "recipient",
        "recipients",
        "to",
        "email",
        "channel",
        "user",
        "key",
        "query",
    ];
    let empty = Map::new();
    let members = arguments.as_object().unwrap_or(&empty);
    NAMES.iter().find_map(|name| members.get(*name)?.as_str()).map(bounded)
}

fn path_text(url: &CanonicalUrl) -> Cow<'_, str> {
    percent_decoded(url.path().trim_matches('/'))
}

fn percent_decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}
