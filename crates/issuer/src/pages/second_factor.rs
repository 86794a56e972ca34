//! Pages that set up the second factor (RFC 6238) and show recovery codes.

use std::borrow::Cow;

use askama::Template;

use super::{Frame, Hidden, Label, Page, field, path, text};

/// The key for an authenticator app, and the first code.
#[derive(Clone, Template)]
#[template(path = "set_up.html")]
pub struct SetUpPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its form.
    pub form: Hidden,
    /// What the handler must get back with the code, for the field [`field::STEP`].
    pub step: String,
    /// Which key this is, for the field [`field::KEY`].
    pub key_proof: String,
    /// The QR code of the `otpauth:` URI, as a `data:image/svg+xml` URI.
    pub picture: String,
    /// The key in Base32, as a person types it.
    pub key: String,
    /// Whether the code before was wrong.
    pub is_wrong: bool,
}

/// Recovery codes, shown once.
#[derive(Clone, Template)]
#[template(path = "recovery_codes.html")]
pub struct RecoveryCodesPage {
    /// What is around it.
    pub frame: Frame,
    /// The user.
    pub user: Label,
    /// The codes.
    pub codes: Vec<String>,
    /// Where the user goes on: a path of ours, with its query.
    pub next: String,
}

impl SetUpPage {
    /// The key in groups of four, which a person reads better.
    fn groups(&self) -> Vec<String> {
        let letters: Vec<char> = self.key.chars().filter(char::is_ascii_alphanumeric).collect();
        letters.chunks(4).map(|group| group.iter().collect()).collect()
    }
}

impl std::fmt::Debug for SetUpPage {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetUpPage").field("is_wrong", &self.is_wrong).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for RecoveryCodesPage {
    /// Without the codes.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecoveryCodesPage").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Page for SetUpPage {
    fn heading(&self) -> Cow<'static, str> {
        text::SET_UP_TITLE.into()
    }

    fn has_picture(&self) -> bool {
        true
    }

    fn keeps_opener(&self) -> bool {
        false
    }
}

impl Page for RecoveryCodesPage {
    fn heading(&self) -> Cow<'static, str> {
        text::CODES_TITLE.into()
    }

    fn keeps_opener(&self) -> bool {
        false
    }
}
