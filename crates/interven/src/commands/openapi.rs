//! `interven openapi`: the API descriptions, as generated from the handlers.

use crate::{cli::OpenapiArgs, exit::Exit, terminal::print};
use anyhow::Result;

pub(crate) fn run(args: &OpenapiArgs) -> Result<Exit> {
    let document = match args.telemetry {
        true => serde_json::to_string_pretty(&interven_telemetry::openapi())?,
        false => serde_json::to_string_pretty(&interven_gateway::openapi())?,
    };
    print(&format!("{document}\n"))?;
    Ok(Exit::Ok)
}
