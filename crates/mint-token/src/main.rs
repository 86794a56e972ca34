//! The program `mint-token`: passes the real world to [`mint_token::run`].

use std::{io, process::ExitCode};

use auth_core::SystemClock;
use mint_token::World;
use settings::{Environment, Surrounding};
use terminal::{Invocation, Program, prompt, style, width::of_terminal};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    let run_by = Surrounding::RunBy.of_process();
    let called = args.first().map(AsRef::as_ref);
    let mut ask = |question: &str| prompt::ask(question);
    let mut world = World {
        invocation: Invocation::new(Program::MintToken, called, run_by.as_deref()),
        environment: &Environment::load_with_config,
        clock: &SystemClock,
        random: &mut getrandom::fill,
        stdin: &mut io::stdin(),
        ask: if prompt::is_interactive() { Some(&mut ask) } else { None },
        fetch: &mint_token::fetch,
        out: &mut style::stdout(),
        out_columns: of_terminal(&io::stdout()),
        err: &mut style::stderr(),
    };
    mint_token::run(args, &mut world).into()
}
