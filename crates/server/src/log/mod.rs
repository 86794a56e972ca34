//! The log: on standard error, for people or as JSON, by a thread of its own ([`writer`]).

mod json;
#[cfg(test)]
mod kept;
mod line;
mod time;
mod writer;

use std::{io, panic, sync::OnceLock, thread};

use json::Json;
use line::Line;
use settings::{Environment, Variable};
use tracing_subscriber::{EnvFilter, filter::ParseError};
use writer::Writer;

/// rmcp says three lines at `info` for every call. Whoever wants them says so in `RUST_LOG`.
const QUIET: &str = "rmcp=warn";

static WRITER: OnceLock<Writer> = OnceLock::new();

/// Starts the log as `LOG_FORMAT` and `RUST_LOG` say.
pub(crate) fn start(environment: &Environment) -> Result<(), String> {
    let level = environment.get(Variable::RustLog).unwrap_or("info");
    let filter = filter(level).map_err(|fault| format!("RUST_LOG {level:?}: {fault}"))?;
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let writer = writer().map_err(|fault| format!("the log's thread: {fault}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(time::Time)
        .with_writer(writer)
        .with_target(false);
    // A second start in one process (in tests) keeps the first log: nothing is lost.
    let _already_started = match environment.get(Variable::LogFormat) {
        None | Some("pretty") => log.event_format(Line { colour }).try_init(),
        Some("json") => log.json().flatten_event(true).map_event_format(Json).try_init(),
        Some(other) => return Err(format!("LOG_FORMAT {other:?}: write pretty or json")),
    };
    Ok(())
}

/// Waits until all that was logged is written: to be called before the program ends.
pub(crate) fn flush() {
    if let Some(writer) = WRITER.get() {
        writer.flush();
    }
}

/// The one writer of the process. A panic writes what was logged before it.
fn writer() -> io::Result<Writer> {
    if let Some(writer) = WRITER.get() {
        return Ok(writer.clone());
    }
    let writer = Writer::start(io::stderr())?;
    if WRITER.set(writer.clone()).is_ok() {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // The log's own thread cannot wait for itself.
            if thread::current().name() != Some(writer::THREAD) {
                flush();
            }
            before(panic);
        }));
    }
    Ok(WRITER.get().cloned().unwrap_or(writer))
}

fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{QUIET},{level}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rmcp_is_quiet_unless_it_is_named() {
        assert_eq!(filter("info").unwrap().to_string(), "rmcp=warn,info");
        assert_eq!(filter("info,rmcp=debug").unwrap().to_string(), "rmcp=debug,info");
        assert!(filter("a=b=c").is_err());
    }
}
