//! Where the gateway under test keeps its record: a file, or a throw-away PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use interven_testkit::postgres::{Cluster, Durability};
use rusqlite::{Connection, types::Value};

use crate::ledger::{Entry, read_entries};
use crate::receipt::Receipt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl FromStr for Backend {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            _ => bail!("`{text}` is neither `sqlite` nor `postgres`"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// A database of one's own. A server is stopped, and its files are removed, when this is dropped.
#[derive(Debug)]
pub enum Database {
    Sqlite(PathBuf),
    /// The server, which keeps its promises about the disk, and the address of the database on it.
    Postgres(Box<Cluster>, String),
}

impl Database {
    /// Of a new installation whose other files will be in `data_dir`.
    #[must_use]
    pub fn new(backend: Backend, data_dir: &Path) -> Self {
        match backend {
            Backend::Sqlite => Self::Sqlite(data_dir.join("interven.db")),
            Backend::Postgres => {
                let settings = ["max_wal_size = '4GB'", "shared_buffers = '512MB'", "max_connections = 200"];
                let cluster = Cluster::start(Durability::Full, &settings);
                let url = cluster.database();
                Self::Postgres(Box::new(cluster), url)
            }
        }
    }

    /// For `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Postgres(_, url) => url.clone(),
        }
    }

    /// Reads the log from a position on, while it may be in use.
    ///
    /// # Errors
    /// When there is no such table, or its rows are none.
    pub fn read_entries(&self, from: u64) -> anyhow::Result<Vec<Entry>> {
        match self {
            Self::Sqlite(path) => read_entries(path, from),
            Self::Postgres(cluster, url) => {
                // A call that is refused before it is decided has a row with no decision.
                let sql = format!(
                    "SELECT tenant_id, trace_id, ledger_seq, coalesce(decision, '') FROM activity_log
                     WHERE ledger_seq >= {from} ORDER BY ledger_seq"
                );
                cluster.sql(url, &sql).lines().map(read_entry).collect()
            }
        }
    }

    /// Copies recorded scans, without their documents and bodies, until the log of the only tenant has this many rows.
    /// Nobody may be using the database.
    ///
    /// # Errors
    /// When nothing is recorded yet, or the database refuses.
    pub fn grow(&self, rows: u64) -> anyhow::Result<()> {
        let recorded: u64 = self.ask("SELECT max(ledger_seq) FROM tenant_counters")?.parse()?;
        ensure!(recorded > 0, "there is no scan to copy");
        if recorded >= rows {
            return Ok(());
        }
        let columns = self.ask(self.dialect().columns)?;
        let copied: Vec<&str> = columns.lines().map(|column| self.dialect().copy_of(column)).collect();
        let (into, from) = (columns.replace('\n', ", "), copied.join(", "));
        let first = recorded + 1;
        let numbers =
            self.dialect().numbers.replace("FIRST", &first.to_string()).replace("LAST", &rows.to_string());
        self.ask(&format!(
            "{numbers} INSERT INTO activity_log ({into})
             SELECT {from} FROM n JOIN activity_log AS t ON t.ledger_seq = 1 + n.i % {};
             INSERT INTO activity_spans (tenant_id, span, earliest, latest)
             SELECT tenant_id, ledger_seq / 1024, min(created_at), max(created_at) FROM activity_log GROUP BY 1, 2
             ON CONFLICT DO NOTHING;
             UPDATE tenant_counters SET ledger_seq = {rows}",
            recorded.min(TEMPLATES)
        ))?;
        // What the database would do by itself in time.
        if matches!(self, Self::Postgres(..)) {
            self.ask("VACUUM ANALYZE activity_log")?;
        }
        Ok(())
    }

    /// How many scans of the only tenant are under a signed checkpoint.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn sealed(&self) -> anyhow::Result<u64> {
        let sealed =
            self.ask("SELECT coalesce(max(tree_size), 0) FROM ledger_checkpoints WHERE log = 'activity'")?;
        Ok(sealed.parse()?)
    }

    fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Sqlite(_) => &SQLITE,
            Self::Postgres(..) => &POSTGRES,
        }
    }

    /// Runs SQL as an operator's shell would, in one transaction; answers with the first column of what it gives, in lines.
    fn ask(&self, sql: &str) -> anyhow::Result<String> {
        match self {
            Self::Sqlite(path) => {
                let connection = Connection::open(path)?;
                if !sql.starts_with("SELECT") {
                    connection.execute_batch(&format!("BEGIN; {sql}; COMMIT; ANALYZE"))?;
                    return Ok(String::new());
                }
                let mut query = connection.prepare(sql)?;
                let cells = query.query_map([], |row| row.get::<_, Value>(0))?;
                let texts = cells.map(|cell| Ok(text_of(&cell?)));
                Ok(texts.collect::<Result<Vec<_>, rusqlite::Error>>()?.join("\n"))
            }
            Self::Postgres(cluster, url) => Ok(cluster.sql(url, sql)),
        }
    }
}

/// The scans that are copied: the first of the log.
const TEMPLATES: u64 = 256;

/// What differs between the backends in making rows.
struct Dialect {
    /// Names of the log's columns.
    columns: &'static str,
    /// A table `n` with the numbers `i` from FIRST to LAST.
    numbers: &'static str,
    /// Columns that are not copied as they are.
    made: &'static [(&'static str, &'static str)],
}

impl Dialect {
    fn copy_of<'a>(&'a self, column: &'a str) -> &'a str {
        self.made.iter().find(|(name, _)| *name == column).map_or(column, |(_, made)| made)
    }
}

const SQLITE: Dialect = Dialect {
    columns: "SELECT name FROM pragma_table_info('activity_log')",
    numbers: "WITH RECURSIVE n (i) AS (SELECT FIRST UNION ALL SELECT i + 1 FROM n WHERE i < LAST)",
    made: &[
        ("ledger_seq", "n.i"),
        ("trace_id", "printf('%08x-0000-4000-8000-%012x', n.i, n.i)"),
        ("leaf_hash", "randomblob(32)"),
        ("verdict", "'null'"),
        ("facts", "'null'"),
        ("timings", "'null'"),
        ("sealed_request", "x''"),
    ],
};

const POSTGRES: Dialect = Dialect {
    columns: "SELECT column_name FROM information_schema.columns WHERE table_name = 'activity_log' ORDER BY 1",
    numbers: "WITH n AS (SELECT generate_series(FIRST, LAST) AS i)",
    made: &[
        ("ledger_seq", "n.i"),
        ("trace_id", "lpad(to_hex(n.i), 32, '0')::uuid"),
        ("leaf_hash", "sha256(n.i::text::bytea)"),
        ("verdict", "'null'"),
        ("facts", "'null'"),
        ("timings", "'null'"),
        ("sealed_request", "''::bytea"),
    ],
};

fn text_of(cell: &Value) -> String {
    match cell {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        other => format!("{other:?}"),
    }
}

fn read_entry(line: &str) -> anyhow::Result<Entry> {
    let mut cells = line.split('|').map(str::to_owned);
    let mut next = || cells.next().with_context(|| format!("`{line}` is no entry"));
    let (tenant_id, trace_id) = (next()?, next()?);
    Ok(Entry { tenant_id, receipt: Receipt { trace_id, ledger_seq: next()?.parse()?, decision: next()? } })
}
