//! The commands: one file each.

mod activity;
mod admin;
mod approvals;
mod audit;
mod classify;
mod detectors;
mod doctor;
mod explain;
mod export;
mod hook;
mod mcp_guard;
mod migrate;
mod openapi;
pub(crate) mod packs;
mod policy;
mod proxy;
mod scan;

use crate::{
    cli::{Cli, Command},
    exit::Exit,
    serve,
};
use anyhow::{Context as _, Result};
use std::future::Future;

pub(crate) fn run(cli: Cli) -> Result<Exit> {
    match cli.command {
        Command::Serve(args) => on_all_cores(serve::run(&args)),
        Command::Gateway(args) => on_all_cores(serve::run_gateway(&args)),
        Command::Telemetry(args) => on_all_cores(serve::run_telemetry(&args)),
        Command::Migrate(command) => on_one_core(migrate::run(command)),
        Command::Admin(args) => on_one_core(admin::run(args)),
        Command::Approvals(args) => on_one_core(approvals::run(args)),
        Command::Activity(args) => on_one_core(activity::run(args)),
        Command::Audit(args) => on_one_core(audit::run(args)),
        Command::Explain(args) => on_one_core(explain::run(args)),
        Command::Policy(args) => policy::run(args),
        Command::Hook(command) => hook::run(command),
        Command::McpGuard(args) => mcp_guard::run(args),
        Command::Proxy(args) => on_all_cores(proxy::run(args)),
        Command::Doctor(args) => on_one_core(doctor::run(args)),
        Command::Scan(args) => on_one_core(scan::run(args)),
        Command::Classify(args) => classify::run(&args),
        Command::Detectors(args) => detectors::run(&args),
        Command::Openapi(args) => openapi::run(&args),
    }
}

fn on_all_cores(command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.context("no threads to run on")?.block_on(command)
}

fn on_one_core(command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("no thread to run on")?.block_on(command)
}
