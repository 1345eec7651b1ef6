//! `interven activity export`: the record into a file or the standard output, and on from where it was cut off.

use crate::{
    cli::ExportArgs,
    exit::{Exit, UsageError, tell},
};
use anyhow::{Context as _, Result};
use interven_client::{ControlClient, ExportQuery};
use serde_json::Value;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    path::Path,
};

/// The end of a file that is searched for its last whole row: more than any row is long.
const LAST_BYTES: u64 = 64 * 1024 * 1024;

pub(super) async fn run(client: &ControlClient, args: &ExportArgs) -> Result<Exit> {
    let format = args.format.as_str();
    if args.resume.is_some() && format == "json" {
        return Err(UsageError("`json` is one document and cannot go on; export `ndjson`".to_owned()).into());
    }
    let (mut out, after): (Box<dyn Write + Send>, Option<u64>) = match (&args.out, args.resume) {
        (Some(path), None) => (Box::new(create(path)?), None),
        (Some(path), Some(cursor)) => {
            let (file, after) = continued(path, format, cursor)?;
            (Box::new(file), after)
        }
        (None, Some(None)) => {
            return Err(
                UsageError("--resume needs a position, or --out FILE to read it from".to_owned()).into()
            );
        }
        (None, cursor) => (Box::new(io::stdout()), cursor.flatten()),
    };
    let filter = super::activity::query(client, &args.filter).await?;
    let mut download = client.export(&ExportQuery { format: format.to_owned(), filter, after }).await?;
    let mut bytes = 0;
    let ended = loop {
        match download.next().await {
            Ok(Some(piece)) => {
                out.write_all(&piece)?;
                bytes += piece.len() as u64;
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    out.flush()?;
    if let Err(error) = ended {
        let advice = match &args.out {
            Some(path) => format!("go on with `--resume --out {}`", path.display()),
            None => "go on with `--resume` and the position of the last whole row".to_owned(),
        };
        return Err(error).with_context(|| format!("the export broke off after {bytes} bytes; {advice}"));
    }
    if let Some(path) = &args.out {
        tell(&format!("{bytes} bytes to `{}`, to position {}", path.display(), download.through()));
    }
    Ok(Exit::Ok)
}

/// A new file that only its owner reads.
fn create(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(path);
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
        let problem = format!("`{}` exists; remove it, or go on with --resume", path.display());
        return Err(UsageError(problem).into());
    }
    made.with_context(|| format!("`{}` cannot be written", path.display()))
}

/// The file up to its last whole row, to be written on, and the position of that row: `cursor`, or what the row says.
fn continued(path: &Path, format: &str, cursor: Option<u64>) -> Result<(File, Option<u64>)> {
    let named = || format!("`{}` cannot be gone on with", path.display());
    let mut file = OpenOptions::new().read(true).write(true).open(path).with_context(named)?;
    let length = file.metadata().with_context(named)?.len();
    let start = length.saturating_sub(LAST_BYTES);
    file.seek(SeekFrom::Start(start)).with_context(named)?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).with_context(named)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let rows = end.get(..whole).unwrap_or_default();
    // A file that was cut before its first row is begun anew, with its head.
    let last = rows.trim_ascii_end().rsplit(|byte| *byte == b'\n').next().filter(|row| !row.is_empty());
    let found = last.filter(|row| !row.starts_with(b"ledger_seq,"));
    let after = match (cursor, found) {
        (Some(cursor), _) => Some(cursor),
        (None, None) => None,
        (None, Some(row)) => Some(position(format, row).with_context(|| {
            format!("{}: its last row does not say where it stands; give the position, --resume N", named())
        })?),
    };
    let kept = if after.is_some() { start + whole as u64 } else { 0 };
    file.set_len(kept).with_context(named)?;
    file.seek(SeekFrom::End(0)).with_context(named)?;
    Ok((file, after))
}

/// The position that a row of this format tells.
fn position(format: &str, row: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(row).ok()?;
    let in_json = |pointer: &str| serde_json::from_str::<Value>(text).ok()?.pointer(pointer)?.as_u64();
    match format {
        "ndjson" => in_json("/ledger_seq"),
        "splunk" => in_json("/event/ledger_seq"),
        "datadog" => in_json("/interven/ledger_seq"),
        "ocsf" => in_json("/metadata/sequence"),
        "csv" => text.split(',').next()?.parse().ok(),
        "cef" => text.split_once(" externalId=")?.1.split(' ').next()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_that_can_go_on_tells_positions() {
        for (format, row) in [
            ("ndjson", r#"{"ledger_seq": 7}"#),
            ("splunk", r#"{"time": 1.5, "event": {"ledger_seq": 7}}"#),
            ("datadog", r#"{"interven": {"ledger_seq": 7}}"#),
            ("ocsf", r#"{"metadata": {"sequence": 7}}"#),
            ("csv", "7,2026-01-01T00:00:00.000Z"),
            ("cef", r"CEF:0|I|I|1|deny|x externalId\=9|8|rt=1 externalId=7 act=DENY"),
        ] {
            assert_eq!(position(format, row.as_bytes()), Some(7), "{format}");
            assert_eq!(position(format, b"no row"), None, "{format}");
        }
    }
}
