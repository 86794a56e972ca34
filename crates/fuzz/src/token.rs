//! A token as it arrives.

use auth_core::{AccessToken, MAX_TOKEN_BYTES, UnverifiedToken};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::world::{mac, now, verifier};

/// The bytes as a token, judged. Whatever is accepted is three canonical parts, of which the third
/// is the HMAC of the others, and has no second spelling.
pub fn token(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let Ok(token) = text.parse::<AccessToken>() else { return false };
    assert!(text.len() <= MAX_TOKEN_BYTES && text.is_ascii());
    let parsed = UnverifiedToken::parse(&token).is_ok();
    if verifier().verify(&token, now()).is_err() {
        return false;
    }
    assert!(parsed);
    let (signing_input, signature) = text.rsplit_once('.').unwrap();
    assert_eq!(signing_input.matches('.').count(), 1);
    for part in text.split('.') {
        assert_eq!(URL_SAFE_NO_PAD.encode(URL_SAFE_NO_PAD.decode(part).unwrap()), part);
    }
    assert_eq!(URL_SAFE_NO_PAD.decode(signature).unwrap(), mac(signing_input));
    for other in other_spellings(text) {
        let token: AccessToken = other.parse().unwrap();
        assert!(verifier().verify(&token, now()).is_err(), "{other}");
    }
    true
}

/// The token with another last character, which a careless decoder may take for the same, and
/// padded.
fn other_spellings(text: &str) -> Vec<String> {
    let (rest, last) = text.split_at(text.len() - 1);
    let alphabet = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_', '+', '/', '=']);
    let others = alphabet.filter(|c| !last.starts_with(*c)).map(|c| format!("{rest}{c}"));
    others.chain([format!("{text}="), format!("{text}==")]).collect()
}
