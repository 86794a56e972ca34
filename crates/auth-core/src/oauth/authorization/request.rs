//! The authorization request (RFC 6749 §4.1.1, OAuth 2.1 §4.1.1, RFC 7636 §4.3, RFC 8707 §2).
//!
//! 1. An error of the client or its redirect URI is shown to the user, never redirected (RFC 6749
//!    §4.1.2.1): [`PageError`]. Every other error goes back to the client: [`RedirectedError`].
//! 2. `redirect_uri` may be left out by a client that registered exactly one (OAuth 2.1 §4.1.1).
//! 3. `response_type` is `code`, `response_mode` is left out or `query`.
//! 4. A challenge with the method `S256` is required.
//! 5. The request is for one resource of this server.
//! 6. `scope` may be left out. Scopes that the server does not know are not judged here: the server
//!    drops them.
//! 7. `request` and `request_uri` are refused, because they could replace other parameters.
//!    Parameters that are not known are ignored; among them are those of OpenID Connect, such as
//!    `nonce`.
//!
//! **Invariant:** an [`Authorization`] has a redirect URI that the client registered.

use super::{Prompt, RedirectedError, State, parameters::PromptError};
use crate::{
    ClientId, ResourceUri, ScopeSet,
    oauth::{
        ClientMetadata, CodeChallenge, ErrorCode, FormError, GrantType, OAuthError, RedirectUri,
        RedirectUriError, form, form::Parameters, target,
    },
};

/// The longest `login_hint`, in bytes.
const MAX_HINT_BYTES: usize = 255;

/// A request whose client is named and not yet known.
///
/// ```
/// use auth_core::oauth::{AuthorizationRequest, GrantType, parse_registration};
///
/// let request = AuthorizationRequest::parse(
///     b"response_type=code&client_id=c1&redirect_uri=http%3A%2F%2F127.0.0.1%3A4000%2Fcallback\
///       &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256",
/// )?;
/// // The server looks up the client `request.client_id()`.
/// let body = br#"{
///     "redirect_uris": ["http://127.0.0.1/callback"],
///     "token_endpoint_auth_method": "none"
/// }"#;
/// let client = parse_registration(body, &GrantType::ALL.into())?;
/// let served = ["https://mcp.example/mcp".parse()?];
/// let authorization = request.check(&client, &served)?;
/// assert_eq!(authorization.redirect_uri().as_str(), "http://127.0.0.1:4000/callback");
/// assert_eq!(authorization.resource(), &served[0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AuthorizationRequest {
    parameters: Parameters,
    client_id: ClientId,
}

/// A request that may be shown to a user for consent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    client_id: ClientId,
    redirect_uri: RedirectUri,
    state: Option<State>,
    challenge: CodeChallenge,
    scopes: ScopeSet,
    resource: ResourceUri,
    prompt: Prompt,
    login_hint: Option<String>,
}

/// An error that is shown to the user, because there is no safe place to redirect to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// The query cannot be read, or names the client or the redirect URI twice.
    #[error("the request cannot be read")]
    Malformed(#[source] FormError),
    /// No `client_id`.
    #[error("client_id is missing")]
    ClientIdMissing,
    /// A `client_id` that cannot be one.
    #[error("client_id is malformed")]
    ClientIdMalformed,
    /// No `redirect_uri`, and the client registered none or several.
    #[error("redirect_uri is missing, and the client has not registered exactly one")]
    RedirectUriMissing,
    /// A `redirect_uri` that no client may have.
    #[error("redirect_uri is not permitted")]
    RedirectUri(#[source] RedirectUriError),
    /// A `redirect_uri` that the client did not register.
    #[error("redirect_uri {0} is not one that the client registered")]
    RedirectUriUnknown(RedirectUri),
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Shown to the user.
    #[error(transparent)]
    Page(#[from] PageError),
    /// Sent back to the client.
    #[error(transparent)]
    Redirected(#[from] Box<RedirectedError>),
}

impl AuthorizationRequest {
    /// Reads a query, or the body of a `POST`.
    pub fn parse(query: &[u8]) -> Result<Self, PageError> {
        let parameters = Parameters::parse(query).map_err(PageError::Malformed)?;
        let client_id = parameters.unique("client_id").map_err(PageError::Malformed)?;
        let client_id = client_id.ok_or(PageError::ClientIdMissing)?;
        let client_id = client_id.parse().map_err(|_| PageError::ClientIdMalformed)?;
        Ok(Self { parameters, client_id })
    }

    /// The client that is to be looked up.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The redirect URI as the client sent it, if any client may have it. Nothing says that this
    /// client does: it is for showing, never for a redirect.
    #[must_use]
    pub fn claimed_redirect_uri(&self) -> Option<RedirectUri> {
        self.parameters.unique("redirect_uri").ok().flatten()?.parse().ok()
    }

    /// Checks the request of `client`, which has the id [`client_id`](Self::client_id). `served`
    /// are the resources of this server, first the one that a request without `resource` is for.
    pub fn check(
        &self,
        client: &ClientMetadata,
        served: &[ResourceUri],
    ) -> Result<Authorization, RequestError> {
        let redirect_uri = self.redirect_uri(client)?;
        // A state that repeats or is malformed is not sent back.
        let state = self.parameters.unique("state").ok().flatten();
        let state = state.and_then(|state| state.parse().ok());
        let checked = self.check_redirected(client, served, &redirect_uri, state.as_ref());
        checked.map_err(|error| {
            RequestError::Redirected(Box::new(RedirectedError::new(redirect_uri, state, error)))
        })
    }

    fn redirect_uri(&self, client: &ClientMetadata) -> Result<RedirectUri, PageError> {
        let sent = self.parameters.unique("redirect_uri").map_err(PageError::Malformed)?;
        let Some(sent) = sent else {
            return match client.redirect_uris() {
                [only] => Ok(only.clone()),
                _ => Err(PageError::RedirectUriMissing),
            };
        };
        let sent: RedirectUri = sent.parse().map_err(PageError::RedirectUri)?;
        if client.redirect_uris().iter().any(|registered| registered.permits(&sent)) {
            Ok(sent)
        } else {
            Err(PageError::RedirectUriUnknown(sent))
        }
    }

    /// Everything whose errors go back to the client.
    fn check_redirected(
        &self,
        client: &ClientMetadata,
        served: &[ResourceUri],
        redirect_uri: &RedirectUri,
        state: Option<&State>,
    ) -> Result<Authorization, OAuthError> {
        self.parameters.check_repeats()?;
        let get = |name| self.parameters.values(name).next();
        if get("state").is_some() && state.is_none() {
            return Err(invalid_request("state must be at most 2048 printable ASCII characters"));
        }
        let refused = [
            ("request", ErrorCode::RequestNotSupported),
            ("request_uri", ErrorCode::RequestUriNotSupported),
        ];
        if let Some((name, code)) = refused.into_iter().find(|(name, _)| get(name).is_some()) {
            return Err(OAuthError::new(code, format!("the parameter {name} is not supported")));
        }
        match get("response_type") {
            Some("code") => {}
            None => return Err(invalid_request("response_type is missing")),
            Some(_) => {
                let code = ErrorCode::UnsupportedResponseType;
                return Err(OAuthError::new(code, "response_type must be code"));
            }
        }
        if get("response_mode").is_some_and(|mode| mode != "query") {
            return Err(invalid_request("response_mode must be query"));
        }
        if !client.may_use(GrantType::AuthorizationCode) {
            return Err(OAuthError::new(
                ErrorCode::UnauthorizedClient,
                "the client is not registered for authorization codes",
            ));
        }
        let challenge = CodeChallenge::new(get("code_challenge"), get("code_challenge_method"))
            .map_err(|error| invalid_request(error.to_string()))?;
        let prompt = Prompt::parse(get("prompt"))
            .map_err(|PromptError| invalid_request("prompt has none beside another value"))?;
        let is_hint =
            |hint: &&str| hint.len() <= MAX_HINT_BYTES && !crate::claims::has_control(hint);
        Ok(Authorization {
            client_id: self.client_id.clone(),
            redirect_uri: redirect_uri.clone(),
            state: state.cloned(),
            challenge,
            scopes: form::scopes(get("scope"))?.unwrap_or_default(),
            resource: target::select(&self.parameters, served)?.clone(),
            prompt,
            login_hint: get("login_hint").filter(is_hint).map(str::to_owned),
        })
    }
}

impl Authorization {
    /// The client that asks.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Where the answer goes, as the client sent it.
    #[must_use]
    pub const fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// What the client gets back.
    #[must_use]
    pub const fn state(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// What the client's verifier has to meet.
    #[must_use]
    pub const fn challenge(&self) -> &CodeChallenge {
        &self.challenge
    }

    /// The scopes that were asked for. None: the server chooses.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The resource that the token will be for.
    #[must_use]
    pub const fn resource(&self) -> &ResourceUri {
        &self.resource
    }

    /// Which pages the client asks for.
    #[must_use]
    pub const fn prompt(&self) -> Prompt {
        self.prompt
    }

    /// Who the client supposes will sign in: for filling a field, never for a decision.
    #[must_use]
    pub fn login_hint(&self) -> Option<&str> {
        self.login_hint.as_deref()
    }
}

fn invalid_request(description: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidRequest, description)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::parse_registration;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const GOOD: [(&str, &str); 7] = [
        ("response_type", "code"),
        ("client_id", "c1"),
        ("redirect_uri", "http://localhost:4000/callback"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "a+/=b"),
        ("scope", "User.Read offline_access"),
    ];

    /// The good request with other values; an empty value leaves a parameter out.
    fn query(other: &[(&str, &str)]) -> String {
        let kept = GOOD.iter().filter(|(name, _)| !other.iter().any(|(it, _)| it == name));
        form::encode(kept.chain(other).copied())
    }

    fn check_for(registration: &str, query: &str) -> Result<Authorization, RequestError> {
        let client = parse_registration(registration.as_bytes(), &GrantType::ALL.into()).unwrap();
        let served = ["https://mcp.example".parse().unwrap()];
        AuthorizationRequest::parse(query.as_bytes())?.check(&client, &served)
    }

    fn check(query: &str) -> Result<Authorization, RequestError> {
        check_for(r#"{"redirect_uris":["http://localhost/callback","app:/cb"]}"#, query)
    }

    fn page(query: &str) -> PageError {
        match check(query) {
            Err(RequestError::Page(error)) => error,
            other => panic!("{query}: {other:?}"),
        }
    }

    fn redirected(query: &str) -> RedirectedError {
        match check(query) {
            Err(RequestError::Redirected(error)) => *error,
            other => panic!("{query}: {other:?}"),
        }
    }

    #[test]
    fn a_good_request_is_read() {
        let other = [("nonce", "n"), ("login_hint", "alice"), ("prompt", "consent"), ("x", "y")];
        let authorization = check(&query(&other)).unwrap();
        assert_eq!(authorization.client_id().as_str(), "c1");
        assert_eq!(authorization.redirect_uri().as_str(), "http://localhost:4000/callback");
        assert_eq!(authorization.state().unwrap().as_str(), "a+/=b");
        assert_eq!(authorization.challenge().as_str(), CHALLENGE);
        assert_eq!(authorization.scopes().to_string(), "User.Read offline_access");
        assert_eq!(authorization.resource().as_str(), "https://mcp.example");
        assert_eq!(authorization.prompt(), Prompt::Show { consent: true, sign_in: false });
        assert_eq!(authorization.login_hint(), Some("alice"));
    }

    #[test]
    fn what_may_be_left_out_is() {
        let left_out =
            ["state", "scope", "resource", "prompt", "login_hint"].map(|name| (name, ""));
        let authorization = check(&query(&left_out)).unwrap();
        assert_eq!(authorization.state(), None);
        assert!(authorization.scopes().is_empty());
        assert_eq!(authorization.resource().as_str(), "https://mcp.example");
        assert_eq!(authorization.prompt(), Prompt::AsNeeded);
        let slash = check(&query(&[("resource", "https://mcp.example/")])).unwrap();
        assert_eq!(slash.resource().as_str(), "https://mcp.example");
        for hint in ["a\nb".to_owned(), "a".repeat(256)] {
            assert_eq!(check(&query(&[("login_hint", &hint)])).unwrap().login_hint(), None);
        }
        assert!(check(&query(&[("response_mode", "query")])).is_ok());
    }

    #[test]
    fn an_error_of_client_or_redirect_uri_is_shown() {
        let uri = |uri: &str| page(&query(&[("redirect_uri", uri)]));
        assert_eq!(page(&query(&[("client_id", "")])), PageError::ClientIdMissing);
        assert_eq!(page(&query(&[("client_id", "a\n")])), PageError::ClientIdMalformed);
        assert_eq!(uri(""), PageError::RedirectUriMissing);
        assert_eq!(uri("http://x.example/"), PageError::RedirectUri(RedirectUriError::NotLoopback));
        for unknown in ["https://evil.example/callback", "http://127.0.0.1:4000/callback", "app:/c"]
        {
            assert_eq!(uri(unknown), PageError::RedirectUriUnknown(unknown.parse().unwrap()));
        }
        for repeated in ["client_id", "redirect_uri"] {
            // Even without a value, and even if another fault could be redirected.
            let query = format!("{}&{repeated}=&response_type=token", query(&[]));
            let expected = PageError::Malformed(FormError::Repeated(repeated.into()));
            assert_eq!(page(&query), expected);
        }
        assert_eq!(page("client_id=%"), PageError::Malformed(FormError::Encoding));
    }

    #[test]
    fn every_other_error_goes_back_with_the_state() {
        use ErrorCode as E;
        for (name, value, code) in [
            ("response_type", "", E::InvalidRequest),
            ("response_type", "token", E::UnsupportedResponseType),
            ("response_type", "code token", E::UnsupportedResponseType),
            ("response_type", "Code", E::UnsupportedResponseType),
            ("response_mode", "fragment", E::InvalidRequest),
            ("response_mode", "form_post", E::InvalidRequest),
            ("code_challenge", "", E::InvalidRequest),
            ("code_challenge", "short", E::InvalidRequest),
            ("code_challenge_method", "", E::InvalidRequest),
            ("code_challenge_method", "plain", E::InvalidRequest),
            ("scope", "a  b", E::InvalidScope),
            ("scope", "a\"b", E::InvalidScope),
            ("resource", "https://other.example", E::InvalidTarget),
            ("prompt", "none login", E::InvalidRequest),
            ("request", "e30.e30.", E::RequestNotSupported),
            ("request_uri", "https://client.example/r", E::RequestUriNotSupported),
        ] {
            let error = redirected(&query(&[(name, value)]));
            assert_eq!(error.error().code(), code, "{name}={value}");
            assert_eq!(error.state().unwrap().as_str(), "a+/=b");
            assert_eq!(error.redirect_uri().as_str(), "http://localhost:4000/callback");
        }
        let twice =
            format!("{}&resource=https://mcp.example&resource=https://mcp.example", query(&[]));
        assert_eq!(redirected(&twice).error().code(), E::InvalidTarget);
        for repeated in ["scope", "code_challenge", "response_type", "x"] {
            let query = format!("{}&{repeated}=1&{repeated}=1", query(&[]));
            assert_eq!(redirected(&query).error().code(), E::InvalidRequest, "{repeated}");
        }
    }

    #[test]
    fn a_state_that_cannot_go_back_does_not() {
        for bad in [query(&[("state", "é")]), format!("{}&state=x", query(&[]))] {
            let error = redirected(&bad);
            assert_eq!((error.error().code(), error.state()), (ErrorCode::InvalidRequest, None));
        }
    }

    #[test]
    fn the_only_registered_redirect_uri_may_be_left_out() {
        let one = r#"{"redirect_uris":["https://client.example/cb"]}"#;
        let query = query(&[("redirect_uri", "")]);
        let authorization = check_for(one, &query).unwrap();
        assert_eq!(authorization.redirect_uri().as_str(), "https://client.example/cb");
        let machine = r#"{"grant_types":["client_credentials"]}"#;
        let error = check_for(machine, &query).unwrap_err();
        assert_eq!(error, RequestError::Page(PageError::RedirectUriMissing));
    }

    #[test]
    fn a_client_without_the_grant_is_refused() {
        let machine = r#"{"grant_types":["client_credentials"],"redirect_uris":["app:/cb"]}"#;
        match check_for(machine, &query(&[("redirect_uri", "app:/cb")])) {
            Err(RequestError::Redirected(error)) => {
                assert_eq!(error.error().code(), ErrorCode::UnauthorizedClient);
            }
            other => panic!("{other:?}"),
        }
    }
}
