//! The program `server`; the library has its commands.

use std::{io::Write, process::ExitCode};

use mimalloc::MiMalloc;
use server::{Cli, Failure};
use settings::Surrounding;
use terminal::{Invocation, Program, display, report, style};

/// Every call allocates some hundred small pieces of memory, most of them in rmcp: this allocator
/// saves a seventh of its CPU time (docs/performance.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().collect();
    if let Some(code) = upstream::warden::run_if_asked(args.iter().cloned()) {
        return code;
    }
    let run_by = Surrounding::RunBy.of_process();
    let called = args.first().map(AsRef::as_ref);
    let invocation = Invocation::new(Program::Server, called, run_by.as_deref());
    let cli = match Cli::read(args, &invocation) {
        Ok(cli) => cli,
        Err(error) => {
            // There is no other place to report a failure to.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let done = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| Failure::Io { context: "starting", source })
        .and_then(|runtime| runtime.block_on(server::run(cli, &invocation, &mut style::stdout())));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let mut text = match &failure {
                // What was asked for, and no error.
                Failure::Declined(what) => format!("{}\n", display::escape(what)),
                // Neither is `server … | head`.
                Failure::Closed => String::new(),
                _ => report::error(&failure),
            };
            if let Some(cause) = failure.cause() {
                text += &report::cause(&cause);
            }
            if let Some(hint) = failure.hint(&invocation) {
                text += &report::hint(&hint);
            }
            // There is no other place to report a failure to.
            let _ = style::stderr().write_all(text.as_bytes());
            ExitCode::from(failure.exit_code())
        }
    }
}
