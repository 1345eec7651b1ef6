//! The policy language as people write it: policies, rules, matches.

use crate::condition::Condition;
use crate::field::{self, is_default};
use interven_types::{AgentId, Decision, GrantUses, PolicyId, RiskBand, RuntimeType, Verb};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One named policy. Serializes to its canonical form: `env_names`, no aliases, nothing that says the default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "PolicyText")]
#[schemars(rename = "Policy")]
pub struct PolicySource {
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Absent: every environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_names: Option<Vec<String>>,
    /// The policy is this agent's own; absent: it is for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compliance_tags: Vec<String>,
    pub rules: Vec<RuleSource>,
}

/// A policy as it may be written.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Policy")]
pub(crate) struct PolicyText {
    /// 1 to 200 characters, unique per environment and agent.
    name: String,
    /// For people.
    #[serde(default)]
    description: Option<String>,
    /// One environment; `env_names` gives several.
    #[serde(default)]
    env_name: Option<String>,
    /// Environments in which the policy is in force; absent: every one.
    #[serde(default, deserialize_with = "field::optional_list")]
    #[schemars(length(min = 1))]
    env_names: Option<Vec<String>>,
    /// Name or id of one agent: the policy is its own, and is asked before those for all; absent: it is for all.
    #[serde(default)]
    agent: Option<String>,
    /// `FRAMEWORK:CONTROL`, such as `SOC2:CC6.1`; each rule has them too.
    #[serde(default)]
    compliance_tags: Vec<String>,
    /// Asked in the order of their priority.
    rules: Vec<RuleSource>,
}

impl TryFrom<PolicyText> for PolicySource {
    type Error = &'static str;

    fn try_from(text: PolicyText) -> Result<Self, Self::Error> {
        let env_names = match (text.env_name, text.env_names) {
            (Some(_), Some(_)) => return Err("`env_name` and `env_names` are both given; keep one"),
            (Some(one), None) => Some(vec![one]),
            (None, several) => several,
        };
        Ok(Self {
            name: text.name,
            description: text.description,
            env_names,
            agent: text.agent,
            compliance_tags: text.compliance_tags,
            rules: text.rules,
        })
    }
}

impl PolicySource {
    /// The budgets that its rules ask about.
    pub fn budget_names(&self) -> BTreeSet<&str> {
        self.rules.iter().flat_map(|rule| rule.condition.budget_names()).collect()
    }

    /// The policy as it stands in one environment (`None`: in every one). Its compliance tags go down to its rules.
    pub fn install(
        &self,
        id: PolicyId,
        version: u32,
        env_name: Option<String>,
        agent_override: Option<AgentId>,
    ) -> InstalledPolicy {
        let mut rules = self.rules.clone();
        for rule in &mut rules {
            for tag in &self.compliance_tags {
                if !rule.compliance_tags.contains(tag) {
                    rule.compliance_tags.push(tag.clone());
                }
            }
        }
        InstalledPolicy { id, name: self.name.clone(), env_name, version, agent_override, rules }
    }
}

/// A policy in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstalledPolicy {
    pub id: PolicyId,
    pub name: String,
    /// `None`: every environment.
    pub env_name: Option<String>,
    pub version: u32,
    /// The policy speaks for this agent alone, before the tenant's own.
    pub agent_override: Option<AgentId>,
    pub rules: Vec<RuleSource>,
}

/// One rule: when, and what then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Rule")]
pub struct RuleSource {
    /// Stable, unique in the policy; the audit trail refers to it.
    pub rule_id: String,
    /// Lower is asked first within the policy; rules of one priority stand in the order written; absent: 100.
    #[serde(default = "default_priority", skip_serializing_if = "is_default_priority")]
    #[schemars(extend("default" = default_priority()))]
    pub priority: i64,
    /// Which calls: absent or `{}` is every call.
    #[serde(default, rename = "match", skip_serializing_if = "is_default")]
    pub matches: Match,
    /// What must also hold; absent: nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub condition: Condition,
    /// What then.
    pub action: PolicyAction,
    /// UPPER_SNAKE; absent: `POLICY_` and the action, such as `POLICY_DENY`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// `shadow`: evaluated, recorded and counted, and without effect on the decision.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// With `SANITIZE`: JSON paths to replace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sanitize_fields: Vec<String>,
    /// With `SANITIZE`: data classes to replace. With neither key: those of the rule's own `has_data_class`, else every class found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<crate::schema::DataClassName>")]
    pub sanitize_classes: Vec<interven_types::DataClass>,
    /// Channel names; kept with an approval. This version sends no notifications.
    #[serde(default, deserialize_with = "field::one_or_many", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub escalate_to: Vec<String>,
    /// Labels; read and kept in the policy, without effect in this version.
    #[serde(
        default,
        rename = "tag",
        alias = "tags",
        deserialize_with = "field::one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub tags: Vec<String>,
    /// With `OPEN_INCIDENT`; absent: the risk band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::SeverityName>")]
    pub incident_severity: Option<RiskBand>,
    /// With `REQUIRE_APPROVAL`: how long it waits; absent: the tenant's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 86_400))]
    pub approval_ttl_seconds: Option<u64>,
    /// With `REQUIRE_APPROVAL`: how often one yes may be used.
    #[serde(default, deserialize_with = "field::grant_uses", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::GrantUsesName>")]
    pub grant_max_uses: Option<GrantUses>,
    /// With `REQUIRE_APPROVAL`: roles or users, kept with the approval. The operator may decide every approval.
    #[serde(default, deserialize_with = "field::one_or_many", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub approvers: Vec<String>,
    /// `FRAMEWORK:CONTROL`, beside those of the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compliance_tags: Vec<String>,
}

impl RuleSource {
    /// The reason code of a match; a rule that names none says what it did.
    pub fn spoken_reason(&self) -> String {
        self.reason_code.clone().unwrap_or_else(|| format!("POLICY_{}", self.action.as_str()))
    }
}

/// Rules that do not say stand between those that want to be early and those that want to be late.
fn default_priority() -> i64 {
    100
}

fn is_default_priority(priority: &i64) -> bool {
    *priority == default_priority()
}

/// What a matching rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PolicyAction {
    Allow,
    Deny,
    Sanitize,
    RequireApproval,
    /// Denies, and opens an incident.
    OpenIncident,
}

impl PolicyAction {
    pub const ALL: [Self; 5] =
        [Self::Allow, Self::Deny, Self::Sanitize, Self::RequireApproval, Self::OpenIncident];

    pub fn decision(self) -> Decision {
        match self {
            Self::Allow => Decision::Allow,
            Self::Sanitize => Decision::Sanitize,
            Self::RequireApproval => Decision::RequireApproval,
            Self::Deny | Self::OpenIncident => Decision::Deny,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenIncident => "OPEN_INCIDENT",
            _ => self.decision().as_str(),
        }
    }

    /// A type error in the condition of such a rule counts as a match.
    pub fn fails_closed(self) -> bool {
        self.decision() >= Decision::RequireApproval
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Enforce,
    Shadow,
}

/// Which calls a rule is about. Keys are ANDed, items of a list are ORed, no key at all is every call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// One tool by name; ANDed with `tool_names`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    /// Tools by name; names, not globs.
    #[serde(alias = "tools", deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub tool_names: Vec<String>,
    /// `create_pr` (name), `category:issues`, `method:POST`, `*`; case matters, but for methods.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub operations: Vec<String>,
    /// What the call does.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<crate::schema::VerbName>")]
    pub verbs: Vec<Verb>,
    /// HTTP methods, of a command those of the call that it makes; case ignored.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub methods: Vec<String>,
    /// UUIDs.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<String>")]
    pub agent_ids: Vec<AgentId>,
    /// Globs.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub agent_names: Vec<String>,
    /// `langchain`, `langgraph`, `crewai`, `openai_assistants`, `mcp`, `openclaw`, `claude_code`, `cursor`, `copilot`, `browser_use`,
    /// `computer_use`, `python`, `node`, `custom`.
    #[serde(deserialize_with = "field::runtime_types", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<String>")]
    pub agent_runtime_types: Vec<RuntimeType>,
    /// Environments by name.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub env_names: Vec<String>,
    /// Prefixes of the canonical URL, or globs on all of it when they hold `*` or `[`. The case of scheme and host is ignored, that of the
    /// path matters.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub url_patterns: Vec<String>,
    /// Globs on the host, case ignored.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub host_patterns: Vec<String>,
    /// Globs on the organization or workspace.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub org_patterns: Vec<String>,
    /// Globs on the repository as the call names it, and on `org/repo`.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub repo_patterns: Vec<String>,
    /// Globs on the channel.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub channel_patterns: Vec<String>,
    /// Globs on the cloud region.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub region_patterns: Vec<String>,
    /// Globs on the account.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub account_patterns: Vec<String>,
    /// Globs on who is given something; any of them.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub principal_patterns: Vec<String>,
    /// Tags and values that the call itself names, exactly; all must be there.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aws_tags: BTreeMap<String, String>,
}

impl Match {
    /// The lists of globs other than those on URLs, by key.
    pub(crate) fn glob_lists(&self) -> [(&'static str, &[String]); 8] {
        [
            ("agent_names", &self.agent_names),
            ("host_patterns", &self.host_patterns),
            ("org_patterns", &self.org_patterns),
            ("repo_patterns", &self.repo_patterns),
            ("channel_patterns", &self.channel_patterns),
            ("region_patterns", &self.region_patterns),
            ("account_patterns", &self.account_patterns),
            ("principal_patterns", &self.principal_patterns),
        ]
    }
}
