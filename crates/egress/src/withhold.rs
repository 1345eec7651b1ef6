//! Secrets that do not come back: some upstreams answer with what they were asked, headers and all.

use interven_types::Secret;
use memchr::memmem;
use reqwest::header::{HeaderMap, HeaderValue};

const COVER: &[u8] = b"[withheld]";

/// Shorter texts stand in answers by chance.
const LEAST_BYTES: usize = 8;

#[derive(Clone, Default)]
pub(crate) struct Withheld(Vec<Secret>);

impl Withheld {
    /// Of `Bearer t0ken…`, the token too is a secret of its own.
    pub(crate) fn add(&mut self, secret: &str) {
        for piece in secret.split_whitespace().filter(|piece| piece.len() >= LEAST_BYTES) {
            self.0.push(Secret::new(piece));
            if piece.contains('/') {
                // As some writers of JSON have it.
                self.0.push(Secret::new(piece.replace('/', "\\/")));
            }
        }
    }

    pub(crate) fn cover_headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let Some(covered) = self.cover(value.as_bytes()) {
                *value = HeaderValue::from_bytes(&covered).unwrap_or(HeaderValue::from_static(""));
            }
        }
    }

    pub(crate) fn cover_text(&self, text: String) -> String {
        // What is put in a secret's place is text, and so is the rest of it.
        match self.cover(text.as_bytes()) {
            Some(covered) => String::from_utf8_lossy(&covered).into_owned(),
            None => text,
        }
    }

    /// The text without secrets; absent where it has none.
    pub(crate) fn cover(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut covered: Option<Vec<u8>> = None;
        for secret in &self.0 {
            let so_far = covered.as_deref().unwrap_or(text);
            covered = replace(so_far, secret.reveal().as_bytes()).or(covered);
        }
        covered
    }
}

fn replace(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let mut rest = text;
    let mut out = Vec::new();
    while let Some((before, after)) =
        memmem::find(rest, secret).and_then(|at| Some((rest.get(..at)?, rest.get(at + secret.len()..)?)))
    {
        out.extend_from_slice(before);
        out.extend_from_slice(COVER);
        rest = after;
    }
    if rest.len() == text.len() {
        return None;
    }
    out.extend_from_slice(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_covered_wherever_it_stands() {
        let mut withheld = Withheld::default();
        withheld.add("Bearer xoxb-123/456");
        withheld.add("2024-11");
        for (text, expected) in [
            ("", None),
            ("xoxb-123/45", None),
            ("2024-11 Bearer", None),
            ("xoxb-123/456", Some("[withheld]")),
            ("a xoxb-123/456xoxb-123/456 b", Some("a [withheld][withheld] b")),
            (r#"{"authorization":"Bearer xoxb-123\/456"}"#, Some(r#"{"authorization":"Bearer [withheld]"}"#)),
        ] {
            assert_eq!(withheld.cover(text.as_bytes()), expected.map(Vec::from), "{text}");
        }
        let binary = withheld.cover(b"\xff\0xoxb-123/456\xff").unwrap();
        assert_eq!(binary, b"\xff\0[withheld]\xff");
    }
}
