//! Roots and proofs of every tree of up to some hundreds of leaves.

use crate::log::{Log, plain_root};
use interven_ledger::{Hash, prove_consistency, prove_inclusion, root, verify_consistency, verify_inclusion};
use proptest::prelude::*;

/// The entries and roots that Certificate Transparency's implementations have tested with since RFC 6962.
const ENTRIES: [&str; 8] = ["", "\0", "\x10", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hex(hash: Hash) -> String {
    hash.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn roots_are_those_that_every_implementation_gives() {
    let mut log = Log::default();
    assert_eq!(
        hex(root(&mut log, 0).unwrap()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (entry, expected) in ENTRIES.iter().zip(ROOTS) {
        log.append(entry.as_bytes());
        log.seal();
        let size = log.sealed;
        assert_eq!(hex(root(&mut log, size).unwrap()), expected, "{size} entries");
    }
}

#[test]
fn every_leaf_of_every_tree_is_proved_and_every_tree_begins_with_every_earlier_one() {
    let mut log = Log::of(300, 37);
    let leaves = log.leaves();
    let roots: Vec<Hash> = (0..=300).map(|size| plain_root(&leaves[..size])).collect();
    // Every size round the powers of two and the width of a tile, and some between.
    let sizes = (1..=70).chain([100, 127, 128, 129, 254, 255, 256, 257, 258, 299, 300]);
    for size in sizes {
        let whole = roots[size as usize];
        assert_eq!(root(&mut log, size).unwrap(), whole, "size {size}");
        for index in 0..size {
            let proof = prove_inclusion(&mut log, index, size).unwrap();
            assert!(
                verify_inclusion(leaves[index as usize], index, size, whole, &proof),
                "{index} of {size}"
            );
        }
        for earlier in 0..=size {
            let proof = prove_consistency(&mut log, earlier, size).unwrap();
            assert!(
                verify_consistency(earlier, roots[earlier as usize], size, whole, &proof),
                "{earlier} of {size}"
            );
        }
    }
}

/// A change of one thing in a list of hashes.
fn mutate(proof: &[Hash], kind: u8, place: prop::sample::Index, bit: u8) -> Vec<Hash> {
    let mut proof = proof.to_vec();
    let at = if proof.is_empty() { 0 } else { place.index(proof.len()) };
    match kind {
        0 if !proof.is_empty() => proof[at].0[usize::from(bit / 8)] ^= 1 << (bit % 8),
        1 if !proof.is_empty() => drop(proof.remove(at)),
        2 if proof.len() > 1 && proof[at] != proof[(at + 1) % proof.len()] => {
            let other = (at + 1) % proof.len();
            proof.swap(at, other);
        }
        _ => proof.insert(at, Hash([bit; 32])),
    }
    proof
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn a_changed_proof_leaf_index_size_or_root_is_refused(
        size in 1_u64..400, index in any::<prop::sample::Index>(), earlier in any::<prop::sample::Index>(),
        kind in 0_u8..4, place in any::<prop::sample::Index>(), bit in any::<u8>(), by in 1_u64..400,
    ) {
        let mut log = Log::of(size, 100);
        let leaves = log.leaves();
        let whole = root(&mut log, size).unwrap();
        let index = index.index(size as usize) as u64;
        let leaf = leaves[index as usize];
        let other = |hash: Hash| { let mut hash = hash; hash.0[usize::from(bit / 8)] ^= 1 << (bit % 8); hash };

        let proof = prove_inclusion(&mut log, index, size).unwrap();
        prop_assert!(verify_inclusion(leaf, index, size, whole, &proof));
        prop_assert!(!verify_inclusion(leaf, index, size, whole, &mutate(&proof, kind, place, bit)));
        prop_assert!(!verify_inclusion(other(leaf), index, size, whole, &proof));
        prop_assert!(!verify_inclusion(leaf, index, size, other(whole), &proof));
        let elsewhere = (index + by) % size;
        prop_assert!(elsewhere == index || !verify_inclusion(leaf, elsewhere, size, whole, &proof));
        prop_assert!(!verify_inclusion(leaf, index + size, size, whole, &proof));

        let earlier = 1 + earlier.index(size as usize) as u64;
        let before = plain_root(&leaves[..earlier as usize]);
        let proof = prove_consistency(&mut log, earlier, size).unwrap();
        prop_assert!(verify_consistency(earlier, before, size, whole, &proof));
        prop_assert!(!verify_consistency(earlier, before, size, whole, &mutate(&proof, kind, place, bit)));
        prop_assert!(!verify_consistency(earlier, other(before), size, whole, &proof));
        prop_assert!(!verify_consistency(earlier, before, size, other(whole), &proof));
        prop_assert!(earlier == size || !verify_consistency(size, whole, earlier, before, &proof));
    }
}
