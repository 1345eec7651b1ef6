//! The first policy of `docs/policies.md`, step by step as it stands there.

use crate::world::{World, interven, run};

const PAGE: &str = include_str!("../../../../docs/policies.md");

/// What stands behind the fence of each block, and the block.
fn blocks(section: &str) -> Vec<(&str, String)> {
    let mut lines = section.lines();
    let mut blocks = Vec::new();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|line| *line != "```");
            blocks.push((info, text.map(|line| format!("{line}\n")).collect()));
        }
    }
    blocks
}

/// The words of a command, and the code that it exits with: `interven policy show "a b"   # exits 1`.
fn command(line: &str) -> (Vec<String>, i32) {
    let (command, code) = line.split_once("   # exits ").map_or((line, 0), |(c, n)| (c, n.parse().unwrap()));
    let quoted = command.split('"').enumerate();
    let words = quoted.flat_map(|(n, part)| match n % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    (words.collect(), code)
}

#[test]
fn each_step_does_what_the_page_says() {
    let world = World::start();
    let (_, rest) = PAGE.split_once("## A first policy\n").unwrap();
    let (section, _) = rest.split_once("\n## ").unwrap();
    // What the agent did, for step 4.
    world.scan("DELETE", "https://api.github.com/repos/acme/app", "{}").must_exit(0);
    let home = world.home();
    let mut commands = 0;
    for (info, text) in blocks(section) {
        if let Some(name) = info.strip_prefix("yaml ") {
            std::fs::write(home.path().join(name), text).unwrap();
            continue;
        }
        for line in text.lines() {
            let (words, code) = command(line.strip_prefix("interven ").unwrap());
            run(interven().current_dir(home.path()).args(words), "").must_exit(code);
            commands += 1;
        }
    }
    assert!(commands > 8, "the commands were not found");
    world.scan("DELETE", "https://api.github.com/repos/acme/app", "{}").must_exit(0);
}
