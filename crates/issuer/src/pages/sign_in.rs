//! The page on which a user signs in.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Asker, Frame, Hidden, Label, Page, Sentence, field, path, text};

/// Sign-in: identity providers first, then user name and password or one-time code.
#[derive(Debug, Clone, Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its forms.
    pub form: Hidden,
    /// What the person came for.
    pub purpose: Purpose,
    /// The identity providers, in order.
    pub providers: Vec<Provider>,
    /// Whether users sign in with passwords and one-time codes.
    pub passwords: bool,
    /// The user name, if it is known: from `login_hint`, or from the attempt before.
    pub user: Label,
    /// Why the attempt before failed.
    pub error: Option<SignInError>,
}

/// What a person signs in for.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// A program asks for access.
    Program(Asker),
    /// A device is to be connected.
    Device,
    /// The account page.
    Account,
}

/// An identity provider that confirms who users are.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its name in addresses: it follows [`path::SIGN_IN_WITH`].
    pub id: String,
    /// What people call it.
    pub name: Label,
}

/// Why a sign-in failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInError {
    /// User name, password or code is wrong; which one is not said.
    Wrong,
    /// The form is too old.
    Expired,
    /// Too many attempts: seconds until the next one.
    TooMany(u64),
    /// Credentials cannot be checked now.
    Unavailable,
    /// This identity provider did not confirm who the user is.
    Provider(Label),
}

impl SignInPage {
    fn lead(&self) -> Sentence {
        let text = match self.purpose {
            Purpose::Program(_) => text::SIGN_IN_FOR_PROGRAM,
            Purpose::Device => text::SIGN_IN_FOR_DEVICE,
            Purpose::Account => text::SIGN_IN_FOR_ACCOUNT,
        };
        Sentence::new(text, &[("server", &self.frame.server)])
    }

    fn asker(&self) -> Option<&Asker> {
        match &self.purpose {
            Purpose::Program(asker) => Some(asker),
            Purpose::Device | Purpose::Account => None,
        }
    }

    fn fault(&self) -> Option<Sentence> {
        Some(match self.error.as_ref()? {
            SignInError::Wrong => Sentence::new(text::SIGN_IN_WRONG, &[]),
            SignInError::Expired => Sentence::new(text::SIGN_IN_EXPIRED, &[]),
            SignInError::TooMany(seconds) => Sentence::new(&text::too_many(*seconds), &[]),
            SignInError::Unavailable => Sentence::new(text::SIGN_IN_UNAVAILABLE, &[]),
            SignInError::Provider(name) => {
                Sentence::new(text::SIGN_IN_PROVIDER_FAILED, &[("provider", name)])
            }
        })
    }

    /// Whether the fields have wrong content.
    fn is_wrong(&self) -> bool {
        self.error == Some(SignInError::Wrong)
    }
}

impl Provider {
    fn label(&self) -> Sentence {
        Sentence::new(text::SIGN_IN_WITH, &[("provider", &self.name)])
    }
}

impl Page for SignInPage {
    fn heading(&self) -> Cow<'static, str> {
        text::SIGN_IN.into()
    }

    /// 200 for a first or a failed attempt alike: browsers offer to store passwords after a 4xx
    /// less reliably, and programs that ask for the page want 200.
    fn status(&self) -> StatusCode {
        match self.error {
            Some(SignInError::TooMany(_)) => StatusCode::TOO_MANY_REQUESTS,
            Some(SignInError::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::OK,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self.error {
            Some(SignInError::TooMany(seconds)) => Some(seconds),
            Some(SignInError::Unavailable) => Some(5),
            _ => None,
        }
    }
}
