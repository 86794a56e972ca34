//! The one reader of `WWW-Authenticate` (RFC 9110 §11.6.1), over the header lines of a response.

use auth_core::{Challenge, ChallengeError};
use http::{HeaderMap, header};

/// The `Bearer` challenge of a response, by the rules of [`Challenge::from_lines`].
///
/// ```
/// use http::{HeaderMap, header::WWW_AUTHENTICATE};
/// let mut headers = HeaderMap::new();
/// headers.append(WWW_AUTHENTICATE, "DPoP algs=\"ES256\"".parse()?);
/// headers.append(WWW_AUTHENTICATE, "Bearer scope=\"a b\"".parse()?);
/// let challenge = outbound::challenge(&headers)?;
/// assert_eq!(challenge.scope, Some("a b".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn challenge(headers: &HeaderMap) -> Result<Challenge, ChallengeError> {
    let lines = challenge_lines(headers);
    Challenge::from_lines(lines.iter().map(String::as_str))
}

/// The header lines as text. A byte that is not UTF-8 is replaced, so that it invalidates its own
/// line only.
#[must_use]
pub fn challenge_lines(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::WWW_AUTHENTICATE).iter();
    values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}
