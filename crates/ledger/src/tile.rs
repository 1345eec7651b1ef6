//! The tree cut into tiles of 256 hashes, as files and URLs name them (C2SP tlog-tiles).

use crate::{
    Hash,
    tree::{Node, root},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Hashes in a full tile, and entries in a full bundle.
pub const TILE_WIDTH: u64 = 256;
/// Binary levels of the tree in one tile.
const TILE_HEIGHT: u32 = 8;
/// Indexes grow by three digits a path element.
const DIGITS: u64 = 1_000;

/// One tile: hashes of level `8 × level` of the tree, from `256 × index` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// 0 holds leaf hashes.
    pub level: u32,
    pub index: u64,
}

impl Tile {
    /// The tile in which a subtree's hash stands or from whose hashes it is made.
    pub fn of(node: Node) -> Self {
        let level = node.level / TILE_HEIGHT;
        Self { level, index: (node.index << (node.level % TILE_HEIGHT)) / TILE_WIDTH }
    }

    /// How many hashes it has in a tree of `size` leaves: 0–256.
    pub fn width(self, size: u64) -> u64 {
        hashes_at(self.level, size).saturating_sub(self.index.saturating_mul(TILE_WIDTH)).min(TILE_WIDTH)
    }

    /// The tile above, and where this one's hash stands in it.
    pub fn parent(self) -> (Self, usize) {
        let place = usize::try_from(self.index % TILE_WIDTH).unwrap_or(0);
        (Self { level: self.level + 1, index: self.index / TILE_WIDTH }, place)
    }

    /// The leaves below it, as far as the tree has them.
    pub fn leaves(self, size: u64) -> std::ops::Range<u64> {
        let bits = TILE_HEIGHT * (self.level + 1);
        let leaves = u128::from(size);
        let at = |index: u64| (u128::from(index) << bits.min(64)).min(leaves) as u64;
        at(self.index)..at(self.index + 1)
    }

    /// Every tile of one level of a tree that has `size` leaves.
    pub fn of_level(level: u32, size: u64) -> impl Iterator<Item = Self> {
        (0..hashes_at(level, size).div_ceil(TILE_WIDTH)).map(move |index| Self { level, index })
    }

    /// How many levels of tiles a tree of `size` leaves has.
    pub fn levels(size: u64) -> u32 {
        size.checked_ilog2().map_or(0, |bits| bits / TILE_HEIGHT + 1)
    }
}

/// The hash of a subtree from the hashes of its [`Tile::of`]; none when they do not reach so far.
pub fn node_in_tile(hashes: &[Hash], node: Node) -> Option<Hash> {
    let count = 1_u64 << (node.level % TILE_HEIGHT);
    let start = node.index.checked_mul(count)? % TILE_WIDTH;
    let range = usize::try_from(start).ok()?..usize::try_from(start + count).ok()?;
    hashes.get(range).and_then(fold)
}

/// The hash that stands for a full tile in the tile above it.
pub fn tile_hash(hashes: &[Hash]) -> Option<Hash> {
    fold(hashes).filter(|_| hashes.len() as u64 == TILE_WIDTH)
}

/// The root over a row of 2^n hashes.
fn fold(row: &[Hash]) -> Option<Hash> {
    match row {
        [] => None,
        [one] => Some(*one),
        more => {
            let (left, right) = more.split_at(more.len() / 2);
            Some(Hash::of_node(fold(left)?, fold(right)?))
        }
    }
}

/// A log after leaves were appended to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    pub size: u64,
    pub root: Hash,
    /// The tiles that changed, each as wide as it is now.
    pub tiles: BTreeMap<Tile, Vec<Hash>>,
}

/// Appends `leaves` to a tree of `size`. `known` has the tiles that [`edge`] names for `size`; none when one of them is
/// missing or too narrow.
pub fn grow(size: u64, known: &BTreeMap<Tile, Vec<Hash>>, leaves: &[Hash]) -> Option<Growth> {
    let mut tiles = BTreeMap::new();
    for tile in edge(size) {
        let width = usize::try_from(tile.width(size)).ok()?;
        tiles.insert(tile, known.get(&tile)?.get(..width)?.to_vec());
    }
    let mut changed = BTreeSet::new();
    let mut row = leaves.to_vec();
    let mut level = 0;
    while !row.is_empty() {
        let mut above = Vec::new();
        for (place, hash) in (hashes_at(level, size)..).zip(row) {
            let tile = Tile { level, index: place / TILE_WIDTH };
            let hashes = tiles.entry(tile).or_default();
            hashes.push(hash);
            above.extend(tile_hash(hashes));
            changed.insert(tile);
        }
        row = above;
        level += 1;
    }
    let size = size + leaves.len() as u64;
    let mut stored =
        |node| tiles.get(&Tile::of(node)).and_then(|hashes| node_in_tile(hashes, node)).ok_or(());
    let root = root(&mut stored, size).ok()?;
    tiles.retain(|tile, _| changed.contains(tile));
    Some(Growth { size, root, tiles })
}

/// The partial tiles at the right edge of a tree: what appending to it needs.
pub fn edge(size: u64) -> Vec<Tile> {
    let at = |level| Tile { level, index: hashes_at(level, size) / TILE_WIDTH };
    (0..Tile::levels(size)).map(at).filter(|tile| tile.width(size) > 0).collect()
}

/// How many hashes all tiles of a level hold.
fn hashes_at(level: u32, size: u64) -> u64 {
    size.checked_shr(TILE_HEIGHT * level).unwrap_or(0)
}

/// What a path of the tile layout names, below the log's own prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TilePath {
    Hashes {
        tile: Tile,
        /// 1–256.
        width: u64,
    },
    Entries {
        index: u64,
        /// 1–256.
        width: u64,
    },
}

impl TilePath {
    /// Reads `tile/0/x001/234`, `tile/entries/000.p/5` and their like; none for any other spelling.
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => {
                (digits, plain_number(width).filter(|width| (1..TILE_WIDTH).contains(width))?)
            }
            None => (rest, TILE_WIDTH),
        };
        let index = index_of(digits)?;
        match kind {
            "entries" => Some(Self::Entries { index, width }),
            level => {
                let level = plain_number(level).filter(|level| *level < 64)?;
                Some(Self::Hashes { tile: Tile { level: u32::try_from(level).ok()?, index }, width })
            }
        }
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Hashes { tile, width } => {
                write!(f, "tile/{}/", tile.level)?;
                (tile.index, *width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
        };
        let mut elements = vec![index % DIGITS];
        let mut rest = index / DIGITS;
        while rest > 0 {
            elements.push(rest % DIGITS);
            rest /= DIGITS;
        }
        for (place, element) in elements.iter().enumerate().rev() {
            if place > 0 { write!(f, "x{element:03}/")? } else { write!(f, "{element:03}")? }
        }
        if width < TILE_WIDTH { write!(f, ".p/{width}") } else { Ok(()) }
    }
}

fn index_of(digits: &str) -> Option<u64> {
    let elements: Vec<&str> = digits.split('/').collect();
    let (last, before) = elements.split_last()?;
    let before: Option<Vec<&str>> = before.iter().map(|element| element.strip_prefix('x')).collect();
    let mut index = 0_u64;
    for element in before?.into_iter().chain([*last]) {
        let is_three_digits = element.len() == 3 && element.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = element.parse().ok().filter(|_| is_three_digits)?;
        index = index.checked_mul(DIGITS)?.checked_add(number)?;
    }
    let has_leading_zeros = elements.len() > 1 && elements.first() == Some(&"x000");
    (!has_leading_zeros).then_some(index)
}

/// A decimal number without leading zeros or a sign.
pub(crate) fn plain_number(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// Hashes one after the other, as a tile is served and stored.
pub fn tile_bytes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// The hashes of a tile; none when its length is no multiple of theirs.
pub fn tile_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.iter().copied().map(Hash).collect())
}

/// An entry bundle: each entry behind its length in two bytes. None when an entry is too long for that.
pub fn bundle_bytes<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(u16::try_from(entry.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    Some(bytes)
}

/// The entries of a bundle; none when it ends in the middle of one.
pub fn bundle_entries(mut bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry.to_vec());
        bytes = rest;
    }
    bytes.is_empty().then_some(entries)
}
