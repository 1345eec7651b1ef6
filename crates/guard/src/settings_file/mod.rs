//! A client's settings, changed in place.
//!
//! Only what must change is changed: every other byte of the file stays, comments among them. The file is written whole or
//! not at all, and the first original is kept beside it.

mod comments;

pub(crate) use comments::{blank_comments, trailing_comma};

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    /// Servers that have the guard in front of them now, or had it and have it no more.
    pub done: Vec<String>,
    /// Servers that were left alone, with the reason.
    pub left: Vec<(String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("it is not valid JSON ({0}); mend it first")]
    NotJson(String),
    #[error("`{0}` is no object")]
    NoObject(String),
    #[error("`{0}` is no list")]
    NoList(String),
    #[error("`{0}` stands in it twice")]
    Twice(String),
    #[error("it has no server `{0}`; it has {1}")]
    NoServer(String, String),
    #[error("the server `{0}` has neither `command` nor `url`")]
    NotStartable(String),
    #[error("it has a server `{0}` already, which is not the guard's; name another with --name")]
    Taken(String),
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("`{path}` cannot be {what}: {cause}")]
    Io { path: PathBuf, what: &'static str, cause: io::Error },
    #[error("`{path}` was left as it is: {cause}")]
    Edit { path: PathBuf, cause: EditError },
}

/// What was done to a file.
#[derive(Debug)]
pub struct Changed {
    pub edited: Edited,
    /// Where the original is kept; absent when nothing was written or there was no file.
    pub backup: Option<PathBuf>,
    pub is_written: bool,
}

/// Reads the file, lets `edit` work on its text, and writes what comes out when it is something else. A file that is not
/// there is an empty text.
pub fn change_file(
    path: &Path,
    edit: impl FnOnce(&str) -> Result<Edited, EditError>,
) -> Result<Changed, InstallError> {
    let failed = |what| move |cause| InstallError::Io { path: path.to_owned(), what, cause };
    // A link stays a link: what it points to is written.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let before = match fs::read_to_string(&target) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(cause) => return Err(failed("read")(cause)),
    };
    let edited = edit(before.as_deref().unwrap_or_default())
        .map_err(|cause| InstallError::Edit { path: path.to_owned(), cause })?;
    if edited.text == before.as_deref().unwrap_or_default() {
        return Ok(Changed { edited, backup: None, is_written: false });
    }
    let mut backup = None;
    if before.is_some() {
        let mut name = target.clone().into_os_string();
        name.push(".before-interven");
        let kept = PathBuf::from(name);
        if !kept.exists() {
            fs::copy(&target, &kept).map_err(failed("copied"))?;
        }
        backup = Some(kept);
    }
    write_whole(&target, &edited.text).map_err(failed("written"))?;
    Ok(Changed { edited, backup, is_written: true })
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    // Readable for its owner only, as the file may hold keys, unless it was readable for others before.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    if let Ok(before) = fs::metadata(path) {
        file.as_file().set_permissions(before.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
