//! The life of a refresh token family (OAuth 2.1 §4.3, RFC 9700 §4.14): the tokens that follow from
//! one consent of a user to one client.
//!
//! ```text
//!                    current token                 current token
//! generation 0 ───────────────────► generation 1 ───────────────────► generation 2 …
//!                                     │    ▲ │
//!             token of generation 0   └────┘ │ token of generation 0, after the grace period;
//!             within the grace period        ▼ or of generation n − 2 and before
//!             (the same answer again)      ended
//! ```
//!
//! 1. A public client's token is rotated: each use makes the next generation. A client with a
//!    credential keeps its token (OAuth 2.1 §4.3.1).
//! 2. The token before the current one works until the current one is first used, for at most 60 s
//!    after it was issued, and gets **the same** successor again. So processes that share one token
//!    and refresh at the same time end up with one successor, and no user is signed out.
//! 3. Any other old token is a replay: the family ends, and everything that came from it is
//!    revoked.
//! 4. A family that is not used for a time ends by itself.
//! 5. A token that is presented by another client, for another resource or for more scopes is
//!    refused, and the family lives: [`RefreshGrant`] is checked before the family is asked.
//!
//! The store finds the family and the generation of a token by its digest, and keeps the digests
//! for as long as the family. It writes what a [`RefreshDecision`] says by comparing and setting
//! the generation; if that fails because another node was faster, the request is judged again. The
//! successor is [`RefreshToken::successor`](super::RefreshToken::successor), with a salt that is
//! stored with its generation, so rule 2 needs no stored token.

use std::time::Duration;

use super::{AccessTokenRequest, ErrorCode, Grant, OAuthError, OFFLINE_ACCESS};
use crate::{ClientId, NumericDate, ResourceUri, Scope, ScopeSet};

/// How long after a rotation the token before it may still be used.
pub const REFRESH_GRACE: Duration = Duration::from_mins(1);

/// What is stored of a family.
///
/// **Invariant:** the generation never decreases, and a family that has ended stays ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshFamily {
    generation: u64,
    issued_at: NumericDate,
    has_ended: bool,
}

/// How a client's tokens are renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// A public client: each use makes a new token.
    Rotate,
    /// A client with a credential: the token stays.
    Keep,
}

/// What follows from a token that is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RefreshDecision {
    /// Store the family and the successor with a new salt, and answer with the successor.
    Rotate(RefreshFamily),
    /// Change nothing, and answer with the successor that the stored salt makes.
    Repeat,
    /// Store the family, and answer with the token that was presented.
    Keep(RefreshFamily),
    /// Store the family, revoke everything that came from it, and answer with
    /// [`RefreshDecision::error`].
    End(RefreshFamily),
    /// Change nothing, and answer with [`RefreshDecision::error`].
    Refuse,
}

impl RefreshFamily {
    /// A family whose first token is issued at `now`.
    #[must_use]
    pub const fn new(now: NumericDate) -> Self {
        Self { generation: 0, issued_at: now, has_ended: false }
    }

    /// A family that was stored.
    #[must_use]
    pub const fn restore(generation: u64, issued_at: NumericDate, has_ended: bool) -> Self {
        Self { generation, issued_at, has_ended }
    }

    /// Which token is current: 0 is the first.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// When the current token was issued, or, if it is kept, last used.
    #[must_use]
    pub const fn issued_at(&self) -> NumericDate {
        self.issued_at
    }

    /// Whether the family has ended by a replay, a revocation or a removal.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The same family, ended.
    #[must_use]
    pub const fn ended(self) -> Self {
        Self { has_ended: true, ..self }
    }

    /// Judges a token of this family, of the generation `presented`. `idle` is how long a family
    /// lives without being used.
    pub fn present(
        &self,
        presented: u64,
        rotation: Rotation,
        idle: Duration,
        now: NumericDate,
    ) -> RefreshDecision {
        let age = now.since(self.issued_at);
        if self.has_ended || age > idle || presented > self.generation {
            return RefreshDecision::Refuse;
        }
        let behind = self.generation - presented;
        match (behind, rotation) {
            (0, Rotation::Keep) => RefreshDecision::Keep(Self { issued_at: now, ..*self }),
            (0, Rotation::Rotate) => RefreshDecision::Rotate(Self {
                generation: self.generation.saturating_add(1),
                issued_at: now,
                has_ended: false,
            }),
            (1, _) if age <= REFRESH_GRACE => RefreshDecision::Repeat,
            _ => RefreshDecision::End(self.ended()),
        }
    }
}

impl RefreshDecision {
    /// The one error for unknown, expired, revoked and replayed tokens.
    #[must_use]
    pub fn error() -> OAuthError {
        OAuthError::new(
            ErrorCode::InvalidGrant,
            "the refresh token is not valid any more, or not for this client: sign in again",
        )
    }
}

/// What the user granted: the bounds of every token of a family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshGrant {
    /// The client.
    pub client_id: ClientId,
    /// The resource.
    pub resource: ResourceUri,
    /// The scopes.
    pub scopes: ScopeSet,
}

impl RefreshGrant {
    /// The scopes that `request`, of the client `client_id`, which has been authenticated, may
    /// have: those that it asks for, or all. An error leaves the family as it is (rule 5).
    ///
    /// `offline_access` permits nothing and may be asked for by all.
    pub fn check(
        &self,
        client_id: &ClientId,
        request: &AccessTokenRequest,
    ) -> Result<ScopeSet, OAuthError> {
        let Grant::RefreshToken { scopes, .. } = request.grant() else {
            return Err(RefreshDecision::error());
        };
        if *client_id != self.client_id {
            return Err(RefreshDecision::error());
        }
        request.check_resource(&self.resource)?;
        let Some(asked) = scopes else { return Ok(self.scopes.clone()) };
        let is_granted =
            |scope: &&Scope| scope.as_str() == OFFLINE_ACCESS || self.scopes.contains(scope);
        if asked.iter().all(|scope| is_granted(&scope)) {
            Ok(self.scopes.intersection(asked))
        } else {
            let code = ErrorCode::InvalidScope;
            Err(OAuthError::new(code, "more scopes than were granted: sign in again for more"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{Form, encode};

    const IDLE: Duration = Duration::from_hours(24);
    const BEGIN: i64 = 1_800_000_000;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(BEGIN + secs).unwrap()
    }

    fn rotated(family: RefreshFamily, secs: i64) -> RefreshFamily {
        match family.present(family.generation(), Rotation::Rotate, IDLE, at(secs)) {
            RefreshDecision::Rotate(next) => next,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_use_makes_the_next_generation() {
        let first = RefreshFamily::new(at(0));
        let second = rotated(first, 10);
        assert_eq!(second, RefreshFamily::restore(1, at(10), false));
        assert_eq!(rotated(second, 900).generation(), 2);
    }

    #[test]
    fn the_token_before_works_until_its_successor_is_used_and_for_a_minute() {
        let family = rotated(RefreshFamily::new(at(0)), 100);
        let present = |family: RefreshFamily, generation, secs| {
            family.present(generation, Rotation::Rotate, IDLE, at(secs))
        };
        // Another node's clock may be behind.
        for secs in [95, 100, 101, 160] {
            assert_eq!(present(family, 0, secs), RefreshDecision::Repeat, "{secs}");
        }
        assert_eq!(present(family, 0, 161), RefreshDecision::End(family.ended()));
        let used = rotated(family, 101);
        assert_eq!(present(used, 0, 101), RefreshDecision::End(used.ended()));
        assert_eq!(present(used, 1, 101), RefreshDecision::Repeat);
    }

    #[test]
    fn a_family_that_has_ended_refuses_every_token() {
        let family = rotated(rotated(RefreshFamily::new(at(0)), 1), 2).ended();
        for generation in 0..4 {
            for rotation in [Rotation::Rotate, Rotation::Keep] {
                let decision = family.present(generation, rotation, IDLE, at(3));
                assert_eq!(decision, RefreshDecision::Refuse);
            }
        }
    }

    #[test]
    fn a_family_that_is_not_used_ends() {
        let family = RefreshFamily::new(at(0));
        let present = |secs| family.present(0, Rotation::Rotate, IDLE, at(secs));
        assert!(matches!(present(24 * 3600), RefreshDecision::Rotate(_)));
        assert_eq!(present(24 * 3600 + 1), RefreshDecision::Refuse);
    }

    #[test]
    fn a_token_from_the_future_is_refused_and_the_family_lives() {
        let family = RefreshFamily::new(at(0));
        assert_eq!(family.present(1, Rotation::Rotate, IDLE, at(1)), RefreshDecision::Refuse);
    }

    #[test]
    fn a_client_with_a_credential_keeps_its_token() {
        let family = RefreshFamily::new(at(0));
        let kept = RefreshFamily::restore(0, at(900), false);
        let decision = family.present(0, Rotation::Keep, IDLE, at(900));
        assert_eq!(decision, RefreshDecision::Keep(kept));
    }

    #[test]
    fn a_request_stays_within_what_was_granted() {
        let grant = RefreshGrant {
            client_id: "c1".parse().unwrap(),
            resource: "https://mcp.example".parse().unwrap(),
            scopes: "a b".parse().unwrap(),
        };
        let check = |client: &str, other: &[(&str, &str)]| {
            let own = [("grant_type", "refresh_token"), ("refresh_token", "r")];
            let form = encode(own.iter().chain(other).copied());
            let request =
                AccessTokenRequest::parse(&Form::parse(form.as_bytes()).unwrap()).unwrap();
            let scopes = grant.check(&client.parse().unwrap(), &request);
            scopes.map(|scopes| scopes.to_string()).map_err(|error| error.code())
        };
        assert_eq!(check("c1", &[]), Ok("a b".into()));
        assert_eq!(check("c1", &[("scope", "b a offline_access")]), Ok("a b".into()));
        assert_eq!(check("c1", &[("scope", "b")]), Ok("b".into()));
        assert_eq!(check("c1", &[("resource", "https://mcp.example/")]), Ok("a b".into()));
        assert_eq!(check("c1", &[("scope", "a c")]), Err(ErrorCode::InvalidScope));
        let foreign = [("resource", "https://other.example")];
        assert_eq!(check("c1", &foreign), Err(ErrorCode::InvalidTarget));
        assert_eq!(check("c2", &[]), Err(ErrorCode::InvalidGrant));
    }
}
