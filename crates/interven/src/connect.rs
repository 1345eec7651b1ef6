//! Which server a command speaks to, and with what.

use crate::{
    cli::{GuardArgs, ScanArgs, ServerArgs},
    commands::packs,
    exit::UsageError,
    installation::{Bootstrap, DataDir, read_file},
    secret_source::secret_variable,
};
use anyhow::{Context as _, Result};
use interven_client::{AgentClient, AgentOptions, ClientError, ControlClient};
use interven_guard::{Guard, Judge, Mode};
use interven_types::{FailMode, Secret};
use std::{path::Path, time::Duration};

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
    // A variable that is set but empty names no server.
    let server = args.server.as_deref().filter(|address| !address.is_empty());
    let options = match server {
        Some(address) => at(address)?,
        None => in_data_dir(&args.data_dir)?,
    };
    Ok(AgentClient::new(options.over_environment()?)?)
}

/// Who judges for what guards an agent that runs in a `runtime_type`. Without flags the environment says which gateway.
pub(crate) fn guard(args: &GuardArgs, runtime_type: &str, mode: Mode) -> Result<Guard> {
    let wait = Duration::from_secs(args.wait);
    if args.local {
        let judge = Judge::Local(Box::new(packs::judge(&args.packs)?));
        return Ok(Guard { judge, mode, wait });
    }
    let server = args.server.as_deref().filter(|address| !address.is_empty());
    let options = match (server, &args.data_dir) {
        (Some(address), _) => at(address)?,
        (None, Some(data_dir)) => in_data_dir(data_dir)?,
        (None, None) => AgentOptions { api_key: secret_variable(API_KEY)?, ..AgentOptions::default() },
    };
    let options = AgentOptions {
        fail_mode: args.fail_open.then_some(FailMode::Open),
        runtime_type: Some(runtime_type.to_owned()),
        ..options
    };
    let settings = options.over_environment().map_err(|error| {
        let otherwise = match error {
            ClientError::NoKey => {
                ", or name a server on this machine with --data-dir, or judge here with --local"
            }
            _ => "",
        };
        UsageError(format!("{error}{otherwise}"))
    })?;
    Ok(Guard { judge: Judge::Gateway(AgentClient::new(settings)?), mode, wait })
}

fn at(address: &str) -> Result<AgentOptions> {
    let api_key = secret_variable(API_KEY)?
        .ok_or_else(|| UsageError(format!("--server needs an API key in {API_KEY}")))?;
    Ok(AgentOptions {
        gateway_url: Some(address.to_owned()),
        api_key: Some(api_key),
        ..AgentOptions::default()
    })
}

fn in_data_dir(data_dir: &Path) -> Result<AgentOptions> {
    let bootstrap = bootstrap(&DataDir::new(data_dir), "--server URL, or --local")?;
    let api_key = match secret_variable(API_KEY)? {
        Some(key) => key,
        None => Secret::new(bootstrap.api_key.as_str()),
    };
    Ok(AgentOptions {
        gateway_url: Some(bootstrap.gateway_url),
        api_key: Some(api_key),
        ..AgentOptions::default()
    })
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
