//! What is examined: a server, and the token for it.

use auth_core::AccessToken;

use crate::{
    config::{Config, TokenSettings},
    connect::Target,
    endpoint::Endpoint,
    failure::{Context, Failure},
    oauth::KnownServer,
};

/// A server, and the token for it.
pub(super) struct Subject<'a> {
    pub(super) config: &'a Config,
    pub(super) token: Option<AccessToken>,
    /// Whether the user gave the token, so that a sign-in does not replace it.
    pub(super) was_given: bool,
    /// The resource that a stored token was obtained for.
    pub(super) stored_for: Option<String>,
}

impl<'a> Subject<'a> {
    /// The server's URL.
    pub(super) fn endpoint(&self) -> &'a Endpoint {
        &self.config.endpoint
    }

    /// How tokens are obtained.
    pub(super) fn tokens(&self) -> &'a TokenSettings {
        &self.config.tokens
    }

    /// The server, to be reached without a token: each request adds its own.
    pub(super) fn target(&self) -> Target<'a> {
        self.config.target(None)
    }

    /// What a failure has to know.
    pub(super) fn context(&self) -> Context {
        self.config.context(self.token.as_ref())
    }

    /// What obtains a token: a sign-in where one is possible, and otherwise a token for the server
    /// as its metadata name it (RFC 9728).
    pub(super) fn way_to_token(&self, can_sign_in: bool, known: Option<&KnownServer>) -> String {
        if can_sign_in {
            return self.sign_in("");
        }
        let context = match known {
            Some(known) => self.config.context_at(known, self.token.as_ref()),
            None => self.context(),
        };
        Failure::token_source(&context)
    }

    /// The command that signs in, with these arguments more.
    pub(super) fn sign_in(&self, arguments: &str) -> String {
        let command = format!("{{client}} login --url {} {arguments}", self.endpoint());
        format!("sign in with `{}`", command.trim_end())
    }
}
