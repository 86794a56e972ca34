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

/// An id from 128 random bits, as 22 characters of base64url of which the first is a letter or a
/// digit, so that no command takes the id for an option. Where it would be `-` or `_`, the first
/// bit is cleared.
///
/// ```
/// assert_eq!(auth_core::base64url::encode_id([0; 16]), "A".repeat(22));
/// assert_eq!(auth_core::base64url::encode_id([0xFF; 16]), "f____________________w");
/// ```
#[must_use]
pub fn encode_id(mut random: [u8; 16]) -> String {
    let [first, ..] = &mut random;
    // The first character is the first six bits: 62 is `-`, 63 is `_`.
    if *first >= 62 << 2 {
        *first &= 0x7F;
    }
    encode(random)
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
    fn an_id_begins_with_a_letter_or_a_digit() {
        for number in 0..=0xFFFF_u16 {
            // Every first byte with many others.
            let [first, second] = number.to_be_bytes();
            let mut random = [second.wrapping_mul(151); 16];
            random[0] = first;
            let id = encode_id(random);
            assert!(id.starts_with(|it: char| it.is_ascii_alphanumeric()), "{id}");
            assert_eq!(id.len(), 22);
            let plain = encode(random);
            assert_eq!(id[1..], plain[1..], "the other bits are kept");
            assert!(plain.starts_with(['-', '_']) || id == plain, "{plain}");
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
