//! `interven policy`: one file for each thing that is done to policies.

mod apply;
mod files;
mod fmt;
mod list;
mod packs;
mod simulate;
mod test;
mod validate;

use super::on_one_core;
use crate::{
    cli::{PolicyArgs, PolicyCommand},
    exit::Exit,
    terminal::print,
};
use anyhow::Result;

pub(crate) use files::check_packs;

pub(crate) fn run(PolicyArgs { server, what }: PolicyArgs) -> Result<Exit> {
    match what {
        PolicyCommand::Validate { sources } => validate::validate(&sources, server.json),
        PolicyCommand::Apply { sources, env } => on_one_core(apply::apply(&server, &sources, env.as_deref())),
        PolicyCommand::Fmt { files, check } => fmt::format(&files, check, server.json),
        PolicyCommand::Test(args) => test::run(&args, server.json),
        PolicyCommand::Packs { name } => packs::packs(name.as_deref(), server.json),
        PolicyCommand::Simulate(args) => on_one_core(simulate::simulate(&server, &args)),
        PolicyCommand::List => on_one_core(list::list(&server)),
        PolicyCommand::Schema => schema(),
    }
}

fn schema() -> Result<Exit> {
    print(&format!("{}\n", serde_json::to_string_pretty(&interven_policy::json_schema())?))?;
    Ok(Exit::Ok)
}
