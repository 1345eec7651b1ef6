//! Clients as agents use them, configured by the environment alone; the snippets of the page among them.

use super::{
    RULES,
    world::{Proxy, Upstream, client, ok},
};
use crate::world::leaked_key;
use std::process::Command;

const PAGE: &str = include_str!("../../../../../docs/integrations/proxy.md");

const URLLIB: &str = "
import sys, urllib.error, urllib.request
def call(body):
    try:
        return urllib.request.urlopen(sys.argv[1], data=body.encode()).status
    except urllib.error.HTTPError as error:
        return error.code
print(call('lunch'), call(sys.argv[2]))
";

const REQUESTS: &str = "
import sys, requests
print(*(requests.post(sys.argv[1], data=body).status_code for body in ('lunch', sys.argv[2])))
";

const FETCH: &str = "
const [url, secret] = process.argv.slice(1);
const call = async (body) => (await fetch(url, { method: 'POST', body })).status;
console.log(await call('lunch'), await call(secret));
";

#[test]
fn clients_of_each_kind_are_judged() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::new(|got, wire| ok(wire, &got.body));
    let in_path = format!("{}/proxy/{}", proxy.url(), upstream.url("/"));
    let key = leaked_key();
    let has_requests = Command::new("python3")
        .args(["-c", "import requests"])
        .output()
        .is_ok_and(|ran| ran.status.success());
    for (program, flag, script, url) in [
        ("python3", "-c", URLLIB, upstream.url("/")),
        ("python3", "-c", REQUESTS, upstream.url("/")),
        ("python3", "-c", URLLIB, in_path.clone()),
        ("node", "--input-type=module", FETCH, in_path),
    ] {
        // The library is not part of Python.
        if script == REQUESTS && !has_requests {
            continue;
        }
        let mut command = Command::new(program);
        command.arg(flag);
        if program == "node" {
            command.arg("-e");
        }
        command.args([script, url.as_str(), key.as_str()]);
        command.env("http_proxy", proxy.url()).env("HTTP_PROXY", proxy.url());
        command.env_remove("no_proxy").env_remove("NO_PROXY");
        let printed = client(&mut command);
        assert_eq!(printed.trim(), "200 403", "{program} {url}");
        assert_eq!(upstream.next().body, b"lunch");
        assert!(upstream.heard_nothing());
    }
}

/// The shell blocks of the page, with this proxy and this upstream in place of those it names.
#[test]
fn the_snippets_of_the_page_work() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let mut calls = 0;
    for block in PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        if !block.contains("curl ") {
            continue;
        }
        let script = block
            .replace("http://localhost:4180", &proxy.url())
            .replace("https://api.github.com", &upstream.url(""))
            .replace("http://example.com", &upstream.url(""));
        let mut shell = Command::new("sh");
        shell.args(["-ec", &script]).env_remove("no_proxy").env_remove("NO_PROXY");
        let answer = client(&mut shell);
        assert!(
            answer.contains("x-interven-decision: ALLOW") && answer.ends_with("hello"),
            "{script}\n{answer}"
        );
        calls += 1;
    }
    assert_eq!(calls, 2);
}

/// What the page says of flags and variables is so.
#[test]
fn the_page_names_what_there_is() {
    let mut help = crate::world::interven();
    let help = crate::world::run(help.args(["proxy", "--help"]), "").must_exit(0).stdout;
    for flag in PAGE
        .split(['`', ' ', '\n', ')', ','])
        .filter(|word| word.starts_with("--") && !word.starts_with("---"))
    {
        assert!(help.contains(flag), "{flag}\n{help}");
    }
}
