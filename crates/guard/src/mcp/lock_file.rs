//! The file that holds the pins: read and written whole, under a lock, so that several guards may share it.

use super::pins::Pins;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Pins on disk.
#[derive(Debug, Clone)]
pub struct LockFile {
    path: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum LockFileError {
    #[error("`{path}` cannot be {what}: {cause}")]
    Io { path: PathBuf, what: &'static str, cause: io::Error },
    #[error("`{path}` is no file of pins: {cause}; mend it, or move it away to pin everything anew")]
    Malformed { path: PathBuf, cause: serde_json::Error },
    #[error("`{path}` is of version {version}, which this program does not know; it knows {known}", known = Pins::VERSION)]
    Version { path: PathBuf, version: u32 },
}

impl LockFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Without a file there are no pins.
    pub fn read(&self) -> Result<Pins, LockFileError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Pins::default()),
            Err(cause) => return Err(self.failed("read", cause)),
        };
        let pins: Pins = serde_json::from_str(&text)
            .map_err(|cause| LockFileError::Malformed { path: self.path.clone(), cause })?;
        if pins.version != Pins::VERSION {
            return Err(LockFileError::Version { path: self.path.clone(), version: pins.version });
        }
        Ok(pins)
    }

    /// Reads, lets `change` work on what is there, and writes it when it is something else now. Nobody else changes the
    /// file meanwhile; whoever reads it sees the old or the new one whole.
    pub fn update<T>(&self, change: impl FnOnce(&mut Pins) -> T) -> Result<T, LockFileError> {
        let directory = self.directory();
        fs::create_dir_all(directory).map_err(|cause| self.failed("written", cause))?;
        let guard_path = self.path.with_extension("lock.held");
        let guard = File::options().create(true).truncate(false).write(true).open(&guard_path);
        let guard = guard.map_err(|cause| self.failed("locked", cause))?;
        guard.lock().map_err(|cause| self.failed("locked", cause))?;
        let mut pins = self.read()?;
        let before = pins.clone();
        let answer = change(&mut pins);
        if pins != before {
            self.write(&pins).map_err(|cause| self.failed("written", cause))?;
        }
        Ok(answer)
    }

    fn write(&self, pins: &Pins) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(pins)?;
        text.push(b'\n');
        let mut file = tempfile::NamedTempFile::new_in(self.directory())?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }

    fn directory(&self) -> &Path {
        self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn failed(&self, what: &'static str, cause: io::Error) -> LockFileError {
        LockFileError::Io { path: self.path.clone(), what, cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn lock_file() -> (tempfile::TempDir, LockFile) {
        let directory = tempfile::tempdir().unwrap();
        let file = LockFile::new(directory.path().join("new/mcp-pins.lock"));
        (directory, file)
    }

    #[test]
    fn many_writers_lose_nothing() {
        let (_directory, file) = lock_file();
        assert_eq!(file.read().unwrap(), Pins::default());
        thread::scope(|scope| {
            for writer in 0..8 {
                let file = &file;
                scope.spawn(move || {
                    for step in 0..5 {
                        file.update(|pins| {
                            pins.servers.insert(
                                format!("{writer}-{step}"),
                                super::super::pins::ServerPins::default(),
                            );
                        })
                        .unwrap();
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap().servers.len(), 40);
    }

    #[test]
    fn a_file_that_is_none_is_named_and_left_alone() {
        let (_directory, file) = lock_file();
        fs::create_dir_all(file.directory()).unwrap();
        for (text, expected) in [
            ("{", "no file of pins"),
            (r#"{"version":1,"srevers":{}}"#, "unknown field `srevers`"),
            (r#"{"version":2}"#, "of version 2"),
        ] {
            fs::write(file.path(), text).unwrap();
            let error = file.update(|_| ()).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("mcp-pins.lock"), "{error}");
            assert_eq!(fs::read_to_string(file.path()).unwrap(), text);
        }
    }
}
