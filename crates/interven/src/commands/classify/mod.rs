//! `interven classify`: what files and texts carry.

mod excerpt;
mod find;
mod report;
mod source;
mod stream;
mod walk;

use crate::{
    cli::ClassifyArgs,
    exit::{Exit, is_closed_pipe, tell},
    terminal::print,
};
use anyhow::Result;
pub(crate) use excerpt::mask;
use find::{Finding, find};
use interven_classify::Classifier;
use report::{Report, Tally};
use source::Source;
use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};
use walk::Found;

/// More threads than this wait for the disk and for each other.
const MOST_THREADS: usize = 8;

/// Here 1 means that something was shown: what cannot be read or written has a code of its own.
pub(crate) fn run(args: &ClassifyArgs) -> Result<Exit> {
    match classify(args) {
        Err(error) if !is_closed_pipe(&error) => {
            tell(&format!("interven: {error:#}"));
            Ok(Exit::Usage)
        }
        answer => answer,
    }
}

fn classify(args: &ClassifyArgs) -> Result<Exit> {
    if args.jsonl {
        return stream::run();
    }
    let started = Instant::now();
    let report = Report::new(args);
    let mut tally = Tally::default();
    let files = walk::find_files(args, &mut tally);
    let classifier = Classifier::builtin();
    each_in_order(
        &files,
        |file| examine(&classifier, file),
        |examined| {
            tally.add(&examined);
            print(&report.show(&examined, &mut tally))
        },
    )?;
    if !args.json {
        tell(tally.summary(started.elapsed(), args).trim_end());
    }
    Ok(match () {
        () if tally.has_trouble => Exit::Usage,
        () if tally.shown > 0 && args.exit_code => Exit::Findings,
        () => Exit::Ok,
    })
}

/// One file that was looked at, or why it was not.
#[derive(Debug)]
struct Examined {
    name: String,
    outcome: Result<Source, String>,
    findings: Vec<Finding>,
    /// Why layers of it were not opened.
    unopened: Vec<String>,
}

fn examine(classifier: &Classifier, file: &Found) -> Examined {
    let outcome = source::read(file);
    let (findings, unopened) = match &outcome {
        Ok(Source::Text { text, .. }) => find(classifier, text),
        _ => Default::default(),
    };
    Examined { name: file.name(), outcome, findings, unopened }
}

/// Does `work` on several threads and hands each result to `take` in the order of `items`. Ends at the first error.
fn each_in_order<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
    mut take: impl FnMut(R) -> Result<()>,
) -> Result<()> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS).min(items.len());
    let next = AtomicUsize::new(0);
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads {
            let sender = sender.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    if sender.send((index, work(item))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut due = 0;
        for (index, result) in receiver {
            early.insert(index, result);
            while let Some(result) = early.remove(&due) {
                take(result)?;
                due += 1;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_the_first_error_ends_it() {
        let items: Vec<u32> = (0..500).collect();
        let mut seen = Vec::new();
        let done = each_in_order(
            &items,
            |n| n * 2,
            |n| {
                seen.push(n);
                Ok(())
            },
        );
        done.unwrap();
        assert_eq!(seen, (0..1000).step_by(2).collect::<Vec<_>>());
        let mut taken = 0;
        let ended = each_in_order(
            &items,
            |n| *n,
            |n| {
                taken += 1;
                anyhow::ensure!(n < 3, "enough");
                Ok(())
            },
        );
        assert!(ended.is_err());
        assert_eq!(taken, 4);
    }
}
