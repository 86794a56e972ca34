//! The token out of the request's headers: strictly, and once (RFC 6750 §2.1, OAuth 2.1 §5.1.1).
//!
//! 1. No `Authorization`, another scheme, or no scheme at all: there is no token. 401 without an
//!    error.
//! 2. Two `Authorization` headers, a token in the query or announced in a form body, or a value
//!    that is no `b64token`: 400 `invalid_request`.
//! 3. A token that is too long: 401 `invalid_token`.
//! 4. The header is taken out of the request, so that nothing further in can see or forward it.

use auth_core::{AccessToken, AccessTokenError};
use http::{HeaderMap, Uri, header};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialError {
    #[error("no bearer token in the Authorization header")]
    Missing,
    #[error("more than one Authorization header")]
    Repeated,
    #[error("a token in the query string: send it in the Authorization header")]
    InQuery,
    #[error("a form body: tokens are sent in the Authorization header, and messages as JSON")]
    InForm,
    #[error("the bearer token is empty or has a character that is not allowed")]
    Malformed,
    #[error("the bearer token is too long")]
    TooLong,
    #[error("more than one DPoP header")]
    RepeatedProof,
    #[error("the DPoP header has a character that is not allowed")]
    MalformedProof,
}

/// Takes the token out of `headers`.
pub(crate) fn take(headers: &mut HeaderMap, uri: &Uri) -> Result<AccessToken, CredentialError> {
    let token = one_header(headers)?.map(str::parse::<AccessToken>);
    headers.remove(header::AUTHORIZATION);
    if has_query_token(uri) {
        return Err(CredentialError::InQuery);
    }
    if is_form(headers) {
        return Err(CredentialError::InForm);
    }
    token.ok_or(CredentialError::Missing)?.map_err(|fault| match fault {
        AccessTokenError::TooLong => CredentialError::TooLong,
        AccessTokenError::Empty | AccessTokenError::Character => CredentialError::Malformed,
    })
}

/// What follows the scheme `Bearer` in the one header there may be; `None` if there is no token.
fn one_header(headers: &HeaderMap) -> Result<Option<&str>, CredentialError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(CredentialError::Repeated);
    }
    let bytes = value.as_bytes();
    let scheme_ends = bytes.iter().position(|&b| b == b' ').unwrap_or(bytes.len());
    let (scheme, rest) = bytes.split_at(scheme_ends);
    if !scheme.eq_ignore_ascii_case(b"Bearer") {
        return Ok(None);
    }
    // 1*SP between scheme and token (RFC 9110 §11.4).
    let token = std::str::from_utf8(rest).map_err(|_| CredentialError::Malformed)?;
    Ok(Some(token.trim_start_matches(' ')))
}

fn has_query_token(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| {
        query.split('&').any(|pair| pair.split('=').next() == Some("access_token"))
    })
}

fn is_form(headers: &HeaderMap) -> bool {
    let types = headers.get_all(header::CONTENT_TYPE).iter();
    types.filter_map(|value| value.to_str().ok()).any(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn take_from(values: &[&str], uri: &str) -> Result<String, CredentialError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers
                .append(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let result = take(&mut headers, &uri.parse().unwrap());
        assert!(!headers.contains_key(header::AUTHORIZATION) || values.len() > 1);
        result.map(|token| token.expose().to_owned())
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_other_schemes_are_no_token() {
        for spelling in ["Bearer t", "bearer t", "BEARER   t"] {
            assert_eq!(take_from(&[spelling], "/"), Ok("t".into()), "{spelling}");
        }
        for other in ["Basic dDp0", "t", "Bearert", "DPoP t", ""] {
            assert_eq!(take_from(&[other], "/"), Err(CredentialError::Missing), "{other}");
        }
        assert_eq!(take_from(&[], "/"), Err(CredentialError::Missing));
    }

    #[test]
    fn what_is_not_one_clean_token_is_refused() {
        assert_eq!(take_from(&["Bearer a", "Bearer a"], "/"), Err(CredentialError::Repeated));
        for bad in ["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Bearer é"] {
            assert_eq!(take_from(&[bad], "/"), Err(CredentialError::Malformed), "{bad}");
        }
        let long = format!("Bearer {}", "a".repeat(auth_core::MAX_TOKEN_BYTES + 1));
        assert_eq!(take_from(&[&long], "/"), Err(CredentialError::TooLong));
    }

    #[test]
    fn tokens_elsewhere_are_refused_even_beside_a_good_one() {
        assert_eq!(take_from(&["Bearer a"], "/?access_token=a"), Err(CredentialError::InQuery));
        assert_eq!(take_from(&[], "/?x=1&access_token"), Err(CredentialError::InQuery));
        assert_eq!(take_from(&["Bearer a"], "/?my_access_token=a"), Ok("a".into()));
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer a"));
        let form = HeaderValue::from_static("Application/X-WWW-Form-Urlencoded; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, form);
        assert_eq!(
            take(&mut headers, &Uri::from_static("/")).unwrap_err(),
            CredentialError::InForm
        );
    }
}
