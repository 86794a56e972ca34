//! Instructions for each request, counted by callgrind: the same whatever else the machine does.

use std::{
    fmt::Write,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use crate::{
    calls::{self, Revision},
    load::Load,
    process::{SERVER_CORE, Server},
};

/// How many requests are counted, and how many go before them that are not.
const COUNT: usize = 400;
const WARM_UP: usize = 200;

/// How much more a guarded call may take with metrics; and a request, with metrics and the audit
/// log. Valgrind knows no SHA extensions: a digest of short arguments takes 2100 instructions
/// there, and about a tenth of that on a processor that has them.
const METRICS: f64 = 1.05;
const AUDIT: f64 = 1.05;

/// What is sent: with a good token, one that is bad in the way of that name, or none.
#[derive(Clone, Copy)]
enum Sent {
    Good,
    Bad(&'static str),
    Nothing,
}

/// Prints how many instructions a call takes: of every peer, or with `most` of `naive`, `guarded`,
/// `measured` and `audited` alone, and then fails if the second takes more than that share of the
/// first, the third more than [`METRICS`] of the second, or the fourth more than [`AUDIT`] of it.
/// Both revisions are counted at once, each on a core of its own: what else runs there does not
/// count.
pub(crate) fn compare(peer: &Path, most: Option<f64>) -> ExitCode {
    let others: &[&str] = match most {
        Some(_) => &["guarded", "measured", "audited"],
        None => &["canned", "bare", "looped", "guarded", "measured", "audited"],
    };
    let reports = thread::scope(|scope| {
        let counts = Revision::ALL.into_iter().enumerate().map(|(core, revision)| {
            scope.spawn(move || one_revision(peer, core, revision, others, most))
        });
        let running: Vec<_> = counts.collect();
        running.into_iter().map(|it| it.join().unwrap()).collect::<Vec<_>>()
    });
    let mut code = ExitCode::SUCCESS;
    for (report, is_within) in reports {
        print!("{report}");
        if !is_within {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// The table of one revision, and whether `guarded` keeps to `most`.
fn one_revision(
    peer: &Path,
    core: usize,
    revision: Revision,
    others: &[&str],
    most: Option<f64>,
) -> (String, bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let count = |name| runtime.block_on(count_on(core, peer, name, &[], revision, Sent::Good));
    let naive = count("naive").total;
    let title = format!("instructions for each call, {}", revision.name());
    let mut report = format!("\n{title}\n{:34} {naive:9.0}\n", "naive");
    let (mut is_within, mut guarded) = (true, naive);
    for name in others {
        let counted = count(name);
        let instructions = counted.total;
        let ratio = instructions / naive;
        writeln!(report, "{name:34} {instructions:9.0}   {ratio:.3} of naive's").unwrap();
        if *name == "guarded" && most.is_some_and(|most| ratio > most) {
            writeln!(report, "FAILED: at most {} is allowed", most.unwrap_or_default()).unwrap();
            is_within = false;
        }
        if *name == "guarded" {
            guarded = instructions;
        }
        let (what, counted, bound) = match *name {
            "measured" => ("metrics", instructions, METRICS),
            // Its thread writes while no request waits for it.
            "audited" => {
                let aside = counted.last_thread;
                writeln!(report, "{:34} {aside:9.0}", "of these, in the thread that writes")
                    .unwrap();
                ("metrics and audit log, of a request", instructions - aside, AUDIT)
            }
            _ => continue,
        };
        let (more, ratio) = (counted - guarded, counted / guarded);
        writeln!(report, "{what:34} {more:9.0}   {ratio:.3} of guarded").unwrap();
        if most.is_some() && ratio > bound {
            writeln!(report, "FAILED: at most {bound} is allowed").unwrap();
            is_within = false;
        }
    }
    (report, is_within)
}

/// Prints how many instructions a call takes with traces of every call, beside one without: of a
/// peer that was built with the feature `traces`.
pub(crate) async fn traces(peer: &Path) {
    for revision in Revision::ALL {
        println!("\ninstructions for each call, {}", revision.name());
        let guarded = count(peer, "guarded", &[], revision, Sent::Good).await;
        let traced = count(peer, "traced", &[], revision, Sent::Good).await;
        println!("{:34} {guarded:9.0}", "guarded");
        println!("{:34} {traced:9.0}   {:.3} of guarded", "traced", traced / guarded);
    }
}

/// Prints how many instructions a refusal takes, beside an answer that stands ready, and a call of
/// a server with much of everything beside one with little.
pub(crate) async fn more(peer: &Path) {
    let revision = Revision::V2025;
    println!("\ninstructions for each refusal");
    let canned = count(peer, "canned", &[], revision, Sent::Good).await;
    println!("{:34} {canned:9.0}", "axum, canned");
    for (algorithm, sent) in [
        ("HS256", Sent::Nothing),
        ("HS256", Sent::Bad("expired")),
        ("ES256", Sent::Bad("expired")),
        ("ES256", Sent::Bad("other_issuer")),
        ("ES256", Sent::Bad("other_audience")),
        ("ES256", Sent::Bad("unknown_key")),
        ("HS256", Sent::Bad("bad_signature")),
    ] {
        let flags = ["--algorithm", algorithm];
        let instructions = count(peer, "guarded", &flags, revision, sent).await;
        let what = match sent {
            Sent::Bad(how) => how,
            _ => "no token",
        };
        let ratio = instructions / canned;
        println!("{algorithm} {what:28} {instructions:9.0}   {ratio:.3} of canned");
    }

    println!("\ninstructions for each call of a server with much of everything");
    let little = count(peer, "guarded", &[], revision, Sent::Good).await;
    println!("{:34} {little:9.0}", "little of everything");
    let shapes = [
        ("--rules", "10000"),
        ("--issuers", "50"),
        ("--algorithm", "ES256"),
        ("--algorithm", "RS256"),
    ];
    for (flag, value) in shapes {
        let instructions = count(peer, "guarded", &[flag, value], revision, Sent::Good).await;
        let ratio = instructions / little;
        println!("{flag:11} {value:22} {instructions:9.0}   {ratio:.3} of little");
    }
    let one = count(peer, "tools", &["--tools", "1"], revision, Sent::Good).await;
    let twenty = count(peer, "tools", &["--tools", "20"], revision, Sent::Good).await;
    println!("{:34} {one:9.0}", "a server with one tool");
    println!("{:34} {twenty:9.0}   {:.3} of one", "with 20 tools", twenty / one);
}

async fn count(peer: &Path, name: &str, flags: &[&str], revision: Revision, sent: Sent) -> f64 {
    count_on(SERVER_CORE, peer, name, flags, revision, sent).await.total
}

/// The instructions of one request.
struct Counted {
    total: f64,
    /// Of the thread that was started last.
    last_thread: f64,
}

async fn count_on(
    core: usize,
    peer: &Path,
    name: &str,
    flags: &[&str],
    revision: Revision,
    sent: Sent,
) -> Counted {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let flag = format!("--callgrind-out-file={}", out.display());
    let valgrind = ["valgrind", "--tool=callgrind", "--separate-threads=yes", &flag];
    let server = Server::peer_under(&valgrind, core, peer, name, flags);
    let (token, status) = match sent {
        Sent::Good => (Some(server.valid()[0]), 200),
        Sent::Bad(how) => (Some(server.bad(how)), 401),
        Sent::Nothing => (None, 401),
    };
    let load = Load {
        address: server.address,
        requests: vec![calls::get_time(revision, token)].into(),
        sent: std::sync::Arc::default(),
        connections: 1,
        status,
        pause: Duration::ZERO,
        each: false,
    };
    load.run_count(WARM_UP).await;
    // What went before is not counted: the start, and noise that is gathered for keys.
    let zero = Command::new("callgrind_control")
        .args(["--zero", &server.id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(zero.unwrap().success(), "callgrind does not listen");
    assert_eq!(load.run_count(COUNT).await.count(), COUNT);
    server.end();
    // A file for each thread, named after its number.
    let files = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| *path != out).collect();
    files.sort();
    let counts = files.iter().map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        total.and_then(|total| total.trim().parse::<f64>().ok()).unwrap() / COUNT as f64
    });
    let counts: Vec<_> = counts.collect();
    Counted { total: counts.iter().sum(), last_thread: *counts.last().unwrap() }
}
