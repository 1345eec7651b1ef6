//! HTTP calls: by the table of their host, or as `custom_proxy` where no table knows the host.

use crate::{
    CanonicalUrl, graphql,
    namer::Namer,
    params::{MAX_VALUES, Params, scalar, values_at},
    route::split_path,
    table::{External, Rule, Table},
    template::{Scope, Template, bounded},
    words,
};
use interven_types::{Action, Tool, Verb};
use serde_json::Value;
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// Tool of hosts and tools that no table knows.
pub(crate) const CUSTOM_PROXY: &str = "custom_proxy";

/// Operations of a known tool's calls that no rule knows: the method, lower case.
pub(crate) const FALLBACK_OPERATIONS: [&str; 7] =
    ["get", "head", "options", "post", "put", "patch", "delete"];

/// Headers that name another method than the request line: Google's, Microsoft's and IBM's APIs, and what many web
/// frameworks read.
const METHOD_OVERRIDES: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The same in the query: Firebase's, and Rails', Laravel's and Symfony's.
const METHOD_OVERRIDES_IN_QUERY: [&str; 2] = ["x-http-method-override", "_method"];

/// One call over the network, of the request itself or of a command or tool inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// Upper case.
    pub(crate) method: &'a str,
    pub(crate) url: &'a CanonicalUrl,
    /// Names in lower case.
    pub(crate) headers: &'a BTreeMap<String, String>,
    pub(crate) body: &'a Value,
}

impl<'a> Call<'a> {
    pub(crate) fn params(&self) -> Params<'a> {
        Params::of(self.body, self.url, self.headers)
    }

    /// The method, and those that it asks to be taken for. Whether who is called listens to that is not known, so all count.
    pub(crate) fn methods(&self) -> impl Iterator<Item = Cow<'a, str>> {
        let in_headers = METHOD_OVERRIDES.iter().filter_map(|name| self.headers.get(*name)).map(Cow::from);
        let in_query = self.url.query_pairs().filter_map(|(name, method)| {
            METHOD_OVERRIDES_IN_QUERY.iter().any(|known| name.eq_ignore_ascii_case(known)).then_some(method)
        });
        let others = in_headers.chain(in_query).map(|method| method.trim().to_ascii_uppercase());
        let others: BTreeSet<String> = others.filter(|other| other != self.method).collect();
        std::iter::once(Cow::Borrowed(self.method)).chain(others.into_iter().map(Cow::Owned))
    }
}

/// A call to a host that no table knows.
pub(crate) fn custom(namer: &Namer<'_>, call: Call<'_>) -> Action {
    let mut action = namer.blank(call);
    let verbs = call.methods().map(|method| words::verb_of_method(&method));
    action.verb = verbs.fold(action.verb, Verb::max);
    action.resource = Some(bounded(call.url.path()));
    action
}

/// Names a call by the table of its host.
pub(crate) fn name_by_table(namer: &mut Namer<'_>, table: &'static Table, call: Call<'_>) {
    let mut params = call.params();
    params.open_json(&table.json_in);
    let host = call.url.host().unwrap_or_default();
    let segments = split_path(table.without_format(call.url.path()));
    if table.graphql.iter().any(|path| path.fit(&segments).is_some()) {
        return name_graphql(namer, table, call, &params);
    }
    if name_batch(namer, table, call, &params, &segments) {
        return;
    }
    let mount = table.mounts.iter().find_map(|mount| Some((mount.fit_beginning(&segments)?, mount.len())));
    let (mounted, skipped) = mount.unwrap_or_default();
    let segments = segments.get(skipped..).unwrap_or_default();
    let found = table.routes.find(segments);
    for method in call.methods() {
        let fitting = found.iter().find_map(|&(index, which)| {
            let rule = table.rules.get(index).filter(|rule| rule.fits(&method, host, &params))?;
            Some((rule, rule.paths.get(which)?.captures(segments)))
        });
        let (rule, mut captures) = match fitting {
            Some((rule, captures)) => (Some(rule), captures),
            None => (None, Vec::new()),
        };
        captures.extend(mounted.iter().cloned());
        captures.push(("subdomain", Cow::Borrowed(host.split('.').next().unwrap_or_default())));
        captures.push(("path", Cow::Borrowed(call.url.path())));
        let scope = Scope { captures: &captures, params: &params };
        let action = match rule {
            Some(rule) => apply(namer, table, rule, call, scope),
            None => fall_back(namer, table, call, scope),
        };
        namer.push(action);
    }
}

/// Names the calls that a call carries; false when it carries none, or one that cannot be read.
fn name_batch(
    namer: &mut Namer<'_>,
    table: &'static Table,
    call: Call<'_>,
    params: &Params<'_>,
    segments: &[Cow<'_, str>],
) -> bool {
    let found = table.batches.iter().find_map(|batch| Some((batch, batch.path.fit(segments)?)));
    let Some((batch, captures)) = found else { return false };
    let base = batch.base.fill(Scope { captures: &captures, params }).unwrap_or_default();
    let carried = values_at(params.body(), &batch.calls);
    let mut is_whole = !carried.is_empty();
    for item in &carried {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        let given = text(&batch.url).unwrap_or_default();
        let relative = given.strip_prefix(base.as_str()).unwrap_or(given).trim_start_matches('/');
        match call.url.join(&format!("{base}{relative}")) {
            Ok(url) => {
                let method = text(&batch.method).unwrap_or("GET").to_ascii_uppercase();
                let body = item.get(&batch.body).unwrap_or(&Value::Null);
                namer.name(Call { method: &method, url: &url, headers: call.headers, body });
            }
            Err(_) => is_whole = false,
        }
    }
    if carried.len() >= MAX_VALUES {
        namer.push_too_many(namer.blank(call));
    }
    is_whole
}

/// A call to a known tool that no rule knows: operation and verb by the method.
fn fall_back(namer: &Namer<'_>, table: &'static Table, call: Call<'_>, scope: Scope<'_, '_>) -> Action {
    let mut action = custom(namer, call);
    action.tool = Tool::Borrowed(&table.tool);
    action.category = Tool::Borrowed(&table.category);
    fill_places(&mut action, table, None, scope);
    action
}

/// What `rule` says of a call.
pub(crate) fn apply(
    namer: &Namer<'_>,
    table: &'static Table,
    rule: &'static Rule,
    call: Call<'_>,
    scope: Scope<'_, '_>,
) -> Action {
    let mut action = namer.blank(call);
    action.tool = Tool::Borrowed(&table.tool);
    action.category = Tool::Borrowed(rule.category.as_deref().unwrap_or(&table.category));
    match rule.operation.constant() {
        Some(name) => action.operation = Tool::Borrowed(name),
        None => {
            let name = rule.operation.fill(scope).unwrap_or_default();
            action.operation = Tool::Owned(words::snake_case(&name));
        }
    }
    action.verb = rule.verb.unwrap_or_else(|| words::verb_of_name(&action.operation));
    fill_places(&mut action, table, Some(rule), scope);
    action.principals = rule.principals.iter().flat_map(|principal| principal.fill_all(scope)).collect();
    action.external_principal = match rule.external {
        External::Always => true,
        External::UnlessOwnAddress => !namer.own.is_own_address(call.url),
        External::Principals => action.principals.iter().any(|who| namer.own.is_external_principal(who)),
    };
    action
}

fn fill_places(
    action: &mut Action,
    table: &'static Table,
    rule: Option<&'static Rule>,
    scope: Scope<'_, '_>,
) {
    let fill = |own: Option<&Option<Template>>, general: &Option<Template>| {
        own.and_then(Option::as_ref)
            .and_then(|template| template.fill(scope))
            .or_else(|| general.as_ref().and_then(|template| template.fill(scope)))
    };
    let rule = rule.map(|rule| &rule.places);
    let general = &table.places;
    action.resource = fill(rule.map(|r| &r.resource), &general.resource).or(action.resource.take());
    action.org = fill(rule.map(|r| &r.org), &general.org);
    action.repo = fill(rule.map(|r| &r.repo), &general.repo);
    action.channel = fill(rule.map(|r| &r.channel), &general.channel);
    action.region = fill(rule.map(|r| &r.region), &general.region);
    action.account = fill(rule.map(|r| &r.account), &general.account);
}

/// One action for each root field of a GraphQL document.
fn name_graphql(namer: &mut Namer<'_>, table: &'static Table, call: Call<'_>, params: &Params<'_>) {
    let bodies = match params.body() {
        Value::Array(batch) => batch.iter().collect(),
        one => vec![one],
    };
    let mut has_named = false;
    for body in bodies {
        let mut queries: Vec<_> = values_at(body, "query").into_iter().filter_map(scalar).collect();
        if queries.is_empty() {
            queries = params.texts("query");
        }
        let wanted = body.get("operationName").and_then(Value::as_str);
        let variables = body.get("variables").unwrap_or(&Value::Null);
        for field in queries.iter().flat_map(|query| graphql::root_fields(query, wanted)) {
            let arguments = field.arguments(variables);
            let params = Params::of(&arguments, call.url, call.headers);
            let scope = Scope { captures: &[], params: &params };
            let rule = table.rules.iter().find(|rule| {
                rule.graphql.iter().any(|name| *name == field.name) && rule.has_expected_params(&params)
            });
            let action = match rule {
                Some(rule) => apply(namer, table, rule, call, scope),
                None => {
                    let mut action = fall_back(namer, table, call, scope);
                    action.operation = Tool::Owned(words::snake_case(field.name));
                    let by_name = words::verb_of_name(&action.operation);
                    action.verb = if field.is_mutation { by_name.max(Verb::Write) } else { Verb::Read };
                    action
                }
            };
            namer.push(action);
            has_named = true;
        }
    }
    if !has_named {
        let scope = Scope { captures: &[], params };
        let action = fall_back(namer, table, call, scope);
        namer.push(Action { operation: Tool::Borrowed("graphql"), verb: Verb::Write, ..action });
    }
}
