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
    /// The user allowed the program before, and the browser did not go back to this place then, as
    /// far as that is known. The program may ask for other scopes besides, as below.
    Moved,
    /// The program asks again for scopes that the user did not allow: those that were
    /// [left out](super::ScopeChoice::is_left_out). It may ask for
    /// [new](super::ScopeChoice::is_new) ones besides.
    Narrowed,
    /// The program asks for more than it did before, and for nothing that the user left out: the
    /// scopes that are [new](super::ScopeChoice::is_new).
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

    /// Why the page is shown, as headings and texts.
    fn notices(&self) -> Vec<(&'static str, Sentence)> {
        let (new, left_out) = (self.scopes.new_ones(), self.scopes.left_out());
        let narrowed = || {
            let text = Sentence::new(text::CONSENT_NARROWED, &[("scopes", &left_out)]);
            (text::CONSENT_NARROWED_TITLE, text)
        };
        let grew = || {
            let text = Sentence::new(text::CONSENT_GREW, &[("scopes", &new)]);
            (text::CONSENT_GREW_TITLE, text)
        };
        match self.reason {
            ConsentReason::First | ConsentReason::Known => Vec::new(),
            ConsentReason::Declined => {
                let text = Sentence::new(text::CONSENT_DECLINED, &[]);
                vec![(text::CONSENT_DECLINED_TITLE, text)]
            }
            ConsentReason::Moved => {
                let place = self.client.goes_back_to();
                let text = Sentence::new(text::CONSENT_MOVED, &[("place", &place)]);
                let moved = (text::CONSENT_MOVED_TITLE, text);
                let narrowed = (!left_out.is_empty()).then(narrowed);
                let grew = (!new.is_empty()).then(grew);
                [Some(moved), narrowed, grew].into_iter().flatten().collect()
            }
            ConsentReason::Narrowed => {
                let grew = (!new.is_empty()).then(grew);
                [Some(narrowed()), grew].into_iter().flatten().collect()
            }
            ConsentReason::Grew => vec![grew()],
        }
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
