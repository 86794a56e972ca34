//! Questions to the person at the terminal, and Ctrl-C.

use crate::{console::Console, interrupt::interrupted, oauth::LoginError};

/// Asks a question that Enter answers with yes; without a terminal the answer is no. After Ctrl-C
/// there is none.
pub(super) async fn confirmed(console: &Console, question: &str) -> Option<bool> {
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

/// Waits for `work`, or for Ctrl-C.
pub(super) async fn or_cancelled<T>(
    work: impl Future<Output = Result<T, LoginError>>,
) -> Result<T, LoginError> {
    tokio::select! {
        biased;
        () = interrupted() => Err(LoginError::Cancelled),
        done = work => done,
    }
}
