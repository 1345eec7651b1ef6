//! The file on the disk: opened, checked, appended to, read from the start, emptied.

use crate::{
    entry::Entry,
    frame::{self, FrameHeader},
};
use interven_types::SecretBytes;
use interven_vault::{OpenError, Place, SealingKey, keyed_hash};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

const MAGIC: &[u8; 16] = b"interven spool 1";
/// The magic, then a keyed hash that only the installation which writes here can make.
const MARK_LEN: usize = 32;
pub(crate) const START: u64 = (MAGIC.len() + MARK_LEN) as u64;
/// No crash leaves more than this half-written: far above the largest batch.
const LONGEST_TORN_END: u64 = 64 << 20;

/// Why a spool cannot be used. Each names the file and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error(
        "the spool `{path}` cannot be used: {reason}; check that `spool_dir` belongs to this user and has room"
    )]
    NotUsable { path: PathBuf, reason: String },
    #[error("the spool `{path}` is in use by another running instance; give each its own `spool_dir`")]
    AlreadyUsed { path: PathBuf },
    #[error("`{path}` is no spool; point `spool_dir` at a directory of its own")]
    NotASpool { path: PathBuf },
    #[error(
        "the spool `{path}` belongs to another installation: start with the database whose scans wait in it, or move it away"
    )]
    OtherInstallation { path: PathBuf },
    #[error(
        "the spool `{path}` is damaged at byte {offset}; keep a copy, for scans that were answered wait behind that place, and move it away"
    )]
    Damaged { path: PathBuf, offset: u64 },
}

/// The open file. It belongs to this process alone.
#[derive(Debug)]
pub(crate) struct SpoolFile {
    file: File,
    /// Where the last batch that is safely on the disk ends.
    end: u64,
    /// Whether something half-written may lie behind `end`.
    is_torn: bool,
}

/// Opens batches at a place of the file.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) path: PathBuf,
    key: Arc<SealingKey>,
    /// Stands at the start of the file.
    mark: [u8; MARK_LEN],
}

/// A batch that was read, and where the next begins.
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    pub(crate) next: u64,
}

impl Reader {
    /// `key` is the installation's own: what another wrote does not open.
    pub(crate) fn new(path: PathBuf, key: &[u8; 32]) -> Self {
        let mark = keyed_hash(key, "spool file", &[]);
        let key = keyed_hash(key, "spool", &[]);
        Self { path, key: Arc::new(SealingKey::new(SecretBytes::new(key))), mark }
    }

    /// Seals a batch for the place where it will stand: moved elsewhere it does not open.
    pub(crate) fn seal(&self, at: u64, entries: &[u8]) -> io::Result<Vec<u8>> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(io::Error::other)?;
        let sealed = self.key.seal(&place(&at.to_string()), salt, entries);
        frame::framed(&sealed).ok_or_else(|| io::Error::other("the batch is too long"))
    }

    /// The batch at `at`; none where a whole one does not stand.
    pub(crate) fn read(&self, file: &mut File, at: u64) -> Result<Option<Batch>, SpoolError> {
        let Some(sealed) = read_frame(file, at).map_err(|error| self.not_usable(&error))? else {
            return Ok(None);
        };
        let opened = self.key.open(&place(&at.to_string()), &sealed).map_err(|error| match error {
            OpenError::OtherKey(_) => SpoolError::OtherInstallation { path: self.path.clone() },
            OpenError::Damaged => self.damaged(at),
        })?;
        let entries = Entry::read_all(&opened).map_err(|_| self.damaged(at))?;
        Ok(Some(Batch { entries, next: at + (frame::HEADER_LEN + sealed.len()) as u64 }))
    }

    pub(crate) fn not_usable(&self, error: &io::Error) -> SpoolError {
        SpoolError::NotUsable { path: self.path.clone(), reason: error.to_string() }
    }

    pub(crate) fn damaged(&self, offset: u64) -> SpoolError {
        SpoolError::Damaged { path: self.path.clone(), offset }
    }

    fn header(&self) -> Vec<u8> {
        [MAGIC.as_slice(), &self.mark].concat()
    }
}

impl SpoolFile {
    /// Opens or creates the file, and hands each batch in it to `found`. A half-written end is cut off: nobody was answered
    /// for it.
    pub(crate) fn open(reader: &Reader, mut found: impl FnMut(Vec<Entry>)) -> Result<Self, SpoolError> {
        let path = &reader.path;
        let mut file = private_file(path).map_err(|error| reader.not_usable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(SpoolError::AlreadyUsed { path: path.clone() }),
            Err(TryLockError::Error(error)) => return Err(reader.not_usable(&error)),
        }
        let io = |error: io::Error| reader.not_usable(&error);
        check_header(reader, &mut file)?;
        let mut end = START;
        while let Some(batch) = reader.read(&mut file, end)? {
            found(batch.entries);
            end = batch.next;
        }
        let length = file.metadata().map_err(io)?.len();
        if length > end {
            if is_damage(&mut file, end, length).map_err(io)? {
                return Err(reader.damaged(end));
            }
            tracing::warn!(path = %path.display(), bytes = length - end, "the spool ended in a batch that was never answered");
        }
        let mut opened = Self { file, end, is_torn: length > end };
        opened.mend().map_err(io)?;
        Ok(opened)
    }

    /// Where the last batch ends.
    pub(crate) fn end(&self) -> u64 {
        self.end
    }

    /// Appends a batch; returns once it is on the disk. After a failure nothing of it counts.
    pub(crate) fn append(&mut self, reader: &Reader, entries: &[u8]) -> io::Result<()> {
        self.mend()?;
        let frame = reader.seal(self.end, entries)?;
        self.is_torn = true;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(&frame)?;
        self.file.sync_data()?;
        self.is_torn = false;
        self.end += frame.len() as u64;
        Ok(())
    }

    /// Takes everything out.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(START)?;
        self.end = START;
        self.is_torn = false;
        self.file.sync_data()
    }

    /// Cuts off what a failed write may have left.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.end)?;
            self.file.sync_data()?;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// Opens or creates a file that only its owner reads.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes the header of a new file, or compares that of an old one.
fn check_header(reader: &Reader, file: &mut File) -> Result<(), SpoolError> {
    let io = |error: io::Error| reader.not_usable(&error);
    let expected = reader.header();
    let mut header = Vec::new();
    file.seek(SeekFrom::Start(0))
        .and_then(|_| Read::take(&*file, START).read_to_end(&mut header))
        .map_err(io)?;
    if header == expected {
        return Ok(());
    }
    if expected.starts_with(&header) {
        // New, or cut off while it was made.
        let written = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&expected));
        return written
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_directory(&reader.path))
            .map_err(io);
    }
    let path = reader.path.clone();
    Err(match header.starts_with(MAGIC) {
        true => SpoolError::OtherInstallation { path },
        false => SpoolError::NotASpool { path },
    })
}

/// So that a new file is found again after a power cut.
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn is_damage(file: &mut File, end: u64, length: u64) -> io::Result<bool> {
    if length - end > LONGEST_TORN_END {
        return Ok(true);
    }
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(end))?;
    file.read_to_end(&mut rest)?;
    Ok(frame::holds_a_later_frame(&rest))
}

fn place(row: &str) -> Place<'_> {
    Place { tenant: None, table: "spool", row }
}

fn read_frame(file: &mut File, at: u64) -> io::Result<Option<Vec<u8>>> {
    let left = file.metadata()?.len().saturating_sub(at);
    let mut header = [0; frame::HEADER_LEN];
    if left < header.len() as u64 {
        return Ok(None);
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut header)?;
    let Some(header) = FrameHeader::read(&header) else { return Ok(None) };
    if left < (frame::HEADER_LEN + header.length()) as u64 {
        return Ok(None);
    }
    let mut sealed = vec![0; header.length()];
    file.read_exact(&mut sealed)?;
    Ok(header.is_of(&sealed).then_some(sealed))
}
