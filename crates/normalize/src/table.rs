//! The form of a tool table (`tools/<tool>.toml`), which `tools/README.md` explains to those who write one.

use crate::{
    params::Params,
    route::{PathTemplate, Routes},
    template::Template,
};
use interven_types::Verb;
use serde::Deserialize;
use std::collections::BTreeMap;

/// One tool: where it lives and what can be done with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub(crate) tool: String,
    /// Exact hosts, or `*.name` for everything below a name.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// Paths must begin with one of these; empty means any. For hosts that several tools share.
    #[serde(default)]
    pub(crate) prefixes: Vec<String>,
    /// Category of rules that name none.
    pub(crate) category: String,
    /// Paths of the GraphQL endpoint.
    #[serde(default)]
    pub(crate) graphql: Vec<PathTemplate>,
    /// Where the API begins: the paths of rules stand after the first of these that fits.
    #[serde(default)]
    pub(crate) mounts: Vec<PathTemplate>,
    #[serde(default)]
    pub(crate) protocol: Protocol,
    /// Endings of a path that only say in which format the answer shall be: `.json`.
    #[serde(default)]
    pub(crate) formats: Vec<String>,
    /// Parameters whose text is JSON that holds the parameters meant: `header:dropbox-api-arg`.
    #[serde(default)]
    pub(crate) json_in: Vec<String>,
    /// Calls that carry calls.
    #[serde(default)]
    pub(crate) batches: Vec<Batch>,
    /// Operations beyond the rules' exist: the vocabulary is open.
    #[serde(default)]
    pub(crate) is_open: bool,
    /// Other names by which agents' frameworks call an operation.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, String>,
    /// Places of rules that name none.
    #[serde(default, rename = "at")]
    pub(crate) places: Places,
    #[serde(default, rename = "rule")]
    pub(crate) rules: Vec<Rule>,
    #[serde(skip)]
    pub(crate) routes: Routes,
}

/// A call whose body lists further calls; each is named as if it came by itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    pub(crate) path: PathTemplate,
    /// Where the list stands: names joined by dots, through arrays.
    pub(crate) calls: String,
    /// Members of each call. A call without a method is a `GET`.
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) body: String,
    /// What the calls' paths begin with, also where they leave it out.
    pub(crate) base: Template,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Protocol {
    #[default]
    Rest,
    /// Service and action by host, `Action=`, `X-Amz-Target` or path; see `aws`.
    Aws,
}

/// Where a call names what it touches.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Places {
    pub(crate) resource: Option<Template>,
    pub(crate) org: Option<Template>,
    pub(crate) repo: Option<Template>,
    pub(crate) channel: Option<Template>,
    pub(crate) region: Option<Template>,
    pub(crate) account: Option<Template>,
}

/// One operation. The first rule that fits speaks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// Any, when empty.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// `/repos/{org}/{repo}/pulls`; `{rest...}` takes all that follows. A rule without a path is found by name alone.
    #[serde(default)]
    pub(crate) paths: Vec<PathTemplate>,
    /// Hosts, when the table has several and the rule is about some.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// Root fields of a GraphQL document.
    #[serde(default)]
    pub(crate) graphql: Vec<String>,
    /// Names that the protocol itself gives: AWS actions with their service, `iam_create_user`.
    #[serde(default)]
    pub(crate) named: Vec<String>,
    /// Parameters that must have one of the values; `*` is any value, `!` none at all.
    #[serde(default)]
    pub(crate) when: BTreeMap<String, Expected>,
    /// Parameters of which every value in the body must be one of these: for what makes a call harmless, which a second
    /// value elsewhere must not feign.
    #[serde(default)]
    pub(crate) only: BTreeMap<String, Expected>,
    /// Query parameters that choose no rows: their names, and after `=` values that every row has. The rule fits a call
    /// whose query has no others, so that it is about all rows.
    pub(crate) unfiltered: Option<Vec<String>>,
    /// Name, or a template whose text is made snake case.
    pub(crate) operation: Template,
    /// Without it, the words of the operation's name decide.
    pub(crate) verb: Option<Verb>,
    pub(crate) category: Option<String>,
    /// Who is given something.
    #[serde(default)]
    pub(crate) principals: Vec<Template>,
    #[serde(default)]
    pub(crate) external: External,
    #[serde(default, rename = "at")]
    pub(crate) places: Places,
}

/// When the call gives to someone outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum External {
    /// A principal's mail domain is not the tenant's, or it is everybody.
    #[default]
    Principals,
    /// By its nature.
    Always,
    /// Unless the address itself is one of the tenant's own.
    UnlessOwnAddress,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expected {
    One(Scalar),
    OneOf(Vec<Scalar>),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Flag(bool),
    Text(String),
}

impl Scalar {
    fn is(&self, text: &str) -> bool {
        match self {
            Self::Flag(flag) => text.eq_ignore_ascii_case(if *flag { "true" } else { "false" }),
            Self::Text(expected) => expected.eq_ignore_ascii_case(text),
        }
    }
}

impl Expected {
    /// `texts` are all values standing under the name; one that fits is enough.
    fn fits(&self, has: impl Fn() -> bool, texts: impl Fn(&Scalar) -> bool) -> bool {
        match self {
            Self::One(Scalar::Text(word)) if word == "*" => has(),
            Self::One(Scalar::Text(word)) if word == "!" => !has(),
            Self::One(one) => texts(one),
            Self::OneOf(many) => many.iter().any(texts),
        }
    }
}

impl Rule {
    pub(crate) fn fits(&self, method: &str, host: &str, params: &Params<'_>) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|m| m == method))
            && (self.hosts.is_empty() || self.hosts.iter().any(|h| is_host_in(host, h)))
            && self.unfiltered.as_ref().is_none_or(|idle| !has_filter(params, idle))
            && self.has_expected_params(params)
    }

    pub(crate) fn has_expected_params(&self, params: &Params<'_>) -> bool {
        let fits = self.when.iter().all(|(name, expected)| {
            expected.fits(|| params.has(name), |value| params.texts(name).iter().any(|text| value.is(text)))
        });
        fits && self.only.iter().all(|(name, expected)| {
            let texts = params.body_texts(name);
            let is_expected = |text| expected.fits(|| true, |value| value.is(text));
            !texts.is_empty() && texts.iter().all(|text| is_expected(text))
        })
    }
}

/// The query has a parameter that is not among the `idle` ones.
fn has_filter(params: &Params<'_>, idle: &[String]) -> bool {
    params.query_pairs().any(|(name, value)| {
        !idle.iter().any(|entry| entry.strip_prefix('=').map_or(entry == name, |given| given == value))
    })
}

pub(crate) fn is_host_in(host: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(suffix) => host.ends_with(suffix),
        None => host == pattern,
    }
}

impl Table {
    /// Reads a table and builds its index.
    pub(crate) fn read(text: &str) -> Result<Self, toml::de::Error> {
        let mut table: Self = toml::from_str(text)?;
        table.routes = Routes::of(&table.rules);
        Ok(table)
    }

    pub(crate) fn covers(&self, path: &str) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }

    /// `path` without the ending that says a format.
    pub(crate) fn without_format<'p>(&self, path: &'p str) -> &'p str {
        let bare = |format: &String| {
            let (bare, ending) = path.split_at_checked(path.len().checked_sub(format.len())?)?;
            ending.eq_ignore_ascii_case(format).then_some(bare)
        };
        self.formats.iter().find_map(bare).unwrap_or(path)
    }

    /// Names of operations that do not depend on the call.
    pub(crate) fn operations(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| rule.operation.constant())
    }

    /// The operation meant by a name, given as the table's own or as an alias.
    pub(crate) fn operation_named(&self, name: &str) -> Option<&str> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.operations().find(|operation| *operation == name)
    }
}
