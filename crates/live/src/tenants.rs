//! Snapshots of tenants: settings, compiled policies, detectors, limits.

use crate::{
    Live,
    at_rest::{KeyError, StartError},
};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock as _};
use interven_classify::{Classifier, Options};
use interven_normalize::OwnDomains;
use interven_policy::{BudgetError, Budgets, InstalledPolicy, PolicySet, PolicySource};
use interven_store::{PolicyRow, RateLimit, StoreError};
use interven_types::{PolicyId, TenantId, TenantSettings, Timestamp};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// One tenant as it is now. Replaced as a whole when something changes: never half-loaded.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    /// Grows with every reload; what was cached under an older one is stale.
    pub(crate) generation: u64,
    pub settings: Arc<TenantSettings>,
    pub settings_version: u32,
    pub classifier: Arc<Classifier>,
    pub(crate) own_domains: Arc<OwnDomains>,
    pub budgets: Arc<Budgets>,
    policy_sets: PolicySets,
    limiter: Option<Arc<DefaultDirectRateLimiter>>,
    usage: Arc<Usage>,
}

/// The policies in force in an environment.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    pub policies: Arc<PolicySet>,
    /// Hash over members and versions, under which the store remembers them.
    pub hash: Arc<str>,
    pub members: Arc<[(PolicyId, u32)]>,
}

/// Compiled sets by environment. Environments that no policy names share the set under `None`.
#[derive(Clone, Debug)]
pub(crate) struct PolicySets(HashMap<Option<String>, InForce>);

#[derive(Debug, Default)]
struct Usage {
    /// Year and month, and the scans recorded in it.
    month: Mutex<(String, u64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantError {
    #[error("a stored policy does not compile: {0}")]
    Policy(String),
    #[error("the detectors do not compile with the tenant's settings: {0}")]
    Detectors(String),
    #[error(transparent)]
    Budgets(#[from] BudgetError),
    #[error(transparent)]
    Keys(#[from] KeyError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Tenant {
    pub(crate) fn in_force(&self, env: &str) -> Option<&InForce> {
        self.policy_sets.of(env)
    }

    /// Takes one scan out of the tenant's rate; says how long to wait when there is none left.
    pub(crate) fn take_scan(&self) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        limiter.check().map_err(|until| until.wait_time_from(limiter.clock().now()))
    }

    /// The rate over all gateways, for the store to hold.
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        let per_minute = NonZeroU32::new(self.settings.limits.scans_per_minute?)?;
        Some(RateLimit::per_minute(per_minute))
    }

    pub(crate) fn is_over_quota(&self, now: Timestamp) -> bool {
        let used = || {
            let month = self.usage.month.lock().unwrap_or_else(PoisonError::into_inner);
            if month.0 == month_of(now) { month.1 } else { 0 }
        };
        self.settings.limits.scans_per_month.is_some_and(|quota| used() >= quota)
    }

    /// What the store has counted in this month.
    pub(crate) fn note_usage(&self, scans_this_month: u64, now: Timestamp) {
        self.count_usage(now, |so_far| so_far.max(scans_this_month));
    }

    /// A scan that the store has not counted yet.
    pub(crate) fn note_one_more(&self, now: Timestamp) {
        self.count_usage(now, |so_far| so_far + 1);
    }

    fn count_usage(&self, now: Timestamp, next: impl FnOnce(u64) -> u64) {
        let mut month = self.usage.month.lock().unwrap_or_else(PoisonError::into_inner);
        let this_month = month_of(now);
        let so_far = if month.0 == this_month { month.1 } else { 0 };
        *month = (this_month, next(so_far));
    }
}

fn month_of(now: Timestamp) -> String {
    now.to_string().chars().take(7).collect()
}

#[derive(Debug, Default)]
pub(crate) struct Tenants {
    by_id: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    generation: AtomicU64,
    /// One reload at a time, so that an older one cannot overwrite a newer.
    reloading: tokio::sync::Mutex<()>,
    /// Tenants of which a change is to be loaded still; none: the list of them.
    behind: Mutex<BTreeSet<Option<TenantId>>>,
}

impl Tenants {
    fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::SeqCst) + 1
    }

    fn behind(&self) -> BTreeSet<Option<TenantId>> {
        self.behind.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note_loaded(&self, tenant: Option<TenantId>, is_loaded: bool) {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        match is_loaded {
            true => behind.remove(&tenant),
            false => behind.insert(tenant),
        };
    }
}

impl Live {
    pub fn tenant(&self, id: TenantId) -> Option<Arc<Tenant>> {
        self.tenants.by_id.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub fn tenants(&self) -> Vec<Arc<Tenant>> {
        self.tenants.by_id.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(crate) async fn reload_all(&self) -> Result<(), StartError> {
        let rows = self.store.tenants().await;
        self.tenants.note_loaded(None, rows.is_ok());
        for row in rows.inspect_err(|_| self.tenants().iter().for_each(|tenant| self.distrust(tenant.id)))? {
            if let Err(error) = self.reload(row.tenant_id).await {
                // Its calls are answered 503 until this is mended; other tenants are not affected.
                tracing::error!(tenant_id = %row.tenant_id, %error, "a tenant could not be loaded");
            }
        }
        Ok(())
    }

    /// Loads a tenant as stored now. On failure the previous snapshot stays in force, and [`Live::catch_up`] tries again.
    pub async fn reload(&self, id: TenantId) -> Result<Arc<Tenant>, TenantError> {
        let loaded = self.load(id).await;
        let is_behind = !matches!(loaded, Ok(_) | Err(TenantError::Store(StoreError::NotFound(_))));
        self.tenants.note_loaded(Some(id), !is_behind);
        if is_behind {
            self.distrust(id);
        }
        loaded
    }

    /// Loads what changed and could not be loaded then.
    pub(crate) async fn catch_up(&self) {
        let behind = self.tenants.behind();
        for tenant in behind {
            let loaded = match tenant {
                Some(id) => self.reload(id).await.map(drop).map_err(|error| error.to_string()),
                None => self.reload_all().await.map_err(|error| error.to_string()),
            };
            match loaded {
                Ok(()) => tracing::info!(?tenant, "loaded a change that could not be loaded before"),
                Err(error) => tracing::debug!(?tenant, error, "a change can still not be loaded"),
            }
        }
    }

    /// What changed is not known: keys and agents are looked up again, for one may have been revoked or suspended.
    fn distrust(&self, id: TenantId) {
        let mut tenants = self.tenants.by_id.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(tenant) = tenants.get_mut(&id) {
            *tenant =
                Arc::new(Tenant { generation: self.tenants.next_generation(), ..Tenant::clone(tenant) });
        }
    }

    async fn load(&self, id: TenantId) -> Result<Arc<Tenant>, TenantError> {
        let _turn = self.tenants.reloading.lock().await;
        let previous = self.tenant(id);
        let name = match &previous {
            Some(tenant) => tenant.name.clone(),
            None => self
                .store
                .tenants()
                .await?
                .into_iter()
                .find(|row| row.tenant_id == id)
                .map(|row| row.name)
                .ok_or(StoreError::NotFound("tenant"))?,
        };
        self.ensure_data_key(id).await?;
        let settings = self.store.settings(id).await?;
        let usage = match &previous {
            Some(tenant) => Arc::clone(&tenant.usage),
            None => Arc::new(Usage::default()),
        };
        let tenant = Tenant {
            id,
            name,
            generation: self.tenants.next_generation(),
            classifier: self.classifier_of(&settings.settings).await?,
            own_domains: Arc::new(OwnDomains::new(&settings.settings.own_domains)),
            budgets: Arc::new(Budgets::compile(&settings.settings.budgets)?),
            policy_sets: self.compile_policies(id).await?,
            limiter: limiter_for(&settings.settings, previous.as_deref()),
            usage,
            settings_version: settings.version,
            settings: Arc::new(settings.settings),
        };
        if previous.is_none() {
            tenant.note_usage(self.store.scans_in_month(id, self.now()).await?, self.now());
        }
        let tenant = Arc::new(tenant);
        self.tenants.by_id.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Tenants whose settings say the same of detectors share one compiled classifier. Another one is compiled away from
    /// the threads that answer calls.
    pub(crate) async fn classifier_of(
        &self,
        settings: &TenantSettings,
    ) -> Result<Arc<Classifier>, TenantError> {
        let wanted = Options::from(settings);
        if wanted == Options::default() {
            return Ok(Classifier::builtin());
        }
        if let Some(tenant) = self.tenants().iter().find(|tenant| Options::from(&*tenant.settings) == wanted)
        {
            return Ok(Arc::clone(&tenant.classifier));
        }
        let settings = settings.clone();
        let compile = move || Classifier::new(&Options::from(&settings)).map_err(|error| error.to_string());
        let compiled =
            tokio::task::spawn_blocking(compile).await.map_err(|error| error.to_string()).flatten();
        compiled.map(Arc::new).map_err(TenantError::Detectors)
    }

    async fn compile_policies(&self, id: TenantId) -> Result<PolicySets, TenantError> {
        let sets = compile_each_environment(&self.store.policies(id).await?)?;
        for set in sets.0.values() {
            self.store.save_policy_set(id, &set.hash, &set.members).await?;
        }
        Ok(sets)
    }
}

impl PolicySets {
    /// The set in force in an environment.
    pub(crate) fn of(&self, env: &str) -> Option<&InForce> {
        self.0.get(&Some(env.to_owned())).or_else(|| self.0.get(&None))
    }
}

/// Compiles what is in force in each environment that a policy names, and in all others.
pub(crate) fn compile_each_environment(rows: &[PolicyRow]) -> Result<PolicySets, TenantError> {
    let named: BTreeSet<Option<String>> = rows.iter().map(|row| row.env_name.clone()).chain([None]).collect();
    let set_of = |env: Option<String>| {
        let members: Vec<&PolicyRow> =
            rows.iter().filter(|row| row.env_name.is_none() || row.env_name == env).collect();
        let set = InForce {
            hash: set_hash(&members).into(),
            members: members.iter().map(|row| (row.policy_id, row.version)).collect(),
            policies: Arc::new(compile(members.into_iter())?),
        };
        Ok((env, set))
    };
    Ok(PolicySets(named.into_iter().map(set_of).collect::<Result<_, TenantError>>()?))
}

/// Compiles stored policies, in the order given.
pub(crate) fn compile<'a>(rows: impl Iterator<Item = &'a PolicyRow>) -> Result<PolicySet, TenantError> {
    let installed = rows.map(install).collect::<Result<Vec<_>, _>>()?;
    PolicySet::compile(&installed).map_err(|problems| {
        let first = problems.first().map(|p| p.message.clone()).unwrap_or_default();
        TenantError::Policy(first)
    })
}

pub(crate) fn install(row: &PolicyRow) -> Result<InstalledPolicy, TenantError> {
    let source: PolicySource = serde_json::from_value(row.source.clone())
        .map_err(|error| TenantError::Policy(format!("`{}`: {error}", row.name)))?;
    Ok(source.install(row.policy_id, row.version, row.env_name.clone(), row.agent_id))
}

fn set_hash(members: &[&PolicyRow]) -> String {
    let mut hasher = Sha256::new();
    for row in members {
        hasher.update(row.policy_id.0.as_bytes());
        hasher.update(row.version.to_be_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A bucket keeps its level across reloads that do not change the rate.
fn limiter_for(
    settings: &TenantSettings,
    previous: Option<&Tenant>,
) -> Option<Arc<DefaultDirectRateLimiter>> {
    let RateLimit { per_minute: rate, burst } =
        RateLimit::per_minute(NonZeroU32::new(settings.limits.scans_per_minute?)?);
    let kept = previous.filter(|p| p.settings.limits.scans_per_minute == Some(rate.get()));
    if let Some(limiter) = kept.and_then(|p| p.limiter.clone()) {
        return Some(limiter);
    }
    Some(Arc::new(RateLimiter::direct(Quota::per_minute(rate).allow_burst(burst))))
}
