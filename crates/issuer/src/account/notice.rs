//! What an account page says beside what the user has.

use crate::pages::{Notice, PasswordError};

/// What the last form did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Said {
    pub(super) notice: Option<Notice>,
    pub(super) password: Option<PasswordError>,
}

impl From<Notice> for Said {
    fn from(notice: Notice) -> Self {
        Self { notice: Some(notice), password: None }
    }
}

impl From<PasswordError> for Said {
    fn from(error: PasswordError) -> Self {
        Self { notice: None, password: Some(error) }
    }
}
