//! Where a result goes: a stream, and how wide it is.

use std::io::Write;

use crate::width::of_terminal;

/// A writer for results. A table that is written to a terminal fits it ([`crate::table`]).
pub trait Screen: Write {
    /// How many columns the terminal has, if it is one.
    fn columns(&self) -> Option<usize>;
}

/// Standard output ([`crate::style::stdout`]).
impl Screen for anstream::Stdout {
    fn columns(&self) -> Option<usize> {
        of_terminal(self.as_inner())
    }
}

/// A buffer is no terminal.
impl Screen for Vec<u8> {
    fn columns(&self) -> Option<usize> {
        None
    }
}
