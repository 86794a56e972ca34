//! The request that a browser carries to the issuer, and what it brings back (OAuth 2.1 §4.1).
//!
//! 1. PKCE with S256 always (RFC 7636), `state` always, the resource always (RFC 8707).
//! 2. An answer that names an issuer must name ours (RFC 9207), whether it is a code or an error.

use http::{StatusCode, header};
use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use super::{LoginError, Outward, discovered::IssuerInfo, redirect::parameter};
use crate::store::Client;

/// An authorization request.
pub(super) struct AuthorizationRequest {
    url: Url,
    state: String,
    verifier: PkceCodeVerifier,
}

impl AuthorizationRequest {
    /// A request of a client for scopes.
    pub(super) fn new(
        info: &IssuerInfo,
        client: &Client,
        redirect_uri: &str,
        scopes: &[String],
    ) -> Result<Self, LoginError> {
        let mut url = Url::parse(&info.metadata.authorization_endpoint)
            .map_err(|_| LoginError::InvalidResponse("no authorization endpoint"))?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random().secret().clone();
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &client.id)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("state", &state)
                .append_pair("code_challenge", challenge.as_str())
                .append_pair("code_challenge_method", challenge.method().as_str())
                .append_pair("resource", &info.resource);
            if !scopes.is_empty() {
                query.append_pair("scope", &scopes.join(" "));
            }
        }
        Ok(Self { url, state, verifier })
    }

    /// The address for the browser.
    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// The `state` that the response must carry.
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// The PKCE verifier (RFC 7636 §4.5).
    pub(super) fn verifier(&self) -> &str {
        self.verifier.secret()
    }

    /// The code in a response with our `state`.
    pub(super) fn code(&self, answer: &Url, info: &IssuerInfo) -> Result<String, LoginError> {
        if parameter(answer, "state").as_deref() != Some(self.state()) {
            return Err(LoginError::InvalidResponse("its `state` is not the one that was sent"));
        }
        let ours = info.metadata.issuer.as_deref();
        let theirs = parameter(answer, "iss");
        match (ours, &theirs) {
            (Some(ours), Some(theirs)) if ours == theirs => {}
            (_, Some(theirs)) => {
                return Err(LoginError::Denied(format!(
                    "issuer mismatch: the answer is from {theirs}, not from {}",
                    info.issuer
                )));
            }
            (_, None) if info.flag("authorization_response_iss_parameter_supported") => {
                return Err(LoginError::InvalidResponse("it does not name its issuer (RFC 9207)"));
            }
            (_, None) => {}
        }
        if let Some(code) = parameter(answer, "error") {
            let words = parameter(answer, "error_description");
            return Err(LoginError::OAuth { code, words });
        }
        parameter(answer, "code")
            .filter(|code| !code.is_empty())
            .ok_or(LoginError::InvalidResponse("there is no code in it"))
    }

    /// Whether the issuer rejects the client before the user could sign in. It is asked as a
    /// browser would ask, but to show no page (`prompt=none`, OpenID Connect Core §3.1.2.1).
    ///
    /// Only an error code about the client counts, in the redirect or in a JSON body, and 401. A
    /// bare 400 says nothing about the client: an issuer may refuse the request for any other
    /// reason.
    pub(super) async fn is_turned_away(&self, outward: &Outward) -> bool {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("prompt", "none");
        let Ok(reply) = outward.fetch(url.as_str()).await else {
            return false;
        };
        let location = reply.headers.get(header::LOCATION).and_then(|to| to.to_str().ok());
        let location = location.and_then(|to| url.join(to).ok());
        let code = location.and_then(|to| parameter(&to, "error"));
        let in_body = || Some(reply.json()?.get("error")?.as_str()?.to_owned());
        match code.or_else(in_body).as_deref() {
            Some(code) => matches!(code, "invalid_client" | "unauthorized_client"),
            None => reply.status == StatusCode::UNAUTHORIZED,
        }
    }
}
