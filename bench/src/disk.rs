//! What the disk allows: append and wait until it is durable, one after another.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::latency::Latencies;

/// Ends at the count or at the time limit, whichever comes first.
#[derive(Debug, Clone, Copy)]
pub struct DiskPlan {
    pub appends: u64,
    pub bytes: usize,
    pub limit: Duration,
}

/// Times each append with its `fdatasync`, in a file of its own that is gone afterwards.
///
/// # Errors
/// When the directory cannot be written.
pub fn time_appends(directory: &Path, plan: DiskPlan) -> anyhow::Result<Latencies> {
    let scratch = tempfile::Builder::new()
        .prefix("fsync-floor-")
        .tempfile_in(directory)
        .with_context(|| format!("`{}` cannot be written", directory.display()))?;
    let mut file = OpenOptions::new().append(true).open(scratch.path())?;
    let block = vec![b'x'; plan.bytes];
    let mut latencies = Latencies::new()?;
    let start = Instant::now();
    for _ in 0..plan.appends {
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        latencies.record(begun.elapsed());
        if start.elapsed() >= plan.limit {
            break;
        }
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::{DiskPlan, time_appends};
    use std::time::Duration;

    #[test]
    fn appends_end_at_the_count_or_the_limit_and_leave_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let counted = DiskPlan { appends: 5, bytes: 100, limit: Duration::from_secs(60) };
        assert_eq!(time_appends(directory.path(), counted).unwrap().count(), 5);
        let limited = DiskPlan { appends: 5, bytes: 100, limit: Duration::ZERO };
        assert_eq!(time_appends(directory.path(), limited).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
