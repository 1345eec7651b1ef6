//! `interven policy`: one file for each thing that is done to policies.

mod apply;
mod diff;
mod explain;
mod export;
mod files;
mod fmt;
mod history;
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
        PolicyCommand::Apply(args) => on_one_core(apply::apply(&server, &args)),
        PolicyCommand::Diff(args) => on_one_core(diff::diff(&server, &args)),
        PolicyCommand::Explain { trace } => on_one_core(explain::explain(&server, trace)),
        PolicyCommand::Export(args) => on_one_core(export::export(&server, &args)),
        PolicyCommand::Versions(which) => on_one_core(history::versions(&server, &which)),
        PolicyCommand::Show(args) => on_one_core(history::show(&server, &args)),
        PolicyCommand::Restore(args) => on_one_core(history::restore(&server, &args)),
        PolicyCommand::Delete(args) => on_one_core(history::delete(&server, &args)),
        PolicyCommand::Fmt { files, check } => fmt::format(&files, check, server.json),
        PolicyCommand::Test(args) => test::run(&args, server.json),
        PolicyCommand::Packs(args) => packs::packs(&args, server.json),
        PolicyCommand::Simulate(args) => on_one_core(simulate::simulate(&server, &args)),
        PolicyCommand::List => on_one_core(list::list(&server)),
        PolicyCommand::Schema { page: false } => schema(),
        PolicyCommand::Schema { page: true } => {
            print(&interven_policy::reference_page())?;
            Ok(Exit::Ok)
        }
    }
}

fn schema() -> Result<Exit> {
    print(&format!("{}\n", serde_json::to_string_pretty(&interven_policy::json_schema())?))?;
    Ok(Exit::Ok)
}
