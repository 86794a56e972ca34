//! Which files make up a chain, and their lines.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader},
    path::{Path, PathBuf},
};

use auth_core::audit::{Head, Line};
use settings::{Environment, Variable};

use crate::{
    audit::{files::Files, log_file::AuditFileError},
    failure::Failure,
};

/// The files of one chain, in the order of their records.
pub(super) struct ChainFiles {
    /// The name of the file that is written, or was.
    pub(super) name: PathBuf,
    pub(super) files: Vec<PathBuf>,
    /// The record that the database knows of it.
    pub(super) kept: Option<Head>,
}

/// A line of a file.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    /// From 1.
    pub(super) line: usize,
}

/// The chains of these files; of the configured log if there are none, of which the database knows
/// the record `kept`.
pub(super) fn chains(
    files: &[PathBuf],
    environment: &Environment,
    kept: Option<Head>,
) -> Result<Vec<ChainFiles>, Failure> {
    if files.is_empty() {
        return configured(environment, kept);
    }
    let mut found: BTreeMap<PathBuf, Vec<(u64, PathBuf)>> = BTreeMap::new();
    for path in files {
        let (name, first) = Files::chain_of(path);
        let of_chain = found.entry(name).or_default();
        // The file that is written is the last one.
        of_chain.push((first.unwrap_or(u64::MAX), path.clone()));
    }
    let chain = |(name, mut files): (PathBuf, Vec<(u64, PathBuf)>)| {
        files.sort();
        files.dedup();
        let files = files.into_iter().map(|(_, path)| path).collect();
        ChainFiles { name, files, kept: None }
    };
    Ok(found.into_iter().map(chain).collect())
}

fn configured(environment: &Environment, kept: Option<Head>) -> Result<Vec<ChainFiles>, Failure> {
    let Some(path) = environment.get(Variable::AuditFile) else {
        let text = "which audit log? Name its files, or set AUDIT_FILE";
        return Err(Failure::Usage(text.into()));
    };
    let server = Files::at(path);
    let mut chains = Vec::new();
    for (files, kept) in [(server.clone(), kept), (server.of_commands(), None)] {
        let name = files.current().to_owned();
        let files = files.all().map_err(|source| io_error(&name, source))?;
        if !files.is_empty() || kept.is_some() {
            chains.push(ChainFiles { name, files, kept });
        }
    }
    if chains.is_empty() {
        return Err(Failure::Usage(format!("there is no audit log at {path} yet")));
    }
    Ok(chains)
}

/// Gives each line to `each`, without its line break, and whether it has one.
pub(super) fn each_line(
    files: &[PathBuf],
    mut each: impl FnMut(Place<'_>, &[u8], bool) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for path in files {
        let fault = |source| io_error(path, source);
        let mut file = BufReader::new(File::open(path).map_err(fault)?);
        for line in 1.. {
            bytes.clear();
            if file.read_until(b'\n', &mut bytes).map_err(fault)? == 0 {
                break;
            }
            let place = Place { path, line };
            match bytes.strip_suffix(b"\n") {
                Some(whole) => each(place, whole, true)?,
                None => each(place, &bytes, false)?,
            }
        }
    }
    Ok(())
}

/// Gives each record to `each`, with its line. What is not complete is being written.
pub(super) fn each_record(
    files: &[PathBuf],
    mut each: impl FnMut(Line, &str) -> Result<(), Failure>,
) -> Result<(), Failure> {
    each_line(files, |Place { path, line }, bytes, is_complete| {
        if !is_complete {
            return Ok(());
        }
        let fault = || Failure::AuditRecord { place: format!("{} line {line}", path.display()) };
        let record = Line::parse(bytes).map_err(|_| fault())?;
        let text = str::from_utf8(bytes).map_err(|_| fault())?;
        each(record, text)
    })
}

fn io_error(path: &Path, source: io::Error) -> Failure {
    AuditFileError::Io { path: path.to_owned(), source }.into()
}
