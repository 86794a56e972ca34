//! Where a run reports to while it waits for its answer.

use std::io;

use auth_core::AccessToken;
use rmcp::model::{ProgressNotificationParam, ServerNotification};

use crate::sanitize::OwnedSanitizer;

/// Shows what happens during a run.
pub(crate) trait Progress {
    /// Shows how far a call has come.
    fn progress(&mut self, progress: &ProgressNotificationParam);

    /// Shows the status of a task.
    fn task_status(&mut self, status: &str);

    /// Shows a message of the server's log.
    fn log(&mut self, notification: &ServerNotification);

    /// Shows a warning.
    fn warning(&mut self, text: &str);

    /// Removes what is shown for the time of the wait.
    fn clear(&mut self);

    /// Prints a notification.
    ///
    /// # Errors
    /// Standard output cannot be written.
    fn notification(&mut self, notification: &ServerNotification) -> io::Result<()>;

    /// Redacts this token in everything that is printed from now on.
    fn redact(&mut self, token: Option<&AccessToken>);

    /// The sanitizer that applies now.
    fn sanitizer(&self) -> OwnedSanitizer;
}
