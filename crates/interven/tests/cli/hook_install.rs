//! The hook in the settings of clients: put in once, taken out again, and everything else as it was.

use crate::{
    hook_answers::claude,
    world::{interven, read_json, run},
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use tempfile::TempDir;

fn at_home(home: &Path, arguments: &[&str]) -> Command {
    let mut command = interven();
    command.env("HOME", home).env_remove("CLAUDE_CONFIG_DIR").env_remove("COPILOT_HOME").current_dir(home);
    command.arg("hook").args(arguments);
    command
}

const PLACES: [(&str, &str, &str); 3] = [
    ("claude-code", ".claude/settings.json", "PreToolUse"),
    ("copilot", ".copilot/hooks/interven.json", "preToolUse"),
    ("cursor", ".cursor/hooks.json", "preToolUse"),
];

fn command_of(client: &str, settings: &Value, event: &str) -> Vec<String> {
    let entries = settings["hooks"][event].as_array().cloned().unwrap_or_default();
    let hooks = match client {
        "claude-code" => {
            entries.iter().flat_map(|group| group["hooks"].as_array().unwrap().clone()).collect()
        }
        _ => entries,
    };
    let command =
        |hook: &Value| hook["command"].as_str().or_else(|| hook["bash"].as_str()).unwrap().to_owned();
    hooks.iter().map(command).filter(|command| command.contains(" hook ")).collect()
}

#[test]
fn a_client_calls_the_hook_once_after_one_install_or_many() {
    for (client, file, event) in PLACES {
        let home = TempDir::new().unwrap();
        let path = home.path().join(file);
        let said = run(&mut at_home(home.path(), &["install", client, "--local"]), "").must_exit(0).stdout;
        assert!(said.contains(&path.display().to_string()), "{said}");
        let first = fs::read_to_string(&path).unwrap();
        let again = run(&mut at_home(home.path(), &["install", client, "--local"]), "").must_exit(0).stdout;
        assert!(again.contains("nothing was changed"), "{again}");
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        // Other options take the place of those before.
        run(&mut at_home(home.path(), &["install", client, "--local", "--wait", "60"]), "").must_exit(0);
        let commands = command_of(client, &read_json(&path), event);
        assert_eq!(commands.len(), 1, "{commands:?}");
        assert!(Path::new(commands[0].split(' ').next().unwrap()).is_absolute(), "{commands:?}");
        assert!(fs::read_to_string(&path).unwrap().contains("75"), "the client waits longer than the hook");

        run(&mut at_home(home.path(), &["uninstall", client]), "").must_exit(0);
        assert!(command_of(client, &read_json(&path), event).is_empty());
    }
}

/// What the client does with its settings: it runs the command in a shell, the event on its standard input.
#[test]
fn what_install_wrote_blocks() {
    let directory = TempDir::new().unwrap();
    // A program's path may hold blanks and quotes.
    let place = directory.path().join("it's here");
    fs::create_dir(&place).unwrap();
    let program = place.join("interven");
    fs::copy(env!("CARGO_BIN_EXE_interven"), &program).unwrap();
    let mut install = Command::new(&program);
    install.env("HOME", directory.path()).args(["hook", "install", "claude-code", "--local"]);
    run(&mut install, "").must_exit(0);
    let settings = read_json(&directory.path().join(".claude/settings.json"));
    let group = &settings["hooks"]["PreToolUse"][0];
    assert_eq!((&group["matcher"], &group["hooks"][0]["onFailure"]), (&json!("*"), &json!("block")));
    assert_eq!(group["hooks"][0]["timeout"], 15);
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(group["hooks"][0]["command"].as_str().unwrap());
    let event = claude("Bash", &json!({"command": "rm -rf ~/"}));
    let answer = run(&mut shell, &event).must_exit(0).json();
    assert_eq!(answer["hookSpecificOutput"]["permissionDecision"], "deny");
    // When the program is gone a shell says 127: only `onFailure` makes that a block.
    fs::remove_file(program).unwrap();
    run(&mut shell, &event).must_exit(127);
}

#[test]
fn everything_else_stays_byte_for_byte() {
    let home = TempDir::new().unwrap();
    let path = home.path().join(".claude/settings.json");
    fs::create_dir(path.parent().unwrap()).unwrap();
    let before = "{\n    // mine\n    \"zeta\": 1.50,\n    \"hooks\": {\n        \"Stop\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"say done\"}]}],\n        \"PreToolUse\": [\n            {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"./lint.sh\"}]}\n        ]\n    },\n    \"alpha\": {\"b\": 2, \"a\": 1},\n}\n";
    fs::write(&path, before).unwrap();
    let dry =
        run(&mut at_home(home.path(), &["install", "claude-code", "--local", "--dry-run"]), "").must_exit(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), before, "a dry run writes nothing");
    let said = run(&mut at_home(home.path(), &["install", "claude-code", "--local"]), "").must_exit(0).stdout;
    assert!(said.contains("the original is kept as"), "{said}");
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(after, dry.stdout);
    let (head, tail) = before.split_at(before.find("}]}\n        ]").unwrap() + 3);
    assert!(after.starts_with(head) && after.ends_with(tail), "{after}");
    run(&mut at_home(home.path(), &["uninstall", "claude-code"]), "").must_exit(0);
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert_eq!(
        fs::read_to_string(home.path().join(".claude/settings.json.before-interven")).unwrap(),
        before
    );
}

/// (the text, a word of the complaint).
#[test]
fn settings_that_cannot_be_understood_are_not_touched() {
    for (text, word) in [
        ("{\"hooks\": ", "not valid JSON"),
        ("[]", "no object"),
        ("{\"hooks\": []}", "`hooks` is no object"),
        ("{\"hooks\": {\"PreToolUse\": {}}}", "is no list"),
        ("{\"hooks\": {}, \"hooks\": {}}", "twice"),
    ] {
        let home = TempDir::new().unwrap();
        let path = home.path().join(".claude/settings.json");
        fs::create_dir(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        let ran = run(&mut at_home(home.path(), &["install", "claude-code", "--local"]), "");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stderr.contains(word) && ran.stderr.contains("settings.json"), "{text}: {ran:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn a_project_has_settings_of_its_own() {
    let home = TempDir::new().unwrap();
    let project = home.path().join("app");
    fs::create_dir(&project).unwrap();
    let directory = project.display().to_string();
    for (client, scope, file) in [
        ("claude-code", "project", ".claude/settings.json"),
        ("claude-code", "local", ".claude/settings.local.json"),
        ("copilot", "project", ".github/hooks/interven.json"),
        ("cursor", "project", ".cursor/hooks.json"),
    ] {
        let arguments = ["install", client, "--local", "--scope", scope, "--project", &directory];
        run(&mut at_home(home.path(), &arguments), "").must_exit(0);
        assert!(project.join(file).is_file(), "{client} {scope}");
    }
    let refused = run(&mut at_home(home.path(), &["install", "cursor", "--scope", "local"]), "").must_exit(2);
    assert!(refused.stderr.contains("user or project"), "{refused:?}");
}
