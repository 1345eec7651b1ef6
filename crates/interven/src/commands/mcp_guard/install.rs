//! `interven mcp-guard install` and `uninstall`.

use super::judge::{API_KEY, GATEWAY_URL, gateway_address};
use crate::{
    cli::{ConfigArgs, JudgeArgs, McpClient, McpInstallArgs, McpUninstallArgs},
    exit::{Exit, UsageError, tell},
    secret_source::secret_variable,
    terminal::print,
};
use anyhow::{Context as _, Result};
use interven_guard::{
    mcp::install::{App, Places, Plan, Wrapping, install as put_in, uninstall as take_out},
    settings_file::{EditError, Edited, change_file},
};
use std::{collections::BTreeMap, env, path::PathBuf};

pub(super) fn install(args: &McpInstallArgs) -> Result<Exit> {
    let app = app(args.client);
    let plan = match &args.server {
        _ if args.own => Plan::Add(args.name.clone()),
        Some(server) => Plan::WrapOne(server.clone()),
        None => Plan::Wrap,
    };
    let wrapping = wrapping(&args.judge)?;
    change(app, &args.place, "the guard stands in front of", |text| {
        put_in(text, app.servers_member(), &plan, &wrapping)
    })
}

pub(super) fn uninstall(args: &McpUninstallArgs) -> Result<Exit> {
    let app = app(args.client);
    change(app, &args.place, "the guard is gone from", |text| {
        take_out(text, app.servers_member(), args.server.as_deref())
    })
}

fn app(client: McpClient) -> App {
    match client {
        McpClient::ClaudeDesktop => App::ClaudeDesktop,
        McpClient::Cursor => App::Cursor,
        McpClient::Cline => App::Cline,
        McpClient::VsCode => App::VsCode,
    }
}

fn wrapping(args: &JudgeArgs) -> Result<Wrapping> {
    let program = env::current_exe().context("this program does not know where it is")?;
    let mut options = Vec::new();
    let mut environment = BTreeMap::new();
    if args.local {
        options.push("--local".to_owned());
        for pack in &args.packs {
            // A client starts the guard in a directory of its own choice.
            let pack = if pack.exists() { std::path::absolute(pack)? } else { pack.clone() };
            options.extend(["--pack".to_owned(), pack.display().to_string()]);
        }
    } else {
        let key = secret_variable(API_KEY)?.ok_or_else(|| {
            UsageError(format!(
                "{API_KEY} is not set: the client's configuration needs it; set it, or use --local"
            ))
        })?;
        environment.insert(API_KEY.to_owned(), key.reveal().to_owned());
        environment.insert(GATEWAY_URL.to_owned(), gateway_address(args));
    }
    if args.fail_open {
        options.push("--fail-open".to_owned());
    }
    if args.wait > 0 {
        options.extend(["--wait".to_owned(), args.wait.to_string()]);
    }
    Ok(Wrapping { program: program.display().to_string(), options, environment })
}

fn change(
    app: App,
    place: &ConfigArgs,
    done: &str,
    edit: impl FnOnce(&str) -> Result<Edited, EditError>,
) -> Result<Exit> {
    let path = file(app, place)?;
    if place.dry_run {
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.with_context(|| format!("`{}` cannot be read", path.display()))?,
        };
        let edited = edit(&text).with_context(|| format!("`{}`", path.display()))?;
        print(&edited.text)?;
        return Ok(Exit::Ok);
    }
    let changed = change_file(&path, edit)?;
    for (server, why) in &changed.edited.left {
        tell(&format!("`{server}` was left alone: {why}"));
    }
    let mut text = match changed.edited.done.as_slice() {
        [] => format!("no server to change in `{}`\n", path.display()),
        servers => format!("{done} `{}` in `{}`\n", servers.join("`, `"), path.display()),
    };
    if let Some(backup) = &changed.backup {
        text.push_str(&format!("the original is kept as `{}`\n", backup.display()));
    }
    match (changed.is_written, changed.edited.done.is_empty()) {
        (true, _) => text.push_str(&format!("now {}\n", app.reload())),
        (false, false) => text.push_str("nothing was changed: it was so already\n"),
        (false, true) => {}
    }
    print(&text)?;
    Ok(Exit::Ok)
}

fn file(app: App, place: &ConfigArgs) -> Result<PathBuf> {
    if let Some(path) = &place.config {
        return Ok(path.clone());
    }
    let places = Places::of_user(|name| env::var(name).ok());
    let places = places
        .ok_or_else(|| UsageError("no home directory is known; name the file with --config".to_owned()))?;
    Ok(app.file(&places))
}
