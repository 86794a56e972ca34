//! What is compared with what.

use std::time::Duration;

use auth_core::Algorithm;
use testkit::TestKey;

use crate::{
    calls::{self, Revision},
    load::{CONNECTIONS, Latencies, Load},
    process::Server,
    report::{Programs, Row, load, median, table},
    streams, tls,
};

/// Plays the scenes that are named, or all.
pub(crate) async fn play(programs: &Programs, named: &[String]) {
    let wanted = |name: &str| named.is_empty() || named.iter().any(|it| it == name);
    if wanted("calls") {
        for revision in Revision::ALL {
            all_calls(programs, revision).await;
        }
    }
    if wanted("audit") {
        for revision in Revision::ALL {
            audit(programs, revision).await;
        }
    }
    if wanted("first") {
        first_use(programs).await;
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
    if wanted("tls") {
        tls::scene(programs).await;
    }
    if wanted("sse") {
        streams::calls(programs).await;
    }
    if wanted("streams") {
        streams::many(programs).await;
    }
}

/// A token that was seen before, under every algorithm, beside all the others.
async fn all_calls(programs: &Programs, revision: Revision) {
    let peer = &programs.peer;
    let mut rows = vec![
        Row::call("naive", Server::peer(peer, "naive", &[]), revision),
        Row::call("axum, canned", Server::peer(peer, "canned", &[]), revision),
        Row::call("rmcp, bare", Server::peer(peer, "bare", &[]), revision),
        Row::call("rmcp, as we set it up", Server::peer(peer, "looped", &[]), revision),
        Row::call("rmcp behind our guard", Server::peer(peer, "guarded", &[]), revision),
    ];
    for algorithm in Algorithm::ALL {
        let server = Server::peer(peer, "app", &["--algorithm", algorithm.name()]);
        rows.push(Row::call(&format!("ours, {}", algorithm.name()), server, revision));
    }
    let key = TestKey::generate(Algorithm::Es256);
    let server = Server::ours(&programs.server, &key, "warn");
    rows.push(Row::call("the program, log at warn", server, revision));
    let server = Server::ours(&programs.server, &key, "info");
    rows.push(Row::call("the program, log at info", server, revision));
    let title = format!("get_time, {}, {CONNECTIONS} connections", revision.name());
    table(programs, &title, rows, &["naive", "rmcp, as we set it up", "axum, canned"]).await;
}

/// What metrics and the audit log cost: the time of its thread is in it.
async fn audit(programs: &Programs, revision: Revision) {
    let row =
        |title: &str, name| Row::call(title, Server::peer(&programs.peer, name, &[]), revision);
    let rows = vec![
        row("guarded", "guarded"),
        row("with metrics", "measured"),
        row("with metrics and the audit log", "audited"),
    ];
    let title = format!("the audit log, {}, {CONNECTIONS} connections", revision.name());
    table(programs, &title, rows, &["guarded"]).await;
}

/// A token that was not seen before, for each algorithm.
async fn first_use(programs: &Programs) {
    for algorithm in Algorithm::ALL {
        let seen = ["--algorithm", algorithm.name()];
        let unseen = ["--algorithm", algorithm.name(), "--tokens", "30000"];
        let rows = vec![
            Row::call("seen", Server::peer(&programs.peer, "app", &seen), Revision::V2025),
            Row::call("unseen", Server::peer(&programs.peer, "app", &unseen), Revision::V2025),
        ];
        let title = format!("first use of a token, {}", algorithm.name());
        table(programs, &title, rows, &["seen"]).await;
    }
}

/// Refusals, beside an answer that stands ready.
async fn refusals(programs: &Programs) {
    for algorithm in [Algorithm::Hs256, Algorithm::Es256] {
        let flags = ["--algorithm", algorithm.name()];
        let server = || Server::peer(&programs.peer, "app", &flags);
        let canned = Server::peer(&programs.peer, "canned", &[]);
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
    let shapes: [(&str, &[&str]); 5] = [
        ("as it is", &[]),
        ("10,000 rules more", &["--rules", "10000"]),
        ("50 issuers more", &["--issuers", "50"]),
        ("100,000 users more", &["--users", "100000"]),
        ("1,000,000 users more", &["--users", "1000000"]),
    ];
    let rows = shapes.map(|(name, flags)| {
        Row::call(name, Server::peer(&programs.peer, "app", flags), Revision::V2025)
    });
    table(programs, "much of everything", rows.into(), &["as it is"]).await;

    let rows = ["1", "20"].map(|count| {
        let server = Server::peer(&programs.peer, "tools", &["--tools", count]);
        Row::call(count, server, Revision::V2025)
    });
    table(programs, "many tools", rows.into(), &["1"]).await;
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
    println!("{:24} {:>12} {:>12} {:>12}", "beside", "valid, 1/s", "bad, 1/s", "share");
    let server = Server::peer(&programs.peer, "app", &["--algorithm", "ES256"]);
    let half = |token: &str, status| Load {
        connections: CONNECTIONS / 2,
        ..load(&server, vec![calls::get_time(Revision::V2025, Some(token))], status)
    };
    let valid = half(server.valid()[0], 200);
    let names = ["valid", "expired", "unknown_key", "bad_signature"];
    let mut rates = names.map(|_| Vec::new());
    for _ in 0..programs.rounds {
        for (name, rates) in names.iter().zip(&mut rates) {
            let other = match *name {
                "valid" => valid.clone(),
                bad => half(server.bad(bad), 401),
            };
            let (good, bad) = tokio::join!(valid.run(programs.length), other.run(programs.length));
            let rate = |seen: &Latencies| seen.count() as f64 / programs.length.as_secs_f64();
            rates.push((rate(&good), rate(&bad)));
        }
    }
    for (name, own) in names.iter().zip(&rates) {
        // Of as many valid calls each half gets its share; a ratio is that within a round.
        let share = own.iter().zip(&rates[0]).map(|(own, fair)| own.0 / fair.0);
        println!(
            "{name:24} {:12.0} {:12.0} {:12.2}",
            median(own.iter().map(|it| it.0)),
            median(own.iter().map(|it| it.1)),
            median(share)
        );
    }
}

/// At half of full load, the slowest beside the middle.
async fn half_load(programs: &Programs) {
    let server = Server::peer(&programs.peer, "app", &[]);
    let full = load(&server, vec![calls::get_time(Revision::V2025, Some(server.valid()[0]))], 200);
    let most = full.run(programs.length).await.count() as f64 / programs.length.as_secs_f64();
    // Every connection waits after each answer; for how long, a few tries tell.
    // Four times as many connections, as a pause has whole milliseconds.
    let connections = 4 * CONNECTIONS;
    let pause = Duration::from_secs_f64(2.0 * connections as f64 / most);
    let mut half = Load { connections, pause, ..full };
    let rate = |seen: &Latencies| seen.count() as f64 / programs.length.as_secs_f64();
    for _ in 0..4 {
        let got = rate(&half.run(programs.length).await);
        half.pause = half.pause.mul_f64(2.0 * got / most);
    }
    let seen = half.run(programs.length).await;
    let rate = rate(&seen);
    println!(
        "\nat {:.2} of full load: p50 {:.0} us, p99 {:.0} us, p99.9 {:.0} us: {:.1} times p50",
        rate / most,
        seen.within(0.5),
        seen.within(0.99),
        seen.within(0.999),
        seen.within(0.999) / seen.within(0.5)
    );
}
