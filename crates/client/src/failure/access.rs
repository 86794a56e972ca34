//! Faults of getting and keeping tokens.

use auth_core::{Challenge, ScopeSet, display::quoted};
use outbound::{AddressError, OutboundError};
use rmcp::transport::auth::AuthError;

use super::{Context, Failure, plain, source::TokenSource};
use crate::{
    Exit,
    endpoint::Endpoint,
    oauth::{LoginError, RefusedAddressError},
    store::{Entry, StoreError},
    tls,
};

impl Failure {
    /// There is no token to be had.
    pub(crate) fn login(error: &LoginError, context: &Context) -> Self {
        let exit = match error {
            LoginError::Cancelled => return Self::cancelled(),
            LoginError::SignInTimeout(_) => Exit::Timeout,
            LoginError::Usage(_) | LoginError::File(..) => Exit::Usage,
            LoginError::Down { .. }
            | LoginError::Busy { .. }
            | LoginError::NoIssuerAnswers { .. }
            | LoginError::Auth(AuthError::DiscoveryRequestFailed { .. }) => Exit::Unreachable,
            _ => Exit::Unauthorized,
        };
        let failure = Self::new(exit, format!("no token for {}: {error}", context.endpoint));
        match hint(error, context) {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }

    /// The token that is stored cannot be renewed just now.
    pub(crate) fn renewal(error: &LoginError, context: &Context) -> Self {
        let mut failure = Self::login(error, context);
        if failure.exit != Exit::Cancelled {
            failure.message = format!("the token for {} is not renewed: {error}", context.endpoint);
        }
        failure
    }

    /// The same, for a user who was signed in.
    pub(crate) fn sign_in_ended(mut self, entry: &Entry, context: &Context) -> Self {
        self.message =
            format!("your sign-in at {} for {} has ended", entry.issuer, context.endpoint);
        self
    }

    /// The token store cannot be used.
    pub(crate) fn store(error: &StoreError) -> Self {
        let failure = Self::usage(&format!("the token store cannot be used: {error}"));
        match error {
            StoreError::Damaged(path) => failure.with_hint(format!(
                "remove {} and sign in again with `{{client}} login`",
                path.display()
            )),
            StoreError::File(_) => failure,
        }
    }

    /// What was to be forgotten is still there.
    pub(crate) fn still_kept(server: &str) -> Self {
        let message =
            format!("the token for {server} is still in the keychain, which cannot be read");
        Self::usage(&message).with_hint("unlock the keychain, and try again")
    }

    /// What `explain` found.
    pub(crate) fn explained(exit: Exit, count: usize) -> Self {
        let failures =
            if count == 1 { "1 check failed" } else { &format!("{count} checks failed") };
        Self::new(exit, failures)
    }

    /// A fault of the HTTP client.
    pub(crate) fn from_outbound(error: &OutboundError, context: &Context) -> Self {
        super::http::from_outbound(error, context)
    }

    /// The same, where the token is in a keychain that cannot be read.
    pub(crate) fn missing_keychain(mut self) -> Self {
        self.message.push_str(". A token is kept in the keychain, which cannot be read");
        self
    }

    /// The same, for a user who could sign in.
    pub(crate) fn offering_login(self, context: &Context) -> Self {
        if self.challenge().is_none() {
            return self;
        }
        let again = if self.lacks_scope() {
            "repeat it with --yes, or on a terminal, to sign in for more scopes".to_owned()
        } else {
            format!("sign in with `{{client}} login --url {}`", context.endpoint)
        };
        self.with_hint(again)
    }

    /// The same, for a user who cannot sign in, for the reason of `error`.
    pub(crate) fn without_sign_in(self, error: &LoginError, context: &Context) -> Self {
        match hint(error, context) {
            Some(hint) => self.with_hint(hint),
            None => self,
        }
    }

    /// What obtains a token where no one can sign in.
    pub(crate) fn token_source(context: &Context) -> String {
        TokenSource::of(context).get("a token", context)
    }

    /// Whether the server answered with 401.
    pub(crate) fn is_refused_token(&self) -> bool {
        self.exit == Exit::Unauthorized && self.refusal.is_some()
    }

    /// Whether its hint says where to get a token.
    pub(crate) fn lacks_token(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.lacks.is_some())
    }

    /// The same refusal with the server's name for it, if that is not known yet.
    pub(crate) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.named.request_id = self.named.request_id.or(id);
        self
    }

    /// The same, for a program that cannot ask a person: the command that a person may enter. `had`
    /// are the scopes of the token.
    pub(crate) fn offering_step_up(self, endpoint: &Endpoint, had: &ScopeSet) -> Self {
        let Some(required) = self.required().filter(|_| self.lacks_scope()) else {
            return self;
        };
        let scopes = had.union(required);
        let scopes = self.granted().map_or_else(|| scopes.clone(), |had| had.union(&scopes));
        let scopes = scopes.to_string();
        if !scopes.chars().all(plain::is_plain) {
            return self;
        }
        let hint = format!(
            "sign in for it with `{{client}} login --url {endpoint} --scope \"{scopes}\"`, \
             and try again"
        );
        self.with_hint(hint)
    }

    /// A person has to sign in, and has not yet. `prompt` is what they have to do.
    pub(crate) fn sign_in_pending(prompt: Option<String>, context: &Context) -> Self {
        let message = format!("{} waits for you to sign in", context.endpoint);
        let prompt = prompt
            .unwrap_or_else(|| "sign in on the page in your browser, and try again".to_owned());
        Self::new(Exit::Unauthorized, message).with_hint(prompt)
    }

    /// The same, and why nothing more was tried.
    pub(crate) fn stopped(self, why: &str) -> Self {
        self.with_hint(why)
    }

    /// The challenge that came with it.
    pub(crate) fn challenge(&self) -> Option<&Challenge> {
        self.refusal.as_ref()?.challenge.as_ref()
    }

    /// Whether a token with more scopes would do (RFC 6750 §3.1).
    pub(crate) fn lacks_scope(&self) -> bool {
        self.refusal.as_ref().is_some_and(|refusal| refusal.lacks_scope)
    }
}

/// What to do about a sign-in that came to nothing.
fn hint(error: &LoginError, context: &Context) -> Option<String> {
    let url = &context.endpoint;
    let words = error.to_string();
    Some(match error {
        _ if tls::is_unknown_authority(&words) => tls::UNKNOWN_AUTHORITY.to_owned(),
        LoginError::Refused(RefusedAddressError { fault: AddressError::Private, .. })
        | LoginError::NoIssuerAnswers { is_private: true, .. } => {
            "if you trust it, --allow-private lets it be asked".to_owned()
        }
        LoginError::Usage(_) | LoginError::File(..) | LoginError::Pasted => return None,
        LoginError::NoPkce => {
            "if you know that it has PKCE (Microsoft Entra ID and Amazon Cognito \
             do, and do not say so): --assume-pkce"
                .to_owned()
        }
        LoginError::ResourceDiffers { resource, .. } => format!(
            "other servers may take a token for it, too. If you trust them all: --accept-resource {}",
            quoted(resource)
        ),
        error if error.is_without_issuer() => {
            format!("no sign-in is possible there: {}", Failure::token_source(context))
        }
        LoginError::NoIssuerAnswers { .. }
        | LoginError::Auth(AuthError::DiscoveryRequestFailed { .. })
            if url.is_loopback() =>
        {
            let source = Failure::token_source(context);
            format!("is the authorization server running? If there is none, {source}")
        }
        LoginError::OAuth { code, .. } if code == "access_denied" => {
            "you declined, or the issuer does not let you: try again, or ask those who run it"
                .to_owned()
        }
        LoginError::OAuth { .. } if error.is_about_client() => {
            "the issuer does not know this client, or does not let it do this: pass another \
             client id with --client-id"
                .to_owned()
        }
        LoginError::Registration(_) => {
            "get a client id from those who run the issuer, and give it as --client-id".to_owned()
        }
        LoginError::SignInTimeout(_) => {
            format!(
                "if the page showed an error, `{{client}} login --url {url}` tries it with a new client"
            )
        }
        LoginError::Down { .. } | LoginError::Busy { .. } => "try again later".to_owned(),
        LoginError::NoIssuerAnswers { .. }
        | LoginError::Auth(AuthError::DiscoveryRequestFailed { .. }) => {
            format!("is it running? `{{client}} explain --url {url}` says more")
        }
        _ => format!("`{{client}} explain --url {url}` says more"),
    })
}
