//! What is compared with what.

use std::{path::PathBuf, time::Duration};

use auth_core::Algorithm;
use testkit::TestKey;

use crate::{
    calls::{self, Revision},
    load::Load,
    process::Server,
};

/// The programs, and how often and how long each is measured.
pub(crate) struct Programs {
    pub(crate) stock: PathBuf,
    pub(crate) ours: PathBuf,
    pub(crate) server: PathBuf,
    pub(crate) rounds: usize,
    pub(crate) length: Duration,
}

/// One line of a table.
struct Row {
    name: String,
    server: Server,
    load: Load,
    cells: Vec<Cell>,
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

const CONNECTIONS: usize = 16;

/// Plays the scenes that are named, or all.
pub(crate) async fn play(programs: &Programs, named: &[String]) {
    let wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    if wanted("calls") {
        for revision in Revision::ALL {
            all_calls(programs, revision).await;
        }
    }
    if wanted("first") {
        first_sight(programs).await;
    }
    if wanted("refusals") {
        refusals(programs).await;
    }
    if wanted("shapes") {
        shapes(programs).await;
    }
    if wanted("log") {
        log(programs).await;
    }
    if wanted("flood") {
        flood(programs).await;
    }
    if wanted("half") {
        half_load(programs).await;
    }
}

/// A token that was seen before, under every algorithm, beside all the others.
async fn all_calls(programs: &Programs, revision: Revision) {
    let (stock, ours) = (&programs.stock, &programs.ours);
    let mut rows = vec![
        Row::call("naive", Server::peer(stock, "naive", &[]), revision),
        Row::call("axum, canned", Server::peer(stock, "canned", &[]), revision),
        Row::call("rmcp, bare", Server::peer(stock, "bare", &[]), revision),
        Row::call("ours without the guard", Server::peer(ours, "unguarded", &[]), revision),
    ];
    for algorithm in Algorithm::ALL {
        let server = Server::peer(ours, "guarded", &["--algorithm", algorithm.name()]);
        rows.push(Row::call(&format!("ours, {}", algorithm.name()), server, revision));
    }
    let key = TestKey::generate(Algorithm::Es256);
    let server = Server::ours(&programs.server, &key, "warn");
    rows.push(Row::call("the program, log at warn", server, revision));
    let server = Server::ours(&programs.server, &key, "info");
    rows.push(Row::call("the program, log at info", server, revision));
    let title = format!("get_time, {}, {CONNECTIONS} connections", revision.name());
    table(programs, &title, rows, &["naive", "ours without the guard", "axum, canned"]).await;
}

/// A token that was not seen before, for each algorithm.
async fn first_sight(programs: &Programs) {
    for algorithm in Algorithm::ALL {
        let seen = ["--algorithm", algorithm.name()];
        let unseen = ["--algorithm", algorithm.name(), "--tokens", "30000"];
        let rows = vec![
            Row::call("seen", Server::peer(&programs.ours, "guarded", &seen), Revision::V2025),
            Row::call("unseen", Server::peer(&programs.ours, "guarded", &unseen), Revision::V2025),
        ];
        let title = format!("first sight of a token, {}", algorithm.name());
        table(programs, &title, rows, &["seen"]).await;
    }
}

/// Refusals, beside an answer that stands ready.
async fn refusals(programs: &Programs) {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let flags = ["--algorithm", algorithm.name()];
        let server = || Server::peer(&programs.ours, "guarded", &flags);
        let canned = Server::peer(&programs.stock, "canned", &[]);
        let mut rows = vec![Row::call("axum, canned", canned, Revision::V2025)];
        let none = server();
        let request = calls::get_time(Revision::V2025, None);
        rows.push(Row::new("no token", none, vec![request], 401));
        for name in ["expired", "other_audience", "other_issuer", "unknown_key", "bad_signature"] {
            let server = server();
            let request = calls::get_time(Revision::V2025, Some(server.bad(name)));
            rows.push(Row::new(name, server, vec![request], 401));
        }
        let title = format!("refusals, {}", algorithm.name());
        table(programs, &title, rows, &["axum, canned"]).await;
    }
}

/// Much of everything, beside little of it.
async fn shapes(programs: &Programs) {
    let shapes: [(&str, &[&str]); 4] = [
        ("as it is", &[]),
        ("10,000 rules more", &["--rules", "10000"]),
        ("50 issuers more", &["--issuers", "50"]),
        ("100,000 users more", &["--users", "100000"]),
    ];
    let rows = shapes.map(|(name, flags)| {
        Row::call(name, Server::peer(&programs.ours, "guarded", flags), Revision::V2025)
    });
    table(programs, "much of everything", rows.into(), &["as it is"]).await;
}

/// What the log costs.
async fn log(programs: &Programs) {
    let key = TestKey::generate(Algorithm::Es256);
    let rows = ["warn", "info"].map(|level| {
        let server = Server::ours(&programs.server, &key, level);
        Row::call(level, server, Revision::V2025)
    });
    table(programs, "the log", rows.into(), &["warn"]).await;
}

/// Valid calls over half of the connections, beside bad tokens over the other half.
async fn flood(programs: &Programs) {
    println!("\nflood: valid calls beside as many connections with bad tokens");
    println!("{:24} {:>12} {:>12}", "beside", "valid, 1/s", "share");
    let server = Server::peer(&programs.ours, "guarded", &["--algorithm", "ES256"]);
    let half = |token: &str, status| Load {
        connections: CONNECTIONS / 2,
        ..load(&server, vec![calls::get_time(Revision::V2025, Some(token))], status)
    };
    let valid = half(server.valid()[0], 200);
    let mut fair = 0.0;
    for name in ["valid", "expired", "unknown_key", "bad_signature"] {
        let other = match name {
            "valid" => valid.clone(),
            bad => half(server.bad(bad), 401),
        };
        let (good, _) = tokio::join!(valid.run(programs.length), other.run(programs.length));
        let rate = good.count() as f64 / programs.length.as_secs_f64();
        if name == "valid" {
            fair = rate;
        }
        println!("{name:24} {rate:12.0} {:12.2}", rate / fair);
    }
}

/// At half of full load, the slowest beside the middle.
async fn half_load(programs: &Programs) {
    let server = Server::peer(&programs.ours, "guarded", &[]);
    let full = load(&server, vec![calls::get_time(Revision::V2025, Some(server.valid()[0]))], 200);
    let most = full.run(programs.length).await.count() as f64 / programs.length.as_secs_f64();
    // Every connection waits for as long as an answer takes at full load, and some.
    let pause = Duration::from_secs_f64(2.0 * CONNECTIONS as f64 / most);
    let half = Load { pause, ..full };
    let seen = half.run(programs.length).await;
    let rate = seen.count() as f64 / programs.length.as_secs_f64();
    println!(
        "\nat {:.2} of full load: p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us: {:.1} times p50",
        rate / most,
        seen.within(0.5),
        seen.within(0.99),
        seen.within(0.999),
        seen.within(0.999) / seen.within(0.5)
    );
}

/// Measures the rows in turn, round after round, and prints their medians; ratios are medians too, of
/// the ratios within a round.
async fn table(programs: &Programs, title: &str, mut rows: Vec<Row>, against: &[&str]) {
    println!("\n{title}");
    for round in 0..=programs.rounds {
        for row in &mut rows {
            let before = row.server.cpu();
            let seen = row.load.run(programs.length).await;
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

impl Row {
    fn call(name: &str, server: Server, revision: Revision) -> Self {
        let tokens = server.valid();
        let requests = tokens.iter().map(|token| calls::get_time(revision, Some(token))).collect();
        Self::new(name, server, requests, 200)
    }

    fn new(name: &str, server: Server, requests: Vec<Vec<u8>>, status: u16) -> Self {
        let load = load(&server, requests, status);
        Self { name: name.into(), server, load, cells: Vec::new() }
    }
}

fn load(server: &Server, requests: Vec<Vec<u8>>, status: u16) -> Load {
    Load {
        address: server.address,
        requests: requests.into(),
        connections: CONNECTIONS,
        status,
        pause: Duration::ZERO,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
