//! Asking the person at the terminal.

use std::io::{self, IsTerminal, Write};

/// Whether there is a person to ask.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that Enter answers with yes.
pub(crate) async fn agrees(question: &str) -> bool {
    // With stderr gone there is nobody who sees the question.
    if write!(io::stderr(), "{question} [Y/n] ").is_err() {
        return false;
    }
    match line().await {
        Some(answer) => matches!(answer.trim().to_ascii_lowercase().as_str(), "" | "y" | "yes"),
        None => false,
    }
}

/// One line that is typed; nothing at the end of the input or after Ctrl-C.
pub(crate) async fn line() -> Option<String> {
    // In a thread of its own: nothing ends a read but input.
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        match io::stdin().read_line(&mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(line),
        }
    });
    tokio::select! {
        line = read => line.ok().flatten(),
        () = interrupted() => None,
    }
}

/// Ends with the first Ctrl-C; never, where there is no such thing.
pub(crate) async fn interrupted() {
    let pressed: io::Result<()> = tokio::signal::ctrl_c().await;
    if pressed.is_err() {
        std::future::pending::<()>().await;
    }
}
