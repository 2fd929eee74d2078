//! What of a journal survives which damage.

use super::*;
use crate::store::sled::disk::Folder;
use proptest::prelude::*;
use std::fs;
use std::path::Path;

const STORE: [u8; 16] = [7; 16];

/// A journal of frames of the given sizes; answers where each ends, and the seal as it
/// was before the last.
fn journal(folder: &Path, sizes: &[usize]) -> (Vec<u64>, Vec<u8>) {
    let disk = Arc::new(Folder::new(folder));
    let mut journal = Journal::create(disk, STORE).unwrap();
    let (mut ends, mut seal) = (vec![journal.bytes()], Vec::new());
    for (number, size) in sizes.iter().enumerate() {
        seal = fs::read(folder.join(SEAL)).unwrap();
        let op = (vec![number as u8; 3], Some(vec![0; *size]));
        journal.append(&payload_of(&[op, (vec![1], None)])).unwrap();
        ends.push(journal.bytes());
    }
    (ends, seal)
}

/// The numbers of the frames that are replayed onto a map that holds nothing.
fn recovered(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let disk = Arc::new(Folder::new(folder));
    Journal::recover(disk, STORE, Position::default(), |frame| {
        assert_eq!(frame.ops.len(), 2);
        assert_eq!(frame.ops[0].0, vec![frame.position.number as u8 - 1; 3]);
        numbers.push(frame.position.number);
        Ok(())
    })?;
    Ok(numbers)
}

#[test]
fn a_last_frame_that_was_never_acknowledged_is_cut_off_and_an_acknowledged_one_never() {
    let original = tempfile::tempdir().unwrap();
    let (ends, seal) = journal(original.path(), &[10, 400, 30]);
    assert_eq!(recovered(original.path()).unwrap(), [1, 2, 3]);
    let name = segment_name(0);
    let whole = fs::read(original.path().join(&name)).unwrap();
    for cut in ends[2]..ends[3] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(&name), &whole[..cut as usize]).unwrap();
        fs::copy(original.path().join(SEAL), folder.path().join(SEAL)).unwrap();
        let error = recovered(folder.path()).unwrap_err();
        assert!(
            error.message.contains("3 are missing"),
            "cut at {cut}: {error}"
        );
        fs::write(folder.path().join(SEAL), &seal).unwrap();
        assert_eq!(recovered(folder.path()).unwrap(), [1, 2], "cut at {cut}");
        // It goes on from there, as if the frame had never been.
        assert_eq!(
            fs::metadata(folder.path().join(&name)).unwrap().len(),
            ends[2]
        );
    }
}

#[test]
fn a_map_that_is_behind_or_ahead_of_the_journal_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(Folder::new(folder.path()));
    let mut journal = Journal::create(disk.clone(), STORE).unwrap();
    let first = journal.append(&payload_of(&[])).unwrap();
    let second = journal.append(&payload_of(&[])).unwrap();
    journal.restart().unwrap();
    let recover = |applied| Journal::recover(disk.clone(), STORE, applied, |_| Ok(())).err();
    assert!(recover(second).is_none());
    let other = Position {
        hash: [1; 16],
        ..second
    };
    let ahead = Position {
        number: 3,
        ..second
    };
    for (applied, words) in [
        (first, "commits 2 to 2 are missing"),
        (other, "different histories"),
        (ahead, "the records go up to commit 3"),
    ] {
        let error = recover(applied).unwrap();
        assert!(error.message.contains(words), "{error}");
    }
}

proptest! {
    #[test]
    fn no_changed_byte_passes(sizes in prop::collection::vec(0usize..300, 1..5), at: usize, flip in 1u8..) {
        let folder = tempfile::tempdir().unwrap();
        journal(folder.path(), &sizes);
        let path = folder.path().join(segment_name(0));
        let mut bytes = fs::read(&path).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        fs::write(&path, bytes).unwrap();
        prop_assert!(recovered(folder.path()).is_err());
    }
}
