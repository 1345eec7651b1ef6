//! The packs that come with the program.

use crate::parse::parse_yaml;
use crate::source::PolicySource;

/// A pack as its author wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    /// `healthcare-hipaa`
    pub name: &'static str,
    /// What it is for, in a few words.
    pub title: &'static str,
    /// YAML; begins with comments that say what it stops, what it does not stop, and what to adjust.
    pub text: &'static str,
    /// Its test file.
    pub tests: &'static str,
}

macro_rules! packs {
    ($($name:literal: $title:literal,)+) => {
        /// All of them, by name.
        pub const PACKS: &[Pack] = &[$(Pack {
            name: $name,
            title: $title,
            text: include_str!(concat!("../../../policies/packs/", $name, ".yaml")),
            tests: include_str!(concat!("../../../policies/packs/", $name, ".tests.yaml")),
        }),+];
    };
}

packs! {
    "browser-agent": "Agents that drive a browser",
    "enterprise-oem": "Agents built into a product that other enterprises run",
    "fintech": "Agents that touch money and account holders",
    "gdpr": "Agents that handle personal data in the European Union",
    "healthcare-hipaa": "Agents near health records in the United States",
    "hobbyist": "One person and their own agents",
    "iso-42001": "Agents under an AI management system",
    "mcp-hardening": "Agents that use MCP servers",
    "pci-dss": "Agents near card payments",
    "soc2": "Agents in a company audited against the Trust Services Criteria",
    "sre": "Agents that look after production",
    "vibe-coder": "Coding agents on a developer's machine",
}

impl Pack {
    pub fn policies(&self) -> Vec<PolicySource> {
        // The text is part of the program; a test proves that it parses.
        parse_yaml(self.text, self.name).unwrap_or_default()
    }

    /// The frameworks of its compliance tags, each once, in order.
    pub fn frameworks(&self) -> Vec<String> {
        let policies = self.policies();
        let of_rules = policies.iter().flat_map(|policy| &policy.rules).flat_map(|r| &r.compliance_tags);
        let tags = policies.iter().flat_map(|policy| &policy.compliance_tags).chain(of_rules);
        let frameworks = tags.filter_map(|tag| tag.split(':').next());
        let sorted: std::collections::BTreeSet<_> = frameworks.map(str::to_owned).collect();
        sorted.into_iter().collect()
    }
}

/// The pack of that name: `sre`, `sre-starter` and either with `.yaml` are one pack.
pub fn pack(name: &str) -> Option<&'static Pack> {
    let name = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name);
    let name = name.strip_suffix("-starter").unwrap_or(name);
    PACKS.iter().find(|pack| pack.name == name)
}
