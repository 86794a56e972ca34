//! Rows of servers that are measured in turn, and the table of them.

use std::{path::PathBuf, time::Duration};

use crate::{
    calls::{self, Revision},
    load::{CONNECTIONS, Latencies, Load},
    process::Server,
    wire::Tls,
};

/// The programs, and how often and how long each is measured.
pub(crate) struct Programs {
    pub(crate) peer: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
}

/// One line of a table.
pub(crate) struct Row {
    name: String,
    server: Server,
    work: Work,
    cells: Vec<Cell>,
}

/// How a server is kept busy.
pub(crate) enum Work {
    Raw(Load),
    Tls(Tls),
}

/// What one round of one row gave.
#[derive(Clone, Copy)]
struct Cell {
    cpu: f64,
    rate: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    resident: f64,
}

/// Measures the rows in turn, round after round, and prints their medians; ratios are medians too,
/// of the ratios within a round.
pub(crate) async fn table(programs: &Programs, title: &str, mut rows: Vec<Row>, against: &[&str]) {
    println!("\n{title}");
    for round in 0..=programs.rounds {
        for row in &mut rows {
            let before = row.server.cpu();
            let seen = row.work.run(programs.length).await;
            let cpu = row.server.cpu().saturating_sub(before);
            let count = seen.count() as f64;
            // The first round warms up.
            if round > 0 {
                row.cells.push(Cell {
                    cpu: cpu.as_secs_f64() * 1e6 / count,
                    rate: count / programs.length.as_secs_f64(),
                    p50: seen.within(0.5),
                    p99: seen.within(0.99),
                    p999: seen.within(0.999),
                    resident: row.server.resident(),
                });
            }
        }
    }
    print!(
        "{:26} {:>8} {:>8} {:>7} {:>7} {:>8} {:>6}",
        "", "CPU us", "1/s", "p50 us", "p99 us", "p99.9 us", "MiB"
    );
    for name in against {
        print!("  to {name:<8.8}");
    }
    println!();
    for row in &rows {
        let of = |what: fn(&Cell) -> f64| median(row.cells.iter().map(what));
        print!(
            "{:26} {:8.1} {:8.0} {:7.0} {:7.0} {:8.0} {:6.1}",
            row.name,
            of(|it| it.cpu),
            of(|it| it.rate),
            of(|it| it.p50),
            of(|it| it.p99),
            of(|it| it.p999),
            of(|it| it.resident)
        );
        for name in against {
            let other = rows.iter().find(|row| row.name == *name).unwrap();
            let pairs = row.cells.iter().zip(&other.cells);
            print!("  {:<11.3}", median(pairs.map(|(own, other)| own.cpu / other.cpu)));
        }
        println!();
    }
}

impl Work {
    async fn run(&self, length: Duration) -> Latencies {
        match self {
            Self::Raw(load) => load.run(length).await,
            Self::Tls(tls) => tls.run(length).await,
        }
    }
}

impl Row {
    pub(crate) fn call(name: &str, server: Server, revision: Revision) -> Self {
        let tokens = server.valid();
        let requests = tokens.iter().map(|token| calls::get_time(revision, Some(token))).collect();
        Self::new(name, server, requests, 200)
    }

    pub(crate) fn new(name: &str, server: Server, requests: Vec<Vec<u8>>, status: u16) -> Self {
        let work = Work::Raw(load(&server, requests, status));
        Self::of(name, server, work)
    }

    pub(crate) fn of(name: &str, server: Server, work: Work) -> Self {
        Self { name: name.into(), server, work, cells: Vec::new() }
    }
}

pub(crate) fn load(server: &Server, requests: Vec<Vec<u8>>, status: u16) -> Load {
    Load {
        address: server.address,
        requests: requests.into(),
        sent: std::sync::Arc::default(),
        connections: CONNECTIONS,
        status,
        pause: Duration::ZERO,
        each: false,
    }
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
