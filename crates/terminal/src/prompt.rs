//! Questions, which are asked on a terminal and nowhere else.

use std::io::{self, BufRead, IsTerminal, Write};

use zeroize::Zeroizing;

use crate::{display, style};

/// Asks a question, and returns the line that was typed, without its line break; `None` at the end
/// of the input.
pub type Ask<'a> = dyn FnMut(&str) -> io::Result<Option<String>> + 'a;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// Standard input or standard error is not a terminal.
    #[error("this needs a confirmation, and there is no terminal to ask on: add --yes to confirm")]
    NoTerminal,
    /// The terminal could not be written or read.
    #[error("cannot ask on the terminal")]
    Io(#[from] io::Error),
}

/// Whether a person can be asked: standard input and standard error are terminals.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks on the terminal of this process: the question on standard error, the answer from standard
/// input.
pub fn ask(question: &str) -> io::Result<Option<String>> {
    let mut stderr = style::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Asks for a secret on the terminal of this process: what is typed is not shown. `None` at the end
/// of the input. An error where what is typed cannot be hidden.
pub fn ask_secret(question: &str) -> io::Result<Option<Zeroizing<String>>> {
    let hidden = hidden::Hidden::begin()?;
    let mut stderr = style::stderr();
    stderr.write_all(question.as_bytes())?;
    stderr.flush()?;
    let mut line = Zeroizing::new(String::new());
    let count = io::stdin().lock().read_line(&mut line)?;
    drop(hidden);
    // The line break that was typed was not shown either.
    writeln!(stderr)?;
    let secret = line.trim_end_matches(['\r', '\n']);
    Ok((count > 0).then(|| Zeroizing::new(secret.to_owned())))
}

/// Asks a question that only `y` or `yes` confirms. `ask` is `None` where there is no terminal.
pub fn confirm(question: &str, ask: Option<&mut Ask<'_>>) -> Result<bool, ConfirmError> {
    let ask = ask.ok_or(ConfirmError::NoTerminal)?;
    Ok(is_confirmed(&display::escape(question), "[y/N]", false, ask)?)
}

/// Asks a question that an empty line confirms, too. The end of the input does not. The question
/// may have several lines: the caller marks those that have text from outside.
pub fn confirm_by_default(question: &str, ask: &mut Ask<'_>) -> io::Result<bool> {
    is_confirmed(&display::escape_lines(question), "[Y/n]", true, ask)
}

fn is_confirmed(
    question: &str,
    choices: &str,
    by_default: bool,
    ask: &mut Ask<'_>,
) -> io::Result<bool> {
    let answer = ask(&format!("{question} {choices} "))?;
    Ok(answer.is_some_and(|answer| match answer.trim().to_ascii_lowercase().as_str() {
        "" => by_default,
        answer => matches!(answer, "y" | "yes"),
    }))
}

/// [`confirm`] on the terminal of this process.
pub fn confirm_on_terminal(question: &str) -> Result<bool, ConfirmError> {
    let mut on_terminal = |question: &str| ask(question);
    let ask: Option<&mut Ask<'_>> = if is_interactive() { Some(&mut on_terminal) } else { None };
    confirm(question, ask)
}

/// The terminal does not show what is typed.
#[cfg(unix)]
mod hidden {
    use std::io;

    use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

    /// Until this is dropped.
    pub(super) struct Hidden(Termios);

    impl Hidden {
        pub(super) fn begin() -> io::Result<Self> {
            let before = tcgetattr(io::stdin())?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(io::stdin(), OptionalActions::Flush, &hidden)?;
            Ok(Self(before))
        }
    }

    impl Drop for Hidden {
        fn drop(&mut self) {
            // There is no other place to report a failure to.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
        }
    }
}

/// On other systems nothing is hidden, so no secret is asked for.
#[cfg(not(unix))]
mod hidden {
    use std::io;

    pub(super) struct Hidden;

    impl Hidden {
        pub(super) fn begin() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirmed(answer: Option<&str>) -> bool {
        let mut ask = |question: &str| {
            assert_eq!(question, "Really\\u{202e}? [y/N] ");
            Ok(answer.map(str::to_owned))
        };
        confirm("Really\u{202e}?", Some(&mut ask)).unwrap()
    }

    #[test]
    fn only_yes_confirms() {
        for answer in ["y", "Y", "yes", " YES "] {
            assert!(confirmed(Some(answer)), "{answer}");
        }
        for answer in [None, Some(""), Some("n"), Some("yess"), Some("j")] {
            assert!(!confirmed(answer), "{answer:?}");
        }
    }

    #[test]
    fn an_empty_line_confirms_where_that_is_the_default() {
        let confirmed = |answer: Option<&str>| {
            let mut ask = |question: &str| {
                assert_eq!(question, "a\nReally\\u{202e}? [Y/n] ");
                Ok(answer.map(str::to_owned))
            };
            confirm_by_default("a\nReally\u{202e}?", &mut ask).unwrap()
        };
        for answer in ["", " ", "y", "Y", "yes"] {
            assert!(confirmed(Some(answer)), "{answer:?}");
        }
        for answer in [None, Some("n"), Some("no"), Some("j")] {
            assert!(!confirmed(answer), "{answer:?}");
        }
    }

    #[test]
    fn without_a_terminal_the_error_names_the_flag() {
        let error = confirm("Really?", None).unwrap_err();
        assert!(error.to_string().contains("--yes"), "{error}");
    }
}
