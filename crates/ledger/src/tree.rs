//! The Merkle tree of RFC 6962 §2.1 over hashes that lie elsewhere: roots, inclusion proofs, consistency proofs.
//!
//! Each of them is a list of ranges of leaves, known from sizes alone, and the hash of each range. A range of the tree
//! is made of perfect subtrees, and those are what the hashes are kept of ([`Nodes`]).

use crate::Hash;
use std::ops::Range;

/// The root of a perfect subtree: of the leaves `index << level .. (index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// 0 is a leaf.
    pub level: u32,
    pub index: u64,
}

/// Where hashes of perfect subtrees come from.
pub trait Nodes {
    type Error;
    fn node(&mut self, node: Node) -> Result<Hash, Self::Error>;
}

impl<E, F: FnMut(Node) -> Result<Hash, E>> Nodes for F {
    type Error = E;

    fn node(&mut self, node: Node) -> Result<Hash, E> {
        self(node)
    }
}

/// The root of the first `size` leaves.
pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    hash_of(nodes, 0..size)
}

/// Proves that the leaf `index` is in the tree of `size` leaves. Empty when it is not, or when it is the only one.
pub fn prove_inclusion<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    hashes_of(nodes, &inclusion_path(index, size))
}

/// Proves that the tree of `size` leaves begins with that of `earlier` leaves. Empty when the sizes are equal or `earlier` is 0.
pub fn prove_consistency<N: Nodes>(nodes: &mut N, earlier: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    hashes_of(nodes, &consistency_path(earlier, size))
}

fn hashes_of<N: Nodes>(nodes: &mut N, ranges: &[Range<u64>]) -> Result<Vec<Hash>, N::Error> {
    ranges.iter().map(|range| hash_of(nodes, range.clone())).collect()
}

fn hash_of<N: Nodes>(nodes: &mut N, range: Range<u64>) -> Result<Hash, N::Error> {
    let mut whole: Option<Hash> = None;
    for node in perfect_subtrees(range).into_iter().rev() {
        let left = nodes.node(node)?;
        whole = Some(whole.map_or(left, |right| Hash::of_node(left, right)));
    }
    Ok(whole.unwrap_or_else(Hash::of_nothing))
}

/// A range that begins where a subtree of the whole tree does, as perfect subtrees: the largest first.
pub(crate) fn perfect_subtrees(range: Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    while let Some(level) = range.end.saturating_sub(start).checked_ilog2() {
        nodes.push(Node { level, index: start >> level });
        start += 1 << level;
    }
    nodes
}

/// `PATH(m, D[n])` of RFC 6962 §2.1.1: from the leaf's sibling up.
fn inclusion_path(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut path = Vec::new();
    let mut tree = 0..size;
    if !tree.contains(&index) {
        return path;
    }
    while let Some(middle) = split(&tree) {
        let (left, right) = (tree.start..middle, middle..tree.end);
        let (own, other) = if left.contains(&index) { (left, right) } else { (right, left) };
        path.push(other);
        tree = own;
    }
    path.reverse();
    path
}

/// `PROOF(m, D[n])` of RFC 6962 §2.1.2.
fn consistency_path(earlier: u64, size: u64) -> Vec<Range<u64>> {
    let mut path = Vec::new();
    if earlier == 0 || earlier >= size {
        return path;
    }
    let mut tree = 0..size;
    let mut is_whole = true;
    while tree.end != earlier {
        let Some(middle) = split(&tree) else { break };
        if earlier <= middle {
            path.push(middle..tree.end);
            tree = tree.start..middle;
        } else {
            path.push(tree.start..middle);
            tree = middle..tree.end;
            is_whole = false;
        }
    }
    if !is_whole {
        path.push(tree);
    }
    path.reverse();
    path
}

/// Where the tree over a range divides: after the largest power of two that is smaller than it. None for a leaf.
fn split(range: &Range<u64>) -> Option<u64> {
    let level = range.end.saturating_sub(range.start).checked_sub(1)?.checked_ilog2()?;
    Some(range.start + (1 << level))
}
