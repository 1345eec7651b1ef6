//! A shell script stops at the first command that fails.

use crate::finding::Finding;
use crate::tree::Tree;

/// What the interpreter of a script understands: `pipefail` is in no POSIX shell before 2024.
const PROMISES: &[(&str, &str)] = &[("bash", "set -euo pipefail"), ("sh", "set -eu")];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        let interpreter = file.text.lines().next().and_then(interpreter_of);
        if interpreter.is_none() && file.has_extension(&["sh", "bash"]) {
            findings.push(Finding::about(&file.path, "is a shell script without a `#!` line"));
        }
        let Some((_, promise)) = PROMISES.iter().find(|(shell, _)| Some(*shell) == interpreter) else {
            continue;
        };
        let is_kept = file.text.lines().any(|line| line.trim_end().starts_with(promise));
        if !is_kept {
            findings.push(Finding::about(&file.path, format!("is a shell script without `{promise}`")));
        }
    }
    findings
}

/// `bash` of `#!/usr/bin/env bash` and of `#!/bin/bash -l`.
fn interpreter_of(first_line: &str) -> Option<&str> {
    let mut words = first_line.strip_prefix("#!")?.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    if program == "env" { words.find(|word| !word.starts_with('-')) } else { Some(program) }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::found;

    #[test]
    fn scripts_that_stop_at_a_failure_are_fine() {
        for (path, text) in [
            ("run", "#!/usr/bin/env bash\n# Why.\nset -euo pipefail\n"),
            ("a.sh", "#!/bin/bash\nset -euo pipefail\n"),
            ("b.sh", "#!/bin/sh\nset -eu\n"),
            ("c.py", "#!/usr/bin/env python3\nimport os\n"),
            ("README.md", "# Read me\n"),
        ] {
            assert!(found(check, &[(path, text)]).is_empty(), "{path}");
        }
    }

    #[test]
    fn scripts_that_run_on_after_a_failure_are_named() {
        for (path, text, sentence) in [
            ("run", "#!/usr/bin/env -S bash\ntrue\n", "run: is a shell script without `set -euo pipefail`"),
            ("a.sh", "#!/bin/bash\nset -e\n", "a.sh: is a shell script without `set -euo pipefail`"),
            ("b.sh", "#!/bin/sh\n# set -eu\n", "b.sh: is a shell script without `set -eu`"),
            ("c.sh", "set -euo pipefail\n", "c.sh: is a shell script without a `#!` line"),
        ] {
            assert_eq!(found(check, &[(path, text)]), [sentence]);
        }
    }
}
