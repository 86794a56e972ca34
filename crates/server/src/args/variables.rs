//! Every setting of the server, for `--help`.

use std::fmt::Write;

use settings::{Program, Variable};
use terminal::width;

/// The columns of a description, so that it is not broken on a terminal of 80.
const COLUMNS: usize = 72;

/// Each variable with what it is and its default.
pub(super) fn list() -> String {
    let mut text = String::from("Settings, as environment variables (docs/settings.md):");
    for setting in Variable::ALL.map(Variable::setting) {
        if setting.programs.contains(&Program::Server) {
            let default = setting.default.map(|it| format!(" [default: {it}]")).unwrap_or_default();
            let help = format!("{}{default}", setting.help.replace('`', ""));
            // A String takes everything.
            let _ = write!(text, "\n  {}", setting.name);
            for line in width::wrapped(&help, COLUMNS).lines() {
                let _ = write!(text, "\n      {line}");
            }
        }
    }
    text
}
