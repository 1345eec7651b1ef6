//! The pages of the hooks: their commands are run, and their settings are those that `install` writes.

use crate::world::{World, interven, run};
use serde_json::Value;
use std::{fs, path::PathBuf, process::Command};

const PAGES: [(&str, &str); 3] = [
    ("claude-code", ".claude/settings.json"),
    ("copilot", ".copilot/hooks/interven.json"),
    ("cursor", ".cursor/hooks.json"),
];

fn page(client: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../docs/integrations/{client}.md"));
    fs::read_to_string(path).unwrap()
}

fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("```{language}\n");
    page.split(&start).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn each_command_does_what_the_page_says() {
    let world = World::start();
    let home = world.home();
    let bin = home.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_interven"), bin.join("interven")).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    for (client, file) in PAGES {
        let page = page(client);
        for snippet in blocks(&page, "sh") {
            let mut shell = Command::new("sh");
            for (name, value) in interven().get_envs() {
                match value {
                    Some(value) => shell.env(name, value),
                    None => shell.env_remove(name),
                };
            }
            shell
                .args(["-e", "-c", snippet])
                .env("PATH", &path)
                .env("HOME", home.path())
                .current_dir(home.path());
            let ran = run(&mut shell, "").must_exit(0);
            match snippet.starts_with("echo") {
                true => assert!(ran.stdout.contains("deny"), "{snippet}: {ran:?}"),
                false => assert!(ran.stdout.contains(client), "{snippet}: {ran:?}"),
            }
        }
        let text = fs::read_to_string(home.path().join(file)).unwrap();
        assert!(text.contains(&format!("hook {client}")), "{text}");
    }
}

#[test]
fn the_settings_shown_are_those_that_are_written() {
    for (client, file) in PAGES {
        let home = tempfile::TempDir::new().unwrap();
        let mut install = interven();
        install.env("HOME", home.path()).env_remove("CLAUDE_CONFIG_DIR").env_remove("COPILOT_HOME");
        run(install.args(["hook", "install", client, "--local"]), "").must_exit(0);
        let written = fs::read_to_string(home.path().join(file)).unwrap();
        let written = written.replace(env!("CARGO_BIN_EXE_interven"), "/usr/local/bin/interven");
        let page = page(client);
        let [shown] = blocks(&page, "json")[..] else { panic!("{client}: one block of settings") };
        assert_eq!(written, shown, "{client}");
        serde_json::from_str::<Value>(&written).unwrap();
    }
}
