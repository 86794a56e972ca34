//! The log: on standard error, for people or as JSON.

use std::io;

use settings::{Environment, Variable};
use tracing_subscriber::{EnvFilter, filter::ParseError};

/// rmcp says three lines at `info` for every call. Whoever wants them says so in `RUST_LOG`.
const QUIET: &str = "rmcp=warn";

/// Starts the log as `LOG_FORMAT` and `RUST_LOG` say.
pub(crate) fn start(environment: &Environment) -> Result<(), String> {
    let level = environment.get(Variable::RustLog).unwrap_or("info");
    let filter = filter(level).map_err(|fault| format!("RUST_LOG {level:?}: {fault}"))?;
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(colour);
    // A second start in one process (in tests) keeps the first log: nothing is lost.
    let _already_started = match environment.get(Variable::LogFormat) {
        None | Some("pretty") => log.try_init(),
        Some("json") => log.json().flatten_event(true).try_init(),
        Some(other) => return Err(format!("LOG_FORMAT {other:?}: write pretty or json")),
    };
    Ok(())
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
