//! The verifier: what was changed, removed, inserted, reordered or cut off, by position.
//!
//! It trusts signed checkpoints alone. From the newest one's root it goes down the tiles to the hash of every leaf, and
//! compares each with the hash of the event as it is stored now. Checkpoints that were kept elsewhere are roots of the
//! same tree at earlier sizes, or history was written anew.

use crate::{
    Checkpoint, Hash,
    tile::{TILE_WIDTH, Tile, node_in_tile, tile_hash},
    tree::{Node, Nodes, root},
};
use std::{collections::BTreeMap, fmt};

/// Where a log is read from: a server, an exported directory, a database.
pub trait Source {
    type Error;
    /// How many positions were given out so far, as the source itself says.
    fn recorded(&mut self) -> Result<u64, Self::Error>;
    /// The hashes of a tile, `width` of them; fewer when it has no more.
    fn tile(&mut self, tile: Tile, width: u64) -> Result<Vec<Hash>, Self::Error>;
    /// What is stored from a position on, in order of positions: at most as many as fit a page, none at the end.
    fn entries(&mut self, from: i64) -> Result<Vec<Entry>, Self::Error>;
    /// Told after every page how far the verifier has come.
    fn progress(&mut self, _position: u64) {}
}

/// One event as it is stored now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub position: i64,
    /// Its canonical bytes, or what keeps them from being made.
    pub event: Result<Vec<u8>, String>,
    /// The hash that stands beside it, where the source has one.
    pub leaf_hash: Option<Hash>,
}

/// What to verify.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// The newest checkpoint, opened with the log's key.
    pub newest: &'a Checkpoint,
    /// Earlier and later ones that were kept elsewhere, opened with the log's key.
    pub kept: &'a [Checkpoint],
    /// Positions whose events are looked at; all when absent.
    pub positions: Option<(u64, u64)>,
    /// Up to this position events may be missing: retention took them, and their hashes stay.
    pub pruned_through: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Events that were looked at.
    pub events: u64,
    /// How many of them are under the checkpoint.
    pub sealed: u64,
    /// Events that retention took.
    pub pruned: u64,
    /// In order of positions. Empty: everything matches.
    pub findings: Vec<Finding>,
}

/// What does not match, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Position of the first event concerned.
    pub first: i64,
    pub last: i64,
    pub fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("missing")]
    Missing,
    #[error("not what was recorded: its hash is not the one in the tree")]
    Changed,
    #[error("stored with a hash that is not its own")]
    HashChanged,
    #[error("cannot be read: {0}")]
    Unreadable(String),
    #[error("stored more than once")]
    Repeated,
    #[error("stored at a position that was never given out")]
    NotGivenOut,
    #[error("without their hashes: the tile {level}/{index} of the tree is missing")]
    TileMissing { level: u32, index: u64 },
    #[error(
        "under hashes that were changed: the tile {level}/{index} does not have the hash that stands above it"
    )]
    TileChanged { level: u32, index: u64 },
    #[error("not what was signed: the tree does not have the root of the checkpoint of {size} events")]
    Rewritten { size: u64 },
    #[error("cut off or made anew: {size} events were signed, and {left} are left")]
    CutOff { size: u64, left: u64 },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last, fault } = self;
        if first == last {
            write!(f, "position {first}: {fault}")
        } else {
            write!(f, "positions {first}–{last}: {fault}")
        }
    }
}

/// Compares a log with what was signed of it. Fails only when the source does.
pub fn verify<S: Source>(source: &mut S, question: &Question<'_>) -> Result<Report, S::Error> {
    let recorded = source.recorded()?;
    let mut tiles = Tiles::of(source, question.newest.size);
    let mut report = Report::default();
    check_roots(&mut tiles, question, &mut report)?;
    check_tiles(&mut tiles, question, &mut report)?;
    check_events(&mut tiles, question, recorded, &mut report)?;
    report.findings.sort_by_key(|finding| (finding.first, finding.last));
    report.findings.dedup();
    Ok(report)
}

/// Compares checkpoints with the tree alone: whether each is of an earlier state of the same log.
pub fn verify_roots<S: Source>(source: &mut S, question: &Question<'_>) -> Result<Report, S::Error> {
    let mut report = Report::default();
    check_roots(&mut Tiles::of(source, question.newest.size), question, &mut report)?;
    Ok(report)
}

impl Report {
    /// Joins a finding to the one before it when it says the same of the next position.
    fn add(&mut self, first: i64, last: i64, fault: Fault) {
        match self.findings.last_mut() {
            Some(before) if before.fault == fault && before.last.checked_add(1) == Some(first) => {
                before.last = last
            }
            _ => self.findings.push(Finding { first, last, fault }),
        }
    }

    /// A finding about the leaves below a tile.
    fn add_tile(&mut self, tile: Tile, size: u64, fault: Fault) {
        let leaves = tile.leaves(size);
        self.add(position(leaves.start + 1), position(leaves.end), fault);
    }
}

/// The roots of the newest and of every kept checkpoint, smallest first. The first that is wrong tells since when: since the
/// last that was kept and holds. The newest tells nothing of that, for whoever makes a log anew makes that too.
fn check_roots<S: Source>(
    tiles: &mut Tiles<'_, S>,
    question: &Question<'_>,
    report: &mut Report,
) -> Result<(), S::Error> {
    let newest = question.newest;
    let mut checkpoints: Vec<&Checkpoint> = question.kept.iter().chain([newest]).collect();
    checkpoints.sort_by_key(|checkpoint| checkpoint.size);
    let mut right_through = 0;
    for checkpoint in checkpoints {
        let size = checkpoint.size;
        if size > newest.size {
            let fault = Fault::CutOff { size, left: newest.size };
            report.add(position(right_through + 1), position(size), fault);
            continue;
        }
        match root(tiles, size) {
            Ok(found) if found != checkpoint.root => {
                report.add(position(right_through + 1), position(size), Fault::Rewritten { size });
            }
            Ok(_) if std::ptr::eq(checkpoint, newest) => {}
            Ok(_) => right_through = size,
            Err(Absent::Tile(tile)) => {
                let Tile { level, index } = tile;
                report.add_tile(tile, tiles.size, Fault::TileMissing { level, index });
            }
            Err(Absent::Source(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Every full tile against its hash in the tile above; of the lowest level those with positions that are asked for.
fn check_tiles<S: Source>(
    tiles: &mut Tiles<'_, S>,
    question: &Question<'_>,
    report: &mut Report,
) -> Result<(), S::Error> {
    let size = tiles.size;
    for level in (0..Tile::levels(size).saturating_sub(1)).rev() {
        for tile in Tile::of_level(level, size).filter(|tile| tile.width(size) == TILE_WIDTH) {
            let leaves = tile.leaves(size);
            let is_asked = |(from, to): (u64, u64)| leaves.start < to && from <= leaves.end;
            if level == 0 && !question.positions.is_none_or(is_asked) {
                continue;
            }
            let (parent, place) = tile.parent();
            let expected = match tiles.get(parent)? {
                Some(hashes) => hashes.get(place).copied(),
                None => continue,
            };
            let Tile { level, index } = tile;
            match tiles.get(tile)? {
                None => report.add_tile(tile, size, Fault::TileMissing { level, index }),
                Some(hashes) if tile_hash(hashes) == expected => {}
                Some(_) => report.add_tile(tile, size, Fault::TileChanged { level, index }),
            }
        }
    }
    Ok(())
}

/// Every stored event against its leaf; those not yet under the checkpoint against the hash beside them.
fn check_events<S: Source>(
    tiles: &mut Tiles<'_, S>,
    question: &Question<'_>,
    recorded: u64,
    report: &mut Report,
) -> Result<(), S::Error> {
    let (first, last) = question.positions.unwrap_or((1, u64::MAX));
    let given_out = position(recorded.max(question.newest.size)).min(i64::MAX - 1);
    let mut later = Vec::new();
    let mut before = position(first) - 1;
    // Asked for everything, also look below the first position: nothing may stand there.
    let mut from = if question.positions.is_none() { i64::MIN } else { position(first) };
    loop {
        let page = tiles.source.entries(from)?;
        let Some(end) = page.last().map(|entry| entry.position) else { break };
        for entry in page.into_iter().filter(|entry| entry.position <= position(last)) {
            if entry.position < 1 {
                report.add(entry.position, entry.position, Fault::NotGivenOut);
                continue;
            }
            if entry.position <= before {
                report.add(entry.position, entry.position, Fault::Repeated);
                continue;
            }
            miss(before, entry.position.min(given_out + 1), question.pruned_through, report);
            before = entry.position;
            later.extend((before > given_out).then_some(before));
            check_event(tiles, &entry, report)?;
        }
        if end >= position(last) || end < from {
            break;
        }
        from = end + 1;
        tiles.source.progress(u64::try_from(end).unwrap_or(0));
    }
    miss(before, given_out.min(position(last)).saturating_add(1), question.pruned_through, report);
    // Asked again: what was recorded meanwhile has been given out meanwhile.
    let given_out = if later.is_empty() { given_out } else { position(tiles.source.recorded()?) };
    for at in later.into_iter().filter(|at| *at > given_out) {
        report.add(at, at, Fault::NotGivenOut);
    }
    Ok(())
}

/// Positions between two events that are there.
fn miss(before: i64, next: i64, pruned_through: u64, report: &mut Report) {
    if next.saturating_sub(before) < 2 {
        return;
    }
    let (first, last) = (before + 1, next - 1);
    let pruned = position(pruned_through).min(last);
    if first <= pruned {
        report.pruned += pruned.abs_diff(first) + 1;
    }
    let first = first.max(pruned + 1);
    if first <= last {
        report.add(first, last, Fault::Missing);
    }
}

fn check_event<S: Source>(
    tiles: &mut Tiles<'_, S>,
    entry: &Entry,
    report: &mut Report,
) -> Result<(), S::Error> {
    let at = entry.position;
    report.events += 1;
    let hash = match &entry.event {
        Ok(event) => Hash::of_leaf(event),
        Err(reason) => {
            report.add(at, at, Fault::Unreadable(reason.clone()));
            return Ok(());
        }
    };
    let index = at.unsigned_abs() - 1;
    if index < tiles.size {
        report.sealed += 1;
        let place = usize::try_from(index % TILE_WIDTH).unwrap_or(0);
        // A tile that is missing was reported as such.
        let tile = tiles.get(Tile { level: 0, index: index / TILE_WIDTH })?;
        if tile.is_some_and(|hashes| hashes.get(place) != Some(&hash)) {
            report.add(at, at, Fault::Changed);
            return Ok(());
        }
    }
    if entry.leaf_hash.is_some_and(|stored| stored != hash) {
        report.add(at, at, Fault::HashChanged);
    }
    Ok(())
}

fn position(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Tiles as the tree of one size has them. The upper levels are kept, of the lowest one tile at a time.
struct Tiles<'s, S> {
    source: &'s mut S,
    size: u64,
    upper: BTreeMap<Tile, Option<Vec<Hash>>>,
    lowest: Option<(Tile, Option<Vec<Hash>>)>,
}

enum Absent<E> {
    Tile(Tile),
    Source(E),
}

impl<'s, S: Source> Tiles<'s, S> {
    fn of(source: &'s mut S, size: u64) -> Self {
        Self { source, size, upper: BTreeMap::new(), lowest: None }
    }

    /// None when it is missing or too narrow.
    fn get(&mut self, tile: Tile) -> Result<Option<&Vec<Hash>>, S::Error> {
        let width = tile.width(self.size);
        let is_kept =
            self.upper.contains_key(&tile) || self.lowest.as_ref().is_some_and(|(of, _)| *of == tile);
        if !is_kept {
            let hashes = self.source.tile(tile, width)?;
            let hashes = Some(hashes).filter(|hashes| hashes.len() as u64 == width);
            if tile.level == 0 {
                self.lowest = Some((tile, hashes));
            } else {
                self.upper.insert(tile, hashes);
            }
        }
        let lowest = self.lowest.as_ref().filter(|(of, _)| *of == tile).map(|(_, hashes)| hashes);
        Ok(lowest.or_else(|| self.upper.get(&tile)).and_then(Option::as_ref))
    }
}

impl<S: Source> Nodes for Tiles<'_, S> {
    type Error = Absent<S::Error>;

    fn node(&mut self, node: Node) -> Result<Hash, Self::Error> {
        let tile = Tile::of(node);
        let hashes = self.get(tile).map_err(Absent::Source)?;
        hashes.and_then(|hashes| node_in_tile(hashes, node)).ok_or(Absent::Tile(tile))
    }
}
