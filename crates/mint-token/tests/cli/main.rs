//! The program as a person or a script meets it: arguments, environment and files in; lines, files
//! and exit codes out.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a function of a test fails with it")]

mod faults;
mod flags;
mod hostile;
mod keygen;
mod keys;
mod names;
mod rotation;
mod save;
mod support;
mod terminal;
