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

/// Each shell block of the page is claimed by one of the tests below it.
fn blocks() -> [&'static str; 5] {
    let blocks: Vec<&str> =
        PAGE.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    blocks
        .try_into()
        .unwrap_or_else(|blocks| panic!("the page has other shell blocks: run each of {blocks:?}"))
}

/// With this proxy and this upstream in place of those that the page names.
#[test]
fn calls_go_through_as_the_page_says() {
    let proxy = Proxy::local(&["--pack", RULES]);
    let upstream = Upstream::saying("hello");
    let [_, in_path, forward, ..] = blocks();
    for block in [in_path, forward] {
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
    }
}

/// The words of the command on a line of a block.
fn words(line: &str) -> Vec<&str> {
    line.split('#').next().unwrap().split_whitespace().collect()
}

#[test]
fn it_starts_beside_a_gateway_as_the_page_says() {
    let [first, ..] = blocks();
    let [run, key, start] = first.lines().collect::<Vec<_>>()[..] else { panic!("{first}") };
    assert_eq!(words(run), ["make", "run"]);
    assert_eq!(words(key)[..2], ["export", "INTERVEN_API_KEY=…"]);
    assert_eq!(words(start), ["interven", "proxy"]);
    let world = crate::world::World::start();
    let proxy = Proxy::start(|command| {
        command.env("INTERVEN_API_KEY", world.text("api_key"));
        command.env("INTERVEN_GATEWAY_URL", world.text("gateway_url"));
    });
    let upstream = Upstream::saying("hello");
    let url = format!("{}/proxy/{}", proxy.url(), upstream.url("/"));
    let answer = client(Command::new("curl").args(["-si", &url]));
    assert!(answer.contains("x-interven-trace-id: ") && answer.ends_with("hello"), "{answer}");
}

#[test]
fn its_authority_is_made_and_trusted_as_the_page_says() {
    let [.., make, trust] = blocks();
    let [init, inspect] = make.lines().collect::<Vec<_>>()[..] else { panic!("{make}") };
    let home = tempfile::tempdir().unwrap();
    let bin = home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_interven"), bin.join("interven")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let paste = |script: &str| {
        client(Command::new("sh").args(["-ec", script]).env("PATH", &path).env("HOME", home.path()))
    };
    paste(init);
    let shown = paste(&format!("{trust}\necho \"$SSL_CERT_FILE $REQUESTS_CA_BUNDLE $NODE_EXTRA_CA_CERTS\""));
    let files: Vec<&str> = shown.split_whitespace().collect();
    assert_eq!(files.len(), 3, "{shown}");
    for file in files {
        assert!(std::fs::read_to_string(file).unwrap().contains("BEGIN CERTIFICATE"), "{file}");
    }
    let ["interven", "proxy", arguments @ ..] = &words(inspect)[..] else { panic!("{inspect}") };
    let proxy = Proxy::start(|command| {
        command.arg("--local").args(arguments).env("HOME", home.path());
    });
    let answer = client(Command::new("curl").args(["-s", &proxy.url()]));
    assert!(answer.contains("<html") || answer.contains("<!doctype"), "{answer}");
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
