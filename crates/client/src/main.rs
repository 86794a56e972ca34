//! The program `client`: see the library for what it does.

use std::{io, path::Path, process::ExitCode, sync::Arc};

use auth_core::SystemClock;
use client::{Console, World};
use settings::{Environment, Surrounding};
use terminal::{Invocation, Program, style};

fn main() -> ExitCode {
    // A shell asks for what may come next; a broken `.env` is no reason to say nothing.
    let environment = Environment::load(Path::new(".env")).unwrap_or_default();
    let args: Vec<_> = std::env::args_os().collect();
    let run_by = Surrounding::RunBy.of_process();
    let called = args.first().map(AsRef::as_ref);
    let invocation = Invocation::new(Program::Client, called, run_by.as_deref());
    match client::complete(args.clone(), &environment, &invocation) {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(_) => return ExitCode::FAILURE,
    }
    // Built by hand, not by `#[tokio::main]`: that would wait at the end for a name lookup that
    // hangs in a thread of its own, long after `--timeout`.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let world = World {
        invocation,
        environment: &|path| Environment::load(path),
        clock: Arc::new(SystemClock),
        console: &Console::of_process(),
        stdin: &mut io::stdin(),
        stdout: &mut style::stdout(),
        stderr: &mut style::stderr(),
    };
    let exit = runtime.block_on(client::run(args, world));
    runtime.shutdown_background();
    exit.into()
}
