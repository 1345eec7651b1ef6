//! The `aws` command line (<https://docs.aws.amazon.com/cli/latest/reference/>): the call that it makes.

use super::{Endpoint, Params, add_policy_fact, describe, endpoint_url};
use crate::{CanonicalUrl, embedded::table_named, http::Call, namer::Namer, tolerant::read_json};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Options of `aws` itself that take a value, before or after the service.
const GLOBAL_WITH_VALUE: [&str; 9] = [
    "--region",
    "--profile",
    "--output",
    "--endpoint-url",
    "--query",
    "--color",
    "--ca-bundle",
    "--cli-read-timeout",
    "--cli-connect-timeout",
];

/// Operation of a high-level `aws s3` command, when the target is remote and when only the source is.
const S3_COMMANDS: [(&str, &str, &str); 8] = [
    ("cp", "put_object", "get_object"),
    ("mv", "put_object", "get_object"),
    ("sync", "put_object", "get_object"),
    ("rm", "delete_object", "delete_object"),
    ("rb", "delete_bucket", "delete_bucket"),
    ("mb", "create_bucket", "create_bucket"),
    ("ls", "list_objects", "list_objects"),
    ("presign", "presign", "presign"),
];

/// Names what `aws <arguments>` does.
pub(crate) fn name_command(namer: &mut Namer<'_>, arguments: &[String]) {
    let Some(table) = table_named("aws") else { return };
    let (mut positional, mut options) = (Vec::new(), Map::new());
    let mut rest = arguments.iter().peekable();
    while let Some(word) = rest.next() {
        let Some(option) = word.strip_prefix("--") else {
            positional.push(word.as_str());
            continue;
        };
        let (name, given) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        let mut values: Vec<Value> = given.map(read_value).into_iter().collect();
        let takes_one = GLOBAL_WITH_VALUE.contains(&word.as_str());
        // Before service and action stand, a value cannot be told from them, but for the options known to take one.
        let takes_many = given.is_none() && (takes_one || positional.len() >= 2);
        while takes_many && !(takes_one && values.len() == 1) {
            match rest.next_if(|next| !next.starts_with("--")) {
                Some(value) => values.push(read_value(value)),
                None => break,
            }
        }
        let value = if values.len() == 1 { values.remove(0) } else { Value::Array(values) };
        options.insert(pascal_case(name), value);
    }
    let text_of = |options: &Map<String, Value>, name: &str| {
        options.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    let region = text_of(&options, "Region");
    let service = positional.first().copied().unwrap_or("cli").replace('-', "_");
    let command = positional.get(1).copied().unwrap_or("help");
    let (service, command) = match service.as_str() {
        "s3" | "s3api" => ("s3".to_owned(), s3_action(&service, command, &positional, &mut options)),
        _ => (service, command.replace('-', "_")),
    };
    let own_endpoint = text_of(&options, "EndpointUrl").and_then(|url| CanonicalUrl::parse(&url).ok());
    let Some(url) = own_endpoint.or_else(|| endpoint_url(&service, region.as_deref())) else { return };
    let (headers, body) = (BTreeMap::new(), Value::Object(options));
    let body = add_policy_fact(&Params::of(&body, &url, &headers)).unwrap_or(body);
    let call = Call { method: "POST", url: &url, headers: &headers, body: &body };
    let endpoint = Endpoint { service, region, bucket: None, account: None };
    let name = format!("{}_{command}", endpoint.service);
    let action = describe(namer, table, call, &endpoint, &name, &call.params());
    namer.push(action);
}

/// Action of `aws s3api …`, which is the API's own, or of `aws s3 …`, by its operands.
fn s3_action(service: &str, command: &str, positional: &[&str], options: &mut Map<String, Value>) -> String {
    if service == "s3api" {
        return command.replace('-', "_");
    }
    let operands = positional.get(2..).unwrap_or_default();
    let is_remote = |operand: &&str| operand.starts_with("s3://");
    if let Some(place) = operands.iter().rev().copied().find(is_remote) {
        options.insert("Bucket".to_owned(), Value::String(place.trim_start_matches("s3://").to_owned()));
    }
    let known = S3_COMMANDS.iter().find(|(name, ..)| *name == command);
    match known {
        Some((_, to_remote, from_remote)) => {
            let goes_out =
                operands.len() < 2 || operands.last().copied().is_some_and(|last| is_remote(&last));
            if goes_out { (*to_remote).to_owned() } else { (*from_remote).to_owned() }
        }
        None => command.replace('-', "_"),
    }
}

/// JSON, or the shorthand `Key=a,Value=b` and `Type=x,Tags=[{Key=a,Value=b}]`, of which the pairs count.
fn read_value(text: &str) -> Value {
    let begins = |c: char| matches!(c, '{' | '[') || c.is_whitespace();
    if text.starts_with(['{', '[']) && text.trim_start_matches(begins).starts_with('"') {
        let json = read_json(text);
        // A policy document is a text to the API.
        return if json.get("Statement").is_some() { Value::String(text.to_owned()) } else { json };
    }
    if !text.contains("Key=") {
        return Value::String(text.to_owned());
    }
    let mut tags = Vec::new();
    for piece in text.split("Key=").skip(1).take(64) {
        let (key, rest) = piece.split_once(',').unwrap_or((piece, ""));
        let value = rest.strip_prefix("Value=").unwrap_or_default();
        let value = value.split([',', '}', ']']).next().unwrap_or_default();
        tags.push(serde_json::json!({ "Key": key, "Value": value }));
    }
    Value::Array(tags)
}

/// `user-name` → `UserName`, as the API spells it.
fn pascal_case(option: &str) -> String {
    let mut out = String::with_capacity(option.len());
    for word in option.split('-') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    out
}
