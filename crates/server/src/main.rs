//! See the library.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use auth_core::display;
use clap::Parser;
use mimalloc::MiMalloc;
use server::{Cli, Failure};

/// Every call makes and frees some hundred small pieces of memory, most of them in rmcp: a seventh of its
/// CPU time is saved (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // Before there is a second thread: then it takes no time.
    directory::prepare();
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Io { context: "starting", source })
        .and_then(|runtime| runtime.block_on(server::run(cli, &mut io::stdout())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // What it quotes may come from anywhere.
            let say = |what: &str, text: String| {
                let _ = writeln!(io::stderr(), "{what}: {}", display::escape_lines(&text));
            };
            say("error", failure.to_string());
            if let Some(cause) = failure.cause() {
                say("cause", cause.to_string());
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
