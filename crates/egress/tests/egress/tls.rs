//! Whose certificate is trusted.

use crate::upstream::{Rebinding, get, limits, loopback};
use interven_egress::{Egress, EgressError, EgressSettings};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::{path::PathBuf, sync::Arc};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};
use url::Url;

/// An authority, and a server called `tool.bank.example` that it vouches for.
async fn serve(authority: &str) -> (String, u16) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, authority);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["tool.bank.example".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut socket) = acceptor.accept(socket).await else { return };
                let _ = socket.read(&mut [0; 4_096]).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await;
                let _ = socket.shutdown().await;
            });
        }
    });
    (pem, port)
}

fn trusting(ca_file: Option<PathBuf>) -> Result<Egress, EgressError> {
    let settings = EgressSettings { reach: loopback(), limits: limits(), ca_file };
    Egress::new(settings, Rebinding::new(&[&["127.0.0.1"]]))
}

async fn call(egress: &Egress, host: &str, port: u16) -> Result<u16, EgressError> {
    let url: Url = format!("https://{host}:{port}/?token=t0ken").parse().unwrap();
    egress.send(&url, get(&url)).await.map(|answer| answer.status)
}

#[tokio::test]
async fn an_authority_of_the_operator_vouches_for_its_servers_and_no_others() {
    let directory = TempDir::new().unwrap();
    let ca_file = directory.path().join("bank.pem");
    let (pem, port) = serve("bank").await;
    std::fs::write(&ca_file, pem).unwrap();
    let (_, stranger) = serve("bank").await;

    let egress = trusting(Some(ca_file)).unwrap();
    assert_eq!(call(&egress, "tool.bank.example", port).await.unwrap(), 200);
    // One name for another, a key for another, and nobody's word for it.
    for (egress, host, port, why) in [
        (&egress, "other.bank.example", port, "not valid for name \"other.bank.example\""),
        (&egress, "tool.bank.example", stranger, "BadSignature"),
        (&trusting(None).unwrap(), "tool.bank.example", port, "name its authority in EGRESS_CA_FILE"),
    ] {
        let error = call(egress, host, port).await.unwrap_err();
        assert!(matches!(error, EgressError::NotTrusted { .. }), "{error:?}");
        assert!(error.to_string().contains(why) && !error.to_string().contains("t0ken"), "{error}");
    }
}

#[test]
fn a_file_without_authorities_is_named_at_the_start() {
    let directory = TempDir::new().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("text"), "trust everybody").unwrap();
    std::fs::write(path("broken"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for name in ["empty", "text", "broken", "absent"] {
        let error = trusting(Some(path(name))).unwrap_err();
        assert!(matches!(error, EgressError::BadAuthorities { .. }), "{name}: {error:?}");
        assert!(error.to_string().contains(&format!("{name}` of EGRESS_CA_FILE")), "{error}");
    }
}
