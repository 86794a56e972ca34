//! Asking the person at the terminal.

use std::io;

use crate::{console::Console, oauth::LoginError};

/// Asks a question that Enter answers with yes; where nobody is there, the answer is no. After Ctrl-C there
/// is none.
pub(crate) async fn agrees(console: &Console, question: &str) -> Option<bool> {
    let Some(keyboard) = console.keyboard.clone() else {
        return Some(false);
    };
    let question = format!("{question} [Y/n] ");
    // In a thread of its own: nothing ends a read but input.
    let asked = tokio::task::spawn_blocking(move || keyboard.ask(&question));
    let answer = tokio::select! {
        biased;
        () = interrupted() => return None,
        answer = asked => answer.ok().and_then(Result::ok).flatten(),
    };
    let answer = answer.map(|answer| answer.trim().to_ascii_lowercase());
    Some(answer.is_some_and(|answer| matches!(answer.as_str(), "" | "y" | "yes")))
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

/// Waits for `work`, or for Ctrl-C.
pub(crate) async fn or_cancelled<T>(
    work: impl Future<Output = Result<T, LoginError>>,
) -> Result<T, LoginError> {
    tokio::select! {
        biased;
        () = interrupted() => Err(LoginError::Cancelled),
        done = work => done,
    }
}

/// Ends with the first Ctrl-C; never, where there is no such thing.
pub(crate) async fn interrupted() {
    let pressed: io::Result<()> = tokio::signal::ctrl_c().await;
    if pressed.is_err() {
        std::future::pending::<()>().await;
    }
}
