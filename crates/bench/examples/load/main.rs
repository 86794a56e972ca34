//! Load: the real server with some 450 connections open at once, most of them hostile.
//!
//! `load SERVER_BINARY PEER_BINARY SECONDS` starts the server on a free loopback port in a folder
//! of its own and ends with an error if one of these does not hold:
//!
//! 1. Every class of callers ([`CAST`]) gets the answers that the negative matrix in
//!    `docs/security.md` has for it, and no other. A slow caller is closed after the 30 s of the
//!    limits.
//! 2. Valid calls go on beside the flood: there are some in every second.
//! 3. Memory is flat: after a warm-up it stays within [`GROWTH`] of what it was.
//! 4. When all have gone, the server still answers, holds no connection more than at the start, and
//!    ends well when it is told to.
//! 5. All this is so over TLS, by HTTP/1.1 and HTTP/2, and with everything on that an operator may
//!    have: an audit log, metrics, rates, and a policy that changes every second. Each valid call
//!    is counted and recorded, and the log verifies ([`operator`]).
//! 6. While nobody reads the log, calls are refused, health is answered, and the server ends when
//!    it is told to ([`unread`]).
//! 7. One user who fills every connection with bodies does not fill the memory ([`bodies`]).
//! 8. Tools that panic (`PEER_BINARY` is the example `peer`, which has one) disturb no other call
//!    ([`panics`]).
//! 9. Wrong passwords from many addresses are answered, and calls go on beside them ([`sign_ins`]).
//!    With 0 seconds only this is done.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the gate: it says what it saw, and stops where it cannot go on"
)]

mod bodies;
mod callers;
mod cast;
mod http2;
mod operator;
mod panics;
mod secured;
mod server;
mod sign_ins;
mod tally;
mod unread;
mod wire;

use std::{
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use callers::Plan;
use cast::{CAST, Class};
use server::Server;
use tally::Tally;
use tokio::task::JoinSet;

/// How much more memory, in KiB, may be resident after the warm-up than was at its highest in it:
/// what the ten bodies that are streamed take if all are there at once, and a little. A leak of a
/// kibibyte for each answer would be as much in half a minute.
const GROWTH: u64 = 48 * 1024;
/// How much earlier valid callers connect than others: all handshakes at once take a slow machine
/// more than a second.
const AHEAD: Duration = Duration::from_millis(500);
/// Connections that the server keeps for its next questions to the issuer that is asked.
const QUESTIONS: usize = 32;
/// How long the slow ones may need beyond the flood, at most: a timeout of the server's, and some.
const PATIENCE: Duration = Duration::from_secs(95);

#[tokio::main]
async fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let (Some(program), Some(peer), Some(Ok(seconds)), None) =
        (args.next(), args.next(), args.next().map(|text| text.parse::<u64>()), args.next())
    else {
        eprintln!("usage: load SERVER_BINARY PEER_BINARY SECONDS");
        return ExitCode::from(2);
    };
    if seconds == 0 {
        return end(&sign_ins::faults(Path::new(&program)).await);
    }
    // The warm-up is a half, and what comes after it must be long enough to see something.
    let seconds = seconds.max(15);
    let asked = server::asked().await;
    let (server, place, tokens, mut operator) = Server::start(Path::new(&program), &asked);
    let at_rest = server.sockets();
    let begun = Instant::now();
    let plan = Plan::new(place, tokens, begun, Duration::from_secs(seconds));

    let mut callers = JoinSet::new();
    for (class, connections) in CAST {
        for _ in 0..connections {
            let plan = plan.clone();
            callers.spawn(async move {
                if class != Class::Valid {
                    tokio::time::sleep(AHEAD).await;
                }
                if class.is_http2() {
                    http2::call(class, plan).await
                } else {
                    callers::call(class, plan).await
                }
            });
        }
    }
    let mut memory = Vec::new();
    let mut tally = Tally::default();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    while begun.elapsed() < plan.length + PATIENCE {
        tokio::select! {
            _ = second.tick() => {
                memory.push(server.resident());
                operator.change_the_policy();
            }
            ended = callers.join_next() => match ended {
                Some(one) => tally.add(one.unwrap()),
                None => break,
            },
        }
    }
    println!("{}", tally.table());
    let mut faults = tally.faults(seconds);
    if !callers.is_empty() {
        faults.push(format!("{} callers never came to an end", callers.len()));
        callers.shutdown().await;
    }
    faults.extend(judge_memory(&memory, usize::try_from(seconds / 2).unwrap()));

    // Connections that were given up are closed by the server when it next looks at them.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = callers::once(&plan, Class::Valid).await;
    if after != Some(200) {
        faults.push(format!("after all that a valid call was answered with {after:?}"));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let left = server.sockets();
    println!("open sockets: {at_rest} before, {left} after");
    if left > at_rest + QUESTIONS {
        faults.push(format!("{left} sockets are open, {at_rest} were at the start"));
    }
    let valid = tally.count_of(Class::Valid);
    faults.extend(operator.faults(valid));
    let (code, _folder) = server.terminate();
    if code != Some(0) {
        faults.push(format!("the server ended with {code:?}"));
    }
    faults.extend(operator.faults_of_the_log(valid));
    faults.extend(unread::faults(Path::new(&program)).await);
    faults.extend(bodies::faults(Path::new(&program)).await);
    faults.extend(panics::faults(Path::new(&peer)).await);
    faults.extend(sign_ins::faults(Path::new(&program)).await);
    end(&faults)
}

fn end(faults: &[String]) -> ExitCode {
    for fault in faults {
        eprintln!("FAILED: {fault}");
    }
    if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge_memory(resident: &[u64], warm_up: usize) -> Option<String> {
    let (before, after) = resident.split_at(warm_up.min(resident.len()));
    let highest = |samples: &[u64]| samples.iter().max().copied().unwrap_or_default();
    let mib = |kib: u64| kib / 1024;
    println!(
        "resident memory: {} MiB at the start, at most {} MiB in the first {warm_up} s and {} MiB after, {} MiB at the end",
        mib(resident.first().copied().unwrap_or_default()),
        mib(highest(before)),
        mib(highest(after)),
        mib(resident.last().copied().unwrap_or_default()),
    );
    let grown = highest(after).saturating_sub(highest(before));
    (after.is_empty() || grown > GROWTH)
        .then(|| format!("resident memory grew by {} MiB after the warm-up", mib(grown)))
}
