//! Why there is no token.

use std::{io, path::PathBuf};

use rmcp::transport::auth::AuthError;

use super::{Refused, outward::OutwardError};
use crate::store::StoreError;

/// What stands in a secret's place.
const BLOT: &str = "[secret]";
/// A shorter secret could be part of any word.
const MIN_BLOTTED: usize = 8;

/// Why there is no token. No variant shows a secret of its own accord.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// rmcp's own.
    #[error("{}", with_causes(.0))]
    Auth(#[from] AuthError),
    /// An address that is not asked.
    #[error("the server names an address that is not asked: {0}")]
    Refused(#[from] Refused),
    /// No HTTP client: no root certificates, for one.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
    /// A request that was not answered.
    #[error("{what}: {fault}")]
    Unanswered {
        /// What was asked.
        what: &'static str,
        /// Why there is no answer.
        #[source]
        fault: OutwardError,
    },
    /// The issuer said no.
    #[error("the issuer refuses: {0}")]
    Denied(String),
    /// An answer that is none.
    #[error("the issuer's answer makes no sense: {0}")]
    Senseless(&'static str),
    /// The issuer lacks what was asked for.
    #[error("the issuer does not offer {0}")]
    NotOffered(&'static str),
    /// No port for the browser's answer.
    #[error("no page on this machine for the browser to come back to")]
    Loopback(#[source] io::Error),
    /// Nobody signed in.
    #[error("nobody signed in within five minutes")]
    TooLate,
    /// Ctrl-C.
    #[error("cancelled")]
    Cancelled,
    /// What was pasted is not the page's address.
    #[error("that is not the address that the browser was sent to")]
    Pasted,
    /// A file with a secret.
    #[error("{0}: {1}")]
    File(PathBuf, #[source] io::Error),
    /// Plain http to another machine.
    #[error("a token is not sent over plain http: anybody on the way could read it")]
    PlainHttp,
    /// The store.
    #[error("the token store cannot be used: {0}")]
    Store(#[source] StoreError),
    /// Something is missing on the command line.
    #[error("{0}")]
    Usage(String),
}

impl LoginError {
    /// What an answer to a token request says, if it is an error.
    pub(crate) fn from_answer(answer: &serde_json::Value) -> Option<Self> {
        let code = answer.get("error")?.as_str()?;
        let words = answer.get("error_description").and_then(serde_json::Value::as_str);
        Some(Self::Denied(match words {
            Some(words) => format!("{code}: {words}"),
            None => code.to_owned(),
        }))
    }

    /// The same with nothing of these secrets in it, should the issuer echo what it was sent.
    pub(crate) fn without<'a>(self, secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let text = match &self {
            Self::Auth(error) => with_causes(error),
            Self::Denied(text) => text.clone(),
            _ => return self,
        };
        let secrets = secrets.into_iter().filter(|secret| secret.len() >= MIN_BLOTTED);
        let clean = secrets.fold(text.clone(), |text, secret| text.replace(secret, BLOT));
        if clean == text { self } else { Self::Denied(clean) }
    }
}

/// rmcp keeps the cause apart.
fn with_causes(error: &AuthError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_secret_is_blotted_out() {
        let denied = || LoginError::Denied("no refresh-1234 here".to_owned());
        let text = |error: LoginError| error.to_string();
        assert_eq!(
            text(denied().without(["refresh-1234"])),
            "the issuer refuses: no [secret] here"
        );
        assert_eq!(text(denied().without(["another-1234", "no"])), text(denied()));
        let words = "the issuer said code-12345678";
        let auth = || LoginError::Auth(AuthError::TokenExchangeFailed(words.to_owned()));
        assert!(matches!(auth().without(["another-1234"]), LoginError::Auth(_)));
        let clean = text(auth().without(["code-12345678"]));
        assert!(clean.contains("said [secret]") && !clean.contains("code-"), "{clean}");
    }
}
