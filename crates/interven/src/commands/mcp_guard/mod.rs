//! `interven mcp-guard`: in front of MCP servers.

mod install;
mod judge;
mod pins;
mod proxy;

use crate::{
    cli::{McpGuardArgs, McpGuardCommand},
    exit::Exit,
};
use anyhow::{Context as _, Result};
use interven_guard::{
    Mode,
    mcp::{AskServer, serve_stdio},
};
use std::future::Future;

pub(crate) fn run(args: McpGuardArgs) -> Result<Exit> {
    match args.command {
        None => until_done(async {
            let (guard, told) = judge::guard(&args.judge, Mode::Enforce)?;
            serve_stdio(AskServer::new(guard, env!("CARGO_PKG_VERSION"), told)).await?;
            Ok(Exit::Ok)
        }),
        Some(McpGuardCommand::Proxy(args)) => until_done(proxy::run(args)),
        Some(McpGuardCommand::Pins(command)) => pins::run(command),
        Some(McpGuardCommand::Install(args)) => install::install(&args),
        Some(McpGuardCommand::Uninstall(args)) => install::uninstall(&args),
    }
}

/// A read of the standard input cannot be called off: nothing waits for it at the end.
fn until_done(command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.context("no threads to run on")?;
    let outcome = runtime.block_on(command);
    runtime.shutdown_background();
    outcome
}
