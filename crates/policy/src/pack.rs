//! The packs that come with the program.

use crate::parse::parse_yaml;
use crate::source::PolicySource;
use crate::suite::{Case, parse_suite};

/// A pack as its author wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Pack {
    /// `healthcare-hipaa`
    pub name: &'static str,
    /// YAML; begins with comments: `# name: title`, and then what it stops, what it does not stop, and what to adjust.
    pub text: &'static str,
    /// Its test file.
    pub tests: &'static str,
}

macro_rules! packs {
    ($($name:literal)+) => {
        /// All of them, by name.
        pub const PACKS: &[Pack] = &[$(Pack {
            name: $name,
            text: include_str!(concat!("../../../policies/packs/", $name, ".yaml")),
            tests: include_str!(concat!("../../../policies/packs/", $name, ".tests.yaml")),
        }),+];
    };
}

packs! {
    "browser-agent"
    "enterprise-oem"
    "fintech"
    "gdpr"
    "healthcare-hipaa"
    "hobbyist"
    "iso-42001"
    "mcp-hardening"
    "pci-dss"
    "soc2"
    "sre"
    "vibe-coder"
}

impl Pack {
    pub fn policies(&self) -> Vec<PolicySource> {
        // The text is part of the program; a test proves that it parses.
        parse_yaml(self.text, self.name).unwrap_or_default()
    }

    /// What it is for, in a few words.
    pub fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.split_once(": ").map_or(self.name, |(_, title)| title)
    }

    /// The comments that it begins with, without their signs and without the title.
    pub fn introduction(&self) -> impl Iterator<Item = &'static str> {
        let comments = self.text.lines().map_while(|line| line.strip_prefix('#')).skip(1);
        comments.map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    /// The cases that come with it.
    pub fn cases(&self) -> Vec<Case> {
        parse_suite(self.tests, self.name).map(|suite| suite.cases).unwrap_or_default()
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
