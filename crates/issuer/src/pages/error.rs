//! Pages for what goes wrong: what happened, and what to do.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Destination, Frame, Label, Page, Sentence, asker::the_program, sentence::Value, text};

/// The page for something that went wrong.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What is around it.
    pub frame: Frame,
    /// What went wrong.
    pub problem: Problem,
}

/// What went wrong.
#[derive(Debug, Clone)]
pub enum Problem {
    /// There is no such client.
    UnknownClient {
        /// What the program calls itself, as far as it is known; may be empty.
        name: Label,
        /// Its client id.
        client_id: Label,
        /// Where it asks the browser to go afterwards, which nothing proves.
        destination: Option<Destination>,
    },
    /// The redirect URI is not one of the client's.
    RedirectUri {
        /// What the program calls itself; may be empty.
        name: Label,
        /// The redirect URI that it sent.
        uri: Label,
    },
    /// The request is invalid, and the browser may not be sent back with that.
    Request {
        /// What the program calls itself; may be empty.
        name: Label,
        /// What is wrong, for a developer.
        message: Label,
    },
    /// The client's metadata document cannot be used.
    Document {
        /// The host of the document.
        host: Label,
        /// The client id: the address of the document.
        client_id: Label,
        /// What is wrong, for a developer.
        message: Label,
    },
    /// A form is too old, or another user has signed in since.
    Expired,
    /// A form came without the cookie that belongs to it.
    Cookies,
    /// A sign-in link is wrong, was used or has expired; which one is not said.
    Link,
    /// An identity provider did not confirm who the user is.
    Provider {
        /// What people call the provider.
        provider: Label,
        /// What is wrong, for a developer; may be empty.
        message: Label,
    },
    /// An identity provider knows the user, and this server does not.
    NoAccount {
        /// What people call the provider.
        provider: Label,
    },
    /// Too many attempts: seconds until the next one.
    TooMany(u64),
    /// Something that is needed cannot be had now.
    Unavailable,
    /// Nothing is at this address.
    NotFound,
}

impl ErrorPage {
    fn what(&self) -> Sentence {
        match &self.problem {
            Problem::UnknownClient { name, destination, .. } => {
                let what = about(text::UNKNOWN_CLIENT_WHAT, name);
                let Some(destination) = destination else { return what };
                let values: [(&str, &dyn Value); 2] =
                    [("what", &what), ("place", &destination.sentence())];
                Sentence::new(text::UNKNOWN_CLIENT_PLACE, &values)
            }
            Problem::RedirectUri { name, .. } => about(text::REDIRECT_WHAT, name),
            Problem::Request { name, .. } => about(text::REQUEST_WHAT, name),
            Problem::Document { host, .. } => Sentence::new(text::DOCUMENT_WHAT, &[("host", host)]),
            Problem::Provider { provider, .. } => {
                Sentence::new(text::PROVIDER_WHAT, &[("provider", provider)])
            }
            Problem::NoAccount { provider } => {
                Sentence::new(text::ACCOUNT_MISSING_WHAT, &[("provider", provider)])
            }
            Problem::Expired => Sentence::new(text::EXPIRED_WHAT, &[]),
            Problem::Cookies => Sentence::new(text::COOKIES_WHAT, &[]),
            Problem::Link => Sentence::new(text::LINK_USED_WHAT, &[]),
            Problem::TooMany(_) => Sentence::new(text::TOO_MANY_WHAT, &[]),
            Problem::Unavailable => Sentence::new(text::UNAVAILABLE_WHAT, &[]),
            Problem::NotFound => Sentence::new(text::NOT_FOUND_WHAT, &[]),
        }
    }

    fn todo(&self) -> String {
        let text = match self.problem {
            Problem::UnknownClient { .. } => text::UNKNOWN_CLIENT_TODO,
            Problem::RedirectUri { .. } => text::REDIRECT_TODO,
            Problem::Request { .. } => text::REQUEST_TODO,
            Problem::Document { .. } => text::DOCUMENT_TODO,
            Problem::Expired => text::EXPIRED_TODO,
            Problem::Cookies => text::COOKIES_TODO,
            Problem::Link => text::LINK_USED_TODO,
            Problem::Provider { .. } => text::PROVIDER_TODO,
            Problem::NoAccount { .. } => text::ACCOUNT_MISSING_TODO,
            Problem::TooMany(seconds) => return text::try_again_in(seconds),
            Problem::Unavailable => text::UNAVAILABLE_TODO,
            Problem::NotFound => text::NOT_FOUND_TODO,
        };
        text.to_owned()
    }

    /// What helps a developer, by title.
    fn details(&self) -> Vec<(&'static str, &Label)> {
        let details = match &self.problem {
            Problem::UnknownClient { name, client_id, .. } => {
                vec![(text::ERROR_PROGRAM, name), (text::ERROR_CLIENT_ID, client_id)]
            }
            Problem::RedirectUri { uri, .. } => vec![(text::ERROR_ADDRESS, uri)],
            Problem::Document { client_id, message, .. } => {
                vec![(text::ERROR_CLIENT_ID, client_id), (text::ERROR_MESSAGE, message)]
            }
            Problem::Request { message, .. } | Problem::Provider { message, .. } => {
                vec![(text::ERROR_MESSAGE, message)]
            }
            _ => Vec::new(),
        };
        details.into_iter().filter(|(_, label)| !label.is_empty()).collect()
    }
}

impl Page for ErrorPage {
    fn heading(&self) -> Cow<'static, str> {
        let heading = match self.problem {
            Problem::UnknownClient { .. } => text::UNKNOWN_CLIENT_TITLE,
            Problem::RedirectUri { .. } => text::REDIRECT_TITLE,
            Problem::Request { .. } => text::REQUEST_TITLE,
            Problem::Document { .. } => text::DOCUMENT_TITLE,
            Problem::Expired => text::EXPIRED_TITLE,
            Problem::Cookies => text::COOKIES_TITLE,
            Problem::Link => text::LINK_USED_TITLE,
            Problem::Provider { .. } => text::PROVIDER_TITLE,
            Problem::NoAccount { .. } => text::ACCOUNT_MISSING_TITLE,
            Problem::TooMany(_) => text::TOO_MANY_TITLE,
            Problem::Unavailable => text::UNAVAILABLE_TITLE,
            Problem::NotFound => text::NOT_FOUND_TITLE,
        };
        heading.into()
    }

    fn status(&self) -> StatusCode {
        match self.problem {
            Problem::UnknownClient { .. }
            | Problem::RedirectUri { .. }
            | Problem::Request { .. }
            | Problem::Document { .. }
            | Problem::Link => StatusCode::BAD_REQUEST,
            Problem::Expired | Problem::Cookies | Problem::NoAccount { .. } => {
                StatusCode::FORBIDDEN
            }
            Problem::Provider { .. } => StatusCode::BAD_GATEWAY,
            Problem::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Problem::NotFound => StatusCode::NOT_FOUND,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self.problem {
            Problem::TooMany(seconds) => Some(seconds),
            Problem::Unavailable => Some(5),
            _ => None,
        }
    }
}

/// A sentence about the program with this name.
fn about(text: &str, name: &Label) -> Sentence {
    Sentence::new(text, &[("program", &the_program(name))])
}
