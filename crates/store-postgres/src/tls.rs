//! TLS to the server, as libpq's `sslmode` means it
//! (<https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-SSLMODE-STATEMENTS>).

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use std::{path::PathBuf, sync::Arc};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What the server's certificate must prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nothing: whoever answers is spoken to, in secret.
    Anyone,
    /// That an authority we trust signed it.
    Authority,
    /// That, and that it was made out to the host we call.
    Host,
}

/// Who is trusted to sign certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Whom this machine trusts.
    System,
    /// The certificates in a PEM file.
    File(PathBuf),
}

pub(crate) fn connector(trust: Trust, roots: &Roots) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let (named, authorities) = match trust {
        Trust::Anyone => (Vec::new(), None),
        Trust::Authority | Trust::Host => {
            let named = named(roots)?;
            let authorities = authorities(roots, named.clone(), provider.clone())?;
            (named, Some(authorities))
        }
    };
    let verifier = Verifier { authorities, named, needs_host: trust == Trust::Host, provider };
    let config =
        config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// The certificates in the file that the address names.
fn named(roots: &Roots) -> Result<Vec<CertificateDer<'static>>, String> {
    let Roots::File(path) = roots else { return Ok(Vec::new()) };
    let pem = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    pem.map_err(|error| format!("`{}`: {error}", path.display()))
}

fn authorities(
    roots: &Roots,
    named: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, String> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(match roots {
        Roots::System => rustls_native_certs::load_native_certs().certs,
        Roots::File(_) => named,
    });
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build().map_err(|_| match roots {
        Roots::System => "this machine trusts no authority; name one with `sslrootcert`".to_owned(),
        Roots::File(path) => format!("`{}` holds no certificate", path.display()),
    })
}

#[derive(Debug)]
struct Verifier {
    /// Absent: any certificate will do.
    authorities: Option<Arc<WebPkiServerVerifier>>,
    /// Trusted as they are, too: a server's own certificate needs no authority beside it.
    named: Vec<CertificateDer<'static>>,
    needs_host: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(authorities) = &self.authorities else { return Ok(ServerCertVerified::assertion()) };
        if self.named.contains(end_entity) {
            if self.needs_host {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        let verdict =
            authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verdict {
            // Found only once the chain has been found good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.needs_host => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
