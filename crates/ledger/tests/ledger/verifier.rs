//! A forger at work on a log of which a checkpoint was kept.

use crate::log::{Log, signer};
use interven_ledger::{Checkpoint, Fault, Finding, Hash, Question, Report, Tile, verify};

const SIZE: u64 = 700;

/// What the verifier finds after `forge`, with a checkpoint of half the log and one of all of it kept.
fn found(forge: impl FnOnce(&mut Log)) -> Report {
    let mut log = Log::of(SIZE, 90);
    let kept = [log.checkpoint(SIZE / 2), log.checkpoint(SIZE)];
    forge(&mut log);
    let newest = if log.sealed == 0 { kept[1].clone() } else { sealed(&mut log, &kept[1]) };
    verify(&mut log, &Question { newest: &newest, kept: &kept, positions: None, pruned_through: 0 }).unwrap()
}

/// What the log would sign now; a log whose tiles were left alone still has its checkpoint.
fn sealed(log: &mut Log, kept: &Checkpoint) -> Checkpoint {
    if log.sealed == kept.size { kept.clone() } else { log.checkpoint(log.sealed) }
}

fn first(report: &Report) -> (i64, i64, &Fault) {
    let Finding { first, last, fault } = report.findings.first().unwrap();
    (*first, *last, fault)
}

/// Makes all of the log anew from its entries, as its owner can.
fn rebuild(log: &mut Log) {
    log.tiles.clear();
    log.sealed = 0;
    for (place, entry) in log.entries.iter_mut().enumerate() {
        entry.position = place as i64 + 1;
        entry.leaf_hash = Some(Hash::of_leaf(entry.event.as_ref().unwrap()));
    }
    log.recorded = log.entries.len() as u64;
    log.seal();
}

#[test]
fn an_honest_log_verifies() {
    let report = found(|_| {});
    assert_eq!((report.events, report.sealed, report.pruned), (SIZE, SIZE, 0));
    assert_eq!(report.findings, []);
    let grown = found(|log| {
        log.append(b"more");
        log.seal();
        log.append(b"not yet sealed");
    });
    assert_eq!((grown.events, grown.sealed), (SIZE + 2, SIZE + 1));
    assert_eq!(grown.findings, []);
}

#[test]
fn what_was_done_to_one_event_is_named_with_its_position() {
    let changed = found(|log| log.entries[16].event = Ok(b"event 16, improved".to_vec()));
    assert_eq!(first(&changed), (17, 17, &Fault::Changed));
    let with_hash = found(|log| {
        log.entries[16].event = Ok(b"event 16, improved".to_vec());
        log.entries[16].leaf_hash = Some(Hash::of_leaf(b"event 16, improved"));
    });
    assert_eq!(first(&with_hash), (17, 17, &Fault::Changed));
    assert_eq!(with_hash.findings.len(), 1);
    let hash_alone = found(|log| log.entries[16].leaf_hash = Some(Hash([0; 32])));
    assert_eq!(first(&hash_alone), (17, 17, &Fault::HashChanged));
    let unreadable = found(|log| log.entries[16].event = Err("column `url` is no text".into()));
    assert_eq!(unreadable.findings[0].to_string(), "position 17: cannot be read: column `url` is no text");
    let removed = found(|log| drop(log.entries.drain(16..19)));
    assert_eq!(first(&removed), (17, 19, &Fault::Missing));
    assert_eq!(removed.findings.len(), 1);
    let first_removed = found(|log| drop(log.entries.remove(0)));
    assert_eq!(first(&first_removed), (1, 1, &Fault::Missing));
    let end_removed = found(|log| log.entries.truncate(698));
    assert_eq!(first(&end_removed), (699, 700, &Fault::Missing));
    let all_removed = found(|log| log.entries.clear());
    assert_eq!(first(&all_removed), (1, 700, &Fault::Missing));
    let swapped = found(|log| {
        let event = log.entries[3].event.clone();
        log.entries[3].event = log.entries[9].event.clone();
        log.entries[9].event = event;
    });
    assert_eq!(swapped.findings.iter().map(|finding| finding.first).collect::<Vec<_>>(), [4, 10]);
    for (position, fault) in [
        (0, Fault::NotGivenOut),
        (-5, Fault::NotGivenOut),
        (i64::MIN, Fault::NotGivenOut),
        (i64::MAX, Fault::NotGivenOut),
        (701, Fault::NotGivenOut),
        (17, Fault::Repeated),
    ] {
        let inserted = found(|log| {
            let entry = interven_ledger::Entry { position, ..log.entries[16].clone() };
            log.entries.push(entry);
        });
        assert_eq!(first(&inserted), (position, position, &fault));
    }
}

#[test]
fn what_was_done_to_the_tree_is_named_with_the_positions_below() {
    let removed = found(|log| drop(log.tiles.remove(&Tile { level: 0, index: 1 })));
    assert_eq!(first(&removed), (257, 512, &Fault::TileMissing { level: 0, index: 1 }));
    let edge = found(|log| drop(log.tiles.remove(&Tile { level: 0, index: 2 })));
    assert_eq!(first(&edge), (513, 700, &Fault::TileMissing { level: 0, index: 2 }));
    let changed = found(|log| log.tiles.get_mut(&Tile { level: 0, index: 1 }).unwrap()[3] = Hash([0; 32]));
    let below = Finding { first: 257, last: 512, fault: Fault::TileChanged { level: 0, index: 1 } };
    assert!(changed.findings.contains(&below), "{changed:?}");
    assert!(changed.findings.contains(&Finding { first: 260, last: 260, fault: Fault::Changed }));
    let above = found(|log| log.tiles.get_mut(&Tile { level: 1, index: 0 }).unwrap()[0] = Hash([0; 32]));
    assert!(above.findings.contains(&Finding { first: 1, last: 350, fault: Fault::Rewritten { size: 350 } }));
    let edge = found(|log| log.tiles.get_mut(&Tile { level: 0, index: 2 }).unwrap()[0] = Hash([0; 32]));
    assert_eq!(first(&edge), (351, 700, &Fault::Rewritten { size: 700 }));
}

#[test]
fn a_log_made_anew_is_held_against_the_checkpoint_that_was_kept() {
    let rewritten = found(|log| {
        log.entries[600].event = Ok(b"nothing happened".to_vec());
        rebuild(log);
    });
    // The half that was signed earlier is as it was.
    assert_eq!(
        rewritten.findings,
        [Finding { first: 351, last: 700, fault: Fault::Rewritten { size: 700 } }]
    );
    let shortened = found(|log| {
        log.entries.truncate(500);
        rebuild(log);
    });
    assert_eq!(
        shortened.findings,
        [Finding { first: 351, last: 700, fault: Fault::CutOff { size: 700, left: 500 } }]
    );
    for forge in [|log: &mut Log| drop(log.entries.remove(4)), |log: &mut Log| log.entries.swap(4, 5)] {
        let report = found(|log| {
            forge(log);
            log.append(b"one more, so that the size is right");
            rebuild(log);
        });
        assert!(report.findings.contains(&Finding {
            first: 1,
            last: 350,
            fault: Fault::Rewritten { size: 350 }
        }));
    }
}

#[test]
fn a_newest_checkpoint_of_another_tree_is_found() {
    let mut log = Log::of(SIZE, 90);
    let newest = Checkpoint { root: Hash([9; 32]), ..log.checkpoint(SIZE) };
    let question = Question { newest: &newest, kept: &[], positions: None, pruned_through: 0 };
    let report = verify(&mut log, &question).unwrap();
    assert_eq!(report.findings, [Finding { first: 1, last: 700, fault: Fault::Rewritten { size: 700 } }]);
    assert!(Checkpoint::open(&newest.sign(&signer(2)), signer(1).verifier()).is_err());
}

#[test]
fn only_the_positions_that_are_asked_for_are_looked_at() {
    let mut log = Log::of(SIZE, 90);
    let newest = log.checkpoint(SIZE);
    log.entries[16].event = Ok(b"other".to_vec());
    log.entries.remove(650);
    for (positions, events, expected) in [
        ((1, 16), 16, vec![]),
        ((17, 20), 4, vec![17]),
        ((18, 651), 633, vec![651]),
        ((700, 9_000), 1, vec![]),
    ] {
        let question = Question { newest: &newest, kept: &[], positions: Some(positions), pruned_through: 0 };
        let report = verify(&mut log, &question).unwrap();
        assert_eq!(
            report.findings.iter().map(|finding| finding.first).collect::<Vec<_>>(),
            expected,
            "{positions:?}"
        );
        assert_eq!(report.events, events, "{positions:?}");
    }
}

#[test]
fn what_retention_took_is_counted_and_what_is_missing_beyond_is_found() {
    let mut log = Log::of(SIZE, 90);
    let newest = log.checkpoint(SIZE);
    log.entries.drain(..257);
    let question = Question { newest: &newest, kept: &[], positions: None, pruned_through: 256 };
    let report = verify(&mut log, &question).unwrap();
    assert_eq!((report.pruned, report.events), (256, 443));
    assert_eq!(report.findings, [Finding { first: 257, last: 257, fault: Fault::Missing }]);
}
