//! The address of a database: a URL as libpq reads it, with the TLS settings that the driver does not know.

use crate::{
    OpenError,
    tls::{Roots, Trust},
};
use percent_encoding::percent_decode_str;
use tokio_postgres::config::{Config, Host, SslMode};

#[derive(Debug)]
pub(crate) struct Address {
    pub config: Config,
    pub trust: Trust,
    pub roots: Roots,
}

impl Address {
    pub(crate) fn read(url: &str) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Address { reason };
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(failed("it does not begin with `postgres://`".to_owned()));
        }
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        if place.matches('@').count() > 1 || query.contains('@') {
            // What follows would be taken for a host, and shown.
            return Err(failed(
                "it has an `@` too many; write `@`, `?` and `%` in a password as `%40`, `%3F`, `%25`"
                    .to_owned(),
            ));
        }
        let mut kept = Vec::new();
        let (mut mode, mut roots) = (None, None);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = || percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = Some(value()),
                "sslrootcert" => roots = Some(value()),
                _ => kept.push(pair),
            }
        }
        let mut config: Config = format!("{place}?{}", kept.join("&"))
            .parse()
            .map_err(|error| failed(crate::error::told(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(failed("it names no host".to_owned()));
        }
        let (ssl_mode, trust) = choose(mode.as_deref(), roots.as_deref()).map_err(failed)?;
        // A socket file is no network.
        let is_local = config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)));
        config.ssl_mode(if is_local { SslMode::Disable } else { ssl_mode });
        let roots = match roots.as_deref() {
            None | Some("system") => Roots::System,
            Some(path) => Roots::File(path.into()),
        };
        Ok(Self { config, trust, roots })
    }

    /// What errors say in place of the address: never the password.
    pub(crate) fn place(&self) -> String {
        let ports = self.config.get_ports();
        let port = |index: usize| ports.get(index).or(ports.first()).copied().unwrap_or(5432);
        let hosts = self.config.get_hosts().iter().enumerate().map(|(index, host)| match host {
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(path) => format!("{}:{}", path.display(), port(index)),
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        let user = self.config.get_user();
        let database = self.config.get_dbname().or(user).unwrap_or("postgres");
        let user = user.map(|user| format!(" as `{user}`")).unwrap_or_default();
        format!("database `{database}` at `{hosts}`{user}")
    }
}

/// As libpq does: naming the authorities makes `require` check them, and `system` stands for the strictest mode.
fn choose(mode: Option<&str>, roots: Option<&str>) -> Result<(SslMode, Trust), String> {
    if roots == Some("system") && mode.is_some_and(|mode| mode != "verify-full") {
        return Err("`sslrootcert=system` needs `sslmode=verify-full`".to_owned());
    }
    let default = if roots == Some("system") { "verify-full" } else { "prefer" };
    match (mode.unwrap_or(default), roots) {
        ("disable", _) => Ok((SslMode::Disable, Trust::Anyone)),
        ("prefer", _) => Ok((SslMode::Prefer, Trust::Anyone)),
        ("require", None) => Ok((SslMode::Require, Trust::Anyone)),
        ("require", Some(_)) | ("verify-ca", _) => Ok((SslMode::Require, Trust::Authority)),
        ("verify-full", _) => Ok((SslMode::Require, Trust::Host)),
        (other, _) => Err(format!(
            "`sslmode` is `{other}`, and can be `disable`, `prefer`, `require`, `verify-ca` or `verify-full`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tls_is_as_libpq_means_it() {
        use SslMode::{Disable, Prefer, Require};
        let file = || Roots::File("/etc/ca.pem".into());
        for (query, mode, trust, roots) in [
            ("", Prefer, Trust::Anyone, Roots::System),
            ("?sslmode=disable", Disable, Trust::Anyone, Roots::System),
            ("?sslmode=require", Require, Trust::Anyone, Roots::System),
            ("?sslmode=require&sslrootcert=/etc/ca.pem", Require, Trust::Authority, file()),
            ("?sslrootcert=%2Fetc%2Fca.pem&sslmode=verify-ca", Require, Trust::Authority, file()),
            ("?application_name=x&sslmode=verify-full", Require, Trust::Host, Roots::System),
            ("?sslrootcert=system", Require, Trust::Host, Roots::System),
        ] {
            let address = Address::read(&format!("postgres://ada@db.example/interven{query}")).unwrap();
            assert_eq!(
                (address.config.get_ssl_mode(), address.trust, &address.roots),
                (mode, trust, &roots),
                "{query}"
            );
        }
        let socket = Address::read("postgres://ada@%2Frun%2Fpostgresql/x?sslmode=verify-full").unwrap();
        assert_eq!(socket.config.get_ssl_mode(), Disable);
    }

    #[test]
    fn an_address_that_cannot_be_read_says_why_without_the_password() {
        for (url, said) in [
            ("mysql://ada:hunter2@db/x", "does not begin"),
            ("postgres:///x", "names no host"),
            ("postgres://ada:hunter2@db/x?sslmode=allow", "`allow`"),
            ("postgres://ada:hunter2@db/x?sslmode=require&sslrootcert=system", "verify-full"),
            ("postgres://ada:hunter2@db/x?sslkey=k", "sslkey"),
            ("postgres://ada:hunter2@db:port/x", "port"),
            ("postgres://ada:x@hunter2@db/x", "%40"),
            ("postgres://ada:x?hunter2=y@db/x", "%3F"),
        ] {
            let error = Address::read(url).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("hunter2"), "{url}: {error}");
        }
    }

    #[test]
    fn errors_name_the_place_and_not_the_password() {
        let address = Address::read("postgres://ada:hunter2@a.example,b.example:6432/interven").unwrap();
        assert!(!address.place().contains("hunter2"));
        let address = Address::read("postgres://ada:hunter2@db.example:6432/interven").unwrap();
        assert_eq!(address.place(), "database `interven` at `db.example:6432` as `ada`");
    }
}
