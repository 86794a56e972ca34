//! How much a call costs: our server beside others, in turns, by CPU time for each request.
//!
//! `measure PEER SERVER [quick] [NAME …]`: `PEER` is the example `peer`, `SERVER` the server, both
//! built for release. `docs/performance.md` explains the output.
//!
//! `measure instructions PEER [MOST | all | more]`: instructions for each call, counted by
//! valgrind, which do not depend on what else the machine does. Counts a call behind our guard
//! beside one behind a hand-written guard; an error if ours takes more than `MOST` of it. `all`
//! counts every peer, `more` refusals, and servers with much of everything.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::cast_precision_loss,
    clippy::indexing_slicing,
    reason = "a program for measuring: it says what it saw, and stops where it cannot go on"
)]

mod calls;
mod instructions;
mod load;
mod process;
mod report;
mod scenes;
mod streams;
mod tls;
mod wire;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use report::Programs;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|it| it == "instructions").is_some() {
        let Some(peer) = args.next().map(PathBuf::from) else { return usage() };
        return match args.next().as_deref() {
            Some("more") => {
                instructions::more(&peer).await;
                ExitCode::SUCCESS
            }
            Some("traces") => {
                instructions::traces(&peer).await;
                ExitCode::SUCCESS
            }
            Some("all") => instructions::compare(&peer, None),
            most => {
                instructions::compare(&peer, Some(most.map_or(f64::MAX, |it| it.parse().unwrap())))
            }
        };
    }
    let (Some(peer), Some(server)) = (args.next(), args.next()) else { return usage() };
    let quick = args.next_if(|it| it == "quick").is_some();
    let (rounds, length) = if quick { (3, 500) } else { (7, 2000) };
    let programs = Programs {
        peer: peer.into(),
        server: server.into(),
        rounds,
        length: Duration::from_millis(length),
    };
    process::pin(std::process::id(), process::GENERATOR_CORE);
    scenes::play(&programs, &args.collect::<Vec<_>>()).await;
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: measure PEER SERVER [quick] [SCENE ...]");
    eprintln!("       measure instructions PEER [MOST | all | more]");
    ExitCode::from(2)
}
