//! Time-based one-time passwords (RFC 6238), as authenticator apps make them: HMAC-SHA-1, six
//! digits, steps of 30 seconds.
//!
//! 1. The code of the current step, the one before and the one after are accepted, since clocks
//!    differ (§5.2).
//! 2. Each step's code is accepted once, and none of a step before it afterwards: the database
//!    keeps the last step.
//! 3. A key has 160 random bits (RFC 4226 §4, R6).

use std::fmt::Write;

use auth_core::NumericDate;
use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use secrecy::{ExposeSecret, SecretString};

/// The length of a step in seconds.
const STEP: i64 = 30;

/// The alphabet of base32 (RFC 4648 §6).
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new key in base32, from 160 random bits.
pub(super) fn key(random: [u8; 20]) -> SecretString {
    let mut text = String::with_capacity(32);
    for group in random.chunks(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for place in (0..8).rev() {
            let letter = usize::try_from(bits >> (5 * place) & 31).unwrap_or_default();
            text.push(BASE32.get(letter).map_or('A', |letter| char::from(*letter)));
        }
    }
    SecretString::from(text)
}

/// The step whose code this is, if it is one that is accepted at `now`.
pub(super) fn step_of(key: &SecretString, code: &str, now: NumericDate) -> Option<i64> {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let current = now.as_secs().div_euclid(STEP);
    let key = decode(key.expose_secret())?;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let mut found = None;
    for step in [current - 1, current, current + 1] {
        if verify_slices_are_equal(at(&key, step).as_bytes(), code.as_bytes()).is_ok() {
            found = Some(step);
        }
    }
    found
}

/// The address that an authenticator app reads (the key URI format of Google Authenticator).
pub(super) fn address(key: &SecretString, issuer: &str, user: &str) -> SecretString {
    let (issuer, user) = (encode(issuer), encode(user));
    let key = key.expose_secret();
    SecretString::from(format!("otpauth://totp/{issuer}:{user}?secret={key}&issuer={issuer}"))
}

/// The code of a step (RFC 4226 §5.3).
fn at(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xF);
    let number =
        tag.iter().skip(offset).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{:06}", (number & 0x7FFF_FFFF) % 1_000_000)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut held) = (Vec::with_capacity(20), 0_u64, 0);
    for letter in text.bytes() {
        let value = BASE32.iter().position(|it| *it == letter)?;
        bits = bits << 5 | u64::try_from(value).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    Some(bytes)
}

/// Percent-encodes all but unreserved characters (RFC 3986 §2.3).
fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // A String takes everything.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_secs(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    /// RFC 6238 appendix B; the last six of its eight digits.
    #[test]
    fn the_vectors_of_the_standard_are_met() {
        let key = key(*b"12345678901234567890");
        assert_eq!(key.expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (secs, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(step_of(&key, code, at_secs(secs)), Some(secs / 30), "{secs}");
        }
    }

    #[test]
    fn a_code_is_good_for_its_step_and_the_two_beside_it() {
        let key = key(*b"12345678901234567890");
        // The step of 1 111 111 109 is 37 037 036: from 1 111 111 080 to 1 111 111 109.
        for (secs, is_good) in [
            (1_111_111_049, false),
            (1_111_111_050, true),
            (1_111_111_080, true),
            (1_111_111_139, true),
            (1_111_111_140, false),
        ] {
            assert_eq!(step_of(&key, "081804", at_secs(secs)).is_some(), is_good, "{secs}");
        }
        assert!(step_of(&key, "081 804", at_secs(1_111_111_109)).is_some());
        for bad in ["", "81804", "0818041", "O81804", "０８１８０４"] {
            assert_eq!(step_of(&key, bad, at_secs(1_111_111_109)), None, "{bad}");
        }
        assert_eq!(step_of(&SecretString::from("1"), "081804", at_secs(1_111_111_109)), None);
    }

    #[test]
    fn an_app_gets_the_names_encoded() {
        let address = address(&key([0; 20]), "as.example:8443", "alice & bob/é");
        let expected = "otpauth://totp/as.example%3A8443:alice%20%26%20bob%2F%C3%A9?secret=\
                        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA&issuer=as.example%3A8443";
        assert_eq!(address.expose_secret(), expected);
    }
}
