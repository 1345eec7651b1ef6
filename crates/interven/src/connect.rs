//! Which server a command speaks to, and with what.

use crate::{
    cli::{ScanArgs, ServerArgs},
    exit::UsageError,
    installation::{Bootstrap, DataDir, read_file},
    secret_source::secret_variable,
};
use anyhow::{Context as _, Result};
use interven_client::{AgentClient, AgentOptions, ControlClient};
use interven_types::Secret;
use std::path::Path;

const ADMIN_TOKEN: &str = "INTERVEN_ADMIN_TOKEN";
const API_KEY: &str = "INTERVEN_API_KEY";

/// The control plane: `--server` with the token of the environment, or the one that `--data-dir` describes.
pub(crate) fn control(args: &ServerArgs) -> Result<ControlClient> {
    let from_environment = secret_variable(ADMIN_TOKEN)?;
    let (address, token) = match &args.server {
        Some(address) => {
            let token = from_environment
                .ok_or_else(|| UsageError(format!("--server needs the operator's token in {ADMIN_TOKEN}")))?;
            (address.clone(), token)
        }
        None => {
            let data_dir = DataDir::new(&args.data_dir);
            let bootstrap = bootstrap(&data_dir, "--server URL")?;
            let token = match from_environment {
                Some(token) => token,
                None => {
                    let path = data_dir.admin_token();
                    let text = read_file(&path)?.with_context(|| {
                        format!("`{}` is not there; give the token in {ADMIN_TOKEN}", path.display())
                    })?;
                    Secret::new(text.trim())
                }
            };
            (bootstrap.telemetry_url, token)
        }
    };
    Ok(ControlClient::new(&address, &token, args.tenant.clone())?)
}

/// The gateway: `--server` with the key of the environment, or the one that `--data-dir` describes. The key of a data
/// directory goes to that directory's gateway alone.
pub(crate) fn gateway(args: &ScanArgs) -> Result<AgentClient> {
    let mut api_key = secret_variable(API_KEY)?;
    // A variable that is set but empty names no server.
    let mut gateway_url = args.server.clone().filter(|address| !address.is_empty());
    match &gateway_url {
        Some(_) if api_key.is_none() => {
            return Err(UsageError(format!("--server needs an API key in {API_KEY}")).into());
        }
        Some(_) => {}
        None => {
            let bootstrap = bootstrap(&DataDir::new(&args.data_dir), "--server URL, or --local")?;
            api_key = api_key.or_else(|| Some(Secret::new(bootstrap.api_key.as_str())));
            gateway_url = Some(bootstrap.gateway_url);
        }
    }
    let options = AgentOptions { gateway_url, api_key, ..AgentOptions::default() };
    Ok(AgentClient::new(options.over_environment()?)?)
}

fn bootstrap(data_dir: &DataDir, otherwise: &str) -> Result<Bootstrap> {
    let found = Bootstrap::read(data_dir)?;
    Ok(found.ok_or_else(|| {
        let path: &Path = data_dir.path();
        UsageError(format!(
            "no server was started in `{}`; name one with --data-dir DIR or {otherwise}",
            path.display()
        ))
    })?)
}
