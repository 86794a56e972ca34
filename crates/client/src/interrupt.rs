//! Ctrl-C, and lines that are typed.

use std::io;

use terminal::prompt;

/// Resolves with the first Ctrl-C; never, where there is no such thing.
pub(crate) async fn interrupted() {
    let pressed: io::Result<()> = tokio::signal::ctrl_c().await;
    if pressed.is_err() {
        std::future::pending::<()>().await;
    }
}

/// One line that is typed; `None` at the end of the input or after Ctrl-C.
pub(crate) async fn line() -> Option<String> {
    // In a thread of its own: nothing ends a read but input.
    let read = tokio::task::spawn_blocking(|| prompt::ask("").ok().flatten());
    tokio::select! {
        line = read => line.ok().flatten(),
        () = interrupted() => None,
    }
}
