//! The request that the browser takes to the provider (OpenID Connect Core §3.1.2.1, RFC 7636
//! §4.3).
//!
//! 1. Code flow only, with PKCE `S256`, `state` and, for OpenID Connect, `nonce`.
//! 2. The query of the provider's endpoint stays (RFC 6749 §3.1).
//! 3. Parameters of the operator cannot take the place of these ([`RESERVED_PARAMETERS`]).

use url::Url;

use crate::oauth::{CodeVerifier, S256, encode};

/// The parameters that a sign-in sets itself.
pub const RESERVED_PARAMETERS: [&str; 14] = [
    "response_type",
    "response_mode",
    "client_id",
    "client_secret",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "login_hint",
    "request",
    "request_uri",
];

/// What the provider is asked.
#[derive(Debug)]
pub struct SignInRequest<'a> {
    /// The provider's authorization endpoint.
    pub endpoint: &'a Url,
    /// What this server is called there.
    pub client_id: &'a str,
    /// Where the provider sends the browser back to: one address for each provider (RFC 9700
    /// §4.4.2.2).
    pub redirect_uri: &'a str,
    /// The scopes, with a space between two.
    pub scopes: &'a str,
    /// What binds the answer to the browser.
    pub state: &'a str,
    /// What binds the ID token to this sign-in; `None` where there is no ID token.
    pub nonce: Option<&'a str>,
    /// What binds the code to this server.
    pub verifier: &'a CodeVerifier,
    /// Which pages the provider shows.
    pub prompt: Option<&'a str>,
    /// Who will probably sign in.
    pub login_hint: Option<&'a str>,
    /// Parameters of the operator, such as `domain_hint`.
    pub extra: &'a [(String, String)],
}

impl SignInRequest<'_> {
    /// Where the browser goes.
    #[must_use]
    pub fn url(&self) -> String {
        let challenge = self.verifier.challenge();
        let own = [
            ("response_type", Some("code")),
            ("client_id", Some(self.client_id)),
            ("redirect_uri", Some(self.redirect_uri)),
            ("scope", Some(self.scopes).filter(|scopes| !scopes.is_empty())),
            ("state", Some(self.state)),
            ("nonce", self.nonce),
            ("code_challenge", Some(challenge.as_str())),
            ("code_challenge_method", Some(S256)),
            ("prompt", self.prompt),
            ("login_hint", self.login_hint),
        ];
        let own = own.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let extra = extra.filter(|(name, _)| !RESERVED_PARAMETERS.contains(name));
        let query = encode(own.chain(extra));
        let mut url = self.endpoint.clone();
        url.set_fragment(None);
        let query = match url.query().filter(|before| !before.is_empty()) {
            Some(before) => format!("{before}&{query}"),
            None => query,
        };
        url.set_query(Some(&query));
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_has_all_bindings_and_nothing_replaces_them() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".parse().unwrap();
        let endpoint = "https://idp.example/authorize?p=B2C_1".parse().unwrap();
        let extra = [("hd", "ex ample"), ("state", "x"), ("redirect_uri", "https://evil.example")];
        let extra = extra.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = SignInRequest {
            endpoint: &endpoint,
            client_id: "me&you",
            redirect_uri: "https://as.example/sign-in/callback/a",
            scopes: "openid email",
            state: "s",
            nonce: Some("n"),
            verifier: &verifier,
            prompt: None,
            login_hint: Some("alice"),
            extra: &extra,
        };
        assert_eq!(
            request.url(),
            "https://idp.example/authorize?p=B2C_1&response_type=code&client_id=me%26you\
             &redirect_uri=https%3A%2F%2Fas.example%2Fsign-in%2Fcallback%2Fa\
             &scope=openid%20email&state=s&nonce=n\
             &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
             &code_challenge_method=S256&login_hint=alice&hd=ex%20ample"
        );
        let endpoint = "https://idp.example/authorize?#f".parse().unwrap();
        let request = SignInRequest { endpoint: &endpoint, nonce: None, scopes: "", ..request };
        let url = request.url();
        assert!(url.starts_with("https://idp.example/authorize?response_type=code"), "{url}");
        assert!(!url.contains("nonce") && !url.contains("scope") && !url.contains('#'), "{url}");
    }
}
