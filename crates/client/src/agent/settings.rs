//! What an agent's client was told: by the program first, and by the environment then.

use crate::ClientError;
use interven_types::{AgentId, FailMode, Secret};
use std::{env, fmt::Display, time::Duration};

const DEFAULT_GATEWAY_URL: &str = "http://localhost:4000";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_RETRIES: u32 = 2;

/// Everything that can be used, checked once.
#[derive(Clone, Debug)]
pub struct AgentSettings {
    pub gateway_url: String,
    pub api_key: Secret,
    /// For a whole call, repeated requests and the waiting between them included.
    pub timeout: Duration,
    /// How often a request is repeated after the first.
    pub retries: u32,
    pub fail_mode: FailMode,
    pub agent_id: Option<AgentId>,
    pub agent_name: Option<String>,
    pub runtime_type: Option<String>,
    /// Where people decide approvals, for gateways that do not say.
    pub console_url: Option<String>,
}

/// What the program itself asks for; what is not given comes from the environment.
#[derive(Clone, Debug, Default)]
pub struct AgentOptions {
    pub gateway_url: Option<String>,
    pub api_key: Option<Secret>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub fail_mode: Option<FailMode>,
    pub agent_id: Option<AgentId>,
    pub agent_name: Option<String>,
    pub runtime_type: Option<String>,
}

impl AgentOptions {
    /// These options over those of the environment: `INTERVEN_API_KEY`, `INTERVEN_GATEWAY_URL` (or `INTERVEN_GATEWAY`),
    /// `INTERVEN_AGENT_ID`, `INTERVEN_AGENT_NAME`, `INTERVEN_TIMEOUT_MS` (milliseconds), `INTERVEN_FAIL_OPEN`,
    /// `INTERVEN_FAIL_CLOSED`, `INTERVEN_CONSOLE_URL`.
    ///
    /// # Errors
    /// No key, or a value that cannot be used.
    pub fn over_environment(self) -> Result<AgentSettings, ClientError> {
        self.over(|name| env::var(name).ok())
    }

    /// As [`Self::over_environment`], with variables from elsewhere. An empty variable counts as absent.
    ///
    /// # Errors
    /// No key, or a value that cannot be used.
    pub fn over(self, variable: impl Fn(&str) -> Option<String>) -> Result<AgentSettings, ClientError> {
        let variable =
            |name: &str| variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let gateway_url = self
            .gateway_url
            .filter(|address| !address.trim().is_empty())
            .or_else(|| variable("INTERVEN_GATEWAY_URL"))
            .or_else(|| variable("INTERVEN_GATEWAY"))
            .unwrap_or_else(|| DEFAULT_GATEWAY_URL.to_owned());
        let fail_mode = fail_mode(self.fail_mode, &variable)?;
        Ok(AgentSettings {
            gateway_url,
            timeout: timeout(self.timeout, &variable)?,
            retries: self.retries.unwrap_or(DEFAULT_RETRIES),
            fail_mode,
            agent_id: match self.agent_id {
                Some(id) => Some(id),
                None => variable("INTERVEN_AGENT_ID")
                    .map(|id| id.parse().map_err(|_| unusable("INTERVEN_AGENT_ID", "a UUID", &id)))
                    .transpose()?,
            },
            agent_name: self.agent_name.or_else(|| variable("INTERVEN_AGENT_NAME")),
            runtime_type: self.runtime_type,
            console_url: variable("INTERVEN_CONSOLE_URL").map(|url| url.trim_end_matches('/').to_owned()),
            api_key: self
                .api_key
                .map(|key| key.reveal().trim().to_owned())
                .filter(|key| !key.is_empty())
                .or_else(|| variable("INTERVEN_API_KEY"))
                .map(Secret::new)
                .ok_or(ClientError::NoKey)?,
        })
    }
}

fn timeout(
    chosen: Option<Duration>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<Duration, ClientError> {
    const NAME: &str = "INTERVEN_TIMEOUT_MS";
    const EXPECTED: &str = "a whole number of milliseconds above 0";
    match chosen {
        Some(Duration::ZERO) => Err(unusable("the timeout", "longer than 0", "0")),
        Some(timeout) => Ok(timeout),
        None => match variable(NAME) {
            None => Ok(DEFAULT_TIMEOUT),
            Some(text) => match text.parse() {
                Ok(1..) if !text.starts_with('+') => Ok(Duration::from_millis(text.parse().unwrap_or(1))),
                _ => Err(unusable(NAME, EXPECTED, text)),
            },
        },
    }
}

/// The strictest wins: `INTERVEN_FAIL_CLOSED=1` closes even what the program opens.
fn fail_mode(
    chosen: Option<FailMode>,
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<FailMode, ClientError> {
    let is_set = |name: &'static str| {
        let text = variable(name).unwrap_or_default().to_ascii_lowercase();
        match text.as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "" | "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(unusable(name, "1 or 0", text)),
        }
    };
    let (is_closed, is_open) = (is_set("INTERVEN_FAIL_CLOSED")?, is_set("INTERVEN_FAIL_OPEN")?);
    Ok(match (is_closed, chosen) {
        (true, _) => FailMode::Closed,
        (false, Some(chosen)) => chosen,
        (false, None) if is_open => FailMode::Open,
        (false, None) => FailMode::Closed,
    })
}

fn unusable(name: &str, expected: &str, actual: impl Display) -> ClientError {
    ClientError::BadSetting(format!("{name} must be {expected}, not `{actual}`"))
}
