//! Why a token is refused: the check that it did not pass, and what is wrong.

use super::Check;
use crate::{KeyLookupError, ParseTokenError};

/// Why a token is refused. For the operator: the caller learns no more than `invalid_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Check 1.
    #[error(transparent)]
    Form(#[from] ParseTokenError),
    /// Check 1: longer than [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES), and so not read at all.
    #[error("the token is too long")]
    TooLong,
    /// Check 2: no `typ`, or another.
    #[error("typ is not at+jwt (RFC 9068): not an access token")]
    TokenType,
    /// Check 2: the claims say that it is an ID token or a refresh token.
    #[error("an ID token or a refresh token, not an access token")]
    OtherToken,
    /// Check 3: no `iss`.
    #[error("iss is missing")]
    IssuerMissing,
    /// Check 3: an issuer that is not trusted.
    #[error("iss is not a trusted issuer")]
    IssuerUnknown,
    /// Check 4: an algorithm that the issuer's entry does not list.
    #[error("this issuer does not sign with the algorithm in the token's header")]
    AlgorithmNotPermitted,
    /// Check 4.
    #[error(transparent)]
    Key(#[from] KeyLookupError),
    /// Check 5: no `aud`, or an empty list.
    #[error("aud is missing")]
    AudienceMissing,
    /// Check 5: a token for another resource.
    #[error("aud does not name this resource")]
    AudienceMismatch,
    /// Check 6: no `exp`.
    #[error("exp is missing")]
    ExpiryMissing,
    /// Check 6: past.
    #[error("expired")]
    Expired,
    /// Check 7: `nbf` in the future.
    #[error("not valid yet (nbf)")]
    NotYetValid,
    /// Check 7: `iat` in the future.
    #[error("issued in the future (iat)")]
    IssuedInFuture,
    /// Check 8.
    #[error("the subject is missing: neither sub nor what subject_from names is there")]
    SubjectMissing,
    /// Check 9.
    #[error("bound by cnf to something else than a client certificate, which is not supported")]
    SenderConstrained,
    /// Check 9: bound to a client certificate, and presented without one.
    #[error("bound to a client certificate by cnf, and presented without one")]
    CertificateMissing,
    /// Check 9: bound to another client certificate than the one of the connection.
    #[error("bound to another client certificate by cnf")]
    OtherCertificate,
    /// Checks 3, 5 to 8 and 10: a claim that is there, and what is wrong with it.
    #[error("{0} {1}")]
    Claim(&'static str, ClaimFault),
    /// Checks 5 and 8: the same of a claim that the issuer's entry names instead of `aud` or `sub`.
    #[error("{1} {2}")]
    NamedClaim(Check, &'static str, ClaimFault),
    /// Instead of checks 1 to 4: the issuer was asked, and says no (RFC 7662 §2.2).
    #[error("the issuer says that the token is not active")]
    Inactive,
    /// Instead of checks 1 to 4: the issuer speaks of another token than the one it was asked
    /// about.
    #[error("the issuer's answer is about another issuer's or subject's token")]
    OtherAnswer,
    /// Check 11.
    #[error("the signature does not match")]
    Signature,
}

impl VerifyError {
    /// The check that it is of.
    pub(crate) fn check(self) -> Check {
        match self {
            Self::Form(_) | Self::TooLong => Check::Form,
            Self::TokenType | Self::OtherToken => Check::Type,
            Self::IssuerMissing | Self::IssuerUnknown | Self::Claim("iss", _) => Check::Issuer,
            Self::AlgorithmNotPermitted | Self::Key(_) => Check::Key,
            Self::AudienceMissing | Self::AudienceMismatch | Self::Claim("aud", _) => {
                Check::Audience
            }
            Self::ExpiryMissing | Self::Expired | Self::Claim("exp", _) => Check::Expiry,
            Self::NotYetValid | Self::IssuedInFuture | Self::Claim("nbf" | "iat", _) => {
                Check::Begin
            }
            Self::SubjectMissing | Self::Claim("sub", _) => Check::Subject,
            Self::SenderConstrained | Self::CertificateMissing | Self::OtherCertificate => {
                Check::Binding
            }
            Self::NamedClaim(check, ..) => check,
            Self::Claim(..) => Check::Claims,
            Self::Inactive | Self::OtherAnswer => Check::Introspection,
            Self::Signature => Check::Signature,
        }
    }
}

/// What is wrong with a claim that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimFault {
    /// A number, say, where a string belongs.
    #[error("is not a string")]
    NotText,
    /// A string of no characters.
    #[error("is empty")]
    Empty,
    /// A line break, say.
    #[error("has a control character")]
    Control,
    /// Longer than any name may be.
    #[error("is longer than 255 bytes")]
    TooLong,
    /// Neither a number nor within the years from 1970 to 9999.
    #[error("is not a date: a number of seconds since 1970")]
    NotDate,
    /// Neither a string nor a list of strings.
    #[error("is neither a string nor a list of strings")]
    NotTexts,
    /// A list, in a claim that is a string by RFC 9068.
    #[error("is a list, not a string: scopes_from = [\"scope\"] in ISSUERS_FILE reads lists too")]
    List,
    /// Something that is no scope, or more than one space between two.
    #[error("is not scopes with one space between them (RFC 6749 section 3.3)")]
    NotScopes,
    /// Nothing that could hold roles.
    #[error("is neither a list of roles, nor one role, nor an object with roles as members")]
    NotRoles,
}
