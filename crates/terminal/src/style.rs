//! Styles, and the standard streams that drop them where they are not wanted: in a pipe or a file,
//! under `NO_COLOR`, on a dumb terminal.

use anstyle::AnsiColor;
pub use anstyle::Style;

/// `error:`.
pub const ERROR: Style = AnsiColor::Red.on_default().bold();
/// `warning:`.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// `note:` and `hint:`.
pub const NOTE: Style = AnsiColor::Cyan.on_default().bold();
/// A name before its value, a heading.
pub const LABEL: Style = Style::new().bold();
/// A result that is good.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// A result that is bad.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// A detail.
pub const FAINT: Style = Style::new().dimmed();
/// Plain text.
pub const PLAIN: Style = Style::new();

/// `text` in `style`.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    if style.is_plain() { text.to_owned() } else { format!("{style}{text}{style:#}") }
}

/// Standard output.
#[must_use]
pub fn stdout() -> anstream::Stdout {
    anstream::stdout()
}

/// Standard error.
#[must_use]
pub fn stderr() -> anstream::Stderr {
    anstream::stderr()
}

/// `text` without its styles.
#[must_use]
pub fn stripped(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
