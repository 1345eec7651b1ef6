//! `interven policy packs`: the packs that come with the program.

mod page;

use crate::{
    cli::PolicyPacksArgs,
    exit::{Exit, UsageError},
    terminal::{Terminal, print, table},
};
use anyhow::Result;
use interven_policy::{PACKS, Pack, nearest};
use serde::Serialize;

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    title: &'static str,
    policies: usize,
    rules: usize,
    frameworks: Vec<String>,
}

impl From<&Pack> for Listed {
    fn from(pack: &Pack) -> Self {
        let policies = pack.policies();
        Self {
            name: pack.name,
            title: pack.title(),
            policies: policies.len(),
            rules: policies.iter().map(|policy| policy.rules.len()).sum(),
            frameworks: pack.frameworks(),
        }
    }
}

pub(super) fn packs(args: &PolicyPacksArgs, is_json: bool) -> Result<Exit> {
    match &args.name {
        _ if args.page => print(&page::write())?,
        None => list(is_json)?,
        Some(name) if args.tests => print(find(name)?.tests)?,
        Some(name) => {
            let pack = find(name)?;
            Terminal::new(is_json).show(&pack.policies(), |_| pack.text.to_owned())?;
        }
    }
    Ok(Exit::Ok)
}

fn list(is_json: bool) -> Result<()> {
    let all: Vec<Listed> = PACKS.iter().map(Listed::from).collect();
    Terminal::new(is_json).show(&all, |all| {
        let rows = all.iter().map(|pack| {
            [
                pack.name.to_owned(),
                pack.policies.to_string(),
                pack.rules.to_string(),
                pack.title.to_owned(),
                pack.frameworks.join(", "),
            ]
        });
        table(["PACK", "POLICIES", "RULES", "FOR", "FRAMEWORKS"], rows)
    })
}

/// The pack of that name, or a refusal that offers the nearest.
pub(crate) fn find(name: &str) -> Result<&'static Pack, UsageError> {
    let names: Vec<&str> = PACKS.iter().map(|pack| pack.name).collect();
    interven_policy::pack(name).ok_or_else(|| {
        UsageError(match nearest(name, &names) {
            Some(meant) => format!("there is no pack `{name}`; did you mean `{meant}`?"),
            None => format!("there is no pack `{name}`; `interven policy packs` lists them"),
        })
    })
}
