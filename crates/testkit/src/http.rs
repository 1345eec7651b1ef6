//! A caller that speaks plain HTTP.

use rustls::{ClientConfig, RootCertStore, crypto::ring};
use std::sync::Arc;

/// Follows redirects, keeps connections, trusts no certificate.
///
/// # Panics
/// When it cannot be built.
pub fn http_client() -> reqwest::Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).build().unwrap()
}
