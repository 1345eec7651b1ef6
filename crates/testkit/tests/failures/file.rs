//! The spool's file, torn, damaged, or someone else's.

use crate::spool::{Scene, drained};
use interven_spool::{SpoolError, SpoolOptions};
use interven_testkit::Fault;
use std::time::Duration;

impl Scene {
    fn options_here(&self) -> SpoolOptions {
        let directory = self.file().parent().unwrap().to_owned();
        SpoolOptions { directory, max_bytes: 1 << 20, store_timeout: Duration::from_secs(5) }
    }
}

#[tokio::test]
async fn a_torn_end_is_cut_off_at_any_byte_and_nothing_before_it_is_lost() {
    let scene = Scene::new().await;
    scene.store.fail_all(Fault::Before);
    let (waiting, whole) = {
        let spool = scene.open().await;
        let mut waiting = scene.spooled(&spool, 1).await;
        let whole = std::fs::metadata(scene.file()).unwrap().len();
        waiting.extend(scene.spooled(&spool, 1).await);
        (waiting, whole)
    };
    scene.released().await;
    let bytes = std::fs::read(scene.file()).unwrap();
    // Every length around the ends of header and batches, some in between.
    let cuts = (0..bytes.len())
        .filter(|at| at % 97 == 0 || [0, 48, whole as usize].iter().any(|edge| at.abs_diff(*edge) < 14));
    for cut in cuts {
        for end in [Vec::new(), vec![0; 40], vec![0xff; 7]] {
            if cut < 48 && !end.is_empty() {
                continue;
            }
            let torn = [&bytes[..cut], &end].concat();
            std::fs::write(scene.file(), &torn).unwrap();
            let spool = scene.open().await;
            // What stands behind the cut may be the very bytes that were cut off.
            let is_whole = torn.starts_with(&bytes[..whole as usize]);
            assert_eq!(spool.state().waiting, u64::from(is_whole), "cut at {cut}");
            drop(spool);
            scene.released().await;
        }
    }
    std::fs::write(scene.file(), &bytes[..bytes.len() - 1]).unwrap();
    let spool = scene.open().await;
    let more = scene.spooled(&spool, 1).await;
    scene.store.pass();
    drained(&spool).await;
    assert_eq!(scene.log().await, [waiting[0], more[0]]);
}

#[tokio::test]
async fn damage_in_the_middle_is_refused_with_its_place() {
    let scene = Scene::new().await;
    scene.store.fail_all(Fault::Before);
    let spool = scene.open().await;
    scene.spooled(&spool, 3).await;
    drop(spool);
    scene.released().await;
    let bytes = std::fs::read(scene.file()).unwrap();
    for at in [48, 52, 56, 60, 600] {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        std::fs::write(scene.file(), &damaged).unwrap();
        let refused = scene.open_with(scene.options_here(), [5; 32]).await.unwrap_err();
        assert!(refused.to_string().contains("damaged at byte 48"), "byte {at}: {refused}");
        assert_eq!(std::fs::read(scene.file()).unwrap(), damaged, "left as it is");
    }
}

#[tokio::test]
async fn a_file_of_someone_else_is_refused_by_name() {
    let scene = Scene::new().await;
    let options = scene.options_here();
    scene.store.fail_all(Fault::Before);
    let spool = scene.open().await;
    scene.spooled(&spool, 1).await;
    let again = interven_spool::Spool::open(scene.store.clone(), options.clone(), &[5; 32]).await;
    assert!(matches!(again, Err(SpoolError::AlreadyUsed { .. })), "{again:?}");
    drop(spool);
    scene.released().await;
    let other = scene.open_with(options.clone(), [6; 32]).await.unwrap_err();
    assert!(other.to_string().contains("scans.spool` belongs to another installation"), "{other}");
    std::fs::write(scene.file(), "a letter to a friend, long enough to have a header in it").unwrap();
    let no_spool = scene.open_with(options.clone(), [5; 32]).await.unwrap_err();
    assert!(matches!(no_spool, SpoolError::NotASpool { .. }), "{no_spool}");
    let nowhere = SpoolOptions { directory: "/nonexistent".into(), ..options };
    let refused = scene.open_with(nowhere, [5; 32]).await.unwrap_err();
    assert!(
        refused.to_string().starts_with("the spool `/nonexistent/scans.spool` cannot be used"),
        "{refused}"
    );
}

#[tokio::test]
async fn nothing_of_a_scan_can_be_read_in_the_file() {
    let scene = Scene::new().await;
    scene.store.fail_all(Fault::Before);
    let spool = scene.open().await;
    let planted = b"chat.postMessage";
    scene.spooled(&spool, 2).await;
    let bytes = std::fs::read(scene.file()).unwrap();
    assert!(bytes.len() > 1_000 && !bytes.windows(planted.len()).any(|window| window == planted));
}
