//! Whether a command reaches a host outside the tenant's.
//!
//! A program that talks to hosts is outside unless a host that it names is inside: a target that cannot be seen may be
//! anywhere.

use crate::{CanonicalUrl, OwnDomains, embedded::PROGRAMS};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};

/// Longest URL read out of a text, in bytes, and longest scheme.
const MAX_URL: usize = 2_048;
const MAX_SCHEME: usize = 8;

/// Programs that talk to hosts.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    /// Talk to a host whenever they run; by program, the subcommands of which this holds, or none for all.
    always: HashMap<String, Vec<String>>,
    /// Talk to a host only when an operand names one, marked by `:` or `@`: `rsync a b` stays here.
    when_marked: BTreeSet<String>,
    /// Their first operand is a host, also when it is a single label.
    host_first: BTreeSet<String>,
}

/// One command as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'w> {
    pub(super) program: &'w str,
    pub(super) arguments: &'w [String],
    pub(super) operands: &'w [&'w str],
    /// A word is the output of a command that cannot be foreseen.
    pub(super) is_unforeseen: bool,
}

impl Reach<'_> {
    pub(super) fn is_outside(self, own: &OwnDomains) -> bool {
        let is_quiet = PROGRAMS.quiet.contains(self.program);
        if !is_quiet
            && self.arguments.iter().any(|word| find_urls(word).iter().any(|url| own.is_external(url)))
        {
            return true;
        }
        let network = &PROGRAMS.network;
        let is_marked_only = network.when_marked.contains(self.program);
        let is_always = network.always.get(self.program).is_some_and(|subcommands| {
            subcommands.is_empty() || subcommands.iter().any(|subcommand| self.begins_with(subcommand))
        });
        if !is_always && !is_marked_only {
            return false;
        }
        let words = self.arguments.iter().filter(|word| !is_marked_only || word.contains([':', '@']));
        let hosts: Vec<CanonicalUrl> = words.flat_map(|word| hosts_in(word)).collect();
        if hosts.iter().any(|host| own.is_external(host)) {
            return true;
        }
        if is_marked_only {
            return self.is_unforeseen;
        }
        let names_label = network.host_first.contains(self.program)
            && self.operands.first().is_some_and(|first| is_label(first.rsplit('@').next().unwrap_or(first)));
        self.is_unforeseen || (hosts.is_empty() && !names_label)
    }

    fn begins_with(self, subcommand: &str) -> bool {
        let mut operands = self.operands.iter();
        subcommand.split(' ').all(|word| operands.next().is_some_and(|operand| *operand == word))
    }
}

/// A connection that the shell itself opens: `/dev/tcp/host/port`.
pub(super) fn is_socket_outside(own: &OwnDomains, file: &str) -> bool {
    let host = file.split('/').nth(3).unwrap_or_default();
    CanonicalUrl::parse(&format!("https://{host}/")).map_or(true, |url| own.is_external(&url))
}

/// The URLs of network schemes that stand in `text`, in linear time.
pub(super) fn find_urls(text: &str) -> Vec<CanonicalUrl> {
    const SCHEMES: [&str; 10] = ["http", "https", "ssh", "git", "ftp", "ftps", "sftp", "ws", "wss", "ldap"];
    let (mut urls, mut end) = (Vec::new(), 0);
    for (at, _) in text.match_indices("://") {
        // What stands in a URL is its own: each byte is read once.
        if at < end {
            continue;
        }
        let before =
            text.get(text.floor_char_boundary(at.saturating_sub(MAX_SCHEME))..at).unwrap_or_default();
        let scheme = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            continue;
        }
        let rest = text.get(at..text.floor_char_boundary(at + MAX_URL)).unwrap_or_default();
        let is_end = |c: char| c.is_whitespace() || c.is_control() || "'\"`<>()|;,\\".contains(c);
        let rest = rest.split(is_end).next().unwrap_or_default();
        end = at + rest.len();
        urls.extend(CanonicalUrl::parse(&format!("{scheme}{rest}")));
    }
    urls
}

/// Hosts that an argument names: `user@host:path`, `host/path`, `TCP:host:port`, `--option=host`, an address.
fn hosts_in(word: &str) -> Vec<CanonicalUrl> {
    let urls = find_urls(word);
    if !urls.is_empty() {
        return urls;
    }
    let word = if word.starts_with('-') { word.split_once('=').map_or("", |(_, value)| value) } else { word };
    // Not the path after a host, which looks like one when it ends in `.txt`.
    let begin = word.split('/').next().unwrap_or_default();
    let mut pieces = begin.rsplit('@').next().unwrap_or_default().split([':', ',']);
    // `TCP:host:port` of socat has the kind of the address before it.
    let found = pieces.find(|piece| is_host(piece));
    found.and_then(|host| CanonicalUrl::parse(&format!("https://{host}/")).ok()).into_iter().collect()
}

/// A name with a dot and a top-level domain, or an IPv4 address in its usual form.
fn is_host(piece: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    let Some((_, last)) = piece.rsplit_once('.') else { return false };
    let is_domain = last.len() >= 2 && last.chars().any(char::is_alphabetic);
    piece.split('.').all(is_label) && (is_domain || piece.parse::<core::net::Ipv4Addr>().is_ok())
}

/// A host's name without a dot; a number alone is a port, and after a `$` nothing is known.
fn is_label(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_alphabetic())
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
