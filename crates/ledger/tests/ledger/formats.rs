//! Texts and paths: what is read, what is refused, and the examples of the specifications.

use crate::log::{Log, ORIGIN, signer};
use interven_ledger::{
    Checkpoint, CheckpointError, Hash, NoteError, Receipt, ReceiptError, Tile, TilePath, VerifierKey,
    bundle_bytes, bundle_entries, notes_of, prove_inclusion,
};

#[test]
fn paths_are_those_of_the_specification() {
    let hashes = |level, index, width| TilePath::Hashes { tile: Tile { level, index }, width };
    for (path, text) in [
        (hashes(0, 1_234_067, 256), "tile/0/x001/x234/067"),
        (hashes(1, 5, 17), "tile/1/005.p/17"),
        (hashes(3, 1_000, 256), "tile/3/x001/000"),
        (TilePath::Entries { index: 0, width: 112 }, "tile/entries/000.p/112"),
    ] {
        assert_eq!(path.to_string(), text);
        assert_eq!(TilePath::parse(text), Some(path));
    }
    for text in [
        "tile/0/1",
        "tile/00/001",
        "tile/64/001",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/07",
        "tile/0/+01",
        "tile/0/x000/001",
        "tile/0/001/x002",
        "tile/data/001",
        "tile/0/",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/../001",
    ] {
        assert_eq!(TilePath::parse(text), None, "{text}");
    }
}

#[test]
fn widths_are_those_of_the_specification() {
    // The example of the specification: a tree of 70,000.
    for (level, full, partial) in [(0, 273, 112), (1, 1, 17), (2, 0, 1)] {
        let widths: Vec<u64> = Tile::of_level(level, 70_000).map(|tile| tile.width(70_000)).collect();
        assert_eq!(widths.iter().filter(|width| **width == 256).count(), full, "level {level}");
        assert_eq!(widths.last(), Some(&partial), "level {level}");
    }
    assert_eq!((Tile::levels(0), Tile::levels(1), Tile::levels(256), Tile::levels(70_000)), (0, 1, 2, 3));
    assert_eq!(Tile { level: 7, index: 0 }.leaves(9), 0..9, "the widest tile there can be");
    assert_eq!(Tile { level: 7, index: 1 }.leaves(9), 9..9);
}

#[test]
fn a_checkpoint_opens_with_its_key_alone() {
    let mut log = Log::of(9, 9);
    let checkpoint = log.checkpoint(9);
    let note = checkpoint.sign(&signer(1));
    let key = signer(1).verifier().clone();
    assert_eq!(VerifierKey::parse(&key.to_string()).unwrap(), key);
    assert_eq!(Checkpoint::open(&note, &key).unwrap(), checkpoint);

    let of = |error: NoteError| CheckpointError::Note(error);
    let other = signer(2).verifier().clone();
    assert_eq!(Checkpoint::open(&note, &other), Err(of(NoteError::OtherKey(other.to_string()))));
    let forged = note.replacen("\n9\n", "\n8\n", 1);
    assert_eq!(Checkpoint::open(&forged, &key), Err(of(NoteError::Forged(key.to_string()))));
    let elsewhere = Checkpoint { origin: "another/log".into(), ..checkpoint.clone() }.sign(&signer(1));
    assert!(matches!(Checkpoint::open(&elsewhere, &key), Err(CheckpointError::OtherLog { .. })));
    for text in ["", "x", &note[..note.len() - 1], &note.replace("\n\n", "\n"), &note.replace("— ", "- ")] {
        assert_eq!(Checkpoint::open(text, &key), Err(of(NoteError::Malformed)), "{text:?}");
    }
    for text in ["a\n01\nAAAA\n", "a\n1\n", "a\n1\nAAAA\n", "\n1\n", "a\n-1\nx\n"] {
        let signed = signer(1).sign(text);
        assert_eq!(Checkpoint::open(&signed, &key), Err(CheckpointError::Malformed), "{text:?}");
    }
}

#[test]
fn a_key_that_is_none_is_refused_with_what_is_wrong() {
    let key = signer(1).verifier().to_string();
    let (name, rest) = key.split_once('+').unwrap();
    for (text, expected) in [
        ("nonsense".to_owned(), "is no verifier key"),
        (format!("{name}+00000000+{}", rest.split_once('+').unwrap().1), "is damaged"),
        (format!("other+{rest}"), "is damaged"),
        (format!("{name}+0000000g+AQ=="), "is no verifier key"),
        (format!("{name}+00000000+Ag=="), "is no Ed25519 key"),
    ] {
        let error = VerifierKey::parse(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn a_file_of_checkpoints_is_read_as_the_notes_it_holds() {
    let mut log = Log::of(9, 3);
    let notes: Vec<String> = [3, 6, 9].map(|size| log.checkpoint(size).sign(&signer(1))).into();
    assert_eq!(notes_of(&notes.concat()), notes);
    assert_eq!(notes_of(&format!("\n{}\n", notes.join("\n\n"))), notes);
    assert_eq!(notes_of(""), Vec::<String>::new());
    let cut = notes_of(&format!("{}half a li", notes[0]));
    assert_eq!(cut[0], notes[0]);
    assert!(Checkpoint::open(&cut[1], signer(1).verifier()).is_err());
}

#[test]
fn a_receipt_proves_one_event_and_nothing_else() {
    let mut log = Log::of(300, 64);
    let note = log.checkpoint(300).sign(&signer(1));
    let path = prove_inclusion(&mut log, 256, 300).unwrap();
    let receipt = Receipt { event: b"event 256".to_vec(), index: 256, path, note };
    let key = signer(1).verifier().clone();
    let text = receipt.to_string();
    assert_eq!(Receipt::parse(&text).unwrap(), receipt);
    assert_eq!(receipt.verify(&key).unwrap().size, 300);
    let elsewhere = Receipt { index: 255, ..receipt.clone() };
    assert_eq!(elsewhere.verify(&key), Err(ReceiptError::NotIncluded { position: 256, size: 300 }));
    let other = Receipt { event: b"event 257".to_vec(), ..receipt.clone() };
    assert_eq!(other.verify(&key), Err(ReceiptError::NotIncluded { position: 257, size: 300 }));
    assert!(receipt.verify(signer(2).verifier()).is_err());
    for text in
        ["", "c2sp.org/tlog-proof@v1\n\n", &text.replace("index ", "index 0"), &text.replacen("v1", "v2", 1)]
    {
        assert_eq!(Receipt::parse(text), Err(ReceiptError::Malformed));
    }
}

#[test]
fn a_bundle_gives_back_its_entries_and_refuses_what_does_not_fit() {
    let entries = [b"".to_vec(), vec![7; 65_535], b"x".to_vec()];
    let bytes = bundle_bytes(entries.iter().map(Vec::as_slice)).unwrap();
    assert_eq!(bundle_entries(&bytes).unwrap(), entries);
    assert_eq!(bundle_entries(&bytes[..bytes.len() - 1]), None);
    assert_eq!(bundle_bytes([vec![7; 65_536].as_slice()]), None);
    assert_eq!(Hash::parse("AAAA"), None);
    assert_eq!(ORIGIN, signer(1).verifier().name());
}
