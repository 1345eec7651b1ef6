//! The operator's side: tenants, keys, agents, policies, approvals, the record.

use crate::{
    Activity, ActivityPage, ActivityQuery, Agent, AgentDetail, AppliedPolicy, Approval, ApprovalQuery,
    BudgetToday, ClientError, CreatedUser, DataKey, DetectorList, Download, EncryptionStatus, Explanation,
    ExportQuery, Key, MintedKey, NewKey, NewPassword, NewPolicies, NewToolCredential, NewUser, Policy,
    PolicyVersion, Refusal, RetentionRun, RetentionStatus, Ruling, Settings, SettingsVersion, Simulation,
    SimulationProgress, SimulationQuery, Tenant, ToolCredential, Trace, User, connection::Connection,
    simulation::SimulationLine,
};
use interven_types::{AgentId, ApprovalId, CredentialId, PolicyId, ScanRequest, Secret, TraceId};
use reqwest::{Method, RequestBuilder};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

type Answer<T> = Result<T, ClientError>;

/// Speaks to one control plane with the operator's token, for one tenant. Its changes stand in the audit log as made
/// from the command line.
#[derive(Clone, Debug)]
pub struct ControlClient {
    connection: Connection,
    tenant: Option<String>,
}

impl ControlClient {
    /// `tenant` is an id or a name; without one the server takes its only tenant.
    pub fn new(address: &str, token: &Secret, tenant: Option<String>) -> Answer<Self> {
        Ok(Self { connection: Connection::new(address, token)?, tenant })
    }

    pub async fn tenants(&self) -> Answer<Vec<Tenant>> {
        self.get(&["tenants"]).await
    }

    pub async fn create_tenant(&self, name: &str) -> Answer<Tenant> {
        self.post(&["tenants"], &json!({"name": name})).await
    }

    pub async fn users(&self) -> Answer<Vec<User>> {
        self.get(&["users"]).await
    }

    pub async fn create_user(&self, user: &NewUser) -> Answer<CreatedUser> {
        self.post(&["users"], user).await
    }

    /// Sets `password`, or has the server make a one-time one.
    pub async fn set_password(&self, email: &str, password: Option<&Secret>) -> Answer<NewPassword> {
        let password = password.map(Secret::reveal);
        self.post(&["users", "password"], &json!({"email": email, "password": password})).await
    }

    pub async fn disable_user(&self, email: &str) -> Answer<Value> {
        self.post(&["users", "disable"], &json!({"email": email})).await
    }

    pub async fn keys(&self) -> Answer<Vec<Key>> {
        self.get(&["keys"]).await
    }

    /// Those that keys made for one task.
    pub async fn ephemeral_keys(&self) -> Answer<Vec<Key>> {
        self.send(self.request(Method::GET, &["keys"], &[("ephemeral", "true")])).await
    }

    pub async fn credentials(&self) -> Answer<Vec<ToolCredential>> {
        self.get(&["credentials"]).await
    }

    /// Seals it in the place of the one for the same tool, host and environment.
    pub async fn set_credential(&self, new: &NewToolCredential) -> Answer<ToolCredential> {
        let NewToolCredential { tool, kind, env, base_url, secret } = new;
        let fields = json!({
            "tool": tool, "kind": kind, "env": env, "base_url": base_url, "secret": secret.reveal(),
        });
        self.post(&["credentials"], &fields).await
    }

    pub async fn remove_credential(&self, id: CredentialId) -> Answer<Value> {
        self.send(self.request::<&str>(Method::DELETE, &["credentials", &id.to_string()], &[])).await
    }

    pub async fn create_key(&self, key: &NewKey) -> Answer<MintedKey> {
        self.post(&["keys"], key).await
    }

    /// `key` is an id, or a prefix of 12 characters that only one key has.
    pub async fn revoke_key(&self, key: &str) -> Answer<Value> {
        self.send(self.request::<&str>(Method::DELETE, &["keys", key], &[])).await
    }

    pub async fn agents(&self) -> Answer<Vec<Agent>> {
        self.get(&["agents"]).await
    }

    pub async fn agent(&self, agent: AgentId) -> Answer<AgentDetail> {
        self.get(&["agents", &agent.to_string()]).await
    }

    pub async fn reset_trust(&self, agent: AgentId) -> Answer<Agent> {
        self.post(&["agents", &agent.to_string(), "trust", "reset"], &json!({})).await
    }

    pub async fn suspend_agent(&self, agent: AgentId) -> Answer<Agent> {
        self.post(&["agents", &agent.to_string(), "suspend"], &json!({})).await
    }

    pub async fn reactivate_agent(&self, agent: AgentId) -> Answer<Agent> {
        self.post(&["agents", &agent.to_string(), "reactivate"], &json!({})).await
    }

    /// Newest first.
    pub async fn approvals(&self, query: &ApprovalQuery) -> Answer<Vec<Approval>> {
        self.send(self.request(Method::GET, &["approvals"], &query.pairs())).await
    }

    pub async fn approval(&self, approval: ApprovalId) -> Answer<Approval> {
        self.get(&["approvals", &approval.to_string()]).await
    }

    /// Decides once: an approval that was decided already is refused with who decided what.
    pub async fn decide(&self, approval: ApprovalId, ruling: Ruling, note: Option<&str>) -> Answer<Approval> {
        self.post(&["approvals", &approval.to_string(), ruling.as_str()], &json!({"note": note})).await
    }

    pub async fn activity(&self, query: &ActivityQuery) -> Answer<ActivityPage> {
        self.send(self.request(Method::GET, &["activity"], &query.pairs())).await
    }

    /// Rows after `seq`, oldest first; held by the server up to 25 s until there is one.
    pub async fn activity_after(&self, seq: u64, query: &ActivityQuery) -> Answer<Vec<Activity>> {
        let mut pairs = query.pairs();
        pairs.extend([("after_seq", seq.to_string()), ("wait", "25".to_owned())]);
        let page: ActivityPage = self.send(self.request(Method::GET, &["activity"], &pairs)).await?;
        Ok(page.rows)
    }

    /// The log of scans in a format for other systems, oldest first.
    pub async fn export(&self, query: &ExportQuery) -> Answer<Download> {
        self.connection.download(self.request(Method::GET, &["activity", "export"], &query.pairs())).await
    }

    pub async fn trace(&self, trace: TraceId) -> Answer<Trace> {
        self.get(&["activity", &trace.to_string()]).await
    }

    /// The request as the agent sent it; the server audits that it was looked at.
    pub async fn original_request(&self, trace: TraceId) -> Answer<ScanRequest> {
        self.get(&["activity", &trace.to_string(), "original"]).await
    }

    /// Has the recorded decision made again.
    pub async fn explain(&self, trace: TraceId) -> Answer<Explanation> {
        self.post(&["activity", &trace.to_string(), "explain"], &json!({})).await
    }

    pub async fn policies(&self) -> Answer<Vec<Policy>> {
        self.get(&["policies"]).await
    }

    /// The same, with the last versions of deleted policies.
    pub async fn policies_with_deleted(&self) -> Answer<Vec<Policy>> {
        self.send(self.request(Method::GET, &["policies"], &[("deleted", "true")])).await
    }

    /// Applies all policies or none.
    pub async fn apply_policies(&self, new: &NewPolicies<'_>) -> Answer<Vec<AppliedPolicy>> {
        let place = [("env", new.env), ("agent", new.agent)];
        let mut query: Vec<_> =
            place.into_iter().filter_map(|(name, value)| Some((name, value?.to_owned()))).collect();
        query.extend(new.if_version.map(|version| ("if_version", version.to_string())));
        let request = self.request(Method::POST, &["policies", "apply"], &query);
        self.send(request.json(&json!({"policies": new.policies, "if_versions": new.if_versions}))).await
    }

    /// The newest versions of a policy, newest first.
    pub async fn policy_versions(&self, policy: PolicyId) -> Answer<Vec<PolicyVersion>> {
        self.get(&["policies", &policy.to_string(), "versions"]).await
    }

    pub async fn policy_at(&self, policy: PolicyId, version: u32) -> Answer<Policy> {
        self.get(&["policies", &policy.to_string(), "versions", &version.to_string()]).await
    }

    /// Puts an earlier version in force again, as the next one.
    pub async fn restore_policy(
        &self,
        policy: PolicyId,
        version: u32,
        if_version: Option<u32>,
    ) -> Answer<AppliedPolicy> {
        let path = ["policies", &policy.to_string(), "versions", &version.to_string(), "restore"];
        self.send(self.request(Method::POST, &path, &expecting(if_version))).await
    }

    pub async fn delete_policy(&self, policy: PolicyId, if_version: Option<u32>) -> Answer<Value> {
        let path = ["policies", &policy.to_string()];
        self.send(self.request(Method::DELETE, &path, &expecting(if_version))).await
    }

    /// Has recorded scans judged by the policies in force and by `policies`; nothing is applied. `progress` hears how far
    /// the server is.
    pub async fn simulate(
        &self,
        policies: &[Value],
        query: &SimulationQuery,
        mut progress: impl FnMut(SimulationProgress),
    ) -> Answer<Simulation> {
        let request = self.request(Method::POST, &["policies", "simulate"], &query.pairs());
        let request = request.json(&json!({"policies": policies}));
        let take = |line| match line {
            SimulationLine::Progress(so_far) => {
                progress(so_far);
                None
            }
            SimulationLine::Report(report) => Some(Ok(*report)),
            SimulationLine::Error(error) => Some(Err(error)),
        };
        let broken_off =
            |fields| ClientError::Refused(Box::new(Refusal::of_fields(fields, 200, "the server", None)));
        self.connection.send_for_lines(request, take).await?.map_err(broken_off)
    }

    pub async fn settings(&self) -> Answer<Settings> {
        self.get(&["settings"]).await
    }

    /// Writes the next version; with `if_version`, only if that is still the current one.
    pub async fn update_settings(&self, settings: &Value, if_version: Option<u32>) -> Answer<Settings> {
        let request = self.request::<&str>(Method::PUT, &["settings"], &[]);
        self.send(request.json(&json!({"settings": settings, "if_version": if_version}))).await
    }

    /// The newest versions of the settings, newest first.
    pub async fn settings_versions(&self) -> Answer<Vec<SettingsVersion>> {
        self.get(&["settings", "versions"]).await
    }

    /// The settings as they were at a version.
    pub async fn settings_at(&self, version: u32) -> Answer<Value> {
        self.get(&["settings", "versions", &version.to_string()]).await
    }

    /// Writes what an earlier version said as the next one.
    pub async fn restore_settings(&self, version: u32) -> Answer<Settings> {
        self.post(&["settings", "versions", &version.to_string(), "restore"], &json!({})).await
    }

    /// The tenant's detectors: shipped and its own, active and switched off.
    pub async fn detectors(&self) -> Answer<DetectorList> {
        self.get(&["detectors"]).await
    }

    /// The tenant's daily budgets with what today has used of them.
    pub async fn budgets(&self) -> Answer<Vec<BudgetToday>> {
        self.get(&["budgets"]).await
    }

    /// The whole database as it is now.
    pub async fn backup(&self) -> Answer<Download> {
        self.connection.download(self.request::<&str>(Method::GET, &["backup"], &[])).await
    }

    /// How long the record is kept, and the newest run.
    pub async fn retention(&self) -> Answer<RetentionStatus> {
        self.get(&["retention"]).await
    }

    /// Begins a run, which goes on after the answer.
    pub async fn run_retention(&self) -> Answer<RetentionRun> {
        self.post(&["retention", "run"], &json!({})).await
    }

    /// Which keys there are: those of the tenant, or all.
    pub async fn encryption_status(&self) -> Answer<EncryptionStatus> {
        self.get(&["encryption"]).await
    }

    /// Makes new data keys: for the tenant, or for all and the installation.
    pub async fn rotate_data_keys(&self) -> Answer<Vec<DataKey>> {
        self.post(&["encryption", "rotate"], &json!({})).await
    }

    pub async fn reset_settings(&self) -> Answer<Settings> {
        self.post(&["settings", "reset"], &json!({})).await
    }

    pub(crate) fn request<Q: AsRef<str>>(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, Q)],
    ) -> RequestBuilder {
        let path = [&["api", "telemetry"], segments].concat();
        let request = self.connection.request(method, &path, query).header("x-interven-origin", "cli");
        match &self.tenant {
            Some(tenant) => request.header("x-interven-tenant", tenant),
            None => request,
        }
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, segments: &[&str]) -> Answer<T> {
        self.send(self.request::<&str>(Method::GET, segments, &[])).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        segments: &[&str],
        body: &(impl Serialize + Sync),
    ) -> Answer<T> {
        self.send(self.request::<&str>(Method::POST, segments, &[]).json(body)).await
    }

    pub(crate) async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Answer<T> {
        self.connection.send(request).await
    }

    pub(crate) async fn bytes(&self, request: RequestBuilder) -> Answer<Vec<u8>> {
        self.connection.send_for_bytes(request).await
    }
}

fn expecting(if_version: Option<u32>) -> Vec<(&'static str, String)> {
    if_version.map(|version| ("if_version", version.to_string())).into_iter().collect()
}
