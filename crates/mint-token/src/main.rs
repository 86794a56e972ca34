//! The program `mint-token`: hands the real world to [`mint_token::run`].

mod secret;

use std::{
    io::{self, BufRead, IsTerminal, Write},
    process::ExitCode,
};

use auth_core::SystemClock;
use mint_token::{Ask, World};
use settings::Environment;
use zeroize::Zeroizing;

fn main() -> ExitCode {
    // Somebody can be asked if they see the question and can type the answer.
    let is_attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    let mut asking = ask;
    let mut world = World {
        environment: &Environment::load,
        clock: &SystemClock,
        random: &mut getrandom::fill,
        stdin: &mut io::stdin(),
        ask: if is_attended { Some(&mut asking) } else { None },
        fetch: &mint_token::fetch,
        // These two drop colours where they are not wanted: `NO_COLOR`, a pipe, a dumb terminal.
        out: &mut anstream::stdout(),
        err: &mut anstream::stderr(),
    };
    mint_token::run(std::env::args_os(), &mut world).into()
}

fn ask(what: Ask<'_>) -> io::Result<Zeroizing<String>> {
    match what {
        Ask::Secret(text) => secret::ask(text),
        Ask::Question(text) => {
            let mut err = io::stderr();
            write!(err, "{text}").and_then(|()| err.flush())?;
            let mut line = Zeroizing::new(String::new());
            io::stdin().lock().read_line(&mut line)?;
            Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
        }
    }
}
