//! Starting a server.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{Command, Stdio},
    sync::Arc,
};

use tokio::{
    net::unix::pipe,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{ChildConfig, Process, program};
use crate::warden::Warden;

/// A server that runs, and its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Process,
    pub(crate) stdin: pipe::Sender,
    pub(crate) stdout: pipe::Receiver,
    pub(crate) stderr: pipe::Receiver,
}

/// Starts the server. `warden` knows its group when this returns.
pub(crate) async fn start(config: &Arc<ChildConfig>, warden: &Warden) -> io::Result<Started> {
    // Before there is a process, so that its end is not missed.
    let changes = signal(SignalKind::child())?;
    let (config, warden) = (Arc::clone(config), warden.clone());
    // If this future is dropped, so is the process.
    let spawned = tokio::task::spawn_blocking(move || spawn(&config, &warden, changes));
    let (process, [stdin, stdout, stderr]) = spawned.await.map_err(io::Error::other)??;
    Ok(Started {
        process,
        stdin: pipe::Sender::from_owned_fd(stdin)?,
        stdout: pipe::Receiver::from_owned_fd(stdout)?,
        stderr: pipe::Receiver::from_owned_fd(stderr)?,
    })
}

fn spawn(
    config: &ChildConfig,
    warden: &Warden,
    changes: Signal,
) -> io::Result<(Process, [OwnedFd; 3])> {
    if config.limits.max_memory.is_some() && !cfg!(target_os = "linux") {
        let reason = "a bound on the memory of a server needs Linux";
        return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
    }
    let mut command = Command::new(program::find(&config.program, config.environment.path())?);
    command
        .args(&config.arguments)
        .env_clear()
        .envs(config.environment.variables().map_err(io::Error::other)?)
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(directory) = &config.directory {
        command.current_dir(directory);
    }
    let mut child = command.spawn()?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let mut process = Process::new(child, changes);
    process.register(warden)?;
    let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    Ok((process, [stdin.into(), stdout.into(), stderr.into()]))
}
