//! The page that a sign-in link opens. The link alone signs no one in: mail programs and chat
//! servers open links too.

use std::borrow::Cow;

use askama::Template;

use super::{Frame, Hidden, Label, Page, Sentence, field, path, text};

/// Confirmation of a sign-in link.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in_link.html")]
pub struct SignInLinkPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its form.
    pub form: Hidden,
    /// The user whom the link signs in.
    pub user: Label,
    /// The code of the link, for the field [`field::LINK`].
    pub code: String,
}

impl SignInLinkPage {
    fn sentence(&self, text: &str) -> Sentence {
        Sentence::new(text, &[("user", &self.user), ("server", &self.frame.server)])
    }
}

impl Page for SignInLinkPage {
    fn heading(&self) -> Cow<'static, str> {
        text::LINK_TITLE.into()
    }

    fn keeps_opener(&self) -> bool {
        false
    }
}
