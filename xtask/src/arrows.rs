//! Crates depend downwards only, and the decision core stays pure.
//!
//! The table in [`layers`] is the picture of the architecture; this command compares it with what cargo resolved and
//! with what the sources say.

mod graph;
mod layers;
mod purity;

use std::path::Path;

use crate::finding::{Finding, print_findings};
use crate::tree::Tree;
use graph::Graph;
use layers::{Kind, LAYERS, layer_of};

pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let graph = Graph::read(root)?;
    let mut findings = find_wrong_arrows(&graph);
    findings.extend(purity::find_impure_dependencies(&graph));
    findings.extend(purity::find_impure_sources(&Tree::read(root)?));
    Ok(print_findings("arrows", findings))
}

fn find_wrong_arrows(graph: &Graph) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in graph.members() {
        let Some(layer) = layer_of(member) else {
            findings.push(Finding::about(member, "has no layer: name it in `xtask/src/arrows/layers.rs`"));
            continue;
        };
        for target in graph.arrows_from(member) {
            let Some(below) = LAYERS.iter().find(|below| below.package == target) else { continue };
            if below.kind == Kind::Dev && layer.kind != Kind::Dev {
                findings.push(Finding::about(
                    member,
                    format!("depends on `{target}`, which serves development: make it a dev-dependency"),
                ));
            } else if !layer.may_use.contains(&target) {
                findings.push(Finding::about(
                    member,
                    format!("depends on `{target}`, which its layer may not use"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::find_wrong_arrows;
    use super::graph::Graph;

    fn sentences(arrows: &[(&str, &[&str])]) -> Vec<String> {
        find_wrong_arrows(&Graph::of(arrows)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn arrows_that_the_table_names_are_fine() {
        assert!(
            sentences(&[("interven-types", &["serde"]), ("interven-engine", &["interven-types"])]).is_empty()
        );
    }

    #[test]
    fn an_arrow_upwards_is_named() {
        assert_eq!(
            sentences(&[("interven-types", &["interven-engine"])]),
            ["interven-types: depends on `interven-engine`, which its layer may not use"]
        );
    }

    #[test]
    fn an_arrow_to_a_development_crate_is_named() {
        assert_eq!(
            sentences(&[("interven-gateway", &["interven-testkit"])]),
            [
                "interven-gateway: depends on `interven-testkit`, which serves development: make it a dev-dependency"
            ]
        );
    }

    #[test]
    fn development_crates_may_use_each_other_as_the_table_says() {
        assert!(sentences(&[("bench", &["interven-testkit"])]).is_empty());
        assert_eq!(
            sentences(&[("interven-testkit", &["bench"])]),
            ["interven-testkit: depends on `bench`, which its layer may not use"]
        );
    }

    #[test]
    fn a_crate_without_a_layer_is_named() {
        assert_eq!(
            sentences(&[("interven-surprise", &[])]),
            ["interven-surprise: has no layer: name it in `xtask/src/arrows/layers.rs`"]
        );
    }
}
