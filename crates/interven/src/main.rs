//! The `interven` binary: wiring and subcommands.

mod build;
mod cli;
mod commands;
mod connect;
mod database;
mod exit;
mod installation;
mod jsonl;
mod moment;
mod progress;
mod secret_source;
mod serve;
mod terminal;

use clap::Parser as _;
use std::process::ExitCode;

/// A scan's memory is taken by one thread and given back by the writer's: the system allocator locks on each.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let outcome = commands::run(cli::Cli::parse());
    outcome.unwrap_or_else(|error| exit::report(&error)).into()
}
