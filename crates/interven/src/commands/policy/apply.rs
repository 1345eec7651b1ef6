//! `interven policy apply`.

use super::files::check_sources;
use crate::{
    cli::{PolicyApplyArgs, ServerArgs},
    connect,
    exit::{Exit, UsageError, tell},
    terminal::{Terminal, or_dash, table},
};
use anyhow::Result;
use interven_client::{ClientError, NewPolicies};
use interven_policy::Mode;
use std::collections::BTreeMap;

pub(super) async fn apply(server: &ServerArgs, args: &PolicyApplyArgs) -> Result<Exit> {
    let (if_version, if_versions) = expected(&args.if_version)?;
    let checked = check_sources(&args.sources)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Ok(Exit::Findings);
    }
    let mut policies = checked.policies;
    if args.shadow {
        policies.iter_mut().flat_map(|policy| &mut policy.rules).for_each(|rule| rule.mode = Mode::Shadow);
    }
    let sources = policies.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let new = NewPolicies {
        policies: &sources,
        env: args.env.as_deref(),
        agent: args.agent.as_deref(),
        if_version,
        if_versions,
    };
    let applied = match connect::control(server)?.apply_policies(&new).await {
        Ok(applied) => applied,
        Err(error) => return refused(error),
    };
    // What only shows beside the policies that the server has.
    let is_known = |message: &str| checked.findings.iter().any(|finding| finding.message == message);
    for policy in &applied {
        for finding in policy.warnings.iter().filter(|finding| !is_known(&finding.message)) {
            tell(&format!("{}: {}: {} ({})", policy.name, finding.severity, finding.message, finding.path));
        }
    }
    Terminal::new(server.json).show(&applied, |applied| {
        let rows = applied.iter().map(|p| {
            [
                p.name.clone(),
                or_dash(p.env_name.as_ref()),
                or_dash(p.agent.as_ref()),
                p.version.to_string(),
                p.rules.to_string(),
                p.change.clone(),
            ]
        });
        table(["POLICY", "ENVIRONMENT", "AGENT", "VERSION", "RULES", "CHANGE"], rows)
    })?;
    Ok(Exit::Ok)
}

/// Says what only the server could find: these policies beside those that it has.
pub(super) fn refused(error: ClientError) -> Result<Exit> {
    match error {
        ClientError::Refused(refusal) if !refusal.diagnostics.is_empty() => {
            for finding in &refusal.diagnostics {
                let place =
                    if finding.path.is_empty() { String::new() } else { format!(" (at {})", finding.path) };
                tell(&format!("{}: {}{place}", finding.severity, finding.message));
            }
            tell(&format!("interven: {refusal}"));
            Ok(Exit::Findings)
        }
        error => Err(error.into()),
    }
}

/// `N` of each policy, `NAME=N` of one.
fn expected(texts: &[String]) -> Result<(Option<u32>, BTreeMap<String, u32>), UsageError> {
    let (mut of_each, mut by_name) = (None, BTreeMap::new());
    for text in texts {
        let (name, number) = text.rsplit_once('=').map_or((None, text.as_str()), |(name, n)| (Some(name), n));
        let version = number.parse().map_err(|_| {
            UsageError(format!("`{text}` is no version: write `N`, or `NAME=N` for one of several"))
        })?;
        let earlier = match name {
            None => of_each.replace(version),
            Some(name) => by_name.insert(name.to_owned(), version),
        };
        if earlier.is_some() {
            return Err(UsageError(format!("`--if-version {text}`: a version is given already")));
        }
    }
    Ok((of_each, by_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_expected_of_each_or_of_one() {
        let read =
            |texts: &[&str]| expected(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&[]).unwrap(), (None, BTreeMap::new()));
        assert_eq!(read(&["3"]).unwrap(), (Some(3), BTreeMap::new()));
        assert_eq!(
            read(&["0", "a=b=2", "Deny PHI=7"]).unwrap(),
            (Some(0), BTreeMap::from([("a=b".to_owned(), 2), ("Deny PHI".to_owned(), 7)]))
        );
        for wrong in [&["x"][..], &["a="], &["-1"], &["1", "2"], &["a=1", "a=2"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
