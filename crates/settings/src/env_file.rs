//! The `.env` file: read, made from the example, changed in one place.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::secret_file;

/// A `.env` file, which may not exist yet.
#[derive(Debug, Clone)]
pub struct EnvFile {
    path: PathBuf,
}

/// Why a `.env` file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error(
        "{path} cannot be read: {source}. Make it readable for this account, or name another file \
         with --env-file"
    )]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// It cannot be written. The source may name the draft, which the message does not.
    #[error("{path} cannot be written: {}. Choose a folder in which you may write", source.kind())]
    Write {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Errors of the configuration file, one a line.
    #[error("{0}")]
    ConfigFile(String),
    /// A line that is not `NAME=value`. The line itself is not shown: it may hold a secret.
    #[error(
        "{path}: line {line} is not NAME=value (a value with spaces or # needs quotes). Correct it, \
         or name another file with --env-file"
    )]
    Line {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
}

impl EnvFile {
    /// The file at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it exists.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Its pairs in order; none if it does not exist.
    pub fn read(&self) -> Result<Vec<(String, String)>, EnvFileError> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.unreadable(source)),
        };
        // Variables named in values (`$HOME`) are not replaced: a secret may hold a dollar sign. So
        // every line is read by itself, with the dollar signs out of the parser's sight.
        let mut pairs = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let hidden = line.replace('$', "\u{E000}");
            for pair in dotenvy::from_read_iter(hidden.as_bytes()) {
                let (name, value) = pair
                    .map_err(|_| EnvFileError::Line { path: self.path.clone(), line: index + 1 })?;
                pairs.push((name, value.replace('\u{E000}', "$")));
            }
        }
        Ok(pairs)
    }

    /// Makes the file from the text of an example, with `values` put in; leaves one that exists
    /// alone. Returns whether it made it.
    pub fn create(&self, example: &str, values: &[(&str, &str)]) -> Result<bool, EnvFileError> {
        if self.exists() {
            return Ok(false);
        }
        let text = values
            .iter()
            .fold(example.to_owned(), |text, (name, value)| with_value(&text, name, value));
        secret_file::create(&self.path, &text).map_err(|source| self.unwritable(source))
    }

    /// Sets one variable and leaves every other line as it is. Of two that set something at once,
    /// neither undoes what the other did.
    pub fn set(&self, name: &str, value: &str) -> Result<(), EnvFileError> {
        let _lock = self.lock();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(self.unreadable(source)),
        };
        self.write(&with_value(&text, name, value))
    }

    /// Whether others than the owner may read it.
    #[must_use]
    pub fn is_open_to_others(&self) -> bool {
        !secret_file::is_private(&self.path)
    }

    /// Writes the whole file.
    fn write(&self, text: &str) -> Result<(), EnvFileError> {
        // A link stays a link: what it points to is changed.
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        secret_file::write(&path, text).map_err(|source| self.unwritable(source))
    }

    /// Holds the folder of the file until it is dropped: the file itself is replaced. Not every
    /// file system can lock a folder; then the last one wins.
    fn lock(&self) -> Option<fs::File> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        let folder = fs::File::open(secret_file::folder_of(&path)).ok()?;
        folder.lock().ok().map(|()| folder)
    }

    fn unreadable(&self, source: io::Error) -> EnvFileError {
        EnvFileError::Read { path: self.path.clone(), source }
    }

    fn unwritable(&self, source: io::Error) -> EnvFileError {
        EnvFileError::Write { path: self.path.clone(), source }
    }
}

/// `text` with a new value for `name`: in the last line that assigns it, which is the one that
/// counts; else in the first such line that is commented out; else in a line at the end. Every
/// other line stays as it is, with its line ending.
fn with_value(text: &str, name: &str, value: &str) -> String {
    let is_assignment =
        |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('='));
    let is_comment = |line: &str| {
        line.trim_start().strip_prefix('#').is_some_and(|rest| is_assignment(without_export(rest)))
    };
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = lines
        .iter()
        .rposition(|line| is_assignment(without_export(line)))
        .or_else(|| lines.iter().position(|line| is_comment(line)));
    let is_exported = place
        .and_then(|place| lines.get(place))
        .is_some_and(|line| line.trim_start().starts_with("export"));
    let export = if is_exported { "export " } else { "" };
    let assignment = format!("{export}{name}={value}{ending}");
    if let Some(line) = place.and_then(|place| lines.get_mut(place)) {
        *line = &assignment;
    } else {
        if lines.last().is_some_and(|last| !last.ends_with('\n')) {
            lines.push(ending);
        }
        lines.push(&assignment);
    }
    lines.concat()
}

/// A line without its indentation and without the `export` that a shell reads.
fn without_export(line: &str) -> &str {
    let line = line.trim_start();
    match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest.trim_start(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_that_are_set_at_once_are_all_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::thread::scope(|scope| {
            for number in 0..16 {
                let file = EnvFile::at(&path);
                scope.spawn(move || file.set(&format!("V{number}"), "x").unwrap());
            }
        });
        assert_eq!(EnvFile::at(&path).read().unwrap().len(), 16);
    }

    #[test]
    fn a_file_is_made_once_closed_and_changed_in_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile::at(folder.path().join(".env"));
        assert_eq!(file.read().unwrap(), []);
        assert!(!file.exists());
        let example = "# about A\nA=<placeholder>\n# B=\nC=3\n";
        assert!(file.create(example, &[("A", "1")]).unwrap());
        assert!(!file.create(example, &[("A", "2")]).unwrap());
        assert!(!file.is_open_to_others());
        file.set("B", "2").unwrap();
        file.set("D", "4").unwrap();
        let text = fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "# about A\nA=1\nB=2\nC=3\nD=4\n");
        assert!(!file.is_open_to_others());
    }

    #[test]
    fn the_line_that_counts_is_changed_and_no_other_byte() {
        for (before, after) in [
            ("", "A=1\n"),
            ("B=2", "B=2\nA=1\n"),
            ("A=x\nB=2", "A=1\nB=2"),
            ("A=x\nA=y\nB=2\n", "A=x\nA=1\nB=2\n"),
            ("# A=\nB=2\nexport A=x\n", "# A=\nB=2\nexport A=1\n"),
            ("B=2\r\n# A=\r\n", "B=2\r\nA=1\r\n"),
            ("B=2\r\n", "B=2\r\nA=1\r\n"),
            ("AA=x\nexportA=x\n", "AA=x\nexportA=x\nA=1\n"),
        ] {
            assert_eq!(with_value(before, "A", "1"), after, "{before:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join(".env"));
        fs::write(&real, "A=1\n").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        EnvFile::at(&link).set("A", "2").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "A=2\n");
    }

    #[test]
    fn of_many_at_once_one_makes_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let create = |number: usize| EnvFile::at(&path).create("A=", &[("A", &number.to_string())]);
        let made: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..16).map(|number| scope.spawn(move || create(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        let winner = made.iter().position(|made| *made).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("A={winner}\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_loose_mode_is_noticed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "A=1\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(EnvFile::at(&path).is_open_to_others());
        EnvFile::at(&path).set("A", "2").unwrap();
        assert!(!EnvFile::at(&path).is_open_to_others());
    }

    #[test]
    fn values_are_read_as_they_stand_and_bad_lines_are_numbered() {
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile::at(folder.path().join(".env"));
        fs::write(file.path(), "# c\nA=x$B ${C}\n").unwrap();
        assert!(matches!(file.read().unwrap_err(), EnvFileError::Line { line: 2, .. }));
        fs::write(file.path(), "A='x$B ${C}' # c\nexport B=2\n\nC=\"q r\"\n").unwrap();
        let pairs = file.read().unwrap();
        let expected = [("A", "x$B ${C}"), ("B", "2"), ("C", "q r")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        fs::write(file.path(), "A=1\nsecret words\n").unwrap();
        let fault = file.read().unwrap_err();
        assert!(matches!(fault, EnvFileError::Line { line: 2, .. }));
        assert!(!fault.to_string().contains("secret"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile::at(folder.path());
        assert!(matches!(file.read(), Err(EnvFileError::Read { .. })));
        assert!(matches!(file.set("A", "1"), Err(EnvFileError::Read { .. })));
        let said = file.read().unwrap_err().to_string();
        assert!(said.contains("cannot be read: ") && said.contains("--env-file"), "{said}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_and_not_its_draft() {
        let folder = tempfile::tempdir().unwrap();
        let file = EnvFile::at(folder.path().join("none/.env"));
        for error in [file.create("", &[]).unwrap_err(), file.set("A", "1").unwrap_err()] {
            let said = error.to_string();
            assert!(said.contains("none/.env cannot be written: "), "{said}");
            assert!(!said.contains(secret_file::DRAFT_PREFIX), "{said}");
            assert!(said.ends_with("Choose a folder in which you may write"), "{said}");
        }
    }
}
