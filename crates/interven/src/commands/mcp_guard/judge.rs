//! Who judges for the guard, from arguments and environment.

use crate::{
    cli::{GuardArgs, JudgeArgs},
    connect,
    secret_source::secret_variable,
};
use anyhow::Result;
use interven_guard::{Fault, Guard, Judge, Mode};
use std::{env, time::Duration};

pub(super) const API_KEY: &str = "INTERVEN_API_KEY";
pub(super) const GATEWAY_URL: &str = "INTERVEN_GATEWAY_URL";

/// The guard, and its judge in words for people.
pub(super) fn guard(args: &JudgeArgs, mode: Mode) -> Result<(Guard, String)> {
    let told = match args.local {
        true => "policies in this process".to_owned(),
        false => format!("the gateway at {}", gateway_address(args)),
    };
    if !args.local && secret_variable(API_KEY)?.is_none() {
        // The tools stay visible, and whoever calls one reads what is missing.
        let fault = Fault {
            code: "NO_API_KEY".to_owned(),
            message: format!(
                "{API_KEY} is not set for the guard; put it into the env block of this server in the client's configuration, or \
                 use --local"
            ),
        };
        return Ok((Guard { judge: Judge::Nobody(fault), mode, wait: Duration::ZERO }, told));
    }
    let shared = GuardArgs {
        server: args.gateway.clone(),
        data_dir: None,
        local: args.local,
        packs: args.packs.clone(),
        fail_open: args.fail_open,
        wait: args.wait,
    };
    Ok((connect::guard(&shared, "mcp", mode)?, told))
}

pub(super) fn gateway_address(args: &JudgeArgs) -> String {
    let variable = |name| env::var(name).ok().filter(|text: &String| !text.is_empty());
    let named =
        args.gateway.clone().or_else(|| variable(GATEWAY_URL)).or_else(|| variable("INTERVEN_GATEWAY"));
    named.unwrap_or_else(|| "http://localhost:4000".to_owned())
}
