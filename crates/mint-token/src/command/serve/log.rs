//! The log, on standard error: for people, or as JSON.

use std::io;

use settings::{Environment, Variable, log_directives};
use tracing_subscriber::EnvFilter;

/// Starts it as `LOG_FORMAT` and `RUST_LOG` say.
pub(super) fn start(environment: &Environment) -> Result<(), String> {
    let label = |variable| environment.label(variable);
    let filter = EnvFilter::try_new(log_directives(environment)?).map_err(|fault| {
        let text = environment.get(Variable::RustLog).unwrap_or_default();
        format!("{} {text:?}: {fault}", label(Variable::RustLog))
    })?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false);
    // A second start in one process (in tests) keeps the first log.
    let _already_started = match environment.get(Variable::LogFormat) {
        None | Some("pretty") => log.try_init(),
        Some("json") => log.json().flatten_event(true).try_init(),
        Some(other) => {
            let label = label(Variable::LogFormat);
            return Err(format!("{label} {other:?}: write pretty or json"));
        }
    };
    Ok(())
}
