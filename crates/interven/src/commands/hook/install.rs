//! `interven hook install` and `uninstall`.

use super::{judge::is_server_named, timeout};
use crate::{
    cli::{HookArgs, HookClient, HookPlaceArgs, HookScope, InstallHookArgs, UninstallHookArgs},
    exit::{Exit, UsageError, tell},
    terminal::print,
};
use anyhow::{Context as _, Result};
use interven_guard::{
    hook::{
        Client,
        settings::{self, Entry, Homes, Scope},
    },
    settings_file::{Changed, Edited, change_file},
};
use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// What a client waits longer than the hook.
const MARGIN: Duration = Duration::from_secs(3);

pub(super) fn install(args: InstallHookArgs) -> Result<Exit> {
    let client = client(args.place.client);
    let path = file(&args.place)?;
    let entry = entry(client, &args.hook)?;
    if args.place.dry_run {
        return shown(&path, |text| settings::install(client, text, &entry));
    }
    let changed = change_file(&path, |text| settings::install(client, text, &entry))?;
    if settings::switches_hooks_off(&changed.edited.text) {
        tell(&format!("`disableAllHooks` in `{}` switches every hook off: remove it", path.display()));
    }
    let judge = &args.hook.judge;
    if !judge.local && !is_server_named(judge.server.as_deref(), judge.data_dir.is_some())? {
        tell(
            "no server is named: the hook judges by the pack vibe-coder and records nothing, unless INTERVEN_API_KEY is set \
             where the client is started",
        );
    }
    if let Some(dir) = judge.data_dir.as_deref().filter(|dir| !dir.join("bootstrap.json").exists()) {
        tell(&format!(
            "no server was started in `{}` yet: until one is, every call is blocked",
            dir.display()
        ));
    }
    report(
        &changed,
        &path,
        &format!("{} asks Interven before each tool call: `{}`", client.as_str(), path.display()),
    )?;
    if changed.is_written {
        print(&format!("now {}\n", client.reload()))?;
    }
    Ok(Exit::Ok)
}

pub(super) fn uninstall(args: &UninstallHookArgs) -> Result<Exit> {
    let client = client(args.place.client);
    let path = file(&args.place)?;
    if args.place.dry_run {
        return shown(&path, |text| settings::uninstall(client, text));
    }
    let changed = change_file(&path, |text| settings::uninstall(client, text))?;
    report(&changed, &path, &format!("the hook is gone from `{}`", path.display()))?;
    Ok(Exit::Ok)
}

fn report(changed: &Changed, path: &Path, done: &str) -> Result<()> {
    if !changed.is_written {
        return print(&format!("nothing was changed: `{}` was so already\n", path.display()));
    }
    print(&format!("{done}\n"))?;
    match &changed.backup {
        Some(backup) => print(&format!("the original is kept as `{}`\n", backup.display())),
        None => Ok(()),
    }
}

fn shown<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    edit: impl FnOnce(&str) -> Result<Edited, E>,
) -> Result<Exit> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.with_context(|| format!("`{}` cannot be read", path.display()))?,
    };
    print(&edit(&text).with_context(|| format!("`{}`", path.display()))?.text)?;
    Ok(Exit::Ok)
}

fn client(client: HookClient) -> Client {
    match client {
        HookClient::ClaudeCode => Client::ClaudeCode,
        HookClient::Copilot => Client::Copilot,
        HookClient::Cursor => Client::Cursor,
    }
}

fn file(place: &HookPlaceArgs) -> Result<PathBuf> {
    let scope = match place.scope {
        HookScope::User => Scope::User,
        HookScope::Project => Scope::Project,
        HookScope::Local => Scope::Local,
    };
    let homes = Homes::of_user(|name| env::var(name).ok())
        .ok_or_else(|| UsageError("no home directory is known; set HOME".to_owned()))?;
    let project = std::path::absolute(&place.project)?;
    let client = client(place.client);
    client.settings_file(scope, &homes, &project).ok_or_else(|| {
        UsageError(format!("{} has no settings of that scope; use user or project", client.as_str())).into()
    })
}

fn entry(client: Client, args: &HookArgs) -> Result<Entry> {
    let program = env::current_exe().context("this program does not know where it is")?;
    let mut words = vec![program.display().to_string(), "hook".to_owned(), client.as_str().to_owned()];
    words.extend(options(args)?);
    let longest = timeout(args)? + Duration::from_secs(args.judge.wait) + MARGIN;
    Ok(Entry {
        words,
        timeout_seconds: longest.as_millis().div_ceil(1_000) as u64,
        fails_closed: !args.judge.fail_open,
    })
}

/// The same options for the hook. Paths become absolute: the client starts it in a directory of its own choice.
fn options(args: &HookArgs) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let judge = &args.judge;
    let mut pair = |name: &str, value: String| words.extend([name.to_owned(), value]);
    if let Some(server) = judge.server.as_ref().filter(|server| !server.is_empty()) {
        pair("--server", server.clone());
    }
    if let Some(data_dir) = &judge.data_dir {
        pair("--data-dir", std::path::absolute(data_dir)?.display().to_string());
    }
    for pack in &judge.packs {
        let pack = if pack.exists() { std::path::absolute(pack)? } else { pack.clone() };
        pair("--pack", pack.display().to_string());
    }
    if judge.wait > 0 {
        pair("--wait", judge.wait.to_string());
    }
    if let Some(milliseconds) = args.timeout_ms {
        pair("--timeout-ms", milliseconds.to_string());
    }
    let flags = [
        ("--local", judge.local),
        ("--fail-open", judge.fail_open),
        ("--answer-allow", args.answer_allow),
        ("--no-rewrite", args.no_rewrite),
    ];
    words.extend(flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| (*name).to_owned()));
    Ok(words)
}
