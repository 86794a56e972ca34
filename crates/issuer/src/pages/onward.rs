//! A page in place of a redirect.
//!
//! 1. It leads on by itself after a moment, and has a button. After an error that no user has
//!    caused there is the button alone, and the page says where it leads.
//! 2. It is for the way from a form to an identity provider, or to a program by a website or a
//!    private-use scheme. Browsers apply `form-action` to every redirect that follows a form, and
//!    what providers and websites redirect to is not known. A browser that opens another program
//!    also stays on the page that it shows, which would be the form.

use std::borrow::Cow;

use askama::Template;

use http::StatusCode;

use super::{Destination, Frame, Label, Page, Sentence, sentence, text};

/// The way to another place.
#[derive(Debug, Clone, Template)]
#[template(path = "onward.html")]
pub struct OnwardPage {
    /// What is around it.
    pub frame: Frame,
    /// Where it leads.
    pub to: Onward,
    /// The address: a redirect URI with its answer, or an authorization request to a provider.
    pub url: String,
}

/// Where a person goes on.
#[derive(Debug, Clone)]
pub enum Onward {
    /// Back to the program, which has access now.
    Allowed,
    /// Back to the program, which has no access.
    Denied,
    /// To this identity provider.
    Provider(Label),
    /// Back to the program, whose request is refused.
    Refused(Destination),
}

impl OnwardPage {
    fn lead(&self) -> Sentence {
        match &self.to {
            Onward::Allowed => Sentence::new(text::ONWARD_PROGRAM, &[]),
            Onward::Denied => Sentence::new(text::ONWARD_DECLINED, &[]),
            Onward::Provider(name) => Sentence::new(text::ONWARD_PROVIDER, &[("provider", name)]),
            Onward::Refused(destination) => {
                Sentence::new(text::ONWARD_REFUSED, &[("place", &destination.sentence())])
            }
        }
    }

    fn is_automatic(&self) -> bool {
        !matches!(self.to, Onward::Refused(_))
    }
}

impl Page for OnwardPage {
    fn heading(&self) -> Cow<'static, str> {
        let heading = match &self.to {
            Onward::Allowed => text::ONWARD_ALLOWED.to_owned(),
            Onward::Denied => text::ONWARD_DENIED.to_owned(),
            Onward::Provider(name) => {
                sentence::plain(text::ONWARD_PROVIDER_TITLE, &[("provider", name)])
            }
            Onward::Refused(_) => text::ONWARD_REFUSED_TITLE.to_owned(),
        };
        heading.into()
    }

    fn status(&self) -> StatusCode {
        if self.is_automatic() { StatusCode::OK } else { StatusCode::BAD_REQUEST }
    }
}
