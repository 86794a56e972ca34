//! The program `client`: see the library for what it does.

use std::{io, process::ExitCode};

use settings::Environment;

fn main() -> ExitCode {
    // Built by hand, not by `#[tokio::main]`: that would wait at the end for a name lookup that hangs
    // in a thread of its own, long after `--timeout`.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let exit = runtime.block_on(client::run(
        std::env::args_os(),
        Environment::load,
        &mut io::stdin(),
        &mut anstream::stdout(),
        &mut anstream::stderr(),
    ));
    runtime.shutdown_background();
    exit.into()
}
