//! How much a call costs: our server beside others, in turns, by CPU time for each request.
//!
//! `measure PEER_STOCK PEER_OURS SERVER [quick] [NAME …]`: `PEER_STOCK` is the example `peer` built as
//! cargo builds for release by default, `PEER_OURS` the same built as our programs are, `SERVER` the server.
//! `docs/performance.md` tells how to read what it prints.
//!
//! `measure instructions PEER_STOCK PEER_OURS [MOST]`: the same in instructions, which do not depend on what
//! else the machine does (needs valgrind). An error if ours takes more than `MOST` of naive's. With `more` in
//! the place of `MOST`: refusals, and servers with much of everything.
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
mod scenes;
mod streams;
mod wire;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use scenes::Programs;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if(|it| it == "instructions").is_some() {
        let (Some(stock), Some(ours)) = (args.next(), args.next()) else { return usage() };
        let (stock, ours) = (PathBuf::from(stock), PathBuf::from(ours));
        return match args.next() {
            Some(more) if more == "more" => {
                instructions::more(&stock, &ours).await;
                ExitCode::SUCCESS
            }
            most => {
                let most = most.map(|text| text.parse().unwrap());
                instructions::compare(&stock, &ours, most).await
            }
        };
    }
    let (Some(stock), Some(ours), Some(server)) = (args.next(), args.next(), args.next()) else {
        return usage();
    };
    let quick = args.next_if(|it| it == "quick").is_some();
    let (rounds, length) = if quick { (3, 500) } else { (7, 2000) };
    let programs = Programs {
        stock: stock.into(),
        ours: ours.into(),
        server: server.into(),
        rounds,
        length: Duration::from_millis(length),
    };
    process::pin(std::process::id(), process::GENERATOR_CORE);
    scenes::play(&programs, &args.collect::<Vec<_>>()).await;
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: measure PEER_STOCK PEER_OURS SERVER [quick] [SCENE ...]");
    eprintln!("       measure instructions PEER_STOCK PEER_OURS [MOST | more]");
    ExitCode::from(2)
}
