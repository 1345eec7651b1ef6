//! Collects what one request does.

use crate::{
    CanonicalUrl, OwnDomains, aws,
    embedded::table_at,
    http::{self, Call},
    logical, shell,
};
use interven_types::{Action, Tool, Verb};
use std::collections::BTreeMap;

/// Most actions of one request. A request that does more also does `too_many_actions`, an `ADMIN` operation.
const MAX_ACTIONS: usize = 128;

/// Deepest nesting of commands in commands (`sh -c "sh -c …"`) that is read.
pub(crate) const MAX_DEPTH: usize = 8;

const TOO_MANY: &str = "too_many_actions";
const TOO_DEEP: &str = "nested_too_deep";

/// Operations that stand for what goes beyond a bound, on any tool.
pub(crate) const BOUNDS: [&str; 2] = [TOO_MANY, TOO_DEEP];

/// Names calls and keeps their actions.
#[derive(Debug)]
pub(crate) struct Namer<'o> {
    pub(crate) own: &'o OwnDomains,
    actions: Vec<Action>,
    is_full: bool,
    depth: usize,
}

impl<'o> Namer<'o> {
    pub(crate) fn new(own: &'o OwnDomains) -> Self {
        Self { own, actions: Vec::new(), is_full: false, depth: 0 }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    pub(crate) fn push(&mut self, action: Action) {
        if self.actions.contains(&action) {
            return;
        }
        if self.actions.len() < MAX_ACTIONS {
            self.actions.push(action);
        } else {
            self.push_too_many(action);
        }
    }

    /// Says that the request does more than is named; `action` is where.
    pub(crate) fn push_too_many(&mut self, action: Action) {
        if !self.is_full {
            self.is_full = true;
            let operation = Tool::Borrowed(TOO_MANY);
            // What is not kept may go anywhere.
            self.actions.push(Action { operation, verb: Verb::Admin, external_host: true, ..action });
        }
    }

    /// Names one call: a request, or what a command or tool does over HTTP.
    pub(crate) fn name(&mut self, call: Call<'_>) {
        if self.depth >= MAX_DEPTH {
            let operation = Tool::Borrowed(TOO_DEEP);
            return self.push(Action { operation, verb: Verb::Admin, ..self.blank(call) });
        }
        self.depth += 1;
        match call.url.scheme() {
            "shell" | "exec" => shell::name_call(self, call),
            "mcp" => logical::name_mcp(self, call),
            "tool" => logical::name_tool(self, call),
            "a2a" => logical::name_delegation(self, call),
            "file" => logical::name_file(self, call),
            _ => self.name_network(call),
        }
        self.depth -= 1;
    }

    fn name_network(&mut self, call: Call<'_>) {
        let host = call.url.host().unwrap_or_default();
        match table_at(host, call.url.path()) {
            // A vendor's own MCP server is none of its web APIs.
            Some(_) if is_mcp_server(call.url) && logical::is_json_rpc(call.body) => {
                logical::name_json_rpc(self, call);
            }
            Some(table) if table.protocol == crate::table::Protocol::Aws => aws::name_http(self, table, call),
            Some(table) => http::name_by_table(self, table, call),
            None if logical::is_json_rpc(call.body) => logical::name_json_rpc(self, call),
            None => self.push(http::custom(self, call)),
        }
    }

    /// An action with nothing known but where the call goes.
    pub(crate) fn blank(&self, call: Call<'_>) -> Action {
        Action {
            tool: Tool::Borrowed(http::CUSTOM_PROXY),
            operation: Tool::Owned(call.method.to_ascii_lowercase()),
            verb: crate::words::verb_of_method(call.method),
            category: Tool::Borrowed("web"),
            method: call.method.to_owned(),
            url: call.url.as_str().to_owned(),
            host: call.url.network_host().map(str::to_owned),
            external_host: self.own.is_external(call.url),
            external_principal: false,
            resource: None,
            principals: Vec::new(),
            org: None,
            repo: None,
            channel: None,
            region: None,
            account: None,
            aws_tags: BTreeMap::new(),
        }
    }

    /// The strictest action and the others.
    pub(crate) fn finish(mut self, call: Call<'_>) -> (Action, Vec<Action>) {
        let strictest = self.actions.iter().map(|action| action.verb).max();
        match self.actions.iter().position(|action| Some(action.verb) == strictest) {
            Some(first) => (self.actions.remove(first), self.actions),
            None => (http::custom(&self, call), Vec::new()),
        }
    }
}

/// `https://mcp.vendor.example/mcp`, or `/sse`, the paths of the protocol's two transports over HTTP.
fn is_mcp_server(url: &CanonicalUrl) -> bool {
    url.host().is_some_and(|host| host.starts_with("mcp."))
        && url.path().split('/').nth(1).is_some_and(|first| matches!(first, "" | "mcp" | "sse"))
}
