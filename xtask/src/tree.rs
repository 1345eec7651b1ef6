//! The text files of the checkout, as every check sees them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

#[derive(Debug)]
pub(crate) struct TextFile {
    /// From the root of the repository, with forward slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    pub(crate) fn has_extension(&self, extensions: &[&str]) -> bool {
        self.name().rsplit_once('.').is_some_and(|(_, end)| extensions.contains(&end))
    }

    /// Lines with their numbers, counted from 1.
    pub(crate) fn numbered_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<TextFile>,
    paths: BTreeSet<String>,
}

impl Tree {
    /// Reads what git tracks and what it would track: files that are ignored are no part of the product.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("git could not be started")?;
        ensure!(listing.status.success(), "git: {}", String::from_utf8_lossy(&listing.stderr).trim());
        let mut tree = Self::default();
        for path in String::from_utf8(listing.stdout)?.split_terminator('\0') {
            // A tracked file that is deleted but not committed yet is listed and cannot be read.
            let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
            tree.paths.insert(path.to_owned());
            if let Ok(text) = String::from_utf8(bytes) {
                tree.files.push(TextFile { path: path.to_owned(), text });
            }
        }
        Ok(tree)
    }

    /// Whether `path` is a file of the repository, or a directory that holds one.
    pub(crate) fn has(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let inside = format!("{path}/");
        path.is_empty()
            || self.paths.contains(path)
            || self.paths.range(inside.clone()..).next().is_some_and(|first| first.starts_with(&inside))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&TextFile> {
        self.files.iter().find(|file| file.path == path)
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            tree.paths.insert((*path).to_owned());
            tree.files.push(TextFile { path: (*path).to_owned(), text: (*text).to_owned() });
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn a_tree_knows_its_files_and_their_directories() {
        let tree = Tree::of(&[("docs/adr/0001.md", ""), ("docs-old.md", "")]);
        for (path, is_there) in [
            ("docs/adr/0001.md", true),
            ("docs/adr/", true),
            ("docs", true),
            ("", true),
            ("doc", false),
            ("docs/adr/0002.md", false),
        ] {
            assert_eq!(tree.has(path), is_there, "{path}");
        }
    }
}
