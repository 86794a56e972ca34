//! The page for a sign-in through an identity provider that does not go on.
//!
//! 1. It says what happened in our words: what the provider wrote is not shown.
//! 2. A user whom the provider confirmed sees what they are called here, so that they can tell the
//!    operator whom to add.
//! 3. It leads back to the sign-in page, if it is known what the person came for.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Frame, Label, Page, Sentence, text};

/// A sign-in through a provider that does not go on.
#[derive(Debug, Clone, Template)]
#[template(path = "provider_problem.html")]
pub struct ProviderProblemPage {
    /// What is around it.
    pub frame: Frame,
    /// What people call the provider.
    pub provider: Label,
    /// What went wrong.
    pub problem: ProviderProblem,
    /// What the user is called here, if the provider has confirmed who it is.
    pub user: Option<Label>,
    /// The path of the page to go back to.
    pub back: Option<String>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderProblem {
    /// The answer belongs to no sign-in of this browser.
    Over,
    /// The request is too long.
    TooLong,
    /// The provider says that the user or a rule refused.
    Denied,
    /// The provider cannot be asked now.
    Unavailable,
    /// The provider did not confirm who the user is.
    Unconfirmed,
    /// This server does not admit the account.
    NotAdmitted,
    /// There is no such user here.
    NoAccount,
    /// The user is disabled here.
    Disabled,
}

impl ProviderProblemPage {
    fn what(&self) -> Sentence {
        let text = match self.problem {
            ProviderProblem::Over => text::PROVIDER_OVER_WHAT,
            ProviderProblem::TooLong => text::PROVIDER_TOO_LONG_WHAT,
            ProviderProblem::Denied => text::PROVIDER_DENIED_WHAT,
            ProviderProblem::Unavailable => text::PROVIDER_UNAVAILABLE_WHAT,
            ProviderProblem::Unconfirmed => text::PROVIDER_WHAT,
            ProviderProblem::NotAdmitted => text::PROVIDER_NOT_ADMITTED_WHAT,
            ProviderProblem::NoAccount => text::ACCOUNT_MISSING_WHAT,
            ProviderProblem::Disabled => text::PROVIDER_DISABLED_WHAT,
        };
        Sentence::new(text, &[("provider", &self.provider)])
    }

    fn todo(&self) -> &'static str {
        match self.problem {
            ProviderProblem::Over | ProviderProblem::TooLong => text::EXPIRED_TODO,
            ProviderProblem::Unavailable => text::PROVIDER_UNAVAILABLE_TODO,
            ProviderProblem::Denied => text::PROVIDER_DENIED_TODO,
            ProviderProblem::Unconfirmed => text::PROVIDER_TODO,
            ProviderProblem::NotAdmitted | ProviderProblem::NoAccount => text::ACCOUNT_MISSING_TODO,
            ProviderProblem::Disabled => text::PROVIDER_DISABLED_TODO,
        }
    }
}

impl Page for ProviderProblemPage {
    fn heading(&self) -> Cow<'static, str> {
        let text = match self.problem {
            ProviderProblem::Over => text::PROVIDER_OVER_TITLE,
            ProviderProblem::TooLong => text::REQUEST_TITLE,
            ProviderProblem::Denied | ProviderProblem::Unconfirmed => text::PROVIDER_TITLE,
            ProviderProblem::Unavailable => text::UNAVAILABLE_TITLE,
            ProviderProblem::NotAdmitted => text::PROVIDER_NOT_ADMITTED_TITLE,
            ProviderProblem::NoAccount => text::ACCOUNT_MISSING_TITLE,
            ProviderProblem::Disabled => text::PROVIDER_DISABLED_TITLE,
        };
        text.into()
    }

    fn status(&self) -> StatusCode {
        match self.problem {
            ProviderProblem::Over | ProviderProblem::TooLong => StatusCode::BAD_REQUEST,
            ProviderProblem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ProviderProblem::Unconfirmed => StatusCode::BAD_GATEWAY,
            ProviderProblem::Denied
            | ProviderProblem::NotAdmitted
            | ProviderProblem::NoAccount
            | ProviderProblem::Disabled => StatusCode::FORBIDDEN,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        (self.problem == ProviderProblem::Unavailable).then_some(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_who_the_user_is_and_the_way_back_and_escapes_both() {
        let page = ProviderProblemPage {
            frame: Frame { base: String::new(), server: Label::name("server") },
            provider: Label::name("<Idp>"),
            problem: ProviderProblem::NoAccount,
            user: Some(Label::long("idp|<b>\u{202e}")),
            back: Some("/authorize?client_id=a&state=\"<".to_owned()),
        };
        let html = page.render().unwrap();
        assert!(html.contains("idp|&#60;b&#62;<") && !html.contains("<b>"), "{html}");
        assert!(html.contains("href=\"/authorize?client_id=a&#38;state=&#34;&#60;\""), "{html}");
        assert!(html.contains("<bdi>&#60;Idp&#62;</bdi> knows you"), "{html}");
        let page = ProviderProblemPage { user: None, back: None, ..page };
        let html = page.render().unwrap();
        assert!(!html.contains("href=\"/authorize") && !html.contains("idp|"), "{html}");
    }
}
