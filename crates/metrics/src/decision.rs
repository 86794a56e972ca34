//! What was decided, as the two labels `outcome` and `reason`.

use auth_core::{Denial, DenialReason, VerifyError};
use bartizan::{AuditEvent, AuthenticateError, Outcome, RefusalKind};

/// Defines every pair of outcome and reason that there is.
macro_rules! decisions {
    ($($(#[$doc:meta])* $variant:ident = $outcome:literal, $reason:literal;)*) => {
        /// What was decided about a request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the labels say what most of them are")]
        pub enum Decision { $($(#[$doc])* $variant,)* }

        impl Decision {
            /// Every one, in the order of their numbers.
            pub(crate) const ALL: [Self; [$(Self::$variant),*].len()] = [$(Self::$variant),*];

            /// The labels `outcome` and `reason`, which traces have too.
            #[must_use]
            pub const fn labels(self) -> [(&'static str, &'static str); 2] {
                match self {
                    $(Self::$variant => [("outcome", $outcome), ("reason", $reason)],)*
                }
            }
        }
    };
}

decisions! {
    /// The policy permits it to a caller with a token.
    Granted = "permitted", "granted";
    /// The policy permits it to every caller.
    Public = "permitted", "public";
    MissingScope = "denied", "missing_scope";
    BeyondCeiling = "denied", "beyond_ceiling";
    NoRule = "denied", "no_rule";
    NotPublic = "denied", "no_token";
    TokenForm = "unauthenticated", "form";
    TokenType = "unauthenticated", "type";
    TokenIssuer = "unauthenticated", "issuer";
    TokenKey = "unauthenticated", "key";
    TokenAudience = "unauthenticated", "audience";
    TokenExpired = "unauthenticated", "expired";
    TokenNotYetValid = "unauthenticated", "not_yet_valid";
    TokenSubject = "unauthenticated", "subject";
    TokenBinding = "unauthenticated", "binding";
    TokenClaims = "unauthenticated", "claims";
    TokenInactive = "unauthenticated", "inactive";
    TokenSignature = "unauthenticated", "signature";
    TokenRevoked = "unauthenticated", "revoked";
    UnknownUser = "unauthenticated", "unknown_user";
    DisabledUser = "unauthenticated", "disabled_user";
    /// The directory or an issuer could not be asked.
    Unavailable = "unauthenticated", "unavailable";
    MissingToken = "refused", "missing_token";
    ForbiddenOrigin = "refused", "forbidden_origin";
    NotOwned = "refused", "not_owned";
    RateReached = "refused", "rate";
    FailuresReached = "refused", "failed_authentications";
    CallsReached = "refused", "calls";
    StreamsReached = "refused", "streams";
    MemoryReached = "refused", "memory";
    Unrecordable = "refused", "unrecordable";
    Malformed = "refused", "malformed";
    OtherRefusal = "refused", "other";
    /// An open stream was ended: its caller may no longer have it.
    StreamEnded = "stream_ended", "no_longer_permitted";
}

impl Decision {
    /// What `event` says was decided; `None` if it is no decision.
    #[must_use]
    pub fn of(event: &AuditEvent<'_>) -> Option<Self> {
        Some(match event.outcome {
            Outcome::Permitted if event.principal.is_some() => Self::Granted,
            Outcome::Permitted => Self::Public,
            Outcome::Denied(denial) => Self::denied(denial),
            Outcome::Unauthenticated(error) => Self::unauthenticated(error),
            Outcome::Refused(kind, _) => Self::refused(kind),
            Outcome::StreamEnded(_) => Self::StreamEnded,
            _ => return None,
        })
    }

    fn denied(denial: &Denial) -> Self {
        match denial.reason() {
            DenialReason::MissingScope => Self::MissingScope,
            DenialReason::BeyondCeiling => Self::BeyondCeiling,
            DenialReason::NoRule => Self::NoRule,
            DenialReason::NoToken => Self::NotPublic,
        }
    }

    const fn refused(kind: RefusalKind) -> Self {
        match kind {
            RefusalKind::MissingToken => Self::MissingToken,
            RefusalKind::ForbiddenOrigin => Self::ForbiddenOrigin,
            RefusalKind::NotOwned => Self::NotOwned,
            RefusalKind::RateReached => Self::RateReached,
            RefusalKind::FailuresReached => Self::FailuresReached,
            RefusalKind::CallsReached => Self::CallsReached,
            RefusalKind::StreamsReached => Self::StreamsReached,
            RefusalKind::MemoryReached => Self::MemoryReached,
            RefusalKind::Unrecordable => Self::Unrecordable,
            RefusalKind::Malformed => Self::Malformed,
            // A kind that is new has no label yet.
            _ => Self::OtherRefusal,
        }
    }

    const fn unauthenticated(error: &AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken(invalid) => Self::invalid(invalid.fault),
            AuthenticateError::RevokedToken { .. } => Self::TokenRevoked,
            AuthenticateError::UnknownUser { .. } => Self::UnknownUser,
            AuthenticateError::DisabledUser { .. } => Self::DisabledUser,
            AuthenticateError::Unavailable(_) => Self::Unavailable,
        }
    }

    const fn invalid(fault: VerifyError) -> Self {
        match fault {
            VerifyError::Form(_) | VerifyError::TooLong => Self::TokenForm,
            VerifyError::TokenType | VerifyError::OtherToken => Self::TokenType,
            VerifyError::IssuerMissing | VerifyError::IssuerUnknown => Self::TokenIssuer,
            VerifyError::AlgorithmNotPermitted | VerifyError::Key(_) => Self::TokenKey,
            VerifyError::AudienceMissing | VerifyError::AudienceMismatch => Self::TokenAudience,
            VerifyError::ExpiryMissing | VerifyError::Expired => Self::TokenExpired,
            VerifyError::NotYetValid | VerifyError::IssuedInFuture => Self::TokenNotYetValid,
            VerifyError::SubjectMissing => Self::TokenSubject,
            VerifyError::SenderConstrained
            | VerifyError::CertificateMissing
            | VerifyError::OtherCertificate => Self::TokenBinding,
            VerifyError::Claim(..) | VerifyError::NamedClaim(..) => Self::TokenClaims,
            VerifyError::Inactive | VerifyError::OtherAnswer => Self::TokenInactive,
            VerifyError::Signature => Self::TokenSignature,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_decision_has_labels_of_its_own_and_its_place_in_the_table() {
        let labels: BTreeSet<_> = Decision::ALL.iter().map(|it| it.labels()).collect();
        assert_eq!(labels.len(), Decision::ALL.len());
        for (place, decision) in Decision::ALL.into_iter().enumerate() {
            assert_eq!(decision as usize, place);
        }
    }

    #[test]
    fn an_invalid_token_is_counted_by_the_check_that_it_does_not_pass() {
        assert_eq!(Decision::invalid(VerifyError::Expired), Decision::TokenExpired);
        assert_eq!(Decision::invalid(VerifyError::Signature), Decision::TokenSignature);
        let error = AuthenticateError::Unavailable("away".into());
        assert_eq!(Decision::unauthenticated(&error), Decision::Unavailable);
        for (kind, reason) in [
            (RefusalKind::RateReached, "rate"),
            (RefusalKind::FailuresReached, "failed_authentications"),
            (RefusalKind::CallsReached, "calls"),
            (RefusalKind::StreamsReached, "streams"),
            (RefusalKind::MemoryReached, "memory"),
        ] {
            let labels = [("outcome", "refused"), ("reason", reason)];
            assert_eq!(Decision::refused(kind).labels(), labels);
        }
    }
}
