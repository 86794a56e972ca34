//! A running process and its group.
//!
//! A process that has exited keeps its number until it is reaped, and with it the number of its
//! group. So the group is ended and the warden is notified before that, and no signal goes to a
//! stranger that has the number now.

use std::{io, process::ExitStatus, thread, time::Duration};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::{signal::unix, time::timeout};

use crate::warden::{Registered, Warden};

/// How long a process may take to exit after SIGKILL: longer only if the system is stuck.
const KILLED: Duration = Duration::from_secs(10);

/// A process that leads a group of its own. Dropping it ends the group at once.
#[derive(Debug)]
pub(crate) struct Process {
    /// `None` when it is reaped.
    child: Option<std::process::Child>,
    group: Pid,
    /// SIGCHLD.
    changes: unix::Signal,
    /// The warden's knowledge of the group.
    registered: Option<Registered>,
}

impl Process {
    /// `child` must lead its group.
    pub(super) fn new(child: std::process::Child, changes: unix::Signal) -> Self {
        Self { group: Pid::from_child(&child), child: Some(child), changes, registered: None }
    }

    /// From now on `warden` ends it if we are killed.
    pub(super) fn register(&mut self, warden: &Warden) -> io::Result<()> {
        self.registered = Some(warden.register(self.group)?);
        Ok(())
    }

    /// Its number, for the log.
    pub(crate) fn id(&self) -> i32 {
        self.group.as_raw_nonzero().get()
    }

    /// Waits until it has exited. It is not reaped by this.
    pub(crate) async fn exited(&mut self) {
        while !has_exited(self.group) {
            if self.changes.recv().await.is_none() {
                // There are no signals any more, as the runtime ends.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Ends the group at once.
    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        // There may be no process in the group any more.
        let _ = kill_process_group(self.group, signal);
    }

    /// Waits for it to exit, its stdin being closed, and asks more and more urgently for that.
    /// Ends what it has started.
    pub(crate) async fn stop(mut self, grace: Duration) {
        if timeout(grace, self.exited()).await.is_err() {
            self.signal(Signal::TERM);
            if timeout(grace, self.exited()).await.is_err() {
                tracing::warn!(process = self.id(), "Server ignores SIGTERM and is killed");
            }
        }
        self.kill();
        if timeout(KILLED, self.exited()).await.is_ok() {
            // Its status is of no interest: it was ended.
            let _ = self.reap();
        }
    }

    /// What it exited with. It must have exited.
    pub(crate) fn reap(mut self) -> io::Result<ExitStatus> {
        drop(self.registered.take());
        match self.child.take() {
            Some(mut child) => child.wait(),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        self.kill();
        let registered = self.registered.take();
        // A thread of its own, since the runtime may be at its end. Without one the process is not
        // reaped before we end.
        let _ = thread::Builder::new().spawn(move || {
            drop(registered);
            child.wait()
        });
    }
}

/// Whether the process has exited, without reaping it.
fn has_exited(process: Pid) -> bool {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match waitid(WaitId::Pid(process), options) {
        Ok(status) => status.is_some(),
        Err(rustix::io::Errno::INTR) => false,
        // It is no child of ours any more.
        Err(_) => true,
    }
}
