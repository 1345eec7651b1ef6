//! What callers were told against what the log holds.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, OpenFlags};

use crate::receipt::Receipt;

/// A row of `activity_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub tenant_id: String,
    pub receipt: Receipt,
}

/// What must never happen, counted. `unanswered` may: the record was durable and the kill came before the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    pub lost: u64,
    pub changed: u64,
    pub duplicated: u64,
    pub repeated_positions: u64,
    pub gaps: u64,
    pub unanswered: u64,
}

impl Losses {
    #[must_use]
    pub fn is_clean(&self) -> bool {
        Self { unanswered: 0, ..*self } == Self::default()
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "lost {}  changed {}  duplicated {}  repeated positions {}  gaps {}  (recorded, never answered {})",
            self.lost, self.changed, self.duplicated, self.repeated_positions, self.gaps, self.unanswered
        )
    }
}

/// Compares every receipt with the entries of its trace, and the positions of each tenant with an unbroken run.
#[must_use]
pub fn compare(receipts: &[Receipt], entries: &[Entry]) -> Losses {
    let mut losses = count_positions(entries);
    let mut by_trace: HashMap<&str, Vec<&Receipt>> = HashMap::new();
    for entry in entries {
        by_trace.entry(&entry.receipt.trace_id).or_default().push(&entry.receipt);
    }
    for receipt in receipts {
        match by_trace.get(receipt.trace_id.as_str()).map(Vec::as_slice) {
            None | Some([]) => losses.lost += 1,
            Some([entry]) => losses.changed += u64::from(*entry != receipt),
            Some(_) => losses.duplicated += 1,
        }
    }
    for receipt in receipts {
        by_trace.remove(receipt.trace_id.as_str());
    }
    losses.unanswered = by_trace.len() as u64;
    losses
}

fn count_positions(entries: &[Entry]) -> Losses {
    let mut tenants: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for entry in entries {
        tenants.entry(&entry.tenant_id).or_default().push(entry.receipt.ledger_seq);
    }
    let mut losses = Losses::default();
    for positions in tenants.values_mut() {
        positions.sort_unstable();
        for pair in positions.windows(2) {
            let [before, after] = pair else { continue };
            match after - before {
                0 => losses.repeated_positions += 1,
                step => losses.gaps += step - 1,
            }
        }
    }
    losses
}

/// Reads the log from a position on, in a database that may be in use.
///
/// # Errors
/// When the file is missing, locked for long, or has no such table.
pub(crate) fn read_entries(database: &Path, from: u64) -> anyhow::Result<Vec<Entry>> {
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| format!("`{}` could not be opened", database.display()))?;
    connection.busy_timeout(Duration::from_secs(10))?;
    // A call that is refused before it is decided has a row with no decision.
    let mut query = connection.prepare(
        "SELECT tenant_id, trace_id, ledger_seq, coalesce(decision, '') FROM activity_log
         WHERE ledger_seq >= ?1 ORDER BY ledger_seq",
    )?;
    let rows = query.query_map([i64::try_from(from)?], |row| {
        let position: i64 = row.get(2)?;
        let ledger_seq =
            position.try_into().map_err(|_| rusqlite::Error::IntegralValueOutOfRange(2, position))?;
        let receipt = Receipt { trace_id: row.get(1)?, ledger_seq, decision: row.get(3)? };
        Ok(Entry { tenant_id: row.get(0)?, receipt })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::{Entry, Losses, compare, read_entries};
    use crate::receipt::Receipt;

    fn receipt((trace_id, ledger_seq, decision): (&str, u64, &str)) -> Receipt {
        Receipt { trace_id: trace_id.into(), ledger_seq, decision: decision.into() }
    }

    fn losses(receipts: &[(&str, u64, &str)], entries: &[(&str, (&str, u64, &str))]) -> Losses {
        let receipts: Vec<_> = receipts.iter().copied().map(receipt).collect();
        let entry = |(tenant, row): &(&str, _)| Entry { tenant_id: (*tenant).into(), receipt: receipt(*row) };
        compare(&receipts, &entries.iter().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_log_that_holds_what_was_acknowledged_is_clean() {
        let found = losses(
            &[("a", 1, "ALLOW"), ("b", 2, "DENY")],
            &[
                ("t", ("a", 1, "ALLOW")),
                ("t", ("b", 2, "DENY")),
                ("t", ("c", 3, "ALLOW")),
                ("u", ("d", 1, "ALLOW")),
            ],
        );
        assert_eq!(found, Losses { unanswered: 2, ..Losses::default() });
        assert!(found.is_clean());
    }

    #[test]
    fn every_kind_of_loss_is_counted() {
        let told = [("a", 1, "ALLOW")];
        let (a1, b2) = (("t", ("a", 1, "ALLOW")), ("t", ("b", 2, "ALLOW")));
        let none = Losses::default();
        for (rows, expected) in [
            (vec![], Losses { lost: 1, ..none }),
            (vec![("t", ("a", 1, "DENY"))], Losses { changed: 1, ..none }),
            (vec![("t", ("a", 2, "ALLOW"))], Losses { changed: 1, ..none }),
            (vec![a1, ("t", ("a", 2, "ALLOW"))], Losses { duplicated: 1, ..none }),
            (vec![a1, ("t", ("b", 1, "ALLOW"))], Losses { repeated_positions: 1, unanswered: 1, ..none }),
            (vec![a1, b2, ("t", ("c", 5, "ALLOW"))], Losses { gaps: 2, unanswered: 2, ..none }),
        ] {
            let found = losses(&told, &rows);
            assert_eq!(found, expected, "{rows:?}");
            assert!(!found.is_clean());
        }
    }

    #[test]
    fn entries_are_read_from_the_database_while_it_is_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        let writer = rusqlite::Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE activity_log (tenant_id TEXT, ledger_seq INTEGER, trace_id TEXT, decision TEXT);
                 INSERT INTO activity_log VALUES ('t', 2, 'b', NULL), ('t', 1, 'a', 'ALLOW');",
            )
            .unwrap();
        let expected = [receipt(("a", 1, "ALLOW")), receipt(("b", 2, ""))];
        let read = |from| -> Vec<_> {
            read_entries(&path, from).unwrap().into_iter().map(|entry| entry.receipt).collect()
        };
        assert_eq!(read(0), expected);
        assert_eq!(read(2), expected[1..]);
        assert!(read_entries(&directory.path().join("gone.db"), 0).is_err());
    }
}
