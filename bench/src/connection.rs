//! One kept-alive HTTP/1.1 connection to a service on this machine.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than a gateway may ever take; a request that takes longer counts as an error.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to send, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    address: SocketAddr,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

impl Target {
    /// Takes the base of the service, such as `http://127.0.0.1:4000`, and a key.
    ///
    /// # Errors
    /// When the address is none, or is not on the loopback interface: load is for the machine that makes it.
    pub fn new(base: &str, key: Option<&str>) -> anyhow::Result<Self> {
        let uri: Uri = base.parse().with_context(|| format!("`{base}` is no address"))?;
        ensure!(uri.scheme_str() == Some("http"), "`{base}` does not start with `http://`");
        let authority = uri.authority().with_context(|| format!("`{base}` names no host"))?;
        let host = authority.host().trim_matches(['[', ']']);
        let mut addresses = (host, authority.port_u16().unwrap_or(80)).to_socket_addrs()?;
        let address = addresses.next().with_context(|| format!("`{base}` has no address"))?;
        ensure!(address.ip().is_loopback(), "`{base}` is not on this machine");
        let authorization = key.map(|key| {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))?;
            value.set_sensitive(true);
            anyhow::Ok(value)
        });
        Ok(Self { address, host: authority.as_str().parse()?, authorization: authorization.transpose()? })
    }

    /// What it was made of, with the address that its name stood for.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Whether the gateway there can decide and record now.
    pub async fn is_healthy(&self) -> bool {
        let Ok(mut connection) = Connection::open(self).await else { return false };
        connection.get("/health").await.is_ok_and(|(status, _)| status.is_success())
    }
}

#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    target: Target,
}

impl Connection {
    /// # Errors
    /// When nobody listens there.
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let stream = timeout(PATIENCE, TcpStream::connect(target.address)).await??;
        stream.set_nodelay(true)?;
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        // Ends with the connection; its error is the error of the request that was under way.
        tokio::spawn(driver);
        Ok(Self { sender, target: target.clone() })
    }

    /// # Errors
    /// When the connection breaks or the answer takes too long; the connection is of no use then.
    pub async fn scan(&mut self, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::POST, "/v1/scan", body).await
    }

    /// # Errors
    /// As [`Self::scan`].
    pub async fn get(&mut self, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Sends a call to another path than a scan's.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub async fn post(&mut self, path: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        self.send(Method::POST, path, body).await
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.target.host);
        if let Some(authorization) = &self.target.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body))?;
        timeout(PATIENCE, async {
            self.sender.ready().await?;
            let answer = self.sender.send_request(request).await?;
            let status = answer.status();
            Ok((status, answer.into_body().collect().await?.to_bytes()))
        })
        .await?
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn load_stays_on_this_machine() {
        for (base, is_fine) in [
            ("http://127.0.0.1:4000", true),
            ("http://[::1]:4000/", true),
            ("http://192.0.2.1:4000", false),
            ("https://127.0.0.1:4000", false),
            ("127.0.0.1:4000", false),
            ("", false),
        ] {
            assert_eq!(Target::new(base, Some("iv_live_x")).is_ok(), is_fine, "{base}");
        }
    }
}
