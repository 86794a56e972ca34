//! The warden: a small process that ends the servers of a gateway that was killed.
//!
//! A gateway that stops ends its servers. One that is killed (`kill -9`, out of memory) cannot, and
//! not every server exits when its stdin is closed. So the gateway starts a second process of its
//! own program and writes to its stdin which process groups there are. When that pipe is closed,
//! by whatever end of the gateway, the warden sends the groups that are left SIGTERM, after two
//! seconds SIGKILL, and exits.
//!
//! 1. The program calls [`run_if_asked`] before it does anything else.
//! 2. There is one warden for all servers. It is started with the first one, and again if it was
//!    killed.
//! 3. **Fail closed:** a server that the warden does not know is not left running.
//! 4. It is in a process group of its own, so Ctrl-C in a terminal does not reach it.
//!
//! What it cannot do: it does not know a process that has left its group, and a server that was
//! started in the instant in which the gateway is killed. A container or a unit of systemd ends
//! these too.

#[cfg(unix)]
mod handle;
#[cfg(unix)]
mod process;

#[cfg(not(unix))]
pub use absent::{Warden, run_if_asked};
#[cfg(unix)]
pub(crate) use handle::Registered;
#[cfg(unix)]
pub use handle::Warden;
#[cfg(unix)]
pub use process::run_if_asked;

/// Where there are no process groups there are no servers to end.
#[cfg(not(unix))]
mod absent {
    use std::{ffi::OsString, process::ExitCode};

    /// Does nothing here.
    #[derive(Debug, Clone)]
    pub struct Warden(());

    impl Warden {
        /// Does nothing here.
        #[must_use]
        pub const fn of_this_program() -> Self {
            Self(())
        }

        /// Does nothing here.
        #[must_use]
        pub const fn none() -> Self {
            Self(())
        }
    }

    /// Does nothing here.
    pub fn run_if_asked(_: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
        None
    }
}
