//! Project Wycheproof's vectors: signatures made to get past a careless check.
//!
//! 1. Each goes through [`VerifyingKey::verify`], the check behind every token, with its key read
//!    twice: as the PEM in the vectors, and as the JWK that we make of it.
//! 2. What is valid is accepted and what is invalid refused. Where our verdict is another, the
//!    reason is an [`Exception`], and how often it was needed is counted.
//! 3. How many there are of each is written down, so that an empty set cannot pass.
//! 4. In a token, whose signing input is another, no vector's signature is any good.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use wycheproof::{
    TestResult, ecdsa, eddsa, mac,
    rsa_pkcs1_verify::{self as rsa, TestName as Rsa},
};

use crate::{AccessToken, Algorithm, Jwk, KeyError, UnverifiedToken, VerifyingKey};

/// Why a vector that may be accepted is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exception {
    /// HS256 has one length of tag, 256 bits (RFC 7518 §3.2); the vectors with half of one are
    /// valid for protocols that cut it short.
    HalfATag,
    /// The padding's `DigestInfo` without its NULL is "acceptable" for the sake of old signers. RFC
    /// 8017 §9.2 has it, and a token's signer that leaves it out is not one of RS256.
    MissingNull,
}

/// What came of one set.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    accepted: usize,
    refused: usize,
    /// Refused by an [`Exception`].
    excepted: usize,
}

impl Tally {
    /// Judges one vector under both readings of its key.
    #[track_caller]
    fn judge(
        &mut self,
        keys: &[VerifyingKey],
        (id, message, signature): (usize, &[u8], &[u8]),
        result: TestResult,
        exception: Option<Exception>,
    ) {
        let expected = match (result, exception) {
            (TestResult::Valid, None) => true,
            (TestResult::Acceptable, None) => panic!("vector {id} is for us to decide"),
            (TestResult::Invalid, _) | (_, Some(_)) => false,
        };
        for key in keys {
            assert_eq!(key.verify(message, signature), expected, "vector {id}, {key:?}");
            assert!(!signs_a_token(key, signature), "vector {id} in a token, {key:?}");
        }
        match (expected, result) {
            (true, _) => self.accepted += 1,
            (false, TestResult::Invalid) => self.refused += 1,
            (false, _) => self.excepted += 1,
        }
    }
}

/// Whether `signature` is any good in a token for `key`.
fn signs_a_token(key: &VerifyingKey, signature: &[u8]) -> bool {
    let header = format!(r#"{{"alg":"{}","typ":"at+jwt"}}"#, key.algorithm().name());
    let [header, claims, signature] =
        [header.as_bytes(), br#"{"sub":"a"}"#, signature].map(|part| URL_SAFE_NO_PAD.encode(part));
    let token: AccessToken = format!("{header}.{claims}.{signature}").parse().unwrap();
    UnverifiedToken::parse(&token).unwrap().is_signed_by(key)
}

/// A public key as its PEM says, and as our own JWK of it says.
fn both_readings(pem: &str, algorithm: Algorithm) -> [VerifyingKey; 2] {
    let key = VerifyingKey::from_pem(pem).unwrap();
    assert_eq!(key.algorithm(), algorithm);
    let jwk = Jwk::parse(serde_json::to_value(key.to_jwk().unwrap()).unwrap()).unwrap();
    let again = jwk.verifying_key().unwrap();
    assert_eq!(again.id(), key.id());
    [key, again]
}

#[test]
fn hs256_is_judged_as_wycheproof_says() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let (mut tally, mut weak_keys) = (Tally::default(), 0);
    for group in &set.test_groups {
        let exception = (group.tag_size < 256).then_some(Exception::HalfATag);
        for test in &group.tests {
            match VerifyingKey::from_secret(&test.key) {
                Ok(key) => {
                    let vector = (test.tc_id, &test.msg[..], &test.tag[..]);
                    tally.judge(&[key], vector, test.result, exception);
                }
                Err(fault) => {
                    assert_eq!((fault, group.key_size), (KeyError::SecretTooShort, 128));
                    weak_keys += 1;
                }
            }
        }
    }
    assert_eq!(tally, Tally { accepted: 30, refused: 108, excepted: 30 });
    assert_eq!(weak_keys, 6);
}

#[test]
fn es256_is_judged_as_wycheproof_says() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let keys = both_readings(&group.pem, Algorithm::Es256);
        for test in &group.tests {
            tally.judge(&keys, (test.tc_id, &test.msg, &test.sig), test.result, None);
        }
    }
    assert_eq!(tally, Tally { accepted: 173, refused: 89, excepted: 0 });
}

#[test]
fn ed25519_is_judged_as_wycheproof_says() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally::default();
    for group in &set.test_groups {
        let keys = both_readings(&group.pem, Algorithm::EdDsa);
        for test in &group.tests {
            tally.judge(&keys, (test.tc_id, &test.msg, &test.sig), test.result, None);
        }
    }
    assert_eq!(tally, Tally { accepted: 88, refused: 63, excepted: 0 });
}

#[test]
fn rs256_is_judged_as_wycheproof_says() {
    for (name, bits, accepted, refused) in [
        (Rsa::Rsa2048Sha256, 2048, 9, 249),
        (Rsa::Rsa3072Sha256, 3072, 8, 250),
        (Rsa::Rsa4096Sha256, 4096, 7, 250),
        (Rsa::Rsa8192Sha256, 8192, 7, 250),
    ] {
        let set = rsa::TestSet::load(name).unwrap();
        let mut tally = Tally::default();
        for group in &set.test_groups {
            assert_eq!(group.key_size, bits);
            let keys = both_readings(&group.pem, Algorithm::Rs256);
            for test in &group.tests {
                let missing_null = test.flags.contains(&rsa::TestFlag::MissingNull);
                let exception = missing_null.then_some(Exception::MissingNull);
                tally.judge(&keys, (test.tc_id, &test.msg, &test.sig), test.result, exception);
            }
        }
        assert_eq!(tally, Tally { accepted, refused, excepted: 1 }, "{name:?}");
    }
}

/// No set of this project has such keys. So they are made of its keys: the upper part of a modulus,
/// as long as a weak one.
#[test]
fn rsa_keys_under_2048_bits_are_no_keys() {
    let mut tried = 0;
    for name in Rsa::all() {
        for group in rsa::TestSet::load(name).unwrap().test_groups {
            assert!(group.key_size >= 2048, "{name:?}");
            let modulus = &group.key.n[group.key.n.len() - group.key_size / 8..];
            for bytes in [64, 128, 192, 255] {
                let mut jwk = serde_json::json!({ "kty": "RSA" });
                jwk["n"] = URL_SAFE_NO_PAD.encode(&modulus[..bytes]).into();
                jwk["e"] = URL_SAFE_NO_PAD.encode(&group.key.e[..]).into();
                let key = Jwk::parse(jwk).and_then(|jwk| jwk.verifying_key());
                assert_eq!(key.unwrap_err(), KeyError::RsaSize, "{name:?}, {bytes} bytes");
                tried += 1;
            }
        }
    }
    assert_eq!(tried, 29 * 4);
}
