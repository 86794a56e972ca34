//! From the start of a server to its end: the tasks around one child process.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::AsyncRead,
    net::unix::pipe,
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::{
    lines::Lines,
    reader::{ReadEnd, read},
    writer::{WriteEnd, write},
};
use crate::{
    child::{ChildConfig, OutputLog, Started, memory},
    link::{ClosedError, Incoming, Outgoing},
    pool::Slot,
};

/// How long what a process has written is still read after its end. There is no end of it if a
/// process that left the group holds the pipe.
const REST: Duration = Duration::from_millis(500);
/// How long after it closed a pipe a process may exit, and has then ended by itself.
const EXIT: Duration = Duration::from_millis(500);

/// What ends a connection.
enum End {
    /// The process has exited.
    Exited,
    /// It has closed a pipe, mostly because it exits.
    PipeClosed(&'static str),
    /// We end it.
    Ours(&'static str),
}

/// Reads and writes until the process, a bound or the caller ends it.
pub(super) async fn supervise(
    config: Arc<ChildConfig>,
    started: Started,
    outgoing: mpsc::Receiver<Outgoing>,
    incoming: mpsc::Sender<Incoming>,
    slot: Option<Slot>,
) {
    let Started { mut process, stdin, stdout, stderr } = started;
    let (name, id) = (config.name.as_str(), process.id());
    tracing::info!(upstream = name, process = id, "Server started");
    let log = Arc::new(OutputLog::new(&config, id));
    let mut errors = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.write_all(stderr).await }
    });
    let mut reader = Reader::spawn(stdout, incoming.clone(), &config, &log);
    let mut writer = tokio::spawn(write_all(stdin, outgoing, Arc::clone(&config)));

    let end = tokio::select! {
        () = process.exited() => End::Exited,
        end = reader.ended() => end,
        end = &mut writer => end.unwrap_or(End::Ours(FAULT)),
        () = memory::exceeded(id, config.limits.max_memory) => {
            End::Ours("it uses more memory than it may")
        }
    };
    // No new caller gets it.
    if let Some(slot) = &slot {
        slot.close();
    }
    // So its stdin is closed.
    writer.abort();
    let exited = match end {
        End::Exited => true,
        End::PipeClosed(_) => timeout(EXIT, process.exited()).await.is_ok(),
        End::Ours(_) => false,
    };
    match end {
        End::PipeClosed(why) | End::Ours(why) if !exited => {
            tracing::info!(upstream = name, process = id, why, "Server is being ended");
            let stdout = reader.stop().await;
            let stop = async {
                tokio::select! {
                    () = process.stop(config.limits.grace) => {}
                    // What it writes now is for no one, but it must be able to write it.
                    () = discard(stdout) => {}
                }
                drop(slot);
            };
            // Who does not read this does not wait for answers either.
            let (_, ()) =
                tokio::join!(incoming.send(Incoming::Closed(ClosedError::Ended(why))), stop);
        }
        _ => {
            // What it has started.
            process.kill();
            let _ = timeout(REST, reader.ended()).await;
            reader.stop().await;
            let closed = match process.reap() {
                Ok(status) => ClosedError::Exited(status),
                Err(_) => ClosedError::Ended("it has exited"),
            };
            tracing::warn!(upstream = name, process = id, %closed, "Server ended");
            drop(slot);
            // As above.
            let _ = incoming.send(Incoming::Closed(closed)).await;
        }
    }
    drop(incoming);
    if timeout(REST, &mut errors).await.is_err() {
        errors.abort();
    }
}

/// Why a connection ends if one of its tasks panics.
const FAULT: &str = "a fault of the gateway";

/// Reads and drops all there is. Never returns.
async fn discard(stdout: Option<pipe::Receiver>) {
    if let Some(mut stdout) = stdout {
        let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
    }
    std::future::pending::<()>().await;
}

/// The task that writes.
async fn write_all(
    mut stdin: pipe::Sender,
    mut outgoing: mpsc::Receiver<Outgoing>,
    config: Arc<ChildConfig>,
) -> End {
    let limits = &config.limits;
    match write(&mut stdin, &mut outgoing, limits.queue.max(1), limits.write_timeout).await {
        WriteEnd::NotWanted => End::Ours("it is no longer needed"),
        WriteEnd::NotRead => End::Ours("it does not read what it is sent"),
        WriteEnd::Closed => End::PipeClosed("it has closed its input"),
    }
}

/// The task that reads.
struct Reader<R> {
    task: JoinHandle<(ReadEnd, R)>,
    stop: oneshot::Sender<()>,
    /// What is behind all that was read, once the task has ended.
    rest: Option<R>,
    is_ended: bool,
}

impl<R: AsyncRead + Unpin + Send + 'static> Reader<R> {
    fn spawn(
        stdout: R,
        to: mpsc::Sender<Incoming>,
        config: &Arc<ChildConfig>,
        log: &Arc<OutputLog>,
    ) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (config, log) = (Arc::clone(config), Arc::clone(log));
        let task = tokio::spawn(async move {
            let mut lines = Lines::new(stdout, config.limits.max_message);
            let end = tokio::select! {
                end = read(&mut lines, &to, &config.limits, &log) => end,
                _ = stopped => ReadEnd::NotWanted,
            };
            (end, lines.into_input())
        });
        Self { task, stop, rest: None, is_ended: false }
    }

    /// Waits for its end.
    async fn ended(&mut self) -> End {
        if self.is_ended {
            return End::PipeClosed("it has closed its output");
        }
        let end = (&mut self.task).await;
        self.is_ended = true;
        let Ok((end, rest)) = end else { return End::Ours(FAULT) };
        self.rest = Some(rest);
        match end {
            ReadEnd::Closed => End::PipeClosed("it has closed its output"),
            ReadEnd::Garbage => End::Ours("it writes what is no message"),
            ReadEnd::NotWanted => End::Ours("it is no longer needed"),
        }
    }

    /// Ends it. After this it passes on nothing.
    async fn stop(self) -> Option<R> {
        let Self { task, stop, rest, is_ended } = self;
        drop(stop);
        if is_ended { rest } else { task.await.ok().map(|(_, rest)| rest) }
    }
}
