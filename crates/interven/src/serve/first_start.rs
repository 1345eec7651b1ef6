//! The first start, and what later starts mend of it.
//!
//! `bootstrap.json` is written last. Whatever a crash leaves before that, the next start finds no such file and finishes:
//! what exists is kept, and another key is made in place of one that nobody has seen.

use super::banner::Start;
use crate::installation::{Bootstrap, DataDir};
use anyhow::{Context as _, Result};
use interven_live::{Live, NewKeyRequest};
use interven_store::{Actor, Role};
use interven_telemetry::{NewUserRequest, create_user, seed_default_policies, seed_tenant};
use interven_types::{KeyKind, Secret, TenantId};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::net::TcpListener;

const TENANT: &str = "default";
const KEY: &str = "first key";

/// Where this process can be reached from this machine.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) gateway: String,
    pub(crate) telemetry: String,
}

impl Addresses {
    pub(crate) fn of(gateway: &TcpListener, telemetry: &TcpListener) -> Result<Self> {
        Ok(Self { gateway: url_of(gateway)?, telemetry: url_of(telemetry)? })
    }
}

/// Where a listener can be reached from this machine.
pub(super) fn url_of(listener: &TcpListener) -> Result<String> {
    let mut addr = listener.local_addr().context("a listener has no address")?;
    // "Every address" is none to connect to.
    match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(format!("http://{addr}"))
}

/// An installation that is ready to serve.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) start: Start,
    pub(crate) bootstrap: Bootstrap,
    /// The operator set the first person's password and knows it.
    pub(crate) is_password_chosen: bool,
}

/// Refreshes the addresses of a finished installation, or finishes one.
pub(crate) async fn finish(
    live: &Live,
    data_dir: &DataDir,
    addresses: &Addresses,
    admin_user: &str,
) -> Result<Finished> {
    // One that tells of another database, which was taken away, is as good as none.
    let tenants = live.store.tenants().await?;
    let is_of_this_database = |found: &Bootstrap| tenants.iter().any(|row| row.tenant_id == found.tenant_id);
    if let Some(found) = Bootstrap::read(data_dir)?.filter(is_of_this_database) {
        let (gateway_url, telemetry_url) = (addresses.gateway.clone(), addresses.telemetry.clone());
        let bootstrap = Bootstrap { gateway_url, telemetry_url, ..found };
        bootstrap.write(data_dir)?;
        return Ok(Finished { start: Start::Later, bootstrap, is_password_chosen: false });
    }
    let actor = Actor::system();
    let known = tenants.into_iter().find(|row| row.name == TENANT).map(|row| row.tenant_id);
    let (start, tenant) = ensure_tenant(live, known, &actor).await?;
    let password = super::secrets::first_password(data_dir)?;
    ensure_admin(live, tenant, admin_user, &password.secret, &actor).await?;
    // With its agent, `default-agent`.
    let new_key = NewKeyRequest { name: KEY.to_owned(), ..NewKeyRequest::default() };
    let minted = live.mint_key(tenant, new_key, &actor).await?;
    let bootstrap = Bootstrap {
        gateway_url: addresses.gateway.clone(),
        telemetry_url: addresses.telemetry.clone(),
        tenant_id: tenant,
        agent_id: minted.record.agent_id,
        api_key: minted.key,
        admin_user: admin_user.to_owned(),
        admin_password: password.secret.reveal().to_owned(),
    };
    bootstrap.write(data_dir)?;
    Ok(Finished { start, bootstrap, is_password_chosen: password.is_chosen })
}

/// The tenant with its default policies. One without a key was left behind by a first start that did not get further:
/// it may lack them.
async fn ensure_tenant(live: &Live, known: Option<TenantId>, actor: &Actor) -> Result<(Start, TenantId)> {
    let Some(tenant) = known else {
        return Ok((Start::First, seed_tenant(live, TENANT, actor).await?.tenant_id));
    };
    if !live.store.keys(tenant, KeyKind::Live).await?.is_empty() {
        return Ok((Start::Renewed, tenant));
    }
    if live.store.policies(tenant).await?.is_empty() {
        seed_default_policies(live, tenant, actor).await?;
    }
    Ok((Start::First, tenant))
}

/// Adds the first person. One who is there already keeps the password they have.
async fn ensure_admin(
    live: &Live,
    tenant: TenantId,
    email: &str,
    password: &Secret,
    actor: &Actor,
) -> Result<()> {
    let users = live.store.users(tenant).await?;
    if users.iter().any(|user| user.email.eq_ignore_ascii_case(email)) {
        return Ok(());
    }
    let password = Some(password.reveal().to_owned());
    let admin = NewUserRequest { email: email.to_owned(), role: Role::Admin, password };
    create_user(live, tenant, admin, actor)
        .await
        .context("the first person (ADMIN_USER, ADMIN_PASS) cannot be added")?;
    Ok(())
}
