//! The log: on standard error, for people or as JSON, by a thread of its own ([`writer`]).

#[cfg(test)]
mod captured;
mod gate;
mod json;
mod line;
mod time;
mod writer;

use std::{io, panic, sync::OnceLock, thread};

use settings::{Environment, Variable, log_directives};
use tracing_subscriber::{EnvFilter, filter::ParseError};

#[cfg(test)]
pub(crate) use self::captured::Captured;
pub(crate) use self::gate::Gate;
use self::{
    json::Json,
    line::Line,
    writer::{LogStatus, Unreported, Writer},
};
use crate::admin::readiness::Failing;

/// rmcp logs three lines at `info` for every call. `RUST_LOG` can ask for them.
const DEFAULT_DIRECTIVES: &str = "rmcp=warn";

static WRITER: OnceLock<Writer> = OnceLock::new();

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Pretty,
    Json,
}

/// Checks `LOG_FORMAT` and `RUST_LOG`; starts nothing.
pub(crate) fn check(environment: &Environment) -> Result<(), String> {
    resolve(environment).map(drop)
}

fn resolve(environment: &Environment) -> Result<(EnvFilter, Format), String> {
    let label = |variable| environment.label(variable);
    let directives = log_directives(environment)?;
    let filter = filter(&directives).map_err(|fault| {
        let text = environment.get(Variable::RustLog).unwrap_or_default();
        format!("{} {text:?}: {fault}", label(Variable::RustLog))
    })?;
    let format = match environment.get(Variable::LogFormat) {
        None | Some("pretty") => Format::Pretty,
        Some("json") => Format::Json,
        Some(other) => {
            return Err(format!("{} {other:?}: write pretty or json", label(Variable::LogFormat)));
        }
    };
    Ok((filter, format))
}

/// Starts the log as `LOG_FORMAT` and `RUST_LOG` say.
pub(crate) fn start(environment: &Environment) -> Result<(), String> {
    let (filter, format) = resolve(environment)?;
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let writer = writer().map_err(|fault| format!("the log's thread: {fault}"))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_timer(time::Time)
        .with_writer(writer)
        .with_target(false);
    // A second start in one process (in tests) keeps the first log: nothing is lost.
    let _already_started = match format {
        Format::Pretty => log.event_format(Line { colour }).try_init(),
        Format::Json => log.json().flatten_event(true).map_event_format(Json).try_init(),
    };
    Ok(())
}

/// Waits until all that was logged is written, or for a bounded time. Call it before the program
/// ends.
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
    let writer = Writer::start(io::stderr(), |_, unreported| report(unreported))?;
    if WRITER.set(writer.clone()).is_ok() {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            // The log's own thread can neither log nor wait for itself.
            let is_writer = thread::current().name() == Some(writer::THREAD);
            if is_writer || !tracing::enabled!(tracing::Level::ERROR) {
                return before(panic);
            }
            let location = panic.location().map(ToString::to_string);
            let message = panic.payload_as_str().unwrap_or("no message");
            tracing::error!(location, message, "Panic");
            // A panic of the main thread ends the process.
            if thread::current().name() == Some("main") {
                flush();
            }
        }));
    }
    Ok(WRITER.get().cloned().unwrap_or(writer))
}

/// The log of this process, if it was started.
pub(crate) fn current() -> Option<Writer> {
    WRITER.get().cloned()
}

/// How the log fails, for `/readyz`: callers are refused while it cannot be written.
pub(crate) fn failing() -> Option<Failing> {
    let LogStatus { stuck_since, lost } = current()?.status();
    let lost_text = match lost {
        0 => String::new(),
        lost => format!("{lost} decisions and warnings were lost"),
    };
    match stuck_since {
        Some(_) if lost > 0 => Some(format!("the log cannot be written, and {lost_text}")),
        Some(_) => Some("the log cannot be written".to_owned()),
        None => Some(lost_text).filter(|_| lost > 0),
    }
    .map(|what| Failing {
        what,
        since: stuck_since,
        affects_callers: stuck_since.is_some(),
        reason: None,
    })
}

/// Logs how many lines are missing from the log.
fn report(unreported: Unreported) {
    let Unreported { dropped, lost, no_token, invalid_token } = unreported;
    if lost > 0 {
        tracing::error!(lost, "Decisions and warnings were lost: the log could not be written");
    }
    if dropped > 0 {
        tracing::warn!(dropped, "Lines of the request log were dropped: too many at once");
    }
    if no_token > 0 {
        tracing::warn!(
            requests = no_token,
            "More requests without a token than are logged one by one"
        );
    }
    if invalid_token > 0 {
        tracing::warn!(
            requests = invalid_token,
            "More requests with an invalid token than are logged one by one"
        );
    }
}

fn filter(directives: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(format!("{DEFAULT_DIRECTIVES},{directives}"))
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
