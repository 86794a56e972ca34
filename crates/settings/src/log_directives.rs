//! `RUST_LOG`: what is logged.
//!
//! 1. A word alone is a level. Without this rule `RUST_LOG=WARNING` would be a target, of which
//!    nothing is logged.
//! 2. What sqlx says of its connections is not logged, unless a level below `info` or a target of
//!    sqlx is named: the programs have words of their own for what an operator has to know.

use crate::{Environment, Variable};

/// The levels, as `tracing` reads them.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// What to write.
const REMEDY: &str = "write off, error, warn, info, debug or trace; or target=level";

/// Each start has a notice of PostgreSQL at `info`, each outage some lines of connections that
/// ended, and a `warn` of a connection that came late.
const QUIET: &str = "sqlx=warn,sqlx::pool::acquire=error";

/// What `RUST_LOG` says, as directives of `tracing_subscriber::EnvFilter`.
///
/// # Errors
///
/// What to write instead, with the name of the setting, if a word alone is no level.
pub fn log_directives(environment: &Environment) -> Result<String, String> {
    let text = environment.get(Variable::RustLog).unwrap_or("info");
    let directives = || text.split(',').map(str::trim).filter(|one| !one.is_empty());
    let is_word = |one: &&str| !one.contains(['=', '[']);
    let is_level = |one: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(one));
    if directives().filter(is_word).any(|one| !is_level(one)) || directives().next().is_none() {
        let label = environment.label(Variable::RustLog);
        return Err(format!("{label} {text:?}: {REMEDY}"));
    }
    let is_detailed = directives().any(|one| {
        one.eq_ignore_ascii_case("debug")
            || one.eq_ignore_ascii_case("trace")
            || one.starts_with("sqlx")
    });
    let quiet = Some(QUIET).filter(|_| !is_detailed);
    Ok(quiet.into_iter().chain(directives()).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        log_directives(&Environment::from_pairs([("RUST_LOG".to_owned(), text.to_owned())]))
    }

    #[test]
    fn a_word_that_is_no_level_is_refused() {
        for text in ["WARNING", "loud", "of", "9", "info,loud", "a=debug,loud", ","] {
            let said = read(text).unwrap_err();
            assert_eq!(said, format!("RUST_LOG {text:?}: {REMEDY}"));
        }
        for text in ["off", "WARN", "debug", "trace,rmcp=off", "a[b{c=1}]=trace"] {
            assert!(read(text).is_ok_and(|read| read.ends_with(text)), "{text}");
        }
    }

    #[test]
    fn sqlx_is_quiet_unless_it_is_asked_for() {
        let quiet = format!("{QUIET},info");
        assert_eq!(log_directives(&Environment::from_pairs([])), Ok(quiet));
        assert_eq!(read(" info , a=trace"), Ok(format!("{QUIET},info,a=trace")));
        assert_eq!(read("info,sqlx::pool=debug").as_deref(), Ok("info,sqlx::pool=debug"));
        assert_eq!(read("debug").as_deref(), Ok("debug"));
    }
}
