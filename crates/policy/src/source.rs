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
    /// Unique per environment and agent.
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// One environment; `env_names` gives several.
    #[serde(default)]
    env_name: Option<String>,
    /// Absent: every environment.
    #[serde(default, deserialize_with = "field::optional_list")]
    #[schemars(length(min = 1))]
    env_names: Option<Vec<String>>,
    /// Name or id of one agent: the policy is its own, and is asked before those for all.
    #[serde(default)]
    agent: Option<String>,
    /// `FRAMEWORK:CONTROL`, such as `OWASP_LLM:LLM02`.
    #[serde(default)]
    compliance_tags: Vec<String>,
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
    /// Stable name within the policy, for the audit trail.
    pub rule_id: String,
    /// Lower is evaluated first within the policy; rules of one priority stand in the order written.
    #[serde(default = "default_priority", skip_serializing_if = "is_default_priority")]
    #[schemars(extend("default" = default_priority()))]
    pub priority: i64,
    /// Which calls: absent or `{}` is every call.
    #[serde(default, rename = "match", skip_serializing_if = "is_default")]
    pub matches: Match,
    /// What must also hold.
    #[serde(default, skip_serializing_if = "is_default")]
    pub condition: Condition,
    pub action: PolicyAction,
    /// UPPER_SNAKE; absent: `POLICY_` and the action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_code: Option<String>,
    /// `shadow`: evaluated, recorded and counted, and without effect on the decision.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mode: Mode,
    /// JSON paths of the body that SANITIZE replaces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sanitize_fields: Vec<String>,
    /// Data classes that SANITIZE replaces. With neither key: the classes of the rule's own `has_data_class`,
    /// else every class found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<crate::schema::DataClassName>")]
    pub sanitize_classes: Vec<interven_types::DataClass>,
    /// Names of the channels that hear of a match.
    #[serde(default, deserialize_with = "field::one_or_many", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub escalate_to: Vec<String>,
    /// Labels put on the trace.
    #[serde(
        default,
        rename = "tag",
        alias = "tags",
        deserialize_with = "field::one_or_many",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub tags: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::SeverityName>")]
    pub incident_severity: Option<RiskBand>,
    /// How long an approval waits for a human: 60–86,400 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 86_400))]
    pub approval_ttl_seconds: Option<u64>,
    /// How often one approval may be used: a number from 1, or `unlimited`.
    #[serde(default, deserialize_with = "field::grant_uses", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<crate::schema::GrantUsesName>")]
    pub grant_max_uses: Option<GrantUses>,
    /// Roles or users who may decide the approval.
    #[serde(default, deserialize_with = "field::one_or_many", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "crate::schema::OneOrMany")]
    pub approvers: Vec<String>,
    /// `FRAMEWORK:CONTROL` tags of this rule beside those of its policy.
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    #[serde(alias = "tools", deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub tool_names: Vec<String>,
    /// `create_pr`, `category:issues`, `method:POST`, `*`.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub operations: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<crate::schema::VerbName>")]
    pub verbs: Vec<Verb>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub methods: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<String>")]
    pub agent_ids: Vec<AgentId>,
    /// Globs.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub agent_names: Vec<String>,
    #[serde(deserialize_with = "field::runtime_types", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1), with = "Vec<String>")]
    pub agent_runtime_types: Vec<RuntimeType>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub env_names: Vec<String>,
    /// Prefixes of the canonical URL, or globs when they hold `*` or `[`.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub url_patterns: Vec<String>,
    /// Globs, ASCII case ignored.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub host_patterns: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub org_patterns: Vec<String>,
    /// Globs on the repository as the call names it and on `org/repo`.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub repo_patterns: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub channel_patterns: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub region_patterns: Vec<String>,
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub account_patterns: Vec<String>,
    /// Globs on who is given something; any of them.
    #[serde(deserialize_with = "field::list", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1))]
    pub principal_patterns: Vec<String>,
    /// All must be present with exactly these values.
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
