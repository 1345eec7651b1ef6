//! Scan requests of chosen sizes: ordinary calls, each with its own text, the same for every run.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::random::Random;

/// Calls that agents make all day; their bodies are filled with plain text.
const CALLS: &[(&str, &str)] = &[
    ("POST", "https://slack.com/api/chat.postMessage"),
    ("POST", "https://api.github.com/repos/acme/app/issues/7/comments"),
    ("PUT", "http://builds.internal/v1/notes/7"),
    ("POST", "https://api.notion.com/v1/pages"),
];

const WORDS: &[&str] = &[
    "the", "release", "is", "ready", "for", "review", "and", "tests", "pass", "on", "every", "branch", "we",
    "will", "merge", "it", "after", "lunch", "unless", "someone", "finds", "a", "reason", "not", "to",
    "thanks",
];

/// More than a hundred different requests repeat nothing within the windows that a gateway remembers well.
const POOL: u64 = 200;
const LARGEST: usize = 4 << 20;
const SEED: u64 = 7;

/// Which sizes, and how often each: `2048:9,65536:1` is nine requests of 2 KiB to one of 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mix(Vec<Share>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    bytes: usize,
    weight: u64,
}

impl FromStr for Mix {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let shares = text.split(',').map(|part| {
            let (bytes, weight) = part.split_once(':').unwrap_or((part, "1"));
            let bytes = bytes.trim().parse().with_context(|| format!("`{bytes}` is no number of bytes"))?;
            let weight = weight.trim().parse().with_context(|| format!("`{weight}` is no weight"))?;
            ensure!(bytes <= LARGEST, "`{bytes}` bytes are more than {LARGEST}");
            ensure!((1..=1000).contains(&weight), "the weight `{weight}` is not between 1 and 1000");
            Ok(Share { bytes, weight })
        });
        shares.collect::<anyhow::Result<_>>().map(Self)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, share) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(out, "{comma}{}:{}", share.bytes, share.weight)?;
        }
        Ok(())
    }
}

/// Ready requests, handed out in turn.
#[derive(Debug)]
pub struct Bodies {
    pool: Vec<Bytes>,
}

impl Bodies {
    #[must_use]
    pub fn of_mix(mix: &Mix) -> Self {
        let mut random = Random::from_seed(SEED);
        let weights: u64 = mix.0.iter().map(|share| share.weight).sum();
        let mut pool = Vec::new();
        for number in 0..POOL.max(weights) {
            if let Some(share) = share_at(&mix.0, random.below(weights)) {
                pool.push(request(share.bytes, number, &mut random));
            }
        }
        Self { pool }
    }

    /// One request, as it stands in a file.
    ///
    /// # Errors
    /// When the file cannot be read or is no JSON.
    pub fn of_file(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("`{}` could not be read", path.display()))?;
        let _: Value =
            serde_json::from_slice(&bytes).with_context(|| format!("`{}` is no JSON", path.display()))?;
        Ok(Self { pool: vec![Bytes::from(bytes)] })
    }

    /// The request of a turn; the pool starts over at its end.
    #[must_use]
    pub fn at(&self, turn: u64) -> Bytes {
        let size = u64::try_from(self.pool.len()).unwrap_or(u64::MAX);
        let place = turn.checked_rem(size).and_then(|place| usize::try_from(place).ok());
        place.and_then(|place| self.pool.get(place)).cloned().unwrap_or_default()
    }
}

fn share_at(shares: &[Share], mut at: u64) -> Option<Share> {
    for share in shares {
        match at.checked_sub(share.weight) {
            Some(rest) => at = rest,
            None => return Some(*share),
        }
    }
    None
}

/// A request of about `bytes` bytes: at least what its frame needs, at most one sentence more than asked for.
fn request(bytes: usize, number: u64, random: &mut Random) -> Bytes {
    let (method, url) = random.pick(CALLS).copied().unwrap_or_default();
    let frame = |paragraphs: &[String]| {
        let body =
            json!({ "channel": "builds", "number": number, "is_final": false, "paragraphs": paragraphs });
        json!({ "method": method, "url": url, "body": body, "runtime_type": "custom" }).to_string()
    };
    let mut paragraphs = Vec::new();
    // The first paragraph has no comma before it.
    let mut length = frame(&paragraphs).len() - 1;
    while length < bytes {
        let paragraph = sentence((bytes - length).min(240), random);
        // Two quotation marks and a comma.
        length += paragraph.len() + 3;
        paragraphs.push(paragraph);
    }
    Bytes::from(frame(&paragraphs))
}

fn sentence(bytes: usize, random: &mut Random) -> String {
    let mut text = String::new();
    while text.len() + 3 < bytes {
        text.push_str(random.pick(WORDS).copied().unwrap_or_default());
        text.push(' ');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Bodies, LARGEST, Mix};
    use serde_json::Value;

    #[test]
    fn requests_have_the_size_that_was_asked_for_and_are_scans() {
        for bytes in [512, 2_048, 65_536, 262_144] {
            let bodies = Bodies::of_mix(&bytes.to_string().parse().unwrap());
            for turn in 0..5 {
                let body = bodies.at(turn);
                assert!((bytes..bytes + 16).contains(&body.len()), "{bytes}: {}", body.len());
                let request: Value = serde_json::from_slice(&body).unwrap();
                assert!(request["method"].is_string() && request["url"].is_string());
            }
        }
    }

    #[test]
    fn no_two_requests_of_the_pool_are_alike_and_every_run_has_the_same() {
        let mix: Mix = "300:3,900:1".parse().unwrap();
        let (one, other) = (Bodies::of_mix(&mix), Bodies::of_mix(&mix));
        let distinct: std::collections::BTreeSet<_> = (0..200).map(|turn| one.at(turn)).collect();
        assert_eq!(distinct.len(), 200);
        assert!((0..200).all(|turn| one.at(turn) == other.at(turn)));
        assert_eq!(one.at(3), one.at(203));
    }

    #[test]
    fn a_mix_keeps_its_proportions() {
        let bodies = Bodies::of_mix(&"300:9,5000:1".parse().unwrap());
        let large = (0..200).filter(|turn| bodies.at(*turn).len() > 1000).count();
        assert!((8..40).contains(&large), "{large}");
    }

    #[test]
    fn a_mix_is_shown_as_it_is_written() {
        for (written, shown) in [("2048", "2048:1"), ("512:9, 4096:2", "512:9,4096:2")] {
            assert_eq!(written.parse::<Mix>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_mix_that_makes_no_sense_is_refused() {
        for text in ["", "2k", "100:0", "100:x", "100:1001", &(LARGEST + 1).to_string()] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }
}
