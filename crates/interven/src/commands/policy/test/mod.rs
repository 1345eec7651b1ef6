//! `interven policy test`: the cases of test files, judged by their policies alone.

mod find;
mod junit;
mod report;
mod trial;

use crate::{cli::PolicyTestArgs, exit::Exit, exit::UsageError, terminal::print};
use anyhow::Result;
use report::Report;

pub(super) fn run(args: &PolicyTestArgs, is_json: bool) -> Result<Exit> {
    let suites = find::suites(&args.suites)?;
    let report = Report { suites: suites.iter().map(trial::run).collect::<Result<_>>()? };
    if let Some(path) = &args.junit {
        let text = junit::document(&report, args.require_coverage);
        std::fs::write(path, text)
            .map_err(|error| UsageError(format!("`{}` cannot be written: {error}", path.display())))?;
    }
    match is_json {
        true => print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?,
        false => print(&report.text())?,
    }
    Ok(if report.passes(args.require_coverage) { Exit::Ok } else { Exit::Findings })
}
