//! TLS to a server whose certificate is vouched for.

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use std::sync::Arc;

/// The authorities of this machine, and those in `more` (PEM).
///
/// # Errors
/// A text without certificates, in words.
pub fn authorities(more: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = more {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let certificates = read.map_err(|error| error.to_string())?;
        if certificates.is_empty() {
            return Err("no certificate is in it".to_owned());
        }
        for certificate in certificates {
            roots.add(certificate).map_err(|error| error.to_string())?;
        }
    }
    Ok(roots)
}

/// TLS to servers that one of `roots` vouches for.
///
/// # Errors
/// No version of TLS can be spoken, in words.
pub fn tls_settings(roots: RootCertStore) -> Result<ClientConfig, String> {
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
