//! What a person hears who asks whether this machine is protected.

use crate::world::{World, interven, run};
use std::{fs, path::Path, process::Command};

fn at_home(home: &Path, arguments: &[&str]) -> Command {
    let mut command = interven();
    command.args(arguments).env("HOME", home).env("XDG_CONFIG_HOME", home.join("config")).current_dir(home);
    for name in ["CLAUDE_CONFIG_DIR", "COPILOT_HOME", "CLINE_MCP_SETTINGS_PATH"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn each_installed_hook_is_started_and_blocks() {
    let home = tempfile::tempdir().unwrap();
    for client in ["claude-code", "copilot", "cursor"] {
        run(&mut at_home(home.path(), &["hook", "install", client, "--local"]), "").must_exit(0);
    }
    let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(0);
    assert_eq!(ran.stdout.matches("the hook blocks a leaked key").count(), 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("a leaked key: blocked"), "{}", ran.stdout);
}

#[test]
fn a_gateway_is_asked_and_one_that_is_gone_is_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let world = World::start();
    let doctor = |key: &str, address: &str| {
        let mut command = at_home(home.path(), &["doctor", "--server", address]);
        run(command.env("INTERVEN_API_KEY", key).env("INTERVEN_TIMEOUT_MS", "2000"), "")
    };
    let (key, address) = (world.text("api_key"), world.text("gateway_url"));
    let ran = doctor(&key, &address).must_exit(0);
    assert!(ran.stdout.contains("can decide and record"), "{}", ran.stdout);
    assert!(ran.stdout.contains("a leaked key: blocked"), "{}", ran.stdout);
    assert!(ran.stdout.contains("no coding agent calls one"), "{}", ran.stdout);

    let ran = doctor("iv_live_nobodys", &address).must_exit(1);
    assert!(ran.stdout.contains("INVALID_KEY"), "{}", ran.stdout);
    let ran = doctor(&key, "http://127.0.0.1:9").must_exit(1);
    assert!(ran.stdout.contains("is not there"), "{}", ran.stdout);
    assert!(ran.stdout.contains("UNREACHABLE"), "{}", ran.stdout);
}

#[test]
fn a_hook_that_is_off_is_a_failure_and_one_of_another_program_is_never_started() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".claude/settings.json");
    run(&mut at_home(home.path(), &["hook", "install", "claude-code", "--local"]), "").must_exit(0);
    let installed = fs::read_to_string(&file).unwrap();

    fs::write(&file, installed.replacen('{', "{\"disableAllHooks\": true,", 1)).unwrap();
    let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(1);
    assert!(ran.stdout.contains("`disableAllHooks` switches the hook off"), "{}", ran.stdout);

    let trace = home.path().join("started");
    for line in ["/elsewhere/interven hook claude-code".to_owned(), {
        let program = installed.split("\"command\": \"").nth(1).unwrap().split('"').next().unwrap();
        format!("{program}; touch {}", trace.display())
    }] {
        let hook = serde_json::json!({"hooks": {"PreToolUse": [{"matcher": "*", "hooks": [{"type": "command", "command": line}]}]}});
        fs::write(&file, hook.to_string()).unwrap();
        let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(0);
        assert!(ran.stdout.contains("it was not tried"), "{}", ran.stdout);
        assert!(!trace.exists());
    }
}

#[test]
fn a_hook_that_lets_calls_through_is_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let pack = home.path().join("nothing.yaml");
    fs::write(&pack, "name: Nothing\nrules: []\n").unwrap();
    let arguments = ["hook", "install", "claude-code", "--local", "--pack", pack.to_str().unwrap()];
    run(&mut at_home(home.path(), &arguments), "").must_exit(0);
    let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(1);
    assert!(ran.stdout.contains("the hook let a leaked key through"), "{}", ran.stdout);
}

#[test]
fn mcp_servers_without_a_guard_are_named() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".cursor/mcp.json");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, r#"{"mcpServers": {"files": {"command": "server-files"}}}"#).unwrap();
    let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(0);
    assert!(ran.stdout.contains("nothing stands before the MCP server `files`"), "{}", ran.stdout);
    run(&mut at_home(home.path(), &["mcp-guard", "install", "--client", "cursor", "--local"]), "")
        .must_exit(0);
    let ran = run(&mut at_home(home.path(), &["doctor"]), "").must_exit(0);
    assert!(ran.stdout.contains("the MCP guard is set before files"), "{}", ran.stdout);
}

/// A hook that finds no server is no proof that anything is judged.
#[test]
fn a_hook_that_gets_no_verdict_is_told_from_one_that_denies() {
    let home = tempfile::tempdir().unwrap();
    let installed =
        run(&mut at_home(home.path(), &["hook", "install", "claude-code", "--data-dir", "./data"]), "")
            .must_exit(0);
    assert!(installed.stderr.contains("no server was started in `./data` yet"), "{installed:?}");
    let ran = run(&mut at_home(home.path(), &["doctor"]), "");
    assert!(ran.stdout.contains("gets no verdict, and so blocks every call"), "{ran:?}");
    assert!(!ran.stdout.contains("the hook blocks a leaked key"), "{ran:?}");
}
