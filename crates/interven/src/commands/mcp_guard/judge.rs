//! Who judges for the guard, from arguments and environment.

use crate::{cli::JudgeArgs, commands::packs, exit::UsageError, secret_source::secret_variable};
use anyhow::Result;
use interven_client::{AgentClient, AgentOptions, ClientError};
use interven_guard::{Fault, Guard, Judge, Mode};
use interven_types::FailMode;
use std::{env, time::Duration};

pub(super) const API_KEY: &str = "INTERVEN_API_KEY";
pub(super) const GATEWAY_URL: &str = "INTERVEN_GATEWAY_URL";

/// The guard, and its judge in words for people.
pub(super) fn guard(args: &JudgeArgs) -> Result<(Guard, String)> {
    let (judge, told) = if args.local {
        (Judge::Local(Box::new(packs::judge(&args.packs)?)), "policies in this process".to_owned())
    } else {
        gateway(args)?
    };
    let wait = Duration::from_secs(args.wait.unwrap_or_default());
    Ok((Guard { judge, mode: Mode::Enforce, wait }, told))
}

fn gateway(args: &JudgeArgs) -> Result<(Judge, String)> {
    let options = AgentOptions {
        gateway_url: args.gateway.clone(),
        api_key: secret_variable(API_KEY)?,
        fail_mode: args.fail_open.then_some(FailMode::Open),
        runtime_type: Some("mcp".to_owned()),
        ..AgentOptions::default()
    };
    let told = format!("the gateway at {}", gateway_address(args));
    let judge = match options.over_environment() {
        Ok(settings) => Judge::Gateway(AgentClient::new(settings)?),
        // The tools stay visible, and whoever calls one reads what is missing.
        Err(ClientError::NoKey) => Judge::Nobody(Fault {
            code: "NO_API_KEY".to_owned(),
            message: format!(
                "{API_KEY} is not set for the guard; put it into the env block of this server in the client's configuration, or use --local"
            ),
        }),
        Err(error) => return Err(UsageError(error.to_string()).into()),
    };
    Ok((judge, told))
}

pub(super) fn gateway_address(args: &JudgeArgs) -> String {
    let variable = |name| env::var(name).ok().filter(|text: &String| !text.is_empty());
    let named =
        args.gateway.clone().or_else(|| variable(GATEWAY_URL)).or_else(|| variable("INTERVEN_GATEWAY"));
    named.unwrap_or_else(|| "http://localhost:4000".to_owned())
}
