//! The configuration, read once: `interven.default.toml`, then the operator's file, then the environment.

use crate::{
    database::{DatabaseSettings, DatabaseUrl},
    secret_source::secret_variable,
};
use anyhow::Result as AnyResult;
use interven_egress::{EgressLimits, EgressSettings, Reach};
use interven_http::CidrList;
use interven_live::REMEMBERED;
use serde::Deserialize;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{Table, Value};

const DEFAULTS: &str = include_str!("../../../../interven.default.toml");

const DATABASE_URL: &str = "DATABASE_URL";

/// What is started: some defaults differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// All in one process.
    Serve,
    Gateway,
    Telemetry,
}

impl Service {
    /// As in `interven <name>`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Gateway => "gateway",
            Self::Telemetry => "telemetry",
        }
    }

    /// What stands in place of `interven.default.toml`: a gateway of its own is there to be reached, behind something that
    /// balances load and looks at its health.
    fn defaults(self) -> Vec<(&'static str, Value)> {
        match self {
            Self::Serve | Self::Telemetry => Vec::new(),
            Self::Gateway => vec![
                ("gateway_addr", Value::String("0.0.0.0:4000".to_owned())),
                ("drain_delay_sec", Value::Integer(5)),
            ],
        }
    }
}

/// How a service runs. Every figure has its default in `interven.default.toml`, and [`Service`] says what differs.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) gateway_addr: SocketAddr,
    pub(crate) telemetry_addr: SocketAddr,
    /// Absent: the embedded one in the data directory.
    pub(crate) database: Option<DatabaseUrl>,
    pub(crate) database_settings: DatabaseSettings,
    /// Absent: the telemetry address.
    pub(crate) approval_base_url: Option<String>,
    /// What is done with scans while the store is away. Absent: they are refused.
    pub(crate) spool: Option<SpoolConfig>,
    pub(crate) admin_user: String,
    pub(crate) max_body_bytes: u64,
    pub(crate) body_timeout: Duration,
    pub(crate) trusted_proxies: CidrList,
    pub(crate) egress: EgressSettings,
    pub(crate) replay_window: Duration,
    pub(crate) max_connections: usize,
    pub(crate) drain_delay: Duration,
    pub(crate) drain_timeout: Duration,
    pub(crate) ledger_seal: Duration,
    pub(crate) log_filter: String,
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpoolConfig {
    /// Absent: `spool` in the data directory.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) max_bytes: u64,
}

/// What becomes of a scan that the store cannot record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoreFailureMode {
    /// It is refused.
    Strict,
    /// It is kept in a local file until the store is back.
    Spool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("`{path}` cannot be read: {reason}")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{source_name}: {reason}")]
    Invalid { source_name: String, reason: String },
    #[error("{name}: `{value}` {expected}")]
    Value { name: &'static str, value: String, expected: &'static str },
}

/// The keys as they stand in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    gateway_addr: String,
    telemetry_addr: String,
    database_url: String,
    auto_migrate: bool,
    database_connections: usize,
    database_listen: bool,
    approval_base_url: String,
    store_failure_mode: StoreFailureMode,
    spool_dir: String,
    spool_max_bytes: u64,
    admin_user: String,
    max_body_bytes: u64,
    body_timeout_sec: u64,
    trusted_proxies: Vec<String>,
    egress_allow_private: Vec<String>,
    egress_timeout_sec: u64,
    egress_ca_file: String,
    replay_window_sec: u64,
    max_connections: usize,
    drain_delay_sec: u64,
    drain_timeout_sec: u64,
    ledger_seal_sec: u64,
    log_filter: String,
    log_format: LogFormat,
}

/// How the text of a variable becomes the value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// `true` or `false`.
    Flag,
    /// Separated by commas.
    List,
}

/// Every key, and the variable that wins over it.
const VARIABLES: &[(&str, &str, Kind)] = &[
    ("gateway_addr", "GATEWAY_ADDR", Kind::Text),
    ("telemetry_addr", "TELEMETRY_ADDR", Kind::Text),
    ("database_url", DATABASE_URL, Kind::Text),
    ("auto_migrate", "AUTO_MIGRATE", Kind::Flag),
    ("database_connections", "DATABASE_CONNECTIONS", Kind::Number),
    ("database_listen", "DATABASE_LISTEN", Kind::Flag),
    ("approval_base_url", "APPROVAL_BASE_URL", Kind::Text),
    ("store_failure_mode", "STORE_FAILURE_MODE", Kind::Text),
    ("spool_dir", "SPOOL_DIR", Kind::Text),
    ("spool_max_bytes", "SPOOL_MAX_BYTES", Kind::Number),
    ("admin_user", "ADMIN_USER", Kind::Text),
    ("max_body_bytes", "MAX_BODY_BYTES", Kind::Number),
    ("body_timeout_sec", "BODY_TIMEOUT_SEC", Kind::Number),
    ("trusted_proxies", "TRUSTED_PROXIES", Kind::List),
    ("egress_allow_private", "EGRESS_ALLOW_PRIVATE", Kind::List),
    ("egress_timeout_sec", "EGRESS_TIMEOUT_SEC", Kind::Number),
    ("egress_ca_file", "EGRESS_CA_FILE", Kind::Text),
    ("replay_window_sec", "REPLAY_WINDOW_SEC", Kind::Number),
    ("max_connections", "MAX_CONNECTIONS", Kind::Number),
    ("drain_delay_sec", "DRAIN_DELAY_SEC", Kind::Number),
    ("drain_timeout_sec", "DRAIN_TIMEOUT_SEC", Kind::Number),
    ("ledger_seal_sec", "LEDGER_SEAL_SEC", Kind::Number),
    ("log_filter", "RUST_LOG", Kind::Text),
    ("log_format", "LOG_FORMAT", Kind::Text),
];

impl Config {
    /// From the operator's file and the environment. `DATABASE_URL` may hold a password, so a file may hold it.
    pub(crate) fn of_process(service: Service, file: Option<&Path>) -> AnyResult<Self> {
        let database_url = secret_variable(DATABASE_URL)?;
        let variable = |name: &str| match name {
            DATABASE_URL => database_url.as_ref().map(|url| url.reveal().to_owned()),
            _ => std::env::var(name).ok(),
        };
        Ok(Self::load(service, file, variable)?)
    }

    /// `variable` looks a variable up; a variable that is set but empty counts as not set.
    fn load(
        service: Service,
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let mut keys = parse(DEFAULTS, "interven.default.toml")?;
        keys.extend(service.defaults().into_iter().map(|(key, value)| (key.to_owned(), value)));
        if let Some(path) = file {
            let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            })?;
            keys.extend(parse(&text, &path.display().to_string())?);
        }
        for (key, name, kind) in VARIABLES {
            if let Some(text) = variable(name).filter(|text| !text.trim().is_empty()) {
                keys.insert((*key).to_owned(), read_variable(name, text.trim(), *kind)?);
            }
        }
        let keys: Keys =
            Value::Table(keys).try_into().map_err(|error: toml::de::Error| ConfigError::Invalid {
                source_name: file.map_or_else(|| "settings".to_owned(), |path| path.display().to_string()),
                reason: error.to_string().trim().replace('\n', " "),
            })?;
        keys.check()
    }
}

impl Keys {
    fn check(self) -> Result<Config, ConfigError> {
        let trusted_proxies = CidrList::parse(self.trusted_proxies.iter().map(String::as_str));
        if self.max_body_bytes == 0 {
            return Err(ConfigError::Invalid {
                source_name: "max_body_bytes (MAX_BODY_BYTES)".to_owned(),
                reason: "0 would refuse every scan".to_owned(),
            });
        }
        Ok(Config {
            gateway_addr: address("gateway_addr (GATEWAY_ADDR)", self.gateway_addr)?,
            telemetry_addr: address("telemetry_addr (TELEMETRY_ADDR)", self.telemetry_addr)?,
            database: database(&self.database_url)?,
            database_settings: DatabaseSettings {
                auto_migrate: self.auto_migrate,
                connections: self.database_connections,
                listens: self.database_listen,
            },
            approval_base_url: Some(self.approval_base_url).filter(|url| !url.is_empty()),
            spool: match self.store_failure_mode {
                StoreFailureMode::Strict => None,
                StoreFailureMode::Spool => Some(SpoolConfig {
                    directory: Some(self.spool_dir).filter(|path| !path.is_empty()).map(PathBuf::from),
                    max_bytes: self.spool_max_bytes,
                }),
            },
            admin_user: self.admin_user,
            max_body_bytes: self.max_body_bytes,
            body_timeout: Duration::from_secs(self.body_timeout_sec),
            trusted_proxies: trusted_proxies.map_err(|error| ConfigError::Invalid {
                source_name: "trusted_proxies (TRUSTED_PROXIES)".to_owned(),
                reason: error.to_string(),
            })?,
            egress: egress(self.egress_allow_private, self.egress_timeout_sec, self.egress_ca_file)?,
            replay_window: replay_window(self.replay_window_sec)?,
            max_connections: self.max_connections,
            drain_delay: Duration::from_secs(self.drain_delay_sec),
            drain_timeout: Duration::from_secs(self.drain_timeout_sec),
            ledger_seal: Duration::from_secs(self.ledger_seal_sec),
            log_filter: self.log_filter,
            log_format: self.log_format,
        })
    }
}

fn parse(text: &str, source_name: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or_default().lines().count().max(1);
        let reason = error.message().replace('\n', ", ");
        ConfigError::Invalid { source_name: format!("{source_name}:{line}"), reason }
    })
}

fn read_variable(name: &'static str, text: &str, kind: Kind) -> Result<Value, ConfigError> {
    match kind {
        Kind::Text => Ok(Value::String(text.to_owned())),
        Kind::Number => text.parse().map(Value::Integer).map_err(|_| ConfigError::Value {
            name,
            value: text.to_owned(),
            expected: "is not a whole number",
        }),
        Kind::Flag => text.parse().map(Value::Boolean).map_err(|_| ConfigError::Value {
            name,
            value: text.to_owned(),
            expected: "is neither true nor false",
        }),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()))
        }
    }
}

fn address(name: &'static str, text: String) -> Result<SocketAddr, ConfigError> {
    let expected = "is no address with a port, such as 127.0.0.1:4000";
    text.parse().map_err(|_| ConfigError::Value { name, value: text, expected })
}

/// Half of what is remembered of signed requests, so that none is forgotten while it could be taken again.
fn replay_window(seconds: u64) -> Result<Duration, ConfigError> {
    let most = REMEMBERED.as_secs() / 2;
    if (1..=most).contains(&seconds) {
        return Ok(Duration::from_secs(seconds));
    }
    Err(ConfigError::Invalid {
        source_name: "replay_window_sec (REPLAY_WINDOW_SEC)".to_owned(),
        reason: format!("it must be 1 to {most}"),
    })
}

fn egress(opened: Vec<String>, timeout_sec: u64, ca_file: String) -> Result<EgressSettings, ConfigError> {
    let reach = Reach::parse(opened.iter().map(String::as_str)).map_err(|error| ConfigError::Invalid {
        source_name: "egress_allow_private (EGRESS_ALLOW_PRIVATE)".to_owned(),
        reason: error.to_string(),
    })?;
    if timeout_sec == 0 {
        return Err(ConfigError::Invalid {
            source_name: "egress_timeout_sec (EGRESS_TIMEOUT_SEC)".to_owned(),
            reason: "0 would let no call be answered".to_owned(),
        });
    }
    let limits = EgressLimits { total: Duration::from_secs(timeout_sec), ..EgressLimits::default() };
    Ok(EgressSettings {
        reach,
        limits,
        ca_file: Some(ca_file).filter(|path| !path.is_empty()).map(PathBuf::from),
    })
}

fn database(url: &str) -> Result<Option<DatabaseUrl>, ConfigError> {
    if url.is_empty() {
        return Ok(None);
    }
    DatabaseUrl::parse(url).map(Some).map_err(|error| ConfigError::Invalid {
        source_name: format!("database_url ({DATABASE_URL})"),
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(variables: &[(&str, &str)]) -> Result<Config, String> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        Config::load(Service::Serve, None, find).map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_file_parses_to_exactly_the_defaults() {
        let expected = Config {
            gateway_addr: "127.0.0.1:4000".parse().unwrap(),
            telemetry_addr: "127.0.0.1:4100".parse().unwrap(),
            database: None,
            database_settings: DatabaseSettings { auto_migrate: true, connections: 16, listens: true },
            approval_base_url: None,
            spool: None,
            admin_user: "admin@localhost".to_owned(),
            max_body_bytes: 262_144,
            body_timeout: Duration::from_secs(10),
            trusted_proxies: CidrList::default(),
            egress: EgressSettings::default(),
            replay_window: Duration::from_secs(60),
            max_connections: 10_000,
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(15),
            ledger_seal: Duration::from_secs(5),
            log_filter: "info".to_owned(),
            log_format: LogFormat::Text,
        };
        assert_eq!(format!("{:?}", loaded(&[]).unwrap()), format!("{expected:?}"));
    }

    #[test]
    fn a_gateway_of_its_own_can_be_reached_and_tells_before_it_leaves() {
        let of = |service, file| Config::load(service, file, |_| None).unwrap();
        let alone = of(Service::Gateway, None);
        assert_eq!(
            (alone.gateway_addr.to_string().as_str(), alone.drain_delay.as_secs()),
            ("0.0.0.0:4000", 5)
        );
        assert_eq!(of(Service::Telemetry, None).telemetry_addr.to_string(), "127.0.0.1:4100");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.toml");
        std::fs::write(&path, "gateway_addr = \"127.0.0.1:1\"\ndrain_delay_sec = 0\n").unwrap();
        let told = of(Service::Gateway, Some(&path));
        assert_eq!((told.gateway_addr.port(), told.drain_delay), (1, Duration::ZERO));
    }

    #[test]
    fn the_default_file_names_every_key_with_a_comment_and_its_variable() {
        let keys: Vec<_> = parse(DEFAULTS, "").unwrap().keys().cloned().collect();
        let mut listed: Vec<_> = VARIABLES.iter().map(|(key, ..)| (*key).to_owned()).collect();
        listed.sort();
        assert_eq!(keys, listed);
        for (key, variable, _) in VARIABLES {
            let (before, _) = DEFAULTS.split_once(&format!("\n{key} = ")).unwrap();
            let comment = before.rsplit("\n\n").next().unwrap();
            assert!(comment.starts_with('#') && comment.contains(variable), "{key}: {comment}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.toml");
        std::fs::write(&path, "max_body_bytes = 5\nlog_filter = \"warn\"\n").unwrap();
        let find = |name: &str| (name == "MAX_BODY_BYTES").then(|| "7".to_owned());
        let config = Config::load(Service::Serve, Some(&path), find).unwrap();
        assert_eq!((config.max_body_bytes, config.log_filter.as_str()), (7, "warn"));
        assert_eq!(config.gateway_addr.port(), 4000);
    }

    #[test]
    fn scans_are_spooled_only_when_asked_for() {
        let spool = loaded(&[("STORE_FAILURE_MODE", "spool")]).unwrap().spool;
        assert_eq!(spool, Some(SpoolConfig { directory: None, max_bytes: 1 << 30 }));
        let elsewhere =
            [("STORE_FAILURE_MODE", "spool"), ("SPOOL_DIR", "/var/spool/iv"), ("SPOOL_MAX_BYTES", "9")];
        let expected = SpoolConfig { directory: Some("/var/spool/iv".into()), max_bytes: 9 };
        assert_eq!(loaded(&elsewhere).unwrap().spool, Some(expected));
        assert_eq!(loaded(&[("SPOOL_DIR", "/var/spool/iv")]).unwrap().spool, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (name, value, expected) in [
            ("GATEWAY_ADDR", "4000", "`4000` is no address with a port"),
            ("MAX_BODY_BYTES", "1MB", "MAX_BODY_BYTES: `1MB` is not a whole number"),
            ("MAX_BODY_BYTES", "0", "0 would refuse every scan"),
            ("TRUSTED_PROXIES", "10.0.0.0/8, nonsense", "`nonsense` is not an IP address or CIDR block"),
            ("DATABASE_URL", "mysql://me:pw@db/x", "`mysql` is no kind of database"),
            ("AUTO_MIGRATE", "yes", "AUTO_MIGRATE: `yes` is neither true nor false"),
            ("LOG_FORMAT", "xml", "unknown variant `xml`"),
            ("STORE_FAILURE_MODE", "open", "unknown variant `open`, expected `strict` or `spool`"),
            ("MAX_CONNECTIONS", "-1", "max_connections"),
        ] {
            let error = loaded(&[(name, value)]).unwrap_err();
            assert!(error.contains(expected), "{name}={value}: {error}");
            assert!(!error.contains("pw"), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn a_file_with_a_mistake_is_refused_with_file_and_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mine.toml");
        for (text, expected) in
            [("a = 1\nb = = 2\n", "mine.toml:2"), ("max_bodi_bytes = 5\n", "unknown field `max_bodi_bytes`")]
        {
            std::fs::write(&path, text).unwrap();
            let error = Config::load(Service::Serve, Some(&path), |_| None).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
