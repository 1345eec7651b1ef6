//! Which package needs which, without development dependencies.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Packages by name. Several versions of one package are one node: what is true of one of them is held against all.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    members: BTreeSet<String>,
    arrows: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    /// What cargo resolved, with the features that the whole workspace switches on together.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).exec()?;
        Self::from_metadata(&metadata)
    }

    fn from_metadata(metadata: &Metadata) -> anyhow::Result<Self> {
        let names: BTreeMap<_, _> =
            metadata.packages.iter().map(|package| (&package.id, package.name.to_string())).collect();
        let name_of = |id| names.get(id).cloned().with_context(|| format!("cargo names no package `{id}`"));
        let mut graph = Self::default();
        for id in &metadata.workspace_members {
            graph.members.insert(name_of(id)?);
        }
        let resolved = metadata.resolve.as_ref().context("cargo resolved no dependencies")?;
        for node in &resolved.nodes {
            let targets = graph.arrows.entry(name_of(&node.id)?).or_default();
            for dependency in &node.deps {
                if dependency.dep_kinds.iter().any(|kind| kind.kind != DependencyKind::Development) {
                    targets.insert(name_of(&dependency.pkg)?);
                }
            }
        }
        Ok(graph)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(String::as_str)
    }

    pub(crate) fn arrows_from(&self, package: &str) -> impl Iterator<Item = &str> {
        self.arrows.get(package).into_iter().flatten().map(String::as_str)
    }

    /// The shortest chain of dependencies from one package to another, both ends included.
    pub(crate) fn chain<'graph>(&'graph self, from: &'graph str, to: &str) -> Option<Vec<&'graph str>> {
        let mut seen = BTreeSet::from([from]);
        let mut waiting = VecDeque::from([vec![from]]);
        while let Some(chain) = waiting.pop_front() {
            let end = *chain.last()?;
            if end == to {
                return Some(chain);
            }
            for next in self.arrows_from(end) {
                if seen.insert(next) {
                    waiting.push_back(chain.iter().copied().chain([next]).collect());
                }
            }
        }
        None
    }

    #[cfg(test)]
    pub(crate) fn of(arrows: &[(&str, &[&str])]) -> Self {
        let mut graph = Self::default();
        for (package, targets) in arrows {
            graph.members.insert((*package).to_owned());
            graph
                .arrows
                .insert((*package).to_owned(), targets.iter().map(|target| (*target).to_owned()).collect());
        }
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::Graph;

    #[test]
    fn the_shortest_chain_is_found_and_a_ring_ends() {
        let graph = Graph::of(&[("a", &["b", "c"]), ("b", &["c", "a"]), ("c", &["d"])]);
        assert_eq!(graph.chain("a", "d"), Some(vec!["a", "c", "d"]));
        assert_eq!(graph.chain("d", "a"), None);
    }
}
