//! TLS to a server with a certificate that this machine trusts.

use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// The authorities of this machine are read only when they are `needed`: that takes longer than an answer.
pub(crate) fn settings(needed: bool) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    if needed {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err("this machine trusts no authority that could vouch for an https server".to_owned());
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
