//! AWS: three protocols and a command line, one vocabulary: `<service>_<action>`, such as `iam_create_user`.
//!
//! - query (IAM, EC2, STS, …): `Action=` in query or form; <https://docs.aws.amazon.com/IAM/latest/APIReference/>
//! - JSON (DynamoDB, KMS, …): header `X-Amz-Target: <prefix>.<Action>`
//! - REST (S3, Lambda): method, path and query markers, in the rules of `tools/aws.toml`
//! - `aws <service> <action> --parameter value …`, see [`cli`]

mod cli;
mod host;
mod policy;
mod tags;

pub(crate) use cli::name_command;

use crate::{
    CanonicalUrl,
    http::{self, Call},
    namer::Namer,
    params::Params,
    route::split_path,
    table::Table,
    template::Scope,
    words,
};
use host::Endpoint;
use interven_types::{Action, Tool, Verb};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Services that say who may do what: whatever does not read there is `ADMIN`.
const ACCESS_SERVICES: [&str; 6] = ["iam", "organizations", "sso_admin", "identitystore", "account", "ram"];

/// Names a call to an AWS host.
pub(crate) fn name_http(namer: &mut Namer<'_>, table: &'static Table, call: Call<'_>) {
    let endpoint = Endpoint::of(call.url.host().unwrap_or_default());
    let params = call.params();
    let mut named = Vec::new();
    if let Some(target) = params.header("x-amz-target") {
        named.push(target.rsplit('.').next().unwrap_or(target).to_owned());
    }
    // Every `Action` counts: which one the server takes when there are several is its own secret.
    if endpoint.service != "s3" {
        named.extend(params.texts("Action").into_iter().map(Cow::into_owned));
    }
    named.truncate(8);
    if named.is_empty() {
        return name_rest(namer, table, call, &endpoint, &params);
    }
    let with_facts = add_policy_fact(&params);
    for name in named {
        let service = &endpoint.service;
        let name = format!("{service}_{}", words::snake_case(&name));
        let params = with_facts
            .as_ref()
            .map_or_else(|| call.params(), |body| Params::of(body, call.url, call.headers));
        let action = describe(namer, table, call, &endpoint, &name, &params);
        namer.push(action);
    }
}

/// S3, whose bucket may stand in the host, and other services by path.
fn name_rest(
    namer: &mut Namer<'_>,
    table: &'static Table,
    call: Call<'_>,
    endpoint: &Endpoint,
    params: &Params<'_>,
) {
    let mut segments = vec![Cow::Borrowed(endpoint.service.as_str())];
    segments.extend(endpoint.bucket.as_deref().map(Cow::Borrowed));
    segments.extend(split_path(call.url.path()));
    let rule = table.routes.find(&segments).into_iter().find_map(|(index, which)| {
        let rule = table.rules.get(index).filter(|rule| rule.fits(call.method, "", params))?;
        Some((rule, rule.paths.get(which)?.captures(&segments)))
    });
    let action = match rule {
        Some((rule, captures)) => {
            let scope = Scope { captures: &captures, params };
            let mut action = http::apply(namer, table, rule, call, scope);
            add_places(&mut action, endpoint, params);
            action
        }
        None => {
            let name = format!("{}_{}", endpoint.service, call.method.to_ascii_lowercase());
            let mut action = describe(namer, table, call, endpoint, &name, params);
            action.verb = words::verb_of_method(call.method);
            action
        }
    };
    namer.push(action);
}

/// The action called `name`, by its rule or by its words.
fn describe(
    namer: &Namer<'_>,
    table: &'static Table,
    call: Call<'_>,
    endpoint: &Endpoint,
    name: &str,
    params: &Params<'_>,
) -> Action {
    let scope = Scope { captures: &[], params };
    let rule = table
        .rules
        .iter()
        .find(|rule| rule.named.iter().any(|known| known == name) && rule.has_expected_params(params));
    let mut action = match rule {
        Some(rule) => http::apply(namer, table, rule, call, scope),
        None => {
            let mut action = namer.blank(call);
            action.tool = Tool::Borrowed(&table.tool);
            action.verb = verb_of(&endpoint.service, name);
            action.operation = Tool::Owned(name.to_owned());
            action.category = Tool::Owned(endpoint.service.clone());
            action.resource = table.places.resource.as_ref().and_then(|resource| resource.fill(scope));
            action
        }
    };
    add_places(&mut action, endpoint, params);
    action
}

fn verb_of(service: &str, name: &str) -> Verb {
    let action = name.strip_prefix(service).unwrap_or(name).trim_start_matches('_');
    match words::verb_of_name(action.strip_prefix("batch_").unwrap_or(action)) {
        Verb::Write if ACCESS_SERVICES.contains(&service) => Verb::Admin,
        verb => verb,
    }
}

fn add_places(action: &mut Action, endpoint: &Endpoint, params: &Params<'_>) {
    let arn = first_arn(params);
    let arn_part = |index: usize| {
        let part = arn.as_deref()?.split(':').nth(index)?;
        (!part.is_empty() && part != "aws").then(|| part.to_owned())
    };
    action.region = endpoint.region.clone().or_else(|| signed_region(params)).or_else(|| arn_part(3));
    action.account = endpoint
        .account
        .clone()
        .or_else(|| params.text("AccountId").map(Cow::into_owned))
        .or_else(|| params.header("x-amz-account-id").map(str::to_owned))
        .or_else(|| arn_part(4));
    action.aws_tags = tags::collect(params);
}

/// Region of the signature's credential scope: `Credential=AKID/20260101/eu-west-1/iam/aws4_request`.
fn signed_region(params: &Params<'_>) -> Option<String> {
    let header =
        params.header("authorization").and_then(|value| value.split("Credential=").nth(1)).map(Cow::Borrowed);
    let credential = header.or_else(|| params.text("X-Amz-Credential"))?;
    credential
        .split('/')
        .nth(2)
        .map(|region| region.trim().to_owned())
        .filter(|region| host::is_region(region))
}

/// The first ARN with an account in it, among the parameters.
fn first_arn(params: &Params<'_>) -> Option<String> {
    let has_account =
        |text: &&str| text.starts_with("arn:") && text.split(':').nth(4).is_some_and(|a| a.len() == 12);
    let in_pairs = params.pairs().map(|(_, value)| value).find(has_account);
    let members = params.body().as_object().into_iter().flat_map(Map::values);
    in_pairs.or_else(|| members.filter_map(Value::as_str).find(has_account)).map(str::to_owned)
}

/// The body with `grants_everything`, when a policy document in the call does: rules can then ask for it.
fn add_policy_fact(params: &Params<'_>) -> Option<Value> {
    let documents = params.texts("PolicyDocument");
    if !documents.iter().any(|document| policy::grants_everything(document)) {
        return None;
    }
    let mut members: Map<String, Value> =
        params.pairs().map(|(name, value)| (name.to_owned(), Value::String(value.to_owned()))).collect();
    if let Value::Object(body) = params.body() {
        members.extend(body.clone());
    }
    members.insert("grants_everything".to_owned(), Value::Bool(true));
    Some(Value::Object(members))
}

/// URL of a service's endpoint, for calls that a command makes.
fn endpoint_url(service: &str, region: Option<&str>) -> Option<CanonicalUrl> {
    let region = region
        .filter(|region| host::is_region(region))
        .map(|region| format!(".{region}"))
        .unwrap_or_default();
    CanonicalUrl::parse(&format!("https://{}{region}.amazonaws.com/", service.replace('_', "-"))).ok()
}
