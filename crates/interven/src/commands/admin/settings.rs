//! `interven admin settings`.

use crate::{
    cli::SettingsCommand,
    exit::UsageError,
    terminal::{Terminal, or_dash, table},
};
use anyhow::Result;
use interven_client::{ControlClient, Settings};
use serde_json::{Map, Value};

pub(super) async fn run(client: &ControlClient, command: SettingsCommand, terminal: Terminal) -> Result<()> {
    match command {
        SettingsCommand::Show { version: None } => terminal.show(&client.settings().await?, shown),
        SettingsCommand::Show { version: Some(version) } => {
            terminal.show(&client.settings_at(version).await?, |settings| format!("{settings:#}\n"))
        }
        SettingsCommand::Versions => terminal.show(&client.settings_versions().await?, |versions| {
            table(
                ["VERSION", "SINCE"],
                versions.iter().map(|v| [v.version.to_string(), v.updated_at.to_string()]),
            )
        }),
        SettingsCommand::Restore { version } => {
            terminal.show(&client.restore_settings(version).await?, shown)
        }
        SettingsCommand::Set { changes } => {
            let current = client.settings().await?;
            let mut settings = current.settings;
            for change in &changes {
                apply(&mut settings, change)?;
            }
            // Someone else's change in between is a conflict, not lost.
            terminal.show(&client.update_settings(&settings, Some(current.version)).await?, shown)
        }
        SettingsCommand::Reset => terminal.show(&client.reset_settings().await?, shown),
    }
}

fn shown(settings: &Settings) -> String {
    let hash = or_dash(settings.secret_patterns_hash.as_ref());
    format!(
        "version {}, {}\ndetectors {hash}\n{:#}\n",
        settings.version, settings.updated_at, settings.settings
    )
}

/// Sets what `path=value` says. Names that do not exist are the server's to refuse.
fn apply(settings: &mut Value, change: &str) -> Result<(), UsageError> {
    let wrong = |problem: &str| UsageError(format!("`{change}` {problem}"));
    let (path, text) = change.split_once('=').ok_or_else(|| wrong("is not PATH=VALUE"))?;
    if path.split('.').any(str::is_empty) {
        return Err(wrong("has an empty name in its path"));
    }
    let mut place = settings;
    for name in path.split('.') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let fields = place.as_object_mut().ok_or_else(|| wrong("goes deeper than the setting"))?;
        place = fields.entry(name).or_insert(Value::Null);
    }
    *place = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_sets_its_path_alone() {
        let mut settings = json!({"approvals": {"grant_max_uses": 1, "max": 5}, "monitor": false});
        for change in [
            "approvals.grant_max_uses=unlimited",
            "monitor=true",
            "own_domains=[\"a.example\"]",
            "trust.env_multipliers.dev=0.5",
        ] {
            apply(&mut settings, change).unwrap();
        }
        let expected = json!({
            "approvals": {"grant_max_uses": "unlimited", "max": 5},
            "monitor": true,
            "own_domains": ["a.example"],
            "trust": {"env_multipliers": {"dev": 0.5}},
        });
        assert_eq!(settings, expected);
    }

    #[test]
    fn what_is_no_change_is_refused() {
        for (change, expected) in [
            ("monitor", "is not PATH=VALUE"),
            ("a..b=1", "empty name"),
            ("=1", "empty name"),
            ("monitor.x=1", "deeper"),
        ] {
            let error = apply(&mut json!({"monitor": true}), change).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
