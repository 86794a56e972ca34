//! `server audit …` on the command line.

use std::path::PathBuf;

use auth_core::audit::{Event, Head};
use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};
use terminal::{OutputFormat, date::When};

const VERIFY_CODES: &str = "\
Exit codes: 7 a file cannot be read; 8 a record was changed, added, moved or dropped; 9 a signature
is wrong; 10 the log was cut off.";

/// What can be done with an audit log.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no record was changed, dropped, added or moved; names the first that was
    #[command(after_help = VERIFY_CODES)]
    Verify {
        /// The files, in any order [default: those of `AUDIT_FILE`]
        files: Vec<PathBuf>,
        /// A file with a public key that signed them, as PEM, JWK or JWK Set; may be given several
        /// times [default: `AUDIT_KEY_FILE`]
        #[arg(long = "key", value_name = "FILE")]
        keys: Vec<PathBuf>,
        /// Check hashes alone: a log that was written anew is not noticed
        #[arg(long, conflicts_with = "keys")]
        hashes_only: bool,
        /// Accept a log whose first records are not there
        #[arg(long)]
        partial: bool,
        /// A record that must be there, as an earlier check has printed it
        #[arg(long, value_name = "SEQUENCE:HASH")]
        head: Option<Head>,
        /// Check the copies in the database `AUDIT_DATABASE_URL`, of all nodes
        #[arg(long, conflicts_with = "files")]
        database: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: OutputFormat,
    },
    /// Show records, in the order of their times
    Show {
        /// The files [default: those of `AUDIT_FILE`]
        files: Vec<PathBuf>,
        /// Which records.
        #[command(flatten)]
        filter: AuditFilter,
        /// Show this many of them, the newest [default: all]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// Show the copies in the database `AUDIT_DATABASE_URL`, of all nodes
        #[arg(long, conflicts_with = "files")]
        database: bool,
        /// The output format
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        output: ShowFormat,
    },
    /// Write records for another system
    Export {
        /// The files [default: those of `AUDIT_FILE`]
        files: Vec<PathBuf>,
        /// The form of each line
        #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
        format: ExportFormat,
        /// Export the copies in the database `AUDIT_DATABASE_URL`, of all nodes
        #[arg(long, conflicts_with = "files")]
        database: bool,
        /// Which records.
        #[command(flatten)]
        filter: AuditFilter,
    },
}

/// Which records: those that fit everything that is given.
#[derive(Debug, Clone, Default, Args)]
pub struct AuditFilter {
    /// Of this user (a sub), as the caller or as what was changed
    #[arg(long, value_name = "SUB")]
    pub user: Option<String>,
    /// Of this method, tool, resource, prompt, or both: `tools/call get_time`
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// With this word in the column OUTCOME
    #[arg(long, value_name = "OUTCOME", value_parser = events())]
    pub outcome: Option<Event>,
    /// From then on: 30m, 12h or 7d ago, or a date as 2030-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    pub since: Option<When>,
    /// Until then
    #[arg(long, value_name = "WHEN")]
    pub until: Option<When>,
}

/// The words of the column OUTCOME.
fn events() -> impl TypedValueParser<Value = Event> {
    PossibleValuesParser::new(Event::all().map(Event::name)).try_map(|name| {
        let found = Event::all().find(|event| event.name() == name);
        found.ok_or("not an outcome")
    })
}

/// How records are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ShowFormat {
    /// For people
    #[default]
    Table,
    /// A line for each, with tabs
    Plain,
    /// For programs
    Json,
}

/// The form in which records are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExportFormat {
    /// The records as they are, a line of JSON for each
    #[default]
    Jsonl,
    /// Decisions and changes as API Activity events of the Open Cybersecurity Schema Framework
    Ocsf,
}
