//! An authority of this machine's own, for who chose to have HTTPS looked into: it vouches for every host, to whom trusts it.

use moka::sync::Cache;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Clocks differ.
const BEFORE: Duration = DAY;
const AUTHORITY_LIFE: Duration = Duration::from_secs(3_650 * 24 * 60 * 60);
/// Below what clients accept at most, and far above how long one is cached.
const SITE_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const SITES: u64 = 1_000;

/// Signs certificates for hosts as they are called. Their key is made anew with each start and never stored.
pub struct Ca {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    site_key: KeyPair,
    sites: Cache<String, Arc<ServerConfig>>,
}

/// What is written down: the certificate, which agents are told to trust, and its key, which only its owner may read.
pub struct NewCa {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").finish_non_exhaustive()
    }
}

impl fmt::Debug for NewCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCa").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("the certificate or the key of the authority cannot be used: {0}")]
    Unusable(String),
    #[error("the key of the authority does not belong to its certificate")]
    Mismatch,
}

fn unusable(error: impl fmt::Display) -> CaError {
    CaError::Unusable(error.to_string())
}

/// Makes an authority; its name says on which `machine`, so that a list of trusted ones can be read.
///
/// # Errors
/// The system gives no randomness.
pub fn make_ca(machine: &str) -> Result<NewCa, CaError> {
    let key = KeyPair::generate().map_err(unusable)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(unusable)?;
    params.distinguished_name.push(DnType::OrganizationName, "Interven");
    params.distinguished_name.push(DnType::CommonName, format!("Interven proxy on {machine}"));
    // It signs sites, and no further authority.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = SystemTime::now();
    params.not_before = (now - BEFORE).into();
    params.not_after = (now + AUTHORITY_LIFE).into();
    let certificate = params.self_signed(&key).map_err(unusable)?;
    Ok(NewCa { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

impl Ca {
    /// # Errors
    /// Texts that are no certificate or no key, or that do not belong together.
    pub fn read(certificate_pem: &str, key_pem: &str) -> Result<Self, CaError> {
        let key = KeyPair::from_pem(key_pem).map_err(unusable)?;
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes()).map_err(unusable)?;
        let public = key.public_key_raw();
        if !certificate.windows(public.len()).any(|window| window == public) {
            return Err(CaError::Mismatch);
        }
        Ok(Self {
            issuer: Issuer::from_ca_cert_der(&certificate, key).map_err(unusable)?,
            certificate,
            site_key: KeyPair::generate().map_err(unusable)?,
            sites: Cache::builder().max_capacity(SITES).time_to_live(DAY).build(),
        })
    }

    /// How to speak TLS as `host`, a name or an address.
    pub(super) fn site(&self, host: &str) -> Result<Arc<ServerConfig>, CaError> {
        let host = host.trim_matches(['[', ']']);
        if let Some(site) = self.sites.get(host) {
            return Ok(site);
        }
        let site = Arc::new(self.make_site(host)?);
        self.sites.insert(host.to_owned(), Arc::clone(&site));
        Ok(site)
    }

    fn make_site(&self, host: &str) -> Result<ServerConfig, CaError> {
        let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(unusable)?;
        params.distinguished_name.push(DnType::CommonName, host.chars().take(64).collect::<String>());
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = SystemTime::now();
        params.not_before = (now - BEFORE).into();
        params.not_after = (now + SITE_LIFE).into();
        let certificate = params.signed_by(&self.site_key, &self.issuer).map_err(unusable)?;
        let key = PrivateKeyDer::try_from(self.site_key.serialize_der()).map_err(unusable)?;
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(unusable)?
                .with_no_client_auth()
                .with_single_cert(vec![certificate.der().clone(), self.certificate.clone()], key)
                .map_err(unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_vouches_for_names_and_addresses_and_remembers_them() {
        let new = make_ca("here").unwrap();
        let ca = Ca::read(&new.certificate_pem, &new.key_pem).unwrap();
        for host in ["a.example", "127.0.0.1", "[::1]"] {
            let site = ca.site(host).unwrap();
            assert!(Arc::ptr_eq(&site, &ca.site(host).unwrap()), "{host}");
        }
        assert!(!format!("{new:?}{ca:?}").contains("PRIVATE"));
    }

    #[test]
    fn a_certificate_wants_its_own_key() {
        let (one, other) = (make_ca("one").unwrap(), make_ca("other").unwrap());
        assert!(matches!(Ca::read(&one.certificate_pem, &other.key_pem), Err(CaError::Mismatch)));
        assert!(matches!(Ca::read("", &one.key_pem), Err(CaError::Unusable(_))));
        assert!(matches!(Ca::read(&one.certificate_pem, "x"), Err(CaError::Unusable(_))));
    }
}
