//! A secret that somebody types: it is not to be seen on the terminal, not even its first letters.

use std::io;

use zeroize::Zeroizing;

/// Asks on the terminal, and takes the line that is typed.
///
/// # Errors
/// There is no terminal, it cannot be read, or it was interrupted.
pub(crate) fn ask(prompt: &str) -> io::Result<Zeroizing<String>> {
    // rpassword asks first and turns the echo off then: who types in between, or pastes, would be seen.
    #[cfg(unix)]
    let _hidden = unix::Hidden::new()?;
    rpassword::prompt_password(prompt).map(Zeroizing::new)
}

#[cfg(unix)]
mod unix {
    use std::{fs::File, io};

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// The terminal does not show what is typed, until this is dropped.
    pub(super) struct Hidden {
        terminal: File,
        before: Termios,
    }

    impl Hidden {
        pub(super) fn new() -> io::Result<Self> {
            let terminal = File::open("/dev/tty")?;
            let before = tcgetattr(&terminal)?;
            let mut modes = before.clone();
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            // At once: what was typed ahead is still the answer.
            tcsetattr(&terminal, OptionalActions::Now, &modes)?;
            Ok(Self { terminal, before })
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            // Nobody is left to tell if the terminal has gone.
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
        }
    }
}
