//! Where packages come from is the reader's choice: only lock files, which tools write, name a host.

use crate::finding::Finding;
use crate::tree::Tree;

/// In pieces, so that this file passes its own check.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("registry.npm", "js.org"),
    concat!("npm", "js.com"),
    concat!("registry.yarn", "pkg.com"),
    concat!("pypi", ".org"),
    concat!("python", "hosted.org"),
    concat!("proxy.go", "lang.org"),
];

const LOCK_FILES: &[&str] = &["Cargo.lock", "package-lock.json", "uv.lock"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| !LOCK_FILES.contains(&file.name())) {
        for (line, text) in file.numbered_lines() {
            for host in HOSTS.iter().filter(|host| text.contains(**host)) {
                findings.push(Finding::at_line(
                    &file.path,
                    line,
                    format!("names the package registry `{host}`"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{HOSTS, check};
    use crate::tidy::found;

    #[test]
    fn registries_are_found_everywhere_but_in_lock_files() {
        for host in HOSTS {
            let text = format!("see\nhttps://{host}/a\n");
            for path in ["docs/a.md", ".cargo/config.toml", "Dockerfile"] {
                assert_eq!(
                    found(check, &[(path, &text)]),
                    [format!("{path}:2: names the package registry `{host}`")]
                );
            }
            assert!(found(check, &[("Cargo.lock", &text), ("web/package-lock.json", &text)]).is_empty());
        }
    }
}
