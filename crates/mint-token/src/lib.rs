//! Makes JWT access tokens (RFC 9068) and keys, and says why a token is refused: the library under
//! `mint-token`.
//!
//! 1. Standard output carries the result and nothing else: one line, the token or a JSON object.
//!    Messages for a person go to standard error, and never contain the token.
//! 2. A flag beats the environment, which beats `.env`, which beats the default.
//! 3. Secrets come from the configuration or from files, never from the command line, and are never
//!    printed.
//! 4. All errors of the configuration are reported together, and each says what to do.
//! 5. The environment, the time, randomness, the network and the outputs are parameters: see
//!    [`World`].
//! 6. A token is read from standard input or a file. The core verifies it, as in a server.
//! 7. Commands in messages and help are written as [`World::invocation`] says.
//!
//! A verb is a variant of `args::Verb` and a file in `command/`; `mint` is the default.
//!
//! ```
//! use auth_core::SystemClock;
//! use mint_token::{Exit, World, run};
//! use settings::Environment;
//! use terminal::{Invocation, Program};
//!
//! let secret = ("JWT_SECRET".to_owned(), "0123456789abcdefghijklmnopqrstuv".to_owned());
//! let (mut out, mut err) = (Vec::new(), Vec::new());
//! let mut world = World {
//!     invocation: Invocation::workspace(Program::MintToken),
//!     environment: &|_| Ok(Environment::from_pairs([secret.clone()])),
//!     clock: &SystemClock,
//!     random: &mut getrandom::fill,
//!     stdin: &mut std::io::empty(),
//!     ask: None,
//!     fetch: &mint_token::fetch,
//!     out: &mut out,
//!     out_columns: None,
//!     err: &mut err,
//! };
//! let exit = run(["mint-token", "--ttl", "15m"].map(Into::into), &mut world);
//! assert_eq!(exit, Exit::Done);
//! assert_eq!(out.split(|&byte| byte == b'.').count(), 3);
//! ```

mod args;
mod claim;
mod command;
mod config_error;
mod exit;
mod http;
mod input;
mod output;
mod policy;
mod request;
mod resolve;
mod server;
mod signer;
mod steps;
mod trust;
mod upstream;

use std::{
    ffi::OsString,
    io::{Read, Write},
    path::Path,
};

use auth_core::Clock;
use settings::{EnvFileError, Environment};
use terminal::{Invocation, prompt::Ask};

pub use crate::{
    exit::Exit,
    http::{FetchError, Request, Response, fetch},
};

/// Everything outside the program that it reads or writes, but for the files that its flags and
/// variables name.
pub struct World<'a> {
    /// How the program was called, and so how commands are written.
    pub invocation: Invocation,
    /// Loads the configuration: the environment of the process over the given `.env` file.
    pub environment: &'a dyn Fn(&Path) -> Result<Environment, EnvFileError>,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// Fills a buffer with random bytes of cryptographic quality.
    pub random: &'a mut dyn FnMut(&mut [u8]) -> Result<(), getrandom::Error>,
    /// Standard input: a token, where one is asked for.
    pub stdin: &'a mut dyn Read,
    /// Asks the user a question on the terminal; `None` if there is no terminal.
    pub ask: Option<&'a mut Ask<'a>>,
    /// Sends a request to a server or an issuer.
    pub fetch: &'a dyn Fn(&Request) -> Result<Response, FetchError>,
    /// Standard output: the result. May get ANSI colours, as standard error.
    pub out: &'a mut dyn Write,
    /// How many columns standard output has, if it is a terminal.
    pub out_columns: Option<usize>,
    /// Standard error: messages for a person. May get ANSI colours, which the writer has to drop
    /// where they are not wanted.
    pub err: &'a mut dyn Write,
}

/// Runs the program with the arguments `args`, of which the first is the program's own name.
pub fn run(args: impl IntoIterator<Item = OsString>, world: &mut World<'_>) -> Exit {
    match args::parse(args, &world.invocation) {
        Ok(verb) => command::run(&verb, world),
        Err(error) => output::usage(&error, world),
    }
}
