//! The library with a world made for the test: fixed time, fixed randomness, failing writers.

#![expect(clippy::unwrap_used, reason = "a function of a test fails with it")]
#![expect(clippy::unnecessary_wraps, reason = "the signatures are those of the world")]

use std::{
    io::{self, ErrorKind, Write},
    path::Path,
};

use auth_core::{Clock, NumericDate};
use mint_token::{Exit, World, run};
use settings::{EnvFileError, Environment};
use terminal::{Invocation, Program};

const SECRET: &str = "0123456789abcdefghijklmnopqrstuv";

/// Always 2027-01-15T08:00:00Z.
#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> NumericDate {
        NumericDate::from_secs(1_800_000_000).unwrap()
    }
}

/// A writer on which every write fails.
struct Failing(ErrorKind);

impl Write for Failing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn environment(_: &Path) -> Result<Environment, EnvFileError> {
    Ok(Environment::from_pairs([("JWT_SECRET".into(), SECRET.into())]))
}

fn sevens(buffer: &mut [u8]) -> Result<(), getrandom::Error> {
    buffer.fill(7);
    Ok(())
}

/// Runs with `args` and the writer `out`: how it ended, and what was said without colours.
fn run_to(args: &[&str], out: &mut dyn Write) -> (Exit, String) {
    let mut err = anstream::StripStream::new(Vec::new());
    let mut world = World {
        invocation: Invocation::workspace(Program::MintToken),
        environment: &environment,
        clock: &FixedClock,
        random: &mut sevens,
        stdin: &mut io::empty(),
        ask: None,
        fetch: &mint_token::fetch,
        out,
        out_columns: None,
        err: &mut err,
    };
    let args = std::iter::once("mint-token").chain(args.iter().copied());
    let exit = run(args.map(Into::into), &mut world);
    (exit, String::from_utf8(err.into_inner()).unwrap())
}

#[test]
fn the_same_world_gives_the_same_token_and_the_same_words() {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let (exit, words) = run_to(&[], &mut one);
    assert_eq!((exit, words.clone()), run_to(&["mint"], &mut other));
    assert_eq!(exit, Exit::Done);
    assert_eq!(one, other);
    assert_eq!(
        words,
        "Token   for alice (Alice) at http://localhost:8000/mcp\n\
         Scopes  Admin.Write User.Read\n\
         Until   2027-01-15T09:00:00Z, in 1 hour\n\
         Signed  by http://localhost:8000 with JWT_SECRET (HS256)\n\
         Stored  nowhere; --save stores it for the client\n"
    );
}

#[test]
fn a_reader_that_went_away_is_an_ending_without_words() {
    for args in [&[][..], &["--help"], &["--output", "json"]] {
        let ended = run_to(args, &mut Failing(ErrorKind::BrokenPipe));
        assert_eq!(ended, (Exit::Failed, String::new()), "{args:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_said() {
    let (exit, words) = run_to(&[], &mut Failing(ErrorKind::StorageFull));
    assert_eq!(exit, Exit::Failed);
    assert!(words.starts_with("error: standard output cannot be written: "), "{words}");
}

#[test]
fn nobody_to_tell_is_no_failure() {
    let mut out = Vec::new();
    let mut world = World {
        invocation: Invocation::workspace(Program::MintToken),
        environment: &environment,
        clock: &FixedClock,
        random: &mut sevens,
        stdin: &mut io::empty(),
        ask: None,
        fetch: &mint_token::fetch,
        out: &mut out,
        out_columns: None,
        err: &mut Failing(ErrorKind::BrokenPipe),
    };
    assert_eq!(run(["mint-token".into()], &mut world), Exit::Done);
    assert!(out.ends_with(b"\n"));
}

#[test]
fn without_randomness_there_is_no_token() {
    let (mut out, mut err) = (Vec::new(), anstream::StripStream::new(Vec::new()));
    let mut world = World {
        invocation: Invocation::workspace(Program::MintToken),
        environment: &environment,
        clock: &FixedClock,
        random: &mut |_| Err(getrandom::Error::UNSUPPORTED),
        stdin: &mut io::empty(),
        ask: None,
        fetch: &mint_token::fetch,
        out: &mut out,
        out_columns: None,
        err: &mut err,
    };
    assert_eq!(run(["mint-token".into()], &mut world), Exit::Failed);
    let words = String::from_utf8(err.into_inner()).unwrap();
    assert!(words.starts_with("error: no random bytes from the operating system: "), "{words}");
    assert!(out.is_empty());
}
