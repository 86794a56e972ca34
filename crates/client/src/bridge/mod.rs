//! `client bridge`: stdio for a program that knows nothing else, streamable HTTP to the server.
//!
//! It has both transports of both generations of MCP: sessions up to 2025-11-25, and requests that
//! carry their version since 2026-07-28. What a program says is of one generation, and the server
//! gets it so: nothing is translated.
//!
//! 1. Messages are passed on as they came, unknown members included, and in their order
//!    ([`message`], [`deliver`], [`lane`]).
//! 2. The token is obtained, renewed and upgraded as in every run of the client, and the request
//!    waits for it ([`tokens`]).
//! 3. A message is sent to the server once. Each request is answered once, with an error of ours
//!    where the server has no answer ([`send`], [`call`]).
//! 4. Nothing but messages goes to stdout. The log on stderr is quiet ([`log`]).
//! 5. What one program and one server can hold is bounded: lines, messages, requests, queues.
//! 6. The end of stdin, SIGTERM and Ctrl-C end it within a second, after the session. A renewal of
//!    the token that has begun has five seconds.
//!
//! **Invariant:** rmcp is not between the two: what it does not know would be lost.

mod call;
mod calls;
mod deliver;
mod headers;
mod input;
mod lane;
mod link;
mod log;
mod message;
mod output;
mod params;
mod problem;
mod send;
mod session;
mod sse;
mod stream;
mod tokens;

use std::{
    io::{Read, Write},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::LocalSet,
    time::{Instant, sleep, timeout},
};

use crate::{args::BridgeArgs, config::Config, failure::Failure, interrupt::interrupted};
use input::Input;
use lane::Lane;
use link::Link;
use log::Log;
use output::Output;
use tokens::{Asking, Tokens};

/// How long requests without an answer go on after the end of the input.
const DRAIN_TIME: Duration = Duration::from_millis(300);
/// How long the last messages to the program may take.
const FLUSH_TIME: Duration = Duration::from_millis(100);

/// Passes messages on until one side ends.
pub(crate) async fn run(
    config: Config,
    args: &BridgeArgs,
    stdin: impl Read + Send + 'static,
    stdout: impl Write + Send + 'static,
) -> Result<(), Failure> {
    let config = Arc::new(config);
    let asking = Asking { signs_in: !args.no_sign_in, by_device: args.device };
    let tokens = Tokens::new(Arc::clone(&config), asking);
    let (output, log) = (Output::new(stdout), Log::new(args.verbose));
    let link = Link::new(Arc::clone(&config), tokens, output, log);
    let link = link.map_err(|error| Failure::from_outbound(&error, &config.context(None)))?;
    let link = Arc::new(link);
    // A sign-in cannot move between threads, and there is one thread.
    LocalSet::new().run_until(pass_on(&link, input::lines(stdin))).await;
    Ok(())
}

async fn pass_on(link: &Arc<Link>, input: mpsc::Receiver<Input>) {
    let lane = Lane::new(link);
    let ended = tokio::select! {
        biased;
        () = stopped() => "a signal",
        () = link.output.broken() => "the program does not read any more",
        () = take_all(&lane, input) => {
            drain(link, &lane).await;
            "the end of the input"
        }
    };
    link.log.step(|| ended.to_owned());
    for call in link.calls.take_all() {
        if let Some(task) = call.task {
            task.abort();
        }
    }
    link.sessions.stream(None);
    link.end_session(&link.sessions.now()).await;
    let _ = timeout(FLUSH_TIME, link.output.written()).await;
    link.tokens.settled().await;
}

async fn take_all(lane: &Lane, mut input: mpsc::Receiver<Input>) {
    while let Some(line) = input.recv().await {
        lane.take(line).await;
    }
}

/// Lets what was read before the end be answered.
async fn drain(link: &Link, lane: &Lane) {
    let deadline = Instant::now() + DRAIN_TIME;
    while !(lane.is_idle() && link.calls.is_empty()) && Instant::now() < deadline {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Resolves when the process is to end.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminated.recv() => {}
                () = interrupted() => {}
            }
            return;
        }
    }
    interrupted().await;
}
