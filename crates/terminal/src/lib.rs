//! What the programs share in talking to a person at a terminal.
//!
//! 1. Text from outside is escaped before it is printed ([`display`]), in every program and every
//!    format.
//! 2. Tables align by the columns that a terminal shows, not by characters ([`table`]).
//! 3. Dates are RFC 3339 in UTC ([`date`]); durations are written `90s`, `15m`, `12h` or `7d`
//!    ([`duration`]).
//! 4. A question is asked on a terminal only. Without one, the caller gets an error that names
//!    `--yes` ([`prompt`]).
//! 5. Errors, warnings and hints have one form each ([`report`]).
//! 6. A command that is printed works where it is printed ([`Invocation`]).
//! 7. Nothing here reads the environment or the clock: both are parameters. `NO_COLOR` is the
//!    exception; the streams of [`style`] read it.
//!
//! The one implementation of the escaping is in `auth-core`, whose own messages need it. It is
//! re-exported here as [`display`].

pub mod date;
pub mod duration;
pub mod help;
pub mod invocation;
pub mod manual;
pub mod output;
pub mod prompt;
pub mod report;
pub mod screen;
pub mod style;
pub mod suggestion;
pub mod table;
pub mod width;

pub use auth_core::display;

pub use crate::{
    invocation::{Invocation, Program},
    output::OutputFormat,
    screen::Screen,
};
