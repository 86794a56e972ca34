//! The program `mint-token`: hands the real world to [`mint_token::run`].

use std::process::ExitCode;

use auth_core::SystemClock;
use mint_token::World;
use settings::Environment;

fn main() -> ExitCode {
    let mut world = World {
        environment: &Environment::load,
        clock: &SystemClock,
        random: &mut getrandom::fill,
        // These two drop colours where they are not wanted: `NO_COLOR`, a pipe, a dumb terminal.
        out: &mut anstream::stdout(),
        err: &mut anstream::stderr(),
    };
    mint_token::run(std::env::args_os(), &mut world).into()
}
