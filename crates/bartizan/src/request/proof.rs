//! The proof of possession out of the request's headers (RFC 9449 §4.1).
//!
//! 1. There is at most one `DPoP` header, of visible ASCII characters (RFC 9449 §4.3, check 1).
//! 2. It is taken out of the request: only the authenticator sees it, never the inner service.

use http::{HeaderMap, HeaderName};

use super::bearer::CredentialError;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// Takes the proof out of `headers`; `None` if there is none.
pub(crate) fn take(headers: &mut HeaderMap) -> Result<Option<Box<str>>, CredentialError> {
    let mut values = headers.get_all(DPOP).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let is_repeated = values.next().is_some();
    let proof = value.to_str().map(Box::from);
    headers.remove(DPOP);
    if is_repeated {
        return Err(CredentialError::RepeatedProof);
    }
    proof.map(Some).map_err(|_| CredentialError::MalformedProof)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn take_from(values: &[&[u8]]) -> Result<Option<Box<str>>, CredentialError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(DPOP, HeaderValue::from_bytes(value).unwrap());
        }
        let taken = take(&mut headers);
        assert!(headers.is_empty(), "nothing of it goes further");
        taken
    }

    #[test]
    fn there_is_one_proof_at_most() {
        assert_eq!(take_from(&[]), Ok(None));
        assert_eq!(take_from(&[b"a.b.c"]), Ok(Some("a.b.c".into())));
        assert_eq!(take_from(&[b"a.b.c", b"a.b.c"]), Err(CredentialError::RepeatedProof));
        assert_eq!(take_from(&["é".as_bytes()]), Err(CredentialError::MalformedProof));
    }
}
