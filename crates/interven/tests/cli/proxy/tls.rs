//! HTTPS through the forward proxy: unseen by default, judged call by call with `--tls-inspect`.

use super::{
    RULES,
    world::{Proxy, Upstream, client, ok},
};
use crate::world::{interven, leaked_key, run};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};
use tempfile::TempDir;

fn curl(proxy: &Proxy, ca: &Path, url: &str, body: &str) -> String {
    let mut command = Command::new("curl");
    command.args(["-sS", "-i", "--suppress-connect-headers", "--max-time", "30", "--noproxy", ""]);
    command.arg("--cacert").arg(ca).args(["-x", &proxy.url(), "-d", body, url]);
    client(&mut command)
}

#[test]
fn a_tunnel_is_judged_by_its_host_and_then_not_seen() {
    let home = TempDir::new().unwrap();
    let proxy = Proxy::local(&["--pack", RULES]);
    let (upstream, certificate) = Upstream::secure(|got, wire| ok(wire, &got.body));
    let trusted = home.path().join("upstream.pem");
    fs::write(&trusted, certificate).unwrap();
    let key = leaked_key();
    let url = format!("https://{}/", upstream.address);
    let answer = curl(&proxy, &trusted, &url, &key);
    // That is what the page of the proxy warns of: a secret inside is not seen.
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(&key), "{answer}");
    assert!(!answer.contains("x-interven"), "{answer}");
    let refused = proxy.raw(b"CONNECT barred.example:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(refused.verdict(), (403, "DENY".to_owned(), "DENIED".to_owned()));
    let own = format!("CONNECT {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", proxy.address);
    assert_eq!(proxy.raw(own.as_bytes()).status(), 508);
}

#[test]
fn with_an_authority_each_call_inside_is_judged() {
    let home = TempDir::new().unwrap();
    let ca_dir = home.path().join("ca");
    let ca = |what: &str| {
        let mut command = interven();
        command.args(["proxy", "ca", what, "--ca-dir"]).arg(&ca_dir);
        run(&mut command, "")
    };
    assert!(ca("path").must_exit(2).stderr.contains("interven proxy ca init"));
    let told = ca("init").must_exit(0).stdout;
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"] {
        assert!(told.contains(variable), "{told}");
    }
    let mode = |name: &str| fs::metadata(ca_dir.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("ca-key.pem"), 0o600);
    let certificate = ca("show").must_exit(0).stdout;
    ca("init").must_exit(0);
    assert_eq!(ca("show").stdout, certificate, "one that is there stays");
    let path = ca("path").must_exit(0).stdout;

    let (upstream, upstream_certificate) = Upstream::secure(|got, wire| ok(wire, &got.body));
    let trusted = home.path().join("upstream.pem");
    fs::write(&trusted, upstream_certificate).unwrap();
    let proxy = Proxy::start(|command| {
        command.args(["--local", "--pack", RULES, "--tls-inspect", "--ca-dir"]).arg(&ca_dir);
        command.arg("--upstream-ca").arg(&trusted);
    });
    let call = |path_of_url: &str, body: &str| {
        curl(&proxy, Path::new(path.trim()), &format!("https://{}{path_of_url}", upstream.address), body)
    };
    let answer = call("/", "ssn 536-22-8417");
    assert!(
        answer.contains("x-interven-decision: SANITIZE") && answer.ends_with("ssn [REDACTED:us_ssn]"),
        "{answer}"
    );
    upstream.next();
    let answer = call("/", &leaked_key());
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("\"SECRET\""), "{answer}");
    assert!(call("/held", "x").starts_with("HTTP/1.1 202"));
    assert!(upstream.heard_nothing());

    // An upstream that nobody vouches for is not called.
    let (stranger, _) = Upstream::secure(|_, wire| ok(wire, b"hello"));
    let answer = curl(&proxy, Path::new(path.trim()), &format!("https://{}/", stranger.address), "x");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(stranger.heard_nothing());
}
