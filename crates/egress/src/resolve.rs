//! From a name to addresses that may be called.

use crate::{NotPublic, Reach};
use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::{
    fmt, io,
    net::{IpAddr, SocketAddr, ToSocketAddrs as _},
    sync::Arc,
};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Names that the operating system looks up at once. Each takes a thread for as long as the name's own servers like,
/// even when nobody waits for it any more.
static LOOKUPS: Semaphore = Semaphore::const_new(64);

/// Who knows the addresses of a name.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let permit = LOOKUPS.acquire().await.map_err(io::Error::other)?;
        let host = host.to_owned();
        let lookup = spawn_blocking(move || {
            let _until_it_ends = permit;
            Ok((host.as_str(), 0).to_socket_addrs()?.map(|addr| addr.ip()).collect())
        });
        lookup.await.map_err(io::Error::other)?
    }
}

/// Why a name leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error(transparent)]
    NotPublic(#[from] NotPublic),
    #[error("the name has no address")]
    NoAddress,
    #[error("the name cannot be resolved: {0}")]
    Failed(#[from] io::Error),
}

/// Asks once for each connection, and hands on nothing that was not looked at.
#[derive(Clone)]
pub(crate) struct PublicResolver {
    pub reach: Arc<Reach>,
    pub lookup: Arc<dyn Lookup>,
}

impl fmt::Debug for PublicResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PublicResolver").field(&self.reach).finish()
    }
}

impl PublicResolver {
    async fn addresses(self, host: String) -> Result<Vec<SocketAddr>, ResolveError> {
        let mut admitted = Vec::new();
        for addr in self.lookup.addresses(&host).await? {
            // Port 0 is the scheme's own, or the one in the URL.
            admitted.push(SocketAddr::new(self.reach.admit(addr)?.get(), 0));
        }
        if admitted.is_empty() { Err(ResolveError::NoAddress) } else { Ok(admitted) }
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let found = resolver.addresses(name.as_str().to_owned()).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
