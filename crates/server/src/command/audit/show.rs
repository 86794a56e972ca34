//! `server audit show`.

use std::{io::Write, ops::ControlFlow};

use auth_core::{
    audit::{Decision, Entry, Event, Line, Timestamp},
    display,
};
use serde_json::Value;
use terminal::table::Table;

use super::{
    filter::Filter,
    source::{ChainRecords, LeftOut},
};
use crate::{args::ShowFormat, command::context::write_json, failure::Failure};

/// How many rows are held at least before the oldest are dropped.
const MIN_HELD: usize = 1024;

/// A record as it is shown.
struct Row {
    time: Timestamp,
    cells: [String; 6],
    json: Value,
}

/// The rows that are shown. Where so many are, no more than twice as many are held.
struct Shown {
    limit: Option<usize>,
    rows: Vec<Row>,
}

impl Shown {
    fn push(&mut self, row: Row) {
        self.rows.push(row);
        let most = self.limit.map(|limit| limit.saturating_mul(2).max(MIN_HELD));
        if most.is_some_and(|most| self.rows.len() >= most) {
            self.prune();
        }
    }

    /// Keeps the newest, in the order of their times. Of two chains: records of one time stay in
    /// the order in which they were pushed.
    fn prune(&mut self) {
        self.rows.sort_by_key(|row| row.time);
        let skipped = self.limit.map_or(0, |limit| self.rows.len().saturating_sub(limit));
        self.rows.drain(..skipped);
    }

    fn finish(mut self) -> Vec<Row> {
        self.prune();
        self.rows
    }
}

pub(super) async fn show(
    chains: &[ChainRecords],
    filter: &Filter,
    limit: Option<usize>,
    output: ShowFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut shown = Shown { limit, rows: Vec::new() };
    let mut left_out = LeftOut::default();
    for chain in chains {
        let of_chain = match limit {
            Some(limit) => newest(chain, filter, limit, &mut left_out).await?,
            None => None,
        };
        if let Some(rows) = of_chain {
            for row in rows {
                shown.push(row);
            }
            continue;
        }
        let each = chain.each_record(&filter.search, &mut left_out, |line, text| {
            if let Some(row) = row(filter, &line, text) {
                shown.push(row);
            }
            Ok(())
        });
        each.await?;
    }
    let rows = shown.finish().into_iter();
    match output {
        ShowFormat::Json => write_json(&rows.map(|row| row.json).collect::<Vec<_>>(), out)?,
        ShowFormat::Table => {
            let head = ["TIME", "OUTCOME", "USER", "CLIENT", "ACTION", "REASON"];
            let table = Table::new(head).rows(rows.map(|row| row.cells));
            write!(out, "{table}").map_err(Failure::output)?;
        }
        ShowFormat::Plain => {
            for row in rows {
                let cells = row.cells.map(|cell| display::escape(&cell).into_owned());
                writeln!(out, "{}", cells.join("\t")).map_err(Failure::output)?;
            }
        }
    }
    left_out.finish()
}

/// The newest rows of a chain, in the order of their times; `None` if it is in files.
async fn newest(
    chain: &ChainRecords,
    filter: &Filter,
    limit: usize,
    left_out: &mut LeftOut,
) -> Result<Option<Vec<Row>>, Failure> {
    let mut rows = Vec::new();
    let read = chain.each_record_from_the_newest(&filter.search, left_out, |line, text| {
        rows.extend(row(filter, &line, text));
        if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let is_read = read.await?;
    rows.truncate(limit);
    rows.reverse();
    Ok(is_read.then_some(rows))
}

/// The row of a record that is shown.
fn row(filter: &Filter, line: &Line, text: &str) -> Option<Row> {
    let cells = cells(line).filter(|_| filter.has(line))?;
    Some(Row { time: line.time, cells, json: serde_json::from_str(text).unwrap_or_default() })
}

/// Time, outcome, user, client, action and reason; `None` for what only the log itself needs.
fn cells(line: &Line) -> Option<[String; 6]> {
    let time = line.time.to_string();
    let none = || "-".to_owned();
    let outcome = Event::of(&line.entry)?.name().to_owned();
    let [user, client, action, reason] = match &line.entry {
        Entry::Decision(decision) => {
            let who = decision.who.as_ref();
            [
                who.map_or_else(none, |who| who.subject.clone()),
                who.and_then(|who| who.client.clone()).unwrap_or_else(none),
                action(decision),
                decision.reason.clone().unwrap_or_else(none),
            ]
        }
        Entry::Change(change) => {
            let what = [Some(&change.command), change.object.as_ref(), change.detail.as_ref()];
            let what = what.into_iter().flatten().map(String::as_str).collect::<Vec<_>>();
            [change.by.clone(), none(), what.join(" "), none()]
        }
        Entry::Start { version, removed_bytes } => {
            let reason = match removed_bytes {
                0 => none(),
                bytes => format!("{bytes} bytes of a record that was not complete were removed"),
            };
            [none(), none(), format!("version {version}"), reason]
        }
        Entry::Skipped { count } => {
            let reason = "more refusals in a second than are recorded, or no room for them";
            let what = format!("{count} requests");
            [none(), none(), what, reason.to_owned()]
        }
        Entry::Removed { through } => {
            let what = format!("records up to {through}");
            [none(), none(), what, "AUDIT_KEEP_FILES".to_owned()]
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
