//! `interven mcp-guard proxy`.

use super::{judge, pins};
use crate::{
    cli::{Injected, McpProxyArgs},
    exit::{Exit, UsageError, tell},
};
use anyhow::Result;
use interven_guard::{
    Mode,
    mcp::{
        Conversation, Ended, OnInjection, PinBook, Post, ServerName, Upstream, bind_loopback, bridge_http,
        guard_child, install::HEADERS_VARIABLE, listen_http,
    },
};
use interven_types::{FailMode, Timestamp};
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};

pub(super) async fn run(args: McpProxyArgs) -> Result<Exit> {
    let mode = if args.monitor { Mode::Monitor } else { Mode::Enforce };
    let (guard, told) = judge::guard(&args.judge, mode)?;
    let is_open = guard.fail_mode() == FailMode::Open;
    let server = server_name(&args)?;
    let file = pins::lock_file(&args.pins)?;
    // A file that cannot be read is said at once, not at the first list.
    file.read().map_err(|error| UsageError(error.to_string()))?;
    say(&format!(
        "[{}] judged by {told}; pins in `{}`; without a verdict a call {}",
        server.as_str(),
        file.path().display(),
        if is_open { "goes through (fail-open)" } else { "does not go through" }
    ));
    let post =
        Arc::new(Post {
            is_open,
            guard,
            pins: PinBook::new(file, server.clone(), args.require_approved, || {
                Timestamp::from(SystemTime::now())
            }),
            server,
            on_injection: match args.on_injection {
                Injected::Flag => OnInjection::Flag,
                Injected::Withhold => OnInjection::Withhold,
            },
            tell: say,
        });
    let ended = match &args.url {
        None => guard_child(Conversation::new(Arc::clone(&post)), &args.command).await?,
        Some(url) => {
            let upstream =
                Upstream::new(url, &upstream_headers()?).map_err(|error| UsageError(error.to_string()))?;
            match args.listen {
                None => bridge_http(Conversation::new(Arc::clone(&post)), upstream).await?,
                Some(address) => {
                    let listener =
                        bind_loopback(address).await.map_err(|error| UsageError(error.to_string()))?;
                    say(&format!(
                        "[{}] listening on http://{}/mcp",
                        post.server.as_str(),
                        listener.local_addr()?
                    ));
                    listen_http(listener, Arc::clone(&post), upstream).await?;
                    Ended::Signal
                }
            }
        }
    };
    let unjudged = post.guard.let_through();
    if unjudged > 0 {
        say(&format!("{unjudged} calls went through without a verdict (fail-open)"));
    }
    Ok(match ended {
        Ended::Server(status) if !status.success() => {
            say(&format!("the server ended with {status}"));
            Exit::Findings
        }
        Ended::Server(_) | Ended::Client | Ended::Signal => Exit::Ok,
    })
}

fn server_name(args: &McpProxyArgs) -> Result<ServerName> {
    let name = match (&args.server, &args.url) {
        (Some(name), _) => ServerName::new(name),
        (None, Some(url)) => {
            url.split_once("://").and_then(|(_, rest)| ServerName::new(rest.split(['/', '?']).next()?))
        }
        (None, None) => ServerName::of_command(&args.command),
    };
    Ok(name
        .ok_or_else(|| UsageError("no name can be made for the server; give one with --server".to_owned()))?)
}

/// For the server alone, out of sight of whoever lists processes.
fn upstream_headers() -> Result<Vec<(String, String)>> {
    let Some(text) = std::env::var(HEADERS_VARIABLE).ok().filter(|text| !text.is_empty()) else {
        return Ok(Vec::new());
    };
    let headers: BTreeMap<String, String> = serde_json::from_str(&text)
        .map_err(|_| UsageError(format!("{HEADERS_VARIABLE} wants a JSON object of strings")))?;
    Ok(headers.into_iter().collect())
}

fn say(line: &str) {
    tell(&format!("interven mcp-guard: {line}"));
}
