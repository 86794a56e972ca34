//! A server for tests, as a process that ends with the one that started it, however that ended.

use std::{
    fs,
    io::{self, Error},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long anything that it is asked for may take.
const PATIENCE: Duration = Duration::from_secs(30);
const INTERVAL: Duration = Duration::from_millis(10);

/// A server, and what ends it once the process at the other end of a pipe is gone.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) server: Child,
    watch: Child,
}

impl Watched {
    /// `server`, watched by the command `watch`, which gets its process id. Once `is_ready` it is
    /// returned; `name` and the file `log` are for the error of one that does not get there.
    pub(crate) fn ready(
        server: Child,
        watch: &mut Command,
        (name, log): (&str, &Path),
        mut is_ready: impl FnMut() -> io::Result<bool>,
    ) -> io::Result<Self> {
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut watched = Self { watch: watch.spawn()?, server };
        let begun = Instant::now();
        let fault = loop {
            if is_ready()? {
                return Ok(watched);
            }
            if let Some(status) = watched.server.try_wait()? {
                break format!("it ended with {status}");
            }
            if begun.elapsed() > PATIENCE {
                break "it is not ready in time".to_owned();
            }
            thread::sleep(INTERVAL);
        };
        let _ = watched.unwatched().and_then(|mut server| {
            server.kill()?;
            server.wait()
        });
        let log = fs::read_to_string(log).unwrap_or_default();
        Err(Error::other(format!("{name}: {fault}:\n{log}")))
    }

    /// The server, to be ended: nothing watches it any more, and so nothing sees the process id of
    /// something else.
    pub(crate) fn unwatched(mut self) -> io::Result<Child> {
        self.watch.kill()?;
        self.watch.wait()?;
        Ok(self.server)
    }
}
