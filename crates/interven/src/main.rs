//! The `interven` binary: wiring and subcommands.

mod build;
mod cli;
mod commands;
mod connect;
mod exit;
mod installation;
mod jsonl;
mod secret_source;
mod serve;
mod terminal;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let outcome = commands::run(cli::Cli::parse());
    outcome.unwrap_or_else(|error| exit::report(&error)).into()
}
