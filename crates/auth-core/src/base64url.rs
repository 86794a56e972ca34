//! base64url without padding (RFC 7515 §2), read in its one canonical form (RFC 4648 §3.5): padding
//! and trailing bits that are not zero are refused.

use base64::Engine;

/// A text is not canonical base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url without padding")]
pub struct Base64UrlError;

/// The bytes that `text` encodes.
///
/// ```
/// assert_eq!(auth_core::base64url::decode("-_8"), Ok(vec![0xFB, 0xFF]));
/// assert!(auth_core::base64url::decode("-_8=").is_err());
/// ```
pub fn decode(text: &str) -> Result<Vec<u8>, Base64UrlError> {
    engine().decode(text).map_err(|_| Base64UrlError)
}

/// `bytes` in base64url without padding.
///
/// ```
/// assert_eq!(auth_core::base64url::encode([0xFB, 0xFF]), "-_8");
/// ```
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    engine().encode(bytes)
}

/// Many characters at once, where the processor can.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn engine() -> &'static impl Engine {
    use std::sync::LazyLock;

    use base64::engine::{Simd, general_purpose::NO_PAD};

    static ENGINE: LazyLock<Simd> = LazyLock::new(|| Simd::url_safe(NO_PAD));
    &*ENGINE
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn engine() -> &'static impl Engine {
    &base64::engine::general_purpose::URL_SAFE_NO_PAD
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[test]
    fn every_length_is_read_as_it_was_written_and_in_no_other_form() {
        for length in 0..120_u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(151) ^ length).collect();
            let text = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(decode(&text).unwrap(), bytes);
            assert_eq!(encode(&bytes), text);
            for place in 0..text.len() {
                for bad in ["=", "+", "/", ".", " ", "\n", "\0"] {
                    let mut wrong = text.clone();
                    wrong.replace_range(place..=place, bad);
                    assert!(decode(&wrong).is_err(), "{wrong:?}");
                }
            }
            let padded = text.clone() + "=";
            assert!(decode(&padded).is_err(), "{padded}");
            // One character alone encodes no byte.
            let is_whole = text.len().is_multiple_of(4);
            assert!(!is_whole || decode(&(text.clone() + "A")).is_err(), "{text}");
        }
    }

    #[test]
    fn bits_that_nobody_reads_are_zero() {
        let long = "A".repeat(128);
        for (good, bad) in [("AA", "AB"), ("AAA", "AAB"), ("-_8", "-_9")] {
            for lead in ["", &long] {
                assert!(decode(&format!("{lead}{good}")).is_ok(), "{good}");
                assert!(decode(&format!("{lead}{bad}")).is_err(), "{bad}");
            }
        }
    }
}
