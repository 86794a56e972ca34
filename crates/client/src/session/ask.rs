//! Questions to the person at the terminal, and Ctrl-C.

use terminal::prompt;

use crate::{console::Console, interrupt::interrupted, oauth::LoginError};

/// Asks a question that Enter answers with yes; without a terminal the answer is no. After Ctrl-C
/// there is none.
pub(super) async fn confirmed(console: &Console, question: &str) -> Option<bool> {
    let Some(keyboard) = console.keyboard.clone() else {
        return Some(false);
    };
    let question = question.to_owned();
    // In a thread of its own: nothing ends a read but input.
    let asked = tokio::task::spawn_blocking(move || {
        prompt::confirm_by_default(&question, &mut |text: &str| keyboard.ask(text))
    });
    tokio::select! {
        biased;
        () = interrupted() => None,
        answer = asked => Some(answer.is_ok_and(|answer| answer.unwrap_or(false))),
    }
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
