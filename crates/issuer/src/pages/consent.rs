//! The page on which a user decides what a program may do.

use std::borrow::Cow;

use askama::Template;

use super::{Asker, FormTarget, Frame, Hidden, Label, Page, Scopes, Sentence, field, path, text};

/// Consent to an authorization request.
#[derive(Debug, Clone, Template)]
#[template(path = "consent.html")]
pub struct ConsentPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its forms.
    pub form: Hidden,
    /// Who asks.
    pub client: Asker,
    /// Who is signed in.
    pub user: Label,
    /// The resource that access is for.
    pub resource: Label,
    /// What may be allowed.
    pub scopes: Scopes,
    /// Why the page is shown.
    pub reason: ConsentReason,
    /// Where the decision leads: of the request's redirect URI.
    pub target: FormTarget,
}

/// Why a consent page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentReason {
    /// The program asks for the first time.
    First,
    /// All of it was allowed before: one click is enough.
    Known,
    /// The user declined this program a minute ago.
    Declined,
    /// The program asks again for scopes that the user did not allow: those that are
    /// [new](super::ScopeChoice::is_new).
    Narrowed,
    /// The program asks for more than it did before: the scopes that are
    /// [new](super::ScopeChoice::is_new).
    Grew,
}

impl ConsentPage {
    fn lead(&self) -> Sentence {
        let text = match self.reason {
            ConsentReason::Known => text::CONSENT_AGAIN_LEAD,
            _ => text::CONSENT_LEAD,
        };
        Sentence::new(text, &[("server", &self.frame.server)])
    }

    /// Why the page is shown, as a heading and a text.
    fn notice(&self) -> Option<(&'static str, Sentence)> {
        let (title, text) = match self.reason {
            ConsentReason::First | ConsentReason::Known => return None,
            ConsentReason::Declined => (text::CONSENT_DECLINED_TITLE, text::CONSENT_DECLINED),
            ConsentReason::Narrowed => (text::CONSENT_NARROWED_TITLE, text::CONSENT_NARROWED),
            ConsentReason::Grew => (text::CONSENT_GREW_TITLE, text::CONSENT_GREW),
        };
        Some((title, Sentence::new(text, &[("scopes", &self.scopes.new_ones())])))
    }

    fn is_known(&self) -> bool {
        self.reason == ConsentReason::Known
    }
}

impl Page for ConsentPage {
    fn heading(&self) -> Cow<'static, str> {
        let heading = match self.reason {
            ConsentReason::Known => text::CONSENT_AGAIN_TITLE,
            _ => text::CONSENT_TITLE,
        };
        heading.into()
    }

    fn form_target(&self) -> Option<&FormTarget> {
        Some(&self.target)
    }
}
