//! Globs: `*` and `?` stay within one path segment, `**` crosses segments, `[abc]`, `[a-z]`, `[!a]`.
//!
//! They are translated to linear-time regular expressions. Braces and backslashes stand for themselves: a literal
//! star is `[*]`.

use regex::Regex;

/// Longest pattern, in bytes.
const MAX_BYTES: usize = 512;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PatternError {
    #[error("the pattern is empty")]
    Empty,
    #[error("the pattern is longer than {MAX_BYTES} bytes")]
    TooLong,
    #[error("`[` is not closed in `{0}`; a literal bracket is `[[]`")]
    OpenClass(String),
    #[error("`{0}` is not a pattern; ranges go from the lower to the higher character")]
    BadClass(String),
}

#[derive(Clone, Debug)]
enum Matcher {
    /// `**`, or `*` where there is no `/`.
    Everything,
    Exact(Box<str>),
    /// Ends with this text, and holds no `/` before it.
    Suffix(Box<str>),
    Prefix(Box<str>),
    /// Starts with this text, and holds no `/` after it.
    Stem(Box<str>),
    /// Starts with this scheme and host, and the host ends there.
    Origin(Box<str>),
    /// What stands before the first wildcard and after the last one is compared before the expression is run.
    Glob {
        head: Box<str>,
        tail: Box<str>,
        regex: Regex,
    },
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    matcher: Matcher,
    ignores_case: bool,
}

impl Pattern {
    /// A glob on a name: an agent, repository, channel, …
    pub(crate) fn on_name(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        Ok(Self { matcher: glob(text, "*?[")?, ignores_case: false })
    }

    /// A glob on a host; ASCII case is ignored.
    pub(crate) fn on_host(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        Ok(Self { matcher: glob(&text.to_ascii_lowercase(), "*?[")?, ignores_case: true })
    }

    /// A prefix of a canonical URL, or a glob on all of it when it holds `*` or `[`. In a prefix `?` starts the query.
    ///
    /// `https://api.example.com`, with no path, means that origin: not `https://api.example.com.evil.test/`.
    pub(crate) fn on_url(text: &str) -> Result<Self, PatternError> {
        check_length(text)?;
        let text = with_lower_case_origin(text);
        let after_scheme = text.find("://").map_or(0, |at| at + 3);
        let after = text.get(after_scheme..).unwrap_or_default();
        // An IPv6 host stands in brackets that are no character class.
        let host_end = match after.strip_prefix('[').and_then(|address| address.find(']')) {
            Some(at) => after_scheme + at + 2,
            None => after_scheme,
        };
        let (head, tail) = text.split_at_checked(host_end).unwrap_or(("", &text));
        let matcher = if tail.contains(['*', '[']) {
            if host_end > after_scheme {
                compile(&format!("{}{}", regex::escape(head), translate(tail)?), &text, "*[")?
            } else {
                glob(&text, "*[")?
            }
        } else if after_scheme > 0 && !after.is_empty() && !after.contains(['/', '?', '#']) {
            Matcher::Origin(text.into())
        } else {
            Matcher::Prefix(text.into())
        };
        Ok(Self { matcher, ignores_case: false })
    }

    pub(crate) fn is_match(&self, subject: &str) -> bool {
        if self.ignores_case && subject.bytes().any(|b| b.is_ascii_uppercase()) {
            return self.matcher.is_match(&subject.to_ascii_lowercase());
        }
        self.matcher.is_match(subject)
    }

    /// Whether the pattern says nothing about a name: it fits such as have nothing in common.
    pub(crate) fn fits_every_name(&self) -> bool {
        ["a", "Q-7", "é.x_1", "10.0.0.1"].iter().all(|name| self.is_match(name))
    }

    /// Whether the pattern says nothing about the URL of a call over HTTPS.
    pub(crate) fn fits_every_url(&self) -> bool {
        ["https://a/", "https://q-7.example:8443/x/y.z?k=v"].iter().all(|url| self.is_match(url))
    }
}

impl Matcher {
    fn is_match(&self, subject: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Exact(text) => **text == *subject,
            Self::Suffix(tail) => subject.strip_suffix(&**tail).is_some_and(|head| !head.contains('/')),
            Self::Prefix(head) => subject.starts_with(&**head),
            Self::Stem(head) => subject.strip_prefix(&**head).is_some_and(|tail| !tail.contains('/')),
            Self::Origin(origin) => subject.strip_prefix(&**origin).is_some_and(is_past_the_host),
            Self::Glob { head, tail, regex } => {
                subject.starts_with(&**head) && subject.ends_with(&**tail) && regex.is_match(subject)
            }
        }
    }
}

/// What follows a complete host: nothing, a path, a query or a fragment, perhaps after a port.
fn is_past_the_host(rest: &str) -> bool {
    let rest = match rest.strip_prefix(':') {
        Some(port) => port.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    rest.is_empty() || rest.starts_with(['/', '?', '#'])
}

fn check_length(text: &str) -> Result<(), PatternError> {
    match text.len() {
        0 => Err(PatternError::Empty),
        1..=MAX_BYTES => Ok(()),
        _ => Err(PatternError::TooLong),
    }
}

/// Scheme and host of a canonical URL are lower case.
fn with_lower_case_origin(text: &str) -> String {
    let Some((scheme, after)) = text.split_once("://") else { return text.to_owned() };
    let (host, rest) = after.split_at_checked(after.find('/').unwrap_or(after.len())).unwrap_or((after, ""));
    format!("{}://{}{rest}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
}

/// The cheapest matcher for a glob. Most patterns that people write need no regular expression.
fn glob(text: &str, special: &str) -> Result<Matcher, PatternError> {
    let is_literal = |part: &str| !part.contains(|c| special.contains(c));
    if is_literal(text) {
        return Ok(Matcher::Exact(text.into()));
    }
    if text == "**" {
        return Ok(Matcher::Everything);
    }
    if let Some(head) = text.strip_suffix("**").filter(|head| is_literal(head)) {
        return Ok(Matcher::Prefix(head.into()));
    }
    if let Some(head) = text.strip_suffix('*').filter(|head| is_literal(head)) {
        return Ok(Matcher::Stem(head.into()));
    }
    if let Some(tail) = text.strip_prefix('*').filter(|tail| is_literal(tail) && !tail.contains('/')) {
        return Ok(Matcher::Suffix(tail.into()));
    }
    compile(&translate(text)?, text, special)
}

fn compile(expression: &str, text: &str, special: &str) -> Result<Matcher, PatternError> {
    let regex = Regex::new(&format!("(?s)^(?:{expression})$"))
        .map_err(|_| PatternError::BadClass(text.to_owned()))?;
    let is_wild = |c: char| special.contains(c) || c == ']';
    let head = text.split(is_wild).next().unwrap_or_default();
    let tail = text.rsplit(is_wild).next().unwrap_or_default();
    // The `/` after `**` may be left out.
    let tail = tail.strip_prefix('/').unwrap_or(tail);
    let (head, tail) = (head.into(), tail.into());
    Ok(Matcher::Glob { head, tail, regex })
}

fn translate(text: &str) -> Result<String, PatternError> {
    let mut expression = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**") {
            let starts_segment = expression.is_empty() || expression.ends_with('/');
            // `a/**/b` is also `a/b`.
            rest = match after.strip_prefix('/').filter(|_| starts_segment) {
                Some(after) => {
                    expression.push_str("(?:.*/)?");
                    after
                }
                None => {
                    expression.push_str(".*");
                    after
                }
            };
            continue;
        }
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '*' => {
                expression.push_str("[^/]*");
                after
            }
            '?' => {
                expression.push_str("[^/]");
                after
            }
            '[' => {
                let (class, after) =
                    read_class(after).ok_or_else(|| PatternError::OpenClass(text.to_owned()))?;
                expression.push_str(&class);
                after
            }
            _ => {
                expression.push_str(regex::escape(c.encode_utf8(&mut [0; 4])).as_str());
                after
            }
        };
    }
    Ok(expression)
}

/// A class after its `[`, as a regular expression, and what follows it. A `]` that comes first stands for itself.
fn read_class(text: &str) -> Option<(String, &str)> {
    let (is_negated, inside) = match text.strip_prefix('!') {
        Some(inside) => (true, inside),
        None => (false, text),
    };
    let first = inside.chars().next()?.len_utf8();
    let end = first + inside.get(first..)?.find(']')?;
    let mut class = String::from(if is_negated { "[^/" } else { "[" });
    for c in inside.get(..end)?.chars() {
        if matches!(c, '[' | ']' | '\\' | '^' | '&' | '~') {
            class.push('\\');
        }
        class.push(c);
    }
    class.push(']');
    Some((class, inside.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(pattern: &Pattern, written: &str, yes: &[&str], no: &[&str]) {
        for subject in yes {
            assert!(pattern.is_match(subject), "`{written}` should match `{subject}`");
        }
        for subject in no {
            assert!(!pattern.is_match(subject), "`{written}` should not match `{subject}`");
        }
    }

    #[test]
    fn globs_on_names() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("prod", &["prod"], &["Prod", "prod1", "aprod", ""]),
            ("prod-*", &["prod-", "prod-eu"], &["prod", "prod-a/b"]),
            ("*-prod", &["eu-prod", "-prod"], &["a/b-prod", "eu-prod2"]),
            ("acme/**", &["acme/", "acme/a", "acme/a/b"], &["acme", "acmex/a"]),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "a/bz"]),
            ("**/z", &["z", "a/z", "a/b/z"], &["az"]),
            ("a*b*c", &["abc", "aXbYc"], &["ab", "a/b/c"]),
            ("b?ro", &["büro", "boro"], &["bro", "b/ro"]),
            ("[äö]-[0-9]", &["ä-7"], &["ü-7", "ä-x"]),
            ("[!a]x", &["bx"], &["ax", "/x"]),
            ("[*]", &["*"], &["x"]),
            ("{a,b}", &["{a,b}"], &["a", "b"]),
            ("a\\*", &["a\\", "a\\x"], &["a*"]),
            ("a.c", &["a.c"], &["abc"]),
            ("[]a]", &["]", "a"], &["b"]),
            ("[a&&b~~c^]", &["&", "~", "^", "b"], &["x"]),
            ("*", &["", "anything"], &["a/b"]),
            ("**", &["", "a/b"], &[]),
        ];
        for (written, yes, no) in cases {
            expect(&Pattern::on_name(written).unwrap(), written, yes, no);
        }
    }

    #[test]
    fn globs_on_hosts_ignore_case() {
        let written = "*.Example.com";
        expect(
            &Pattern::on_host(written).unwrap(),
            written,
            &["a.example.com", "A.B.EXAMPLE.com"],
            &["example.com", "a.example.com.evil.test"],
        );
    }

    #[test]
    fn url_patterns_are_prefixes_or_globs() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (
                "https://a.test/v1/",
                &["https://a.test/v1/x", "https://a.test/v1/"],
                &["https://a.test/v1", "http://a.test/v1/"],
            ),
            ("HTTPS://A.test/V1", &["https://a.test/V1x"], &["https://a.test/v1"]),
            (
                "https://a.test",
                &["https://a.test/", "https://a.test:8443/x", "https://a.test?x"],
                &["https://a.test.evil.test/", "https://a.test@evil.test/", "https://a.test:1@evil.test/"],
            ),
            ("https://a.test/s?q=", &["https://a.test/s?q=1"], &["https://a.test/sxq=1"]),
            (
                "https://*.a.test/v?/*",
                &["https://x.a.test/v1/y"],
                &["https://x.a.test/v1/y/z", "https://a.test/v1/y"],
            ),
            ("https://a.test/**", &["https://a.test/", "https://a.test/x/y?z"], &["https://a.testx/"]),
            ("https://[::1]/admin", &["https://[::1]/admin/x"], &["https://:/admin"]),
            ("https://[::1]/*/x", &["https://[::1]/a/x"], &["https://:/a/x"]),
            ("tool://langchain/", &["tool://langchain/search"], &["tool://crewai/search"]),
        ];
        for (written, yes, no) in cases {
            expect(&Pattern::on_url(written).unwrap(), written, yes, no);
        }
    }

    #[test]
    fn bad_patterns_say_why() {
        for written in ["", "[a", "x[", "[z-a]", "a[!", &"a".repeat(600)] {
            assert!(Pattern::on_name(written).is_err(), "{written}");
        }
    }

    #[test]
    fn patterns_that_say_nothing_are_known() {
        for (written, expected) in [
            ("*", true),
            ("**", true),
            ("?*", true),
            ("*?", true),
            ("***", true),
            ("**/*", true),
            ("*a", false),
            ("??*", false),
        ] {
            assert_eq!(Pattern::on_name(written).unwrap().fits_every_name(), expected, "{written}");
        }
        for (written, expected) in [
            ("http", true),
            ("https://", true),
            ("https://**", true),
            ("*://**", true),
            ("https://*/**", true),
            ("https://*.example/**", false),
            ("https://a", false),
            ("http://", false),
        ] {
            assert_eq!(Pattern::on_url(written).unwrap().fits_every_url(), expected, "{written}");
        }
    }
}
