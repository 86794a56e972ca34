//! From a configuration to a server that is asked to stop: open, print, serve, stop.
//!
//! 1. What lasts as long as the process is opened first, then the sockets ([`Sockets`]). Nothing is
//!    printed before, so what is printed holds.
//! 2. Jobs run, and what is served is in force, before the first caller is accepted ([`Running`]).
//! 3. At a stop requests under way may end. Then end the jobs, the audit log, the traces and the
//!    directory, in this order: what a request has caused is recorded and sent.

mod announcement;
mod next_step;
mod running;
mod sockets;
mod warnings;

use std::{
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use auth_core::{Clock, SystemClock};
use listener::{descriptors, signals::Signals};
use settings::{EnvFile, Environment};
use terminal::{Invocation, Program};

use self::{announcement::announcement, running::Running, sockets::Sockets};
use crate::{
    app::{
        foundation::Foundation,
        generation::served_resources,
        served::{Reread, Served},
        settings_files::SettingsFiles,
    },
    failure::Failure,
};

/// What a server starts with.
pub(super) struct Start {
    /// What is served.
    pub(super) served: Served,
    /// Where that is written down.
    pub(super) files: SettingsFiles,
    /// How it is read again.
    pub(super) reread: Box<dyn Reread>,
}

/// Serves until a signal asks to stop.
pub(super) async fn serve_until(
    signals: &mut Signals,
    start: Start,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Served { config, upstreams, .. } = &start.served;
    let command = invocation.program(Program::Server);
    let opening = Foundation::open(config, served_resources(config, upstreams), &clock, command);
    let mut foundation = Box::pin(opening).await?;
    let start_code = foundation.start_code.take();
    let sockets = Sockets::open(config, &clock).await?;
    let address = sockets.address;
    warnings::of_variables(env_file, environment);
    warnings::of_settings(config, address, &foundation.directory, invocation).await?;
    if let Some(shortage) = descriptors::raise(config.bounds.connections) {
        tracing::warn!("{shortage}");
    }
    let is_terminal = io::stdout().is_terminal();
    let text = announcement(&start.served, &sockets, is_terminal, invocation);
    let running = Box::pin(Running::start(foundation, start, sockets, clock)).await?;
    write!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::output)?;
    if let Some(start_code) = start_code {
        start_code.offer(address, is_terminal, running.audit(), invocation, out).await?;
    }
    running.serve(signals).await
}
