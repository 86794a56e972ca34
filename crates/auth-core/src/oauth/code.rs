//! The life of an authorization code (OAuth 2.1 §4.1.3, RFC 6749 §4.1.2, §10.5).
//!
//! ```text
//!            first valid request              second valid request
//! Unused ──────────────────────► Exchanged ──────────────────────► Exchanged, its tokens revoked
//! ```
//!
//! 1. A request is valid if it comes from the client of the code, with its redirect URI if it sends
//!    one, a verifier that meets the challenge, and the resource of the code if it sends one.
//! 2. A request that is not valid changes nothing: clients repeat a failed exchange at once, and
//!    no other client can spoil a code.
//! 3. A code is valid for one minute; it ends with the second in which its minute is over.
//! 4. A second valid request, however late, is refused, and everything that came from the first is
//!    revoked: one of the two was not the client.
//!
//! The store has to change `Unused` to `Exchanged` by comparing and setting, so that two requests
//! at the same time do not both find it unused; and to keep exchanged codes for as long as what
//! came from them.

use std::time::Duration;

use super::{
    AccessTokenRequest, Authorization, AuthorizationCode, CodeChallenge, ErrorCode, Grant,
    OAuthError, RedirectUri,
};
use crate::{ClientId, NumericDate, ResourceUri};

/// How long a code is valid (RFC 6749 §4.1.2 recommends at most ten minutes).
pub const CODE_LIFETIME: Duration = Duration::from_mins(1);

/// Whether a code was exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeState {
    /// Not yet.
    Unused,
    /// Tokens were issued for it.
    Exchanged,
}

/// What is stored of a code, beside its digest and the grant that the user gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// The client that it was issued to.
    pub client_id: ClientId,
    /// Where it was sent.
    pub redirect_uri: RedirectUri,
    /// What the client's verifier has to meet.
    pub challenge: CodeChallenge,
    /// What its tokens are for.
    pub resource: ResourceUri,
    /// When it was issued.
    pub issued_at: NumericDate,
    /// Whether it was exchanged.
    pub state: CodeState,
}

/// What follows from a request with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum CodeDecision {
    /// Set the state to [`CodeState::Exchanged`] and issue tokens, in this order.
    Issue,
    /// Revoke everything that was issued for the code, and answer with this error.
    Revoke(OAuthError),
    /// Change nothing, and answer with this error.
    Refuse(OAuthError),
}

impl StoredCode {
    /// What is stored of a code that is issued for `authorization`.
    #[must_use]
    pub fn new(authorization: &Authorization, issued_at: NumericDate) -> Self {
        Self {
            client_id: authorization.client_id().clone(),
            redirect_uri: authorization.redirect_uri().clone(),
            challenge: authorization.challenge().clone(),
            resource: authorization.resource().clone(),
            issued_at,
            state: CodeState::Unused,
        }
    }

    /// Judges `request`, which has the code and comes from the client `client_id`, which has been
    /// authenticated.
    pub fn exchange(
        &self,
        client_id: &ClientId,
        request: &AccessTokenRequest,
        now: NumericDate,
    ) -> CodeDecision {
        if let Err(error) = self.check(client_id, request) {
            return CodeDecision::Refuse(error);
        }
        match self.state {
            CodeState::Exchanged => CodeDecision::Revoke(not_valid()),
            CodeState::Unused if now.since(self.issued_at) >= CODE_LIFETIME => {
                CodeDecision::Refuse(not_valid())
            }
            CodeState::Unused => CodeDecision::Issue,
        }
    }

    /// Rule 1.
    fn check(&self, client_id: &ClientId, request: &AccessTokenRequest) -> Result<(), OAuthError> {
        let Grant::AuthorizationCode { redirect_uri, verifier, .. } = request.grant() else {
            return Err(not_valid());
        };
        if *client_id != self.client_id {
            return Err(not_valid());
        }
        if redirect_uri.as_ref().is_some_and(|sent| sent != self.redirect_uri.as_str()) {
            return Err(OAuthError::new(
                ErrorCode::InvalidGrant,
                "redirect_uri is not that of the authorization request",
            ));
        }
        if !self.challenge.is_met_by(verifier) {
            return Err(OAuthError::new(
                ErrorCode::InvalidGrant,
                "code_verifier does not meet code_challenge",
            ));
        }
        request.check_resource(&self.resource)
    }
}

impl AuthorizationCode {
    /// The answer to a code that the store does not have: the same as to one that has expired.
    #[must_use]
    pub fn unknown() -> OAuthError {
        not_valid()
    }
}

/// One text for unknown, expired, exchanged and foreign codes: it does not say which codes exist.
fn not_valid() -> OAuthError {
    OAuthError::new(
        ErrorCode::InvalidGrant,
        "the code has expired, was used, or is not for this client: sign in again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{Form, encode};

    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const ISSUED: i64 = 1_800_000_000;

    fn code(state: CodeState) -> StoredCode {
        StoredCode {
            client_id: "c1".parse().unwrap(),
            redirect_uri: "http://localhost:4000/callback".parse().unwrap(),
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".parse().unwrap(),
            resource: "https://mcp.example".parse().unwrap(),
            issued_at: NumericDate::from_secs(ISSUED).unwrap(),
            state,
        }
    }

    fn request(other: &[(&str, &str)]) -> AccessTokenRequest {
        let good = [
            ("grant_type", "authorization_code"),
            ("code", "c"),
            ("code_verifier", VERIFIER),
            ("redirect_uri", "http://localhost:4000/callback"),
            ("resource", "https://mcp.example"),
        ];
        let kept = good.iter().filter(|(name, _)| !other.iter().any(|(it, _)| it == name));
        let form = Form::parse(encode(kept.chain(other).copied()).as_bytes()).unwrap();
        AccessTokenRequest::parse(&form).unwrap()
    }

    fn decide(state: CodeState, client: &str, other: &[(&str, &str)], after: i64) -> CodeDecision {
        let now = NumericDate::from_secs(ISSUED + after).unwrap();
        code(state).exchange(&client.parse().unwrap(), &request(other), now)
    }

    type Invalid = (&'static str, &'static [(&'static str, &'static str)], ErrorCode);

    /// What is not valid: the client, the parameters that differ, and the error.
    const INVALID: [Invalid; 8] = [
        ("c2", &[], ErrorCode::InvalidGrant),
        (
            "c1",
            &[("code_verifier", "EBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")],
            ErrorCode::InvalidGrant,
        ),
        // The challenge itself, which `plain` would accept.
        (
            "c1",
            &[("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")],
            ErrorCode::InvalidGrant,
        ),
        // The port has to be the same here: it is the request that is compared, not the
        // registration.
        ("c1", &[("redirect_uri", "http://localhost:4001/callback")], ErrorCode::InvalidGrant),
        ("c1", &[("redirect_uri", "http://localhost:4000/callback/")], ErrorCode::InvalidGrant),
        ("c1", &[("redirect_uri", "http://127.0.0.1:4000/callback")], ErrorCode::InvalidGrant),
        ("c1", &[("resource", "https://other.example")], ErrorCode::InvalidTarget),
        ("c1", &[("grant_type", "refresh_token"), ("refresh_token", "c")], ErrorCode::InvalidGrant),
    ];

    #[test]
    fn a_valid_request_is_exchanged_once() {
        for valid in [
            &[][..],
            &[("redirect_uri", "")],
            &[("resource", "")],
            &[("resource", "https://mcp.example/")],
        ] {
            assert_eq!(decide(CodeState::Unused, "c1", valid, 0), CodeDecision::Issue, "{valid:?}");
            let again = decide(CodeState::Exchanged, "c1", valid, 1);
            assert!(matches!(again, CodeDecision::Revoke(_)), "{valid:?}");
        }
    }

    #[test]
    fn what_is_not_valid_changes_nothing() {
        for (client, other, code) in INVALID {
            for state in [CodeState::Unused, CodeState::Exchanged] {
                match decide(state, client, other, 1) {
                    CodeDecision::Refuse(error) => assert_eq!(error.code(), code, "{other:?}"),
                    decision => panic!("{client} {other:?}: {decision:?}"),
                }
            }
        }
    }

    #[test]
    fn a_code_lives_for_a_minute_and_a_second_use_is_noticed_later() {
        assert_eq!(decide(CodeState::Unused, "c1", &[], 59), CodeDecision::Issue);
        // Another node's clock may be behind.
        assert_eq!(decide(CodeState::Unused, "c1", &[], -5), CodeDecision::Issue);
        for late in [60, 61, 1_000_000] {
            let unused = decide(CodeState::Unused, "c1", &[], late);
            assert_eq!(unused, CodeDecision::Refuse(AuthorizationCode::unknown()));
            let exchanged = decide(CodeState::Exchanged, "c1", &[], late);
            assert!(matches!(exchanged, CodeDecision::Revoke(_)));
        }
    }
}
