//! Where the records of a chain are: files, or a database.

use std::{
    collections::BTreeMap,
    fmt,
    fs::File,
    io::{self, BufRead, BufReader},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use audit_log::{AuditFileError, Files};
use auth_core::{
    audit::{Head, Line},
    display,
};
use directory::{AuditRow, AuditSearch, AuditTable, Before};
use settings::{Environment, Variable};

use crate::failure::Failure;

/// How many rows are read at once.
const PAGE: i64 = 500;

/// One chain, and where its records are.
pub(super) struct ChainRecords {
    /// The name of the file that is written, or was; in a database the name of the log.
    pub(super) name: String,
    pub(super) records: Records,
    /// The record that the database of the directory knows of it.
    pub(super) kept: Option<Head>,
}

/// Where the records of a chain are.
pub(super) enum Records {
    /// In files, in this order.
    Files(Vec<PathBuf>),
    /// In a database, under the name of the chain.
    Table(AuditTable),
}

/// A line of a file, or a row.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The lines count from 1.
    File { path: &'a Path, line: usize },
    /// The number of the record in the database.
    Row { log: &'a str, sequence: i64 },
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Row { log, sequence } => {
                write!(f, "row {sequence} of {} in the database", display::escape(log))
            }
        }
    }
}

/// The chains of these files; of the configured log if there are none.
pub(super) fn chains(
    files: &[PathBuf],
    environment: &Environment,
) -> Result<Vec<ChainRecords>, Failure> {
    if files.is_empty() {
        return configured(environment);
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
        let name = name.display().to_string();
        ChainRecords { name, records: Records::Files(files), kept: None }
    };
    Ok(found.into_iter().map(chain).collect())
}

/// The configured log, and those of the commands and of an authorization server alone beside it;
/// also one without a file.
fn configured(environment: &Environment) -> Result<Vec<ChainRecords>, Failure> {
    let Some(path) = environment.get(Variable::AuditFile) else {
        let text = "which audit log? Name its files, or set AUDIT_FILE";
        return Err(Failure::Usage(text.into()));
    };
    let server = Files::at(path);
    let mut chains = Vec::new();
    for files in [server.clone(), server.of_commands(), server.of_issuer()] {
        let name = files.current().display().to_string();
        let files = files.all().map_err(|source| io_error(files.current(), source))?;
        chains.push(ChainRecords { name, records: Records::Files(files), kept: None });
    }
    Ok(chains)
}

/// The chains that have records in the database.
pub(super) async fn in_database(environment: &Environment) -> Result<Vec<ChainRecords>, Failure> {
    let table = table(environment)?;
    let logs = table.logs().await?.into_iter();
    Ok(logs.map(|name| ChainRecords::in_table(name, &table)).collect())
}

/// The table of the database.
pub(super) fn table(environment: &Environment) -> Result<AuditTable, Failure> {
    let Some(url) = environment.get(Variable::AuditDatabaseUrl) else {
        let text = "which database? Set AUDIT_DATABASE_URL";
        return Err(Failure::Usage(text.into()));
    };
    Ok(AuditTable::at(url)?)
}

impl ChainRecords {
    /// The records of this log in the table.
    pub(super) fn in_table(name: String, table: &AuditTable) -> Self {
        Self { name, records: Records::Table(table.clone()), kept: None }
    }

    /// Whether there is anything to look at.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&self.records, Records::Files(files) if files.is_empty()) && self.kept.is_none()
    }

    /// Gives each line to `each`, without its line break, and whether it has one.
    pub(super) async fn each_line(
        &self,
        mut each: impl FnMut(Place<'_>, &[u8], bool),
    ) -> Result<(), Failure> {
        let every = AuditSearch::default();
        let read = self.each_found(&every, |found| {
            found.check_columns()?;
            each(found.place, found.bytes, found.is_complete);
            Ok(())
        });
        read.await
    }

    /// Gives each record to `each`, with its line. What is not complete is being written; what is
    /// not as it was written is left out. In a database these are the records that `search` is
    /// for, and some others.
    pub(super) async fn each_record(
        &self,
        search: &AuditSearch,
        left_out: &mut LeftOut,
        mut each: impl FnMut(Line, &str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let read = self.each_found(search, |found| match found.record() {
            _ if !found.is_complete => Ok(()),
            Ok((record, text)) => each(record, text),
            Err(fault) => {
                left_out.add(fault);
                Ok(())
            }
        });
        read.await
    }

    /// The same, from the newest record on, until `each` breaks; `false` if they are in files,
    /// which are read from the oldest on.
    pub(super) async fn each_record_from_the_newest(
        &self,
        search: &AuditSearch,
        left_out: &mut LeftOut,
        mut each: impl FnMut(Line, &str) -> ControlFlow<()>,
    ) -> Result<bool, Failure> {
        let Records::Table(table) = &self.records else { return Ok(false) };
        let mut before = None;
        loop {
            let rows = table.newest(&self.name, search, before, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(true) };
            before = Some(Before { millis: last.millis, sequence: last.sequence });
            for row in &rows {
                match Found::row(&self.name, row).record() {
                    Ok((record, text)) => {
                        if each(record, text).is_break() {
                            return Ok(true);
                        }
                    }
                    Err(fault) => left_out.add(fault),
                }
            }
        }
    }

    /// Gives what is in each line of the files, or in each row of the database that `search` is
    /// for, to `each`.
    async fn each_found(
        &self,
        search: &AuditSearch,
        mut each: impl FnMut(Found<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match &self.records {
            Records::Files(files) => each_line_of(files, each),
            Records::Table(table) => {
                let log = self.name.as_str();
                let mut last = 0;
                loop {
                    let rows = table.page(log, search, last, PAGE).await?;
                    let Some(end) = rows.last().map(|row| row.sequence) else { return Ok(()) };
                    for row in &rows {
                        each(Found::row(log, row))?;
                    }
                    last = end;
                }
            }
        }
    }
}

/// What is in a line of a file, or in a row.
struct Found<'a> {
    place: Place<'a>,
    /// Without the line break.
    bytes: &'a [u8],
    /// Whether the line break is there.
    is_complete: bool,
    /// Whether other columns of the row say something else than its line.
    has_other_columns: bool,
}

impl<'a> Found<'a> {
    fn row(log: &'a str, row: &'a AuditRow) -> Self {
        Self {
            place: Place::Row { log, sequence: row.sequence },
            bytes: row.line.as_bytes(),
            is_complete: true,
            has_other_columns: !row.is_of_its_line(),
        }
    }

    fn check_columns(&self) -> Result<(), Failure> {
        let place = self.place.to_string();
        if self.has_other_columns { Err(Failure::AuditRow { place }) } else { Ok(()) }
    }

    /// The record, and its line.
    fn record(&self) -> Result<(Line, &'a str), Failure> {
        self.check_columns()?;
        let fault = || Failure::AuditRecord { place: self.place.to_string() };
        let record = Line::parse(self.bytes).map_err(|_| fault())?;
        Ok((record, str::from_utf8(self.bytes).map_err(|_| fault())?))
    }
}

/// Records that are left out, because they are not as they were written.
#[derive(Default)]
pub(super) struct LeftOut {
    first: Option<Failure>,
    count: u64,
}

impl LeftOut {
    fn add(&mut self, fault: Failure) {
        self.count += 1;
        self.first.get_or_insert(fault);
    }

    /// To be asked once everything else has been written.
    ///
    /// # Errors
    ///
    /// If there are any: the first, and how many.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Some(first) = self.first else { return Ok(()) };
        Err(Failure::AuditLeftOut { first: Box::new(first), count: self.count })
    }
}

fn each_line_of(
    files: &[PathBuf],
    mut each: impl FnMut(Found<'_>) -> Result<(), Failure>,
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
            let whole = bytes.strip_suffix(b"\n");
            each(Found {
                place: Place::File { path, line },
                bytes: whole.unwrap_or(&bytes),
                is_complete: whole.is_some(),
                has_other_columns: false,
            })?;
        }
    }
    Ok(())
}

fn io_error(path: &Path, source: io::Error) -> Failure {
    AuditFileError::Io { path: path.to_owned(), source }.into()
}
