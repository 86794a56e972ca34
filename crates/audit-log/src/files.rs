//! The names of the files of one chain.
//!
//! The file that is written has the configured name, `audit.jsonl`. One that is full is renamed
//! after its first record: `audit.000000000001.jsonl`.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

/// How many digits the number of a record has in a name, so that names sort as numbers do.
const DIGITS: usize = 12;

/// The files of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    current: PathBuf,
}

impl Files {
    /// Those of the chain that is written to `current`.
    pub fn at(current: impl Into<PathBuf>) -> Self {
        Self { current: current.into() }
    }

    /// Those of the chain of commands, beside this one.
    #[must_use]
    pub fn of_commands(&self) -> Self {
        self.beside("-commands")
    }

    /// Those of the chain of an authorization server that runs alone, beside this one: it may have
    /// the same settings as a server on the same machine.
    #[must_use]
    pub fn of_issuer(&self) -> Self {
        self.beside("-issuer")
    }

    /// The file that is written.
    #[must_use]
    pub fn current(&self) -> &Path {
        &self.current
    }

    /// The file whose lock its writer has.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        // Behind the whole name: files that differ in their extensions have locks of their own.
        let mut path = self.current.clone().into_os_string();
        path.push(".lock");
        path.into()
    }

    /// The folder that they are in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        let folder = self.current.parent().unwrap_or(Path::new(""));
        if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
    }

    /// What the file is renamed to whose first record has this number.
    #[must_use]
    pub fn full(&self, first: u64) -> PathBuf {
        let mut stem = self.stem().to_owned();
        stem.push(format!(".{first:0DIGITS$}"));
        self.named(stem)
    }

    /// The files that are full, by the numbers of their first records, in order.
    pub fn all_full(&self) -> io::Result<Vec<(u64, PathBuf)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(self.folder())? {
            let path = entry?.path();
            if let Some(first) = self.first_of(&path) {
                found.push((first, path));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Every file that there is, in the order of their records.
    pub fn all(&self) -> io::Result<Vec<PathBuf>> {
        let mut all: Vec<_> = self.all_full()?.into_iter().map(|(_, path)| path).collect();
        if self.current.try_exists()? {
            all.push(self.current.clone());
        }
        Ok(all)
    }

    /// The file that is, or was, written where `path` is one of its chain, and the number of the
    /// first record of a file that is full.
    #[must_use]
    pub fn chain_of(path: &Path) -> (PathBuf, Option<u64>) {
        let Some(stem) = path.file_stem().and_then(|stem| Path::new(stem).file_stem()) else {
            return (path.to_owned(), None);
        };
        let files = Self::at(path.with_file_name(with_extension_of(path, stem.to_owned())));
        match files.first_of(path) {
            Some(first) => (files.current, Some(first)),
            None => (path.to_owned(), None),
        }
    }

    /// The number in the name of a file that is full; `None` for any other file.
    fn first_of(&self, path: &Path) -> Option<u64> {
        if path.extension() != self.current.extension() {
            return None;
        }
        let name = path.file_stem()?.as_encoded_bytes();
        let digits = name.strip_prefix(self.stem().as_encoded_bytes())?.strip_prefix(b".")?;
        let first = str::from_utf8(digits).ok()?;
        let is_number = first.len() >= DIGITS && first.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { first.parse().ok() } else { None }
    }

    fn beside(&self, ending: &str) -> Self {
        let mut stem = self.stem().to_owned();
        stem.push(ending);
        Self::at(self.named(stem))
    }

    fn stem(&self) -> &OsStr {
        self.current.file_stem().unwrap_or(OsStr::new("audit"))
    }

    fn named(&self, stem: OsString) -> PathBuf {
        self.current.with_file_name(with_extension_of(&self.current, stem))
    }
}

fn with_extension_of(path: &Path, mut stem: OsString) -> OsString {
    if let Some(extension) = path.extension() {
        stem.push(".");
        stem.push(extension);
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_files_are_found_in_the_order_of_their_records_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::at(folder.path().join("audit.jsonl"));
        let of_commands = files.of_commands();
        assert_eq!(of_commands.current(), folder.path().join("audit-commands.jsonl"));
        let of_issuer = files.of_issuer();
        assert_eq!(of_issuer.current(), folder.path().join("audit-issuer.jsonl"));
        assert_eq!(files.lock(), folder.path().join("audit.jsonl.lock"));
        let other = Files::at(folder.path().join("audit.log"));
        assert_ne!(files.lock(), other.lock());
        assert_eq!(files.full(7), folder.path().join("audit.000000000007.jsonl"));
        assert_eq!(files.all().unwrap(), Vec::<PathBuf>::new());
        let first = [1_000_000_000_000, 90, 8];
        let mine = first.map(|first| files.full(first));
        let others = [
            of_commands.full(3),
            of_commands.current().to_owned(),
            folder.path().join("audit.1.jsonl"),
            folder.path().join("audit.000000000001.txt"),
            folder.path().join("audit.00000000000x.jsonl"),
            files.lock(),
        ];
        for path in mine.iter().chain(&others).map(PathBuf::as_path).chain([files.current()]) {
            fs::write(path, "").unwrap();
        }
        let [last, middle, first] = mine;
        let wanted = [first, middle, last, files.current().to_owned()];
        assert_eq!(files.all().unwrap(), wanted);
        assert_eq!(of_commands.all().unwrap().len(), 2);
    }

    #[test]
    fn a_file_without_a_folder_is_in_the_current_one() {
        assert_eq!(Files::at("audit.jsonl").folder(), Path::new("."));
        let chain_of = |path: &str| Files::chain_of(Path::new(path));
        assert_eq!(chain_of("a/x.000000000007.jsonl"), ("a/x.jsonl".into(), Some(7)));
        for other in ["a/x.jsonl", "a/x.7.jsonl", "x", "a/x.b.jsonl"] {
            assert_eq!(chain_of(other), (other.into(), None));
        }
    }
}
