//! The same log by another author's code (`tlog_tiles`, `signed_note`): both must agree on every byte, and each must
//! accept what the other made.

use crate::log::{Log, ORIGIN, signer};
use interven_ledger::{
    Checkpoint, Hash, Tile, TilePath, prove_consistency, prove_inclusion, root, tile_bytes,
    verify_consistency, verify_inclusion,
};
use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{HashReader, TileHashReader, TileReader};

/// Their storage: every node's hash in the order of their indexes.
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

/// Their reader over our tiles.
struct OurTiles<'a>(&'a Log);

impl TileReader for OurTiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let ours = Tile { level: tile.level().into(), index: tile.level_index() };
            tile_bytes(&self.0.tiles[&ours][..tile.width() as usize])
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

fn theirs(log: &Log) -> Stored {
    let mut stored = Stored(Vec::new());
    for (index, entry) in log.entries.iter().enumerate() {
        let hashes = tlog_tiles::stored_hashes(index as u64, entry.event.as_ref().unwrap(), &stored).unwrap();
        stored.0.extend(hashes);
    }
    stored
}

fn ours(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

#[test]
fn roots_and_proofs_are_the_same() {
    let mut log = Log::of(700, 90);
    let (stored, leaves) = (theirs(&log), log.leaves());
    for size in [1, 2, 3, 7, 8, 9, 64, 100, 255, 256, 257, 511, 512, 513, 699, 700] {
        let whole = tlog_tiles::tree_hash(size, &stored).unwrap();
        assert_eq!(root(&mut log, size).unwrap(), Hash(whole.0), "root of {size}");
        for index in (0..size).step_by(7).chain([size - 1]) {
            let proof = tlog_tiles::prove_record(size, index, &stored).unwrap();
            assert_eq!(prove_inclusion(&mut log, index, size).unwrap(), ours(&proof), "{index} of {size}");
            assert!(verify_inclusion(leaves[index as usize], index, size, Hash(whole.0), &ours(&proof)));
        }
        for earlier in (1..=size).step_by(5) {
            let before = tlog_tiles::tree_hash(earlier, &stored).unwrap();
            let proof = tlog_tiles::prove_tree(size, earlier, &stored).unwrap();
            assert_eq!(
                prove_consistency(&mut log, earlier, size).unwrap(),
                ours(&proof),
                "{earlier} of {size}"
            );
            assert!(verify_consistency(earlier, Hash(before.0), size, Hash(whole.0), &ours(&proof)));
        }
    }
}

#[test]
fn their_reader_takes_our_tiles_and_paths_and_gives_the_same_tiles() {
    let mut log = Log::of(66_000, 5_000);
    let stored = theirs(&log);
    let size = log.sealed;
    let whole = root(&mut log, size).unwrap();
    let our_tiles = OurTiles(&log);
    // It checks every tile that it reads against the root.
    let reader = TileHashReader::new(size, tlog_tiles::Hash(whole.0), &our_tiles);
    for index in [0, 255, 256, 40_000, 65_535, 65_536, 65_999] {
        let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
        let leaf = tlog_tiles::record_hash(log.entries[index as usize].event.as_ref().unwrap());
        tlog_tiles::check_record(&proof, size, tlog_tiles::Hash(whole.0), index, leaf).unwrap();
    }
    let mut compared = 0;
    for tile in tlog_tiles::Tile::new_tiles(8, 0, size) {
        let at = Tile { level: tile.level().into(), index: tile.level_index() };
        assert_eq!(tile_bytes(&log.tiles[&at]), tile.read_data(&stored).unwrap());
        // Their paths name the height of the tile, which is 8 in the specification's.
        let path = TilePath::Hashes { tile: at, width: tile.width().into() }.to_string();
        assert_eq!(path.replacen("tile/", "tile/8/", 1), tile.path());
        compared += 1;
    }
    assert_eq!(compared, log.tiles.len());
}

#[test]
fn their_verifier_opens_our_checkpoints() {
    let mut log = Log::of(5, 5);
    let checkpoint = log.checkpoint(5);
    let note = checkpoint.sign(&signer(1));
    let verifier = |key: u8| StandardVerifier::new(&signer(key).verifier().to_string()).unwrap();
    let opened = Note::from_bytes(note.as_bytes()).unwrap();
    assert_eq!(opened.to_bytes(), note.as_bytes());
    opened.verify(&VerifierList::new(vec![Box::new(verifier(1))])).unwrap();
    opened.verify(&VerifierList::new(vec![Box::new(verifier(2))])).unwrap_err();
    let read = tlog_tiles::Checkpoint::from_bytes(opened.text()).unwrap();
    assert_eq!(
        (read.origin(), read.size(), read.hash().0, read.extension()),
        (ORIGIN, 5, checkpoint.root.0, "")
    );
}

#[test]
fn our_verifier_opens_the_examples_of_the_specification() {
    // The key of the example is not published; what it signed is read, and refused under ours by name.
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    let error = Checkpoint::open(note, signer(1).verifier()).unwrap_err();
    assert!(error.to_string().contains("no signature of the key"), "{error}");
}
