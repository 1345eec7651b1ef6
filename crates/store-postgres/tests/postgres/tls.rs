//! TLS to the server: what each `sslmode` accepts, and what it refuses.

use interven_store_postgres::{OpenError, PostgresOptions, PostgresStore};
use interven_testkit::postgres::{Cluster, Durability};
use std::{path::Path, process::Command};

/// A key and a self-signed certificate that is an authority's, as PostgreSQL's manual makes one.
fn self_signed(directory: &Path, name: &str) {
    openssl(
        directory,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN={name} \
        -addext subjectAltName=DNS:localhost -keyout {name}.key -out {name}.pem"
        ),
    );
}

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
    // Debian installs it with PostgreSQL.
    let output = output.unwrap_or_else(|error| panic!("`openssl` cannot be started: {error}"));
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_checked_as_the_address_says() {
    let directory = tempfile::tempdir().unwrap();
    let files = directory.path();
    self_signed(files, "authority");
    self_signed(files, "other");
    openssl(files, "req -newkey rsa:2048 -nodes -subj /CN=db -keyout server.key -out server.csr");
    std::fs::write(files.join("server.ext"), "subjectAltName=DNS:localhost").unwrap();
    openssl(
        files,
        "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 \
         -extfile server.ext -out server.pem",
    );
    let cluster = Cluster::start(Durability::None, &[]);
    cluster.database();
    let address = |host: &str, query: &str| {
        let query = query.replace("{}", &files.display().to_string());
        format!("postgres://postgres@{host}:{}/test_0?{query}", cluster.port())
    };
    let without_tls =
        PostgresStore::open(PostgresOptions::new(address("localhost", "sslmode=require"))).await;
    assert!(matches!(without_tls, Err(OpenError::Tls { .. })), "{without_tls:?}");

    let (of_authority, of_itself) = (("server.pem", "server.key"), ("other.pem", "other.key"));
    for ((certificate, key), host, query, is_accepted) in [
        (of_authority, "127.0.0.1", "sslmode=prefer", true),
        (of_authority, "127.0.0.1", "sslmode=require", true),
        (of_authority, "127.0.0.1", "sslmode=verify-ca&sslrootcert={}/authority.pem", true),
        (of_authority, "127.0.0.1", "sslmode=verify-full&sslrootcert={}/authority.pem", false),
        (of_authority, "localhost", "sslmode=verify-full&sslrootcert={}/authority.pem", true),
        (of_authority, "localhost", "sslmode=verify-ca&sslrootcert={}/other.pem", false),
        (of_authority, "localhost", "sslmode=require&sslrootcert={}/other.pem", false),
        (of_authority, "localhost", "sslmode=verify-full", false),
        (of_itself, "localhost", "sslmode=verify-full&sslrootcert={}/other.pem", true),
        (of_itself, "127.0.0.1", "sslmode=verify-full&sslrootcert={}/other.pem", false),
        (of_itself, "localhost", "sslmode=verify-ca&sslrootcert={}/authority.pem", false),
    ] {
        cluster.serve_tls(&files.join(certificate), &files.join(key));
        let opened = PostgresStore::open(PostgresOptions::new(address(host, query))).await;
        match (opened, is_accepted) {
            (Ok(store), true) => {
                let sql = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                     WHERE application_name = 'interven'";
                assert_eq!(cluster.sql("test_0", sql), "t", "{certificate} {host} {query}");
                store.close().await;
            }
            (Err(OpenError::Tls { .. }), false) => {}
            (opened, _) => panic!("{certificate} {host} {query}: {opened:?}"),
        }
    }
}
