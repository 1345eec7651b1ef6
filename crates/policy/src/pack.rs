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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check_yaml, diagnostic::Diagnostic};

    #[test]
    fn a_pack_has_one_text_under_all_its_names() {
        for one in PACKS {
            for ending in ["", ".yaml", ".yml", "-starter", "-starter.yaml", "-starter.yml"] {
                let name = format!("{}{ending}", one.name);
                assert_eq!(pack(&name).map(|found| found.name), Some(one.name), "{name}");
            }
        }
        for name in ["", "sre-", "sre.json", "starter", ".yaml", "SRE"] {
            assert!(pack(name).is_none(), "{name}");
        }
    }

    #[test]
    fn packs_can_be_read_and_nothing_is_found_in_them() {
        for pack in PACKS {
            assert_eq!(
                check_yaml(pack.text, pack.name).unwrap().1,
                Vec::<Diagnostic>::new(),
                "{}",
                pack.name
            );
            assert!(parse_suite(pack.tests, pack.name).is_ok(), "{}", pack.name);
        }
        let sorted = PACKS.iter().map(|pack| pack.name);
        assert!(sorted.is_sorted(), "the list is read by people");
    }

    /// How each framework numbers its controls: where the list is closed, only those that it has.
    const CONTROLS: [(&str, &str); 7] = [
        // https://genai.owasp.org/llm-top-10/
        ("OWASP_LLM", r"LLM(0[1-9]|10)"),
        // Trust Services Criteria, AICPA TSP section 100
        (
            "SOC2",
            r"(CC(1\.[1-5]|2\.[1-3]|3\.[1-4]|4\.[12]|5\.[1-3]|6\.[1-8]|7\.[1-5]|8\.1|9\.[12])|A1\.[1-3]|C1\.[12]|PI1\.[1-5]|P([1278]\.1|[35]\.[12]|4\.[1-3]|6\.[1-7]))",
        ),
        // 45 CFR part 164
        ("HIPAA", r"164\.(308|310|312|314|316|502|504|514|524|526|528|530)(\([a-zA-Z0-9]+\))*"),
        // PCI DSS 4.0.1
        ("PCI_DSS", r"(1[0-2]|[1-9])\.[0-9]{1,2}(\.[0-9]{1,2}){0,2}"),
        // Regulation (EU) 2016/679
        ("GDPR", r"Art\.[1-9][0-9]?(\([0-9a-z]\)){0,2}"),
        // ISO/IEC 42001:2023, Annex A
        (
            "ISO_42001",
            r"A\.(2\.[2-4]|3\.[23]|4\.[2-6]|5\.[2-5]|6\.1\.[23]|6\.2\.[2-8]|7\.[2-6]|8\.[2-5]|9\.[2-4]|10\.[2-4])",
        ),
        // ISO/IEC 27001:2022, Annex A
        (
            "ISO_27001",
            r"A\.(5\.([1-9]|[12][0-9]|3[0-7])|6\.[1-8]|7\.([1-9]|1[0-4])|8\.([1-9]|[12][0-9]|3[0-4]))",
        ),
    ];

    #[test]
    fn each_rule_names_controls_that_their_frameworks_have() {
        for pack in PACKS {
            for policy in pack.policies() {
                for rule in &policy.rules {
                    let tagged = !policy.compliance_tags.is_empty() || !rule.compliance_tags.is_empty();
                    assert!(tagged, "{}, {}", policy.name, rule.rule_id);
                }
                let of_rules = policy.rules.iter().flat_map(|rule| &rule.compliance_tags);
                for tag in policy.compliance_tags.iter().chain(of_rules) {
                    let (framework, control) = tag.split_once(':').unwrap();
                    let form = CONTROLS.iter().find(|(name, _)| *name == framework).map(|(_, form)| *form);
                    let form = form.unwrap_or_else(|| panic!("{}: {tag}", policy.name));
                    assert!(regex::Regex::new(&format!("^{form}$")).unwrap().is_match(control), "{tag}");
                }
            }
        }
    }
}
