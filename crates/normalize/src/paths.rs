//! Paths that matter wherever they stand: of credentials, of what a machine obeys, of what guards an agent.
//! The globs are those of `tools/names.toml`.

use crate::{embedded::NAMES, shell::is_glob_match};

/// Longest text that is read as a path, in bytes.
const MAX_PATH: usize = 1_024;

/// Fewest letters before a wildcard for which a name is guessed: `.en*` may be `.env`, and `a*` anything.
const MIN_GUESSED: usize = 3;

/// The file at `path` holds credentials.
pub(crate) fn is_secret_path(path: &str) -> bool {
    let Some(path) = cleaned(path) else { return false };
    let path = path.strip_suffix('/').unwrap_or(&path);
    let fits = |path: &str| fits(&NAMES.secret_paths, path) && !fits(&NAMES.harmless_paths, path);
    fits(path) || secret_name_like(path).is_some_and(fits)
}

/// The next login, service start or privileged program obeys what stands at `path`.
pub(crate) fn is_startup_path(path: &str) -> bool {
    cleaned(path).is_some_and(|path| fits(&NAMES.startup_paths, &path))
}

/// What guards the agent stands at `path`.
pub(crate) fn is_guard_path(path: &str) -> bool {
    cleaned(path).is_some_and(|path| fits(&NAMES.guard_paths, &path))
}

/// Writing to `path` wipes a disk: <https://www.kernel.org/doc/html/latest/admin-guide/devices.html>.
pub(crate) fn is_disk(path: &str) -> bool {
    const DISKS: [&str; 9] = ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/"];
    let device = path.strip_prefix("/dev/").unwrap_or_default();
    DISKS.iter().any(|disk| device.starts_with(disk))
}

fn fits(globs: &[String], path: &str) -> bool {
    globs.iter().any(|glob| is_glob_match(glob, path))
}

/// Lower case, with `/` before it and between its parts, and at its end where it had one, without `.`, `..` and empty ones: `//etc/x` of `/etc/x`, `/etc/x` of `etc/x`.
/// `None` of what is no path.
fn cleaned(path: &str) -> Option<String> {
    // Cheap refusal of long texts.
    if path.is_empty() || path.len() > MAX_PATH || path.contains(['\n', '\0']) {
        return None;
    }
    let path = path.replace('\\', "/").to_ascii_lowercase();
    let path = path.strip_prefix("file://").unwrap_or(&path);
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "//" } else { "/" };
    let end = if path.ends_with('/') && !parts.is_empty() { "/" } else { "" };
    Some(format!("{root}{}{end}", parts.join("/")))
}

/// The secret file that a shell's wildcard in the last part of `path` would find: `.en*` is `.env`.
fn secret_name_like(path: &str) -> Option<&'static str> {
    let (_, pattern) = path.rsplit_once('/')?;
    if pattern.find(['*', '?', '[']).is_none_or(|at| at < MIN_GUESSED) {
        return None;
    }
    let pattern = pattern.split('[').next().map(|begin| match begin.len() == pattern.len() {
        true => begin.to_owned(),
        false => format!("{begin}*"),
    })?;
    let names = NAMES.secret_paths.iter().filter(|glob| glob.rfind('*') == Some(0));
    names.filter_map(|glob| glob.strip_prefix('*')).find(|name| {
        name.strip_prefix('/').is_some_and(|file| !file.contains('/') && is_glob_match(&pattern, file))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_however_their_path_is_written() {
        for path in [
            "~/.aws/credentials",
            "~/.aws/x/../credentials",
            "/home/a//.aws/./credentials",
            ".env",
            "./.env",
            "config/../.env",
            ".en*",
            ".en?",
            ".en[v]",
            "C:\\Users\\a\\.ssh\\id_rsa",
            "file:///home/a/.netrc",
            "/proc/self/environ",
            "~root/.ssh/x",
        ] {
            assert!(is_secret_path(path), "{path}");
        }
        for path in [
            "",
            ".env.example",
            "*",
            "a*",
            "*.ts",
            "src/env.ts",
            "~/.ssh/id_rsa.pub",
            "certs/ca.pem",
            "tests/fixtures/key.pem",
            ".e*",
            "secret",
            "docs/.env/../a.md",
        ] {
            assert!(!is_secret_path(path), "{path}");
        }
    }

    #[test]
    fn what_a_machine_obeys_is_told_from_what_mentions_it() {
        for path in [
            "/etc/hosts",
            "/home/a/.bashrc",
            "~/.config/systemd/user/x.service",
            "a/.git/hooks/pre-commit",
            "~/.ssh/config",
        ] {
            assert!(is_startup_path(path), "{path}");
        }
        for path in ["etc/hosts", "src/.bashrc-parser.ts", "docs/usr/a.md", ".gitignore"] {
            assert!(!is_startup_path(path), "{path}");
        }
        assert!(
            is_guard_path("/a/.claude/settings.local.json")
                && !is_guard_path("/a/.claude/skills/settings.md")
        );
        assert!(is_disk("/dev/sda") && is_disk("/dev/nvme0n1") && !is_disk("/dev/null") && !is_disk("sda"));
    }
}
