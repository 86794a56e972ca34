//! `server audit verify`.

use std::{fmt::Write as _, io::Write, path::PathBuf};

use auth_core::{
    KeySet,
    audit::{Head, Report, Verifier},
    display,
};
use serde_json::json;
use settings::{Environment, Variable, verifying_keys_in};

use super::source::{ChainRecords, Place, Records};
use crate::{args::OutputFormat, command::context::write_json, failure::Failure};

/// What is checked.
pub(super) struct Checks {
    /// The keys of checkpoints; `None` to check hashes alone.
    pub(super) keys: Option<KeySet>,
    /// Whether the first records may be missing.
    pub(super) partial: bool,
    /// A record that must be there.
    pub(super) head: Option<Head>,
}

/// The keys that were named, or else the configured one.
pub(super) fn keys(
    named: &[PathBuf],
    hashes_only: bool,
    environment: &Environment,
) -> Result<Option<KeySet>, Failure> {
    if hashes_only {
        return Ok(None);
    }
    let configured = environment.get(Variable::AuditKeyFile).map(PathBuf::from);
    let paths = if named.is_empty() { configured.as_slice() } else { named };
    if paths.is_empty() {
        return Err(Failure::Usage(
            "which key signed the log? Name its public half with --key, or check hashes alone with --hashes-only".into(),
        ));
    }
    let mut all = Vec::new();
    for path in paths {
        let found = verifying_keys_in(path.clone()).map_err(|error| {
            // The reader of JWT_KEY_FILE reads every file with keys.
            let text = error.to_string();
            Failure::Usage(text.strip_prefix("JWT_KEY_FILE ").unwrap_or(&text).to_owned())
        })?;
        all.extend(found.keys.iter().cloned());
    }
    Ok(Some(all.into_iter().collect()))
}

pub(super) async fn verify(
    chains: &[ChainRecords],
    checks: &Checks,
    output: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    if checks.head.is_some() && chains.len() > 1 {
        let text = "--head is of one log: name the files of that log alone";
        return Err(Failure::Usage(text.into()));
    }
    let mut reports = Vec::new();
    for chain in chains {
        let report = verify_chain(chain, checks).await?;
        if output == OutputFormat::Text {
            write!(out, "{}", described(chain, &report, checks)).map_err(Failure::output)?;
        }
        reports.push(json!({
            "file": chain.name,
            "first": report.first,
            "last": report.head.sequence(),
            "head": report.head.to_string(),
            "checkpoints": report.checkpoints,
            "unsigned": report.unsigned,
            "clock_set_back": report.clock_set_back,
            "signatures_checked": checks.keys.is_some(),
            "kept": chain.kept.map(|kept| kept.to_string()),
        }));
    }
    if output == OutputFormat::Json { write_json(&reports, out) } else { Ok(()) }
}

async fn verify_chain(chain: &ChainRecords, checks: &Checks) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(checks.keys.clone());
    if checks.partial {
        verifier = verifier.from_any_record();
    }
    if let Some(head) = checks.head.or(chain.kept) {
        verifier = verifier.expecting(head);
    }
    // Where each file begins, by the count of lines before it.
    let mut begins: Vec<(u64, PathBuf)> = Vec::new();
    let mut count = 0;
    let read = chain.each_line(|place, bytes, is_complete| {
        if let Place::File { path, line: 1 } = place {
            begins.push((count, path.to_owned()));
        }
        count += 1;
        verifier.push(bytes, is_complete);
    });
    read.await?;
    verifier.finish().map_err(|finding| {
        let found = begins.iter().rev().find(|(begin, _)| *begin <= finding.index);
        let place = match found {
            Some((begin, path)) if finding.index < count => {
                format!("{} line {}", path.display(), finding.index - begin + 1)
            }
            _ if finding.index < count => place_of(chain),
            _ => format!("the end of {}", place_of(chain)),
        };
        Failure::AuditFinding { place, finding }
    })
}

fn place_of(chain: &ChainRecords) -> String {
    match chain.records {
        Records::Files(_) => chain.name.clone(),
        Records::Table(_) => format!("{} in the database", display::escape(&chain.name)),
    }
}

fn described(chain: &ChainRecords, report: &Report, checks: &Checks) -> String {
    let Report { first, head, checkpoints, unsigned, clock_set_back } = *report;
    let name = place_of(chain);
    let signed = match (checks.keys.is_some(), checkpoints) {
        (false, _) => String::new(),
        (true, 1) => ", 1 checkpoint".to_owned(),
        (true, count) => format!(", {count} checkpoints"),
    };
    let mut text = if first == 0 {
        format!("ok: {name}: no records\n")
    } else {
        let (last, count) = (head.sequence(), head.sequence() - first + 1);
        let records = if count == 1 { "record" } else { "records" };
        format!("ok: {name}: {count} {records}, {first} to {last}{signed}\n    head {head}\n")
    };
    if first == 0 && chain.kept.is_none() && checks.head.is_none() {
        text += "note: if there were records, and they were removed, the files do not say so: --head \
                 does, or the database of a log that is configured\n";
    }
    if let Some(kept) = chain.kept.filter(|_| checks.head.is_none()) {
        let known = kept.sequence();
        let _ = if known < first {
            writeln!(
                text,
                "    record {known}, which the database knows, was removed as an old one"
            )
        } else {
            writeln!(text, "    record {known} is there, which the database knows")
        };
    }
    if checks.keys.is_none() {
        text += "note: signatures were not checked: a log that was written anew is not noticed\n";
    } else if unsigned > 0 {
        let _ = writeln!(text, "note: the last {unsigned} records are not signed yet");
    }
    if let Some(record) = clock_set_back {
        let _ = writeln!(text, "note: the clock was set back before record {record} was written");
    }
    text
}
