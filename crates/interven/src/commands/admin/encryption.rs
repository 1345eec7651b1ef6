//! `interven admin encryption`.

use crate::{
    cli::EncryptionCommand,
    installation::DataDir,
    serve::prepare_new_master_key,
    terminal::{Terminal, fields, or_dash, print, table},
};
use anyhow::Result;
use interven_client::{ControlClient, DataKey, EncryptionStatus};
use interven_types::Timestamp;
use std::{path::Path, time::SystemTime};

pub(super) async fn run(
    client: &ControlClient,
    command: EncryptionCommand,
    terminal: Terminal,
) -> Result<()> {
    let now = Timestamp::from(SystemTime::now());
    match command {
        EncryptionCommand::Status => {
            terminal.show(&client.encryption_status().await?, |status| shown(status, now))
        }
        EncryptionCommand::Rotate { .. } => {
            let made = client.rotate_data_keys().await?;
            terminal.show(&made, |made| format!("new data keys:\n{}", listed(made, now)))
        }
    }
}

/// Prepares the exchange of the master key; needs no server.
pub(super) fn rotate_master(data_dir: &Path) -> Result<()> {
    let file = prepare_new_master_key(&DataDir::new(data_dir))?;
    print(&format!(
        "`{}` has a new master key beside the one in use. Back the file up, then restart `interven serve`: the start \
         wraps all data keys under the new key and takes the old one out of the file.\n",
        file.display()
    ))
}

fn shown(status: &EncryptionStatus, now: Timestamp) -> String {
    let elsewhere =
        status.data_keys.iter().filter(|key| key.wrapped_under != Some(status.master_key)).count();
    let head = fields([
        ("master key", status.master_key.to_string()),
        ("data keys", status.data_keys.len().to_string()),
        (
            "wrapped",
            match elsewhere {
                0 => "all under this master key".to_owned(),
                several => format!("{several} under another master key: restart this server with that key"),
            },
        ),
    ]);
    format!("{head}\n{}", listed(&status.data_keys, now))
}

fn listed(keys: &[DataKey], now: Timestamp) -> String {
    table(
        ["DATA KEY", "OF", "MADE", "AGE", "WRAPPED UNDER", "IN USE"],
        keys.iter().map(|key| {
            [
                key.fingerprint.to_string(),
                match (&key.tenant, key.tenant_id) {
                    (Some(name), _) => name.clone(),
                    (None, Some(id)) => id.to_string(),
                    (None, None) => "installation".to_owned(),
                },
                key.created_at.to_string(),
                age(key.created_at, now),
                or_dash(key.wrapped_under.as_ref()),
                if key.is_newest { "seals" } else { "opens" }.to_owned(),
            ]
        }),
    )
}

fn age(made: Timestamp, now: Timestamp) -> String {
    let hours = (now.unix_ms() - made.unix_ms()).max(0) / 3_600_000;
    if hours < 48 { format!("{hours} h") } else { format!("{} days", hours / 24) }
}
