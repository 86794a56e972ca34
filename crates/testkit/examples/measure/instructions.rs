//! Instructions for each request, counted by callgrind: the same whatever else the machine does.

use std::{
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use crate::{
    calls::{self, Revision},
    load::Load,
    process::Server,
};

/// How many requests are counted, and how many go before them that are not.
const COUNT: usize = 400;
const WARM_UP: usize = 200;

/// Prints how many instructions a call takes, and fails if ours takes more than `most` of naive's.
pub(crate) async fn compare(stock: &Path, ours: &Path, most: Option<f64>) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for revision in Revision::ALL {
        println!("\ninstructions for each request, {}", revision.name());
        let naive = count(stock, "naive", revision).await;
        for (program, name) in
            [(stock, "canned"), (stock, "bare"), (ours, "unguarded"), (ours, "guarded")]
        {
            let instructions = count(program, name, revision).await;
            let ratio = instructions / naive;
            println!("{name:10} {instructions:9.0}   {ratio:.3} of naive's {naive:.0}");
            if name == "guarded" && most.is_some_and(|most| ratio > most) {
                eprintln!("FAILED: at most {} of naive's is allowed", most.unwrap_or_default());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

async fn count(program: &Path, name: &str, revision: Revision) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let flag = format!("--callgrind-out-file={}", out.display());
    let valgrind = ["valgrind", "--tool=callgrind", &flag];
    let server = Server::peer_under(&valgrind, program, name, &[]);
    let load = Load {
        address: server.address,
        requests: vec![calls::get_time(revision, Some(server.valid()[0]))].into(),
        connections: 1,
        status: 200,
        pause: Duration::ZERO,
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
    let text = fs::read_to_string(out).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|total| total.trim().parse::<f64>().ok()).unwrap() / COUNT as f64
}
