//! What is examined: a server, and the token for it.

use auth_core::AccessToken;

use crate::{
    config::{Config, TokenSettings},
    connect::Target,
    endpoint::Endpoint,
    failure::{Context, Failure},
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

    /// What obtains a token: a sign-in where one is possible, and otherwise a token for the name of
    /// the server (RFC 9728). `is_guarded` says that the server has such a name, or says where.
    pub(super) fn way_to_token(
        &self,
        can_sign_in: bool,
        is_guarded: bool,
        name: Option<&str>,
    ) -> String {
        if can_sign_in {
            return self.login_command();
        }
        let context = match name {
            Some(name) => self.config.context_at(name, self.token.as_ref()),
            None => self.context(),
        };
        Failure::token_source(is_guarded, &context)
    }

    /// The command that signs in.
    pub(super) fn login_command(&self) -> String {
        format!("{{client}} login --url {}", self.endpoint())
    }
}
