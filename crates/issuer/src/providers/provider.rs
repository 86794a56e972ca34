//! One provider: what is kept of it, and the exchange of its codes.

use auth_core::{
    KeySet,
    oauth::{CodeVerifier, encode},
    openid::{ProviderCode, TokenResponse},
};
use outbound::Request;
use secrecy::ExposeSecret;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    SignInProvider,
    fault::ProviderFault,
    http::{NamedBy, ProviderClient},
    kept::Kept,
    metadata::{Endpoints, unreachable},
};

/// How many sign-ins may wait for one provider at once.
const CONCURRENT: usize = 32;

/// One provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(super) config: SignInProvider,
    pub(super) client: ProviderClient,
    pub(super) endpoints: Kept<Endpoints>,
    pub(super) keys: Kept<KeySet>,
    slots: Semaphore,
}

/// The values that bind a sign-in to the browser, to the ID token and to this server.
#[derive(Debug)]
pub(super) struct Bindings {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: CodeVerifier,
    /// Where the provider sends the browser back to.
    pub(super) redirect_uri: String,
}

impl Provider {
    pub(super) fn new(config: SignInProvider, client: ProviderClient) -> Self {
        Self {
            config,
            client,
            endpoints: Kept::new("its metadata"),
            keys: Kept::new("its keys"),
            slots: Semaphore::new(CONCURRENT),
        }
    }

    /// A place among the sign-ins that wait for this provider.
    pub(super) fn slot(&self) -> Result<SemaphorePermit<'_>, ProviderFault> {
        self.slots.try_acquire().map_err(|_| ProviderFault::Busy)
    }

    /// The parameters by which this server names itself, and how it proves that.
    pub(super) fn token_request(&self, request: Request, is_basic: bool) -> TokenRequest {
        let id = self.config.client_id.as_str();
        match &self.config.client_secret {
            // RFC 6749 §2.3.1: both are form-encoded first.
            Some(secret) if is_basic => TokenRequest {
                request: request.basic(&encoded(id), &encoded(secret.expose_secret())),
                secret: None,
            },
            Some(secret) => TokenRequest { request, secret: Some(secret.clone()) },
            None => TokenRequest { request, secret: None },
        }
    }

    /// Exchanges a code (OpenID Connect Core §3.1.3.1, RFC 7636 §4.5).
    pub(super) async fn exchange(
        &self,
        TokenRequest { request, secret }: TokenRequest,
        code: &ProviderCode,
        bindings: &Bindings,
        named_by: NamedBy,
    ) -> Result<TokenResponse, ProviderFault> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", bindings.redirect_uri.as_str()),
            ("client_id", self.config.client_id.as_str()),
            ("code_verifier", bindings.verifier.expose()),
        ];
        if let Some(secret) = &secret {
            form.push(("client_secret", secret.expose_secret()));
        }
        let response = self.client.send(request.form(&form), named_by).await;
        let response = response.map_err(|error| unreachable("its tokens", error))?;
        Ok(TokenResponse::parse(response.status.as_u16(), &response.body)?)
    }
}

/// A request to a token endpoint, and the secret if it goes into the body.
pub(super) struct TokenRequest {
    request: Request,
    secret: Option<secrecy::SecretString>,
}

/// One value in the encoding of a form.
fn encoded(value: &str) -> String {
    encode([("", value)]).trim_start_matches('=').to_owned()
}
