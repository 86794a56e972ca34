//! The second step of a sign-in.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Frame, Hidden, Label, Page, Sentence, field, path, text};

/// The code of an authenticator app, or a recovery code.
#[derive(Debug, Clone, Template)]
#[template(path = "second_step.html")]
pub struct SecondStepPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its forms.
    pub form: Hidden,
    /// What the first step proved, for the field [`field::STEP`].
    pub step: String,
    /// The user who signs in.
    pub user: Label,
    /// Why the attempt before failed.
    pub error: Option<SecondStepError>,
}

/// Why a second step failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondStepError {
    /// The code is wrong, or was used.
    Wrong,
    /// Too many attempts: seconds until the next one.
    TooMany(u64),
}

impl SecondStepPage {
    fn lead(&self) -> Sentence {
        Sentence::new(text::SECOND_LEAD, &[("user", &self.user), ("server", &self.frame.server)])
    }

    fn fault(&self) -> Option<Sentence> {
        Some(match self.error? {
            SecondStepError::Wrong => Sentence::new(text::SECOND_WRONG, &[]),
            SecondStepError::TooMany(seconds) => Sentence::new(&text::too_many(seconds), &[]),
        })
    }

    fn is_wrong(&self) -> bool {
        self.error == Some(SecondStepError::Wrong)
    }
}

impl Page for SecondStepPage {
    fn heading(&self) -> Cow<'static, str> {
        text::SECOND_TITLE.into()
    }

    fn status(&self) -> StatusCode {
        match self.error {
            Some(SecondStepError::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::OK,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self.error {
            Some(SecondStepError::TooMany(seconds)) => Some(seconds),
            _ => None,
        }
    }
}
