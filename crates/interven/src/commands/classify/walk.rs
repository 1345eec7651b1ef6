//! Which files: those that are named, and all below the directories that are named.

use super::report::Tally;
use crate::cli::ClassifyArgs;
use ignore::{DirEntry, WalkBuilder};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Something to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    StandardInput,
    /// Named by the user: read whatever it is.
    Named(PathBuf),
    /// Come upon in a directory: read if it is text.
    Below(PathBuf),
}

impl Found {
    pub(super) fn name(&self) -> String {
        match self {
            Self::StandardInput => "-".to_owned(),
            Self::Named(path) => path.display().to_string(),
            Self::Below(path) => path.strip_prefix("./").unwrap_or(path).display().to_string(),
        }
    }
}

/// Every file that `args` mean, in the order of their names; what is left out is counted.
pub(super) fn find_files(args: &ClassifyArgs, tally: &mut Tally) -> Vec<Found> {
    if args.paths.is_empty() {
        return vec![Found::StandardInput];
    }
    let mut files = Vec::new();
    for path in &args.paths {
        if path.as_os_str() == "-" {
            files.push(Found::StandardInput);
        } else if path.is_dir() {
            walk(path, args, tally, &mut files);
        } else {
            files.push(Found::Named(path.clone()));
        }
    }
    files
}

fn walk(directory: &Path, args: &ClassifyArgs, tally: &mut Tally, files: &mut Vec<Found>) {
    let hidden = Arc::new(AtomicUsize::new(0));
    let (count, wants_hidden) = (Arc::clone(&hidden), args.hidden);
    let mut builder = WalkBuilder::new(directory);
    // A `.gitignore` counts outside of repositories too: a copy of a project is no repository.
    builder.standard_filters(!args.no_ignore).hidden(false).require_git(false).follow_links(false);
    builder.sort_by_file_name(std::cmp::Ord::cmp);
    builder.filter_entry(move |entry| {
        let is_left_out = is_repository(entry) || (is_hidden(entry) && !wants_hidden);
        if is_left_out && !is_repository(entry) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        !is_left_out
    });
    for entry in builder.build() {
        match entry {
            Err(error) => tally.complain(&error.to_string()),
            Ok(entry) => match entry.file_type() {
                Some(kind) if kind.is_file() => files.push(Found::Below(entry.into_path())),
                Some(kind) if kind.is_dir() => {}
                _ => tally.links += 1,
            },
        }
    }
    tally.hidden += hidden.load(Ordering::Relaxed);
}

fn is_hidden(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".")
}

/// Objects of a repository are compressed: nothing can be read there, and it is all in the working tree or its past.
fn is_repository(entry: &DirEntry) -> bool {
    entry.depth() > 0 && entry.file_name() == ".git"
}
