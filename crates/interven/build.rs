//! What the binary was built from, for `/debug/build`.

use std::process::Command;

fn main() {
    let commit = first_line("git", &["rev-parse", "--short=12", "HEAD"]);
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    println!("cargo:rustc-env=INTERVEN_GIT_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    println!(
        "cargo:rustc-env=INTERVEN_RUSTC={}",
        first_line(&compiler, &["--version"]).as_deref().unwrap_or("unknown")
    );
    println!("cargo:rustc-env=INTERVEN_BUILT_AT={}", built_at());
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo:rerun-if-changed=build.rs");
    // Moves with every commit and every switch of branches.
    if let Some(log) = first_line("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo:rerun-if-changed={log}");
    }
}

/// Now, or the time that a reproducible build is told (reproducible-builds.org, SOURCE_DATE_EPOCH).
fn built_at() -> jiff::Timestamp {
    let told = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
    let told = told.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    told.unwrap_or_else(|| jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default())
}

fn first_line(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}
