//! `server audit show`.

use std::io::Write;

use auth_core::{
    audit::{Decision, Entry, Line, Timestamp},
    display,
};
use serde_json::Value;
use terminal::table::Table;

use super::{filter::Filter, source::ChainRecords};
use crate::{args::ShowFormat, command::context::write_json, failure::Failure};

/// A record as it is shown.
struct Row {
    time: Timestamp,
    cells: [String; 6],
    json: Value,
}

pub(super) async fn show(
    chains: &[ChainRecords],
    filter: &Filter,
    limit: Option<usize>,
    output: ShowFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for chain in chains {
        chain
            .each_record(|line, text| {
                if filter.has(&line)
                    && let Some(cells) = cells(&line)
                {
                    let json = serde_json::from_str(text).unwrap_or_default();
                    rows.push(Row { time: line.time, cells, json });
                }
                Ok(())
            })
            .await?;
    }
    // Of two chains: records of one time stay in the order of their chain.
    rows.sort_by_key(|row| row.time);
    let skipped = limit.map_or(0, |limit| rows.len().saturating_sub(limit));
    let rows = rows.into_iter().skip(skipped);
    match output {
        ShowFormat::Json => write_json(&rows.map(|row| row.json).collect::<Vec<_>>(), out),
        ShowFormat::Table => {
            let head = ["TIME", "OUTCOME", "USER", "CLIENT", "ACTION", "REASON"];
            let table = Table::new(head).rows(rows.map(|row| row.cells));
            write!(out, "{table}").map_err(Failure::output)
        }
        ShowFormat::Plain => {
            for row in rows {
                let cells = row.cells.map(|cell| display::escape(&cell).into_owned());
                writeln!(out, "{}", cells.join("\t")).map_err(Failure::output)?;
            }
            Ok(())
        }
    }
}

/// Time, outcome, user, client, action and reason; `None` for what only the log itself needs.
fn cells(line: &Line) -> Option<[String; 6]> {
    let time = line.time.to_string();
    let none = || "-".to_owned();
    let [outcome, user, client, action, reason] = match &line.entry {
        Entry::Decision(decision) => {
            let who = decision.who.as_ref();
            [
                decision.outcome.name().to_owned(),
                who.map_or_else(none, |who| who.subject.clone()),
                who.and_then(|who| who.client.clone()).unwrap_or_else(none),
                action(decision),
                decision.reason.clone().unwrap_or_else(none),
            ]
        }
        Entry::Change(change) => {
            let what = [Some(&change.command), change.object.as_ref(), change.detail.as_ref()];
            let what = what.into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
            ["changed".to_owned(), change.by.clone(), none(), what.join(" "), none()]
        }
        Entry::Start { version, removed_bytes } => {
            let reason = match removed_bytes {
                0 => none(),
                bytes => format!("{bytes} bytes of a record that was not complete were removed"),
            };
            ["started".to_owned(), none(), none(), format!("version {version}"), reason]
        }
        Entry::Skipped { count } => {
            let reason = "more refusals in a second than are recorded, or no room for them";
            let what = format!("{count} requests");
            ["skipped".to_owned(), none(), none(), what, reason.to_owned()]
        }
        Entry::Removed { through } => {
            let what = format!("records up to {through}");
            ["removed".to_owned(), none(), none(), what, "AUDIT_KEEP_FILES".to_owned()]
        }
        Entry::Checkpoint { .. } | Entry::Unknown => return None,
    };
    Some([time, outcome, user, client, action, reason])
}

fn action(decision: &Decision) -> String {
    match (&decision.what.method, &decision.what.target) {
        (Some(method), Some(target)) => format!("{method} {target}"),
        (Some(method), None) => method.clone(),
        (None, _) => "-".into(),
    }
}
