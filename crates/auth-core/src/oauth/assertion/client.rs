//! The assertion of a client about itself: `private_key_jwt` (RFC 7523 §2.2, §3).

use super::{AssertionError, SingleUse, VerifiedAssertion};
use crate::{ClientId, Leeway, NumericDate};

/// No `typ`, the usual one, or the one that says what it is for (RFC 7523bis §4).
const TYPES: [Option<&str>; 3] = [None, Some("jwt"), Some("client-authentication+jwt")];

/// Judges the claims of a client's assertion. `audiences` are the issuer and the token endpoint of
/// this server.
pub fn check_client_assertion(
    assertion: &VerifiedAssertion,
    client_id: &ClientId,
    audiences: &[&str],
    (now, leeway): (NumericDate, Leeway),
) -> Result<SingleUse, AssertionError> {
    assertion.check_type(&TYPES)?;
    assertion.matches("iss", client_id.as_str())?;
    assertion.matches("sub", client_id.as_str())?;
    if !audiences.contains(&assertion.audience()?) {
        return Err(AssertionError::Mismatch("aud"));
    }
    assertion.single_use(now, leeway)
}
