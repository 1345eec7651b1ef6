//! The record in files of other systems' formats, cut off and gone on with.

use crate::world::{World, leaked_key};
use std::{fs, os::unix::fs::PermissionsExt as _};

fn world() -> World {
    let world = World::start();
    for n in 0..5 {
        world.scan("GET", &format!("https://api.github.com/repos/acme/app/issues/{n}"), "null");
    }
    world.scan(
        "POST",
        crate::world::SLACK,
        &format!("{{\"channel\": \"#g\", \"text\": \"key {}\"}}", leaked_key()),
    );
    world
}

#[test]
fn every_format_can_be_cut_anywhere_and_goes_on_to_the_same_bytes() {
    let world = world();
    let out = world.home().path().join("out");
    let path = out.to_str().unwrap();
    for format in ["json", "ndjson", "csv", "splunk", "datadog", "ocsf", "cef"] {
        let whole = world.interven(&["activity", "export", "--format", format]).must_exit(0).stdout;
        assert!(whole.lines().count() >= 6 && !whole.contains(&leaked_key()), "{whole}");
        world.interven(&["activity", "export", "--format", format, "--out", path]).must_exit(0);
        assert_eq!(fs::read_to_string(&out).unwrap(), whole, "{format}");
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
        if format != "json" {
            for cut in [0, 3, whole.len() / 3, whole.len() / 2, whole.len() - 1, whole.len()] {
                fs::write(&out, &whole[..cut]).unwrap();
                world
                    .interven(&["activity", "export", "--format", format, "--out", path, "--resume"])
                    .must_exit(0);
                assert_eq!(fs::read_to_string(&out).unwrap(), whole, "{format} cut at {cut}");
            }
            let rest =
                world.interven(&["activity", "export", "--format", format, "--resume", "4"]).must_exit(0);
            assert!(whole.ends_with(&rest.stdout) && rest.stdout.lines().count() == 2, "{rest:?}");
        }
        fs::remove_file(&out).unwrap();
    }
}

#[test]
fn an_export_filters_as_the_log_does_and_spares_files_that_are_there() {
    let world = world();
    let denied =
        world.interven(&["activity", "export", "--format", "ndjson", "--decision", "DENY"]).must_exit(0);
    assert_eq!(denied.json_lines().len(), 1);
    let taken = world.data_dir().join("secrets.json");
    let taken = taken.to_str().unwrap();
    let refused = world.interven(&["activity", "export", "--format", "csv", "--out", taken]).must_exit(2);
    assert!(refused.stderr.contains("exists; remove it, or go on with --resume"), "{refused:?}");
    let refused = world.interven(&["activity", "export", "--format", "json", "--resume", "3"]).must_exit(2);
    assert!(refused.stderr.contains("export `ndjson`"), "{refused:?}");
    world.interven(&["activity", "export", "--format", "csv", "--resume"]).must_exit(2);
}
