//! Verifying proofs (RFC 9162 §2.1.3.2 and §2.1.4.2, which spell out what RFC 6962 leaves to the reader).

use crate::Hash;

/// Whether `proof` shows that `leaf` stands at `index` of the tree with this size and root.
pub fn verify_inclusion(leaf: Hash, index: u64, size: u64, root: Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut place, mut last) = (index, size - 1);
    let mut hash = leaf;
    for other in proof {
        if last == 0 {
            return false;
        }
        if is_odd(place) || place == last {
            hash = Hash::of_node(*other, hash);
            while !is_odd(place) && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::of_node(hash, *other);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && hash == root
}

/// Whether `proof` shows that the tree with `size` and `root` begins with the tree of `earlier_size` and `earlier_root`.
pub fn verify_consistency(
    earlier_size: u64,
    earlier_root: Hash,
    size: u64,
    root: Hash,
    proof: &[Hash],
) -> bool {
    if earlier_size == 0 {
        return proof.is_empty() && earlier_root == Hash::of_nothing();
    }
    if earlier_size == size {
        return proof.is_empty() && earlier_root == root;
    }
    if earlier_size > size {
        return false;
    }
    // A tree of 2^n leaves is itself a node of the later one, and the proof leaves it out.
    let implied = earlier_size.is_power_of_two().then_some(earlier_root);
    let mut path = implied.into_iter().chain(proof.iter().copied());
    let Some(first) = path.next() else { return false };
    let (mut place, mut last) = (earlier_size - 1, size - 1);
    while is_odd(place) {
        place >>= 1;
        last >>= 1;
    }
    let (mut earlier, mut later) = (first, first);
    for other in path {
        if last == 0 {
            return false;
        }
        if is_odd(place) || place == last {
            earlier = Hash::of_node(other, earlier);
            later = Hash::of_node(other, later);
            while !is_odd(place) && place != 0 {
                place >>= 1;
                last >>= 1;
            }
        } else {
            later = Hash::of_node(later, other);
        }
        place >>= 1;
        last >>= 1;
    }
    last == 0 && earlier == earlier_root && later == root
}

fn is_odd(number: u64) -> bool {
    number & 1 == 1
}
