//! Which keys can be read, which are refused, and that none shows itself.

use auth_core::{
    AccessToken, Algorithm, Jwks, KeyError, KeySet, SigningKey, TokenIssuer, VerifyingKey,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use testkit::{Forge, ISSUER, NOW, TestKey};

use crate::{
    pems,
    support::{judge, trusted, verifier},
};

pub(crate) const PAIRS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

fn sign_fault(pem: &str) -> KeyError {
    SigningKey::from_pem(pem).unwrap_err()
}

fn verify_fault(pem: &str) -> KeyError {
    VerifyingKey::from_pem(pem).unwrap_err()
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// What follows the first `marker`, which must be there.
pub(crate) fn after<'a>(bytes: &'a [u8], marker: &[u8]) -> &'a [u8] {
    let found = bytes.windows(marker.len()).position(|window| window == marker);
    &bytes[found.unwrap() + marker.len()..]
}

/// The PKCS#1 key within an RSA key's PKCS#8 or SPKI (RFC 5208 §5, RFC 5280 §4.1).
pub(crate) fn pkcs1<'a>(outer: &'a [u8], tag: &[u8]) -> &'a [u8] {
    // The algorithm ends in NULL; then tag and long length (and, for a BIT STRING, no unused bits).
    let rest = after(outer, &[&[0x05, 0x00][..], tag, &[0x82]].concat());
    if tag == [0x03] { &rest[3..] } else { &rest[2..] }
}

pub(crate) fn assert_belong_together(signing: &SigningKey, key: &TestKey) {
    let issuer = TokenIssuer::new(ISSUER.parse().unwrap(), signing.clone());
    let request = auth_core::TokenRequest::new(
        "user-userson".parse().unwrap(),
        testkit::RESOURCE.parse().unwrap(),
        auth_core::TokenId::from_random([0; 16]),
    );
    let token = issuer.issue(&request, crate::support::secs(NOW)).unwrap();
    assert!(judge(&verifier(trusted(key)), token.expose(), NOW).is_ok());
}

#[test]
fn private_keys_are_read_from_pkcs8() {
    for algorithm in PAIRS {
        let key = TestKey::shared(algorithm);
        let signing = SigningKey::from_pem(&key.private_pem().unwrap()).unwrap();
        assert_eq!(signing.algorithm(), algorithm);
        assert_belong_together(&signing, key);
        let public = signing.verifying_key().unwrap().to_jwk().unwrap();
        assert_eq!(signing.id().unwrap().as_str(), public.thumbprint());
    }
}

#[test]
fn rsa_keys_are_read_from_pkcs1_too() {
    let key = TestKey::shared(Algorithm::Rs256);
    let private = der(&key.private_pem().unwrap());
    let private = pem("RSA PRIVATE KEY", pkcs1(&private, &[0x04]));
    assert_belong_together(&SigningKey::from_pem(&private).unwrap(), key);
    assert_eq!(verify_fault(&private), KeyError::Private);
    let public = pem("RSA PUBLIC KEY", pkcs1(key.public_der().unwrap(), &[0x03]));
    let public_key = VerifyingKey::from_pem(&public).unwrap();
    assert_eq!(public_key.to_jwk(), key.verifying().to_jwk());
    assert_eq!(sign_fault(&public), KeyError::Unsupported);
}

#[test]
fn public_keys_are_read_from_spki() {
    for algorithm in PAIRS {
        let key = TestKey::shared(algorithm);
        let public = VerifyingKey::from_pem(&key.public_pem().unwrap()).unwrap();
        assert_eq!((public.algorithm(), public.id()), (algorithm, key.verifying().id()));
        assert_eq!(public.to_jwk(), key.verifying().to_jwk());
        let keys = KeySet::from_iter([public]);
        let entry = auth_core::TrustedIssuer::new(ISSUER.parse().unwrap(), keys);
        assert!(judge(&verifier(entry), &Forge::valid(key).sign(key), NOW).is_ok());
    }
}

#[test]
fn the_halves_of_a_key_pair_are_not_taken_for_each_other() {
    for algorithm in PAIRS {
        let key = TestKey::shared(algorithm);
        let (private, public) = (key.private_pem().unwrap(), key.public_pem().unwrap());
        assert_eq!(verify_fault(&private), KeyError::Private);
        assert_eq!(sign_fault(&public), KeyError::Unsupported);
        // Nor under the other's label.
        let mislabelled = private.replace("PRIVATE KEY", "PUBLIC KEY");
        assert_eq!(verify_fault(&mislabelled), KeyError::Unsupported, "{algorithm}");
        let mislabelled = public.replace("PUBLIC KEY", "PRIVATE KEY");
        assert_eq!(sign_fault(&mislabelled), KeyError::Unsupported, "{algorithm}");
    }
}

#[test]
fn weak_keys_and_foreign_curves_are_refused() {
    assert_eq!(verify_fault(pems::RSA_1024_PUBLIC), KeyError::RsaSize);
    for private in [
        pems::RSA_1024,
        pems::RSA_PSS,
        pems::P_384,
        pems::SECP256K1,
        pems::ED_448,
        pems::X_25519,
        pems::P_256_SEC1,
        pems::P_256_ENCRYPTED,
    ] {
        assert_eq!(sign_fault(private), KeyError::Unsupported, "{private}");
        assert_eq!(verify_fault(private), KeyError::Private, "{private}");
    }
    for public in [
        pems::RSA_PSS_PUBLIC,
        pems::P_384_PUBLIC,
        pems::SECP256K1_PUBLIC,
        pems::ED_448_PUBLIC,
        pems::X_25519_PUBLIC,
        pems::P_256_CERTIFICATE,
    ] {
        assert_eq!(verify_fault(public), KeyError::Unsupported, "{public}");
        assert_eq!(sign_fault(public), KeyError::Unsupported, "{public}");
    }
}

#[test]
fn a_damaged_private_key_is_refused_when_it_is_read() {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let whole = der(&TestKey::shared(algorithm).private_pem().unwrap());
        assert!(SigningKey::from_pem(&pem("PRIVATE KEY", &whole)).is_ok());
        // In the numbers: a prime or an exponent of RSA, the point of a curve.
        for place in [whole.len() * 2 / 3, whole.len() * 3 / 4, whole.len() - 9] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            let fault = sign_fault(&pem("PRIVATE KEY", &damaged));
            assert_eq!(fault, KeyError::Unsupported, "{algorithm} at {place}");
        }
    }
}

#[test]
fn a_file_with_two_keys_or_none_is_refused() {
    let key = TestKey::shared(Algorithm::Es256);
    let (private, public) = (key.private_pem().unwrap(), key.public_pem().unwrap());
    assert_eq!(sign_fault(&private.repeat(2)), KeyError::SeveralBlocks);
    assert_eq!(verify_fault(&public.repeat(2)), KeyError::SeveralBlocks);
    assert_eq!(sign_fault(&format!("{private}{public}")), KeyError::SeveralBlocks);
    for nothing in ["", "key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"] {
        assert_eq!(sign_fault(nothing), KeyError::Unsupported);
        assert!(VerifyingKey::from_pem(nothing).is_err());
    }
    let cut = private.replace("MIG", "");
    assert_eq!(sign_fault(&cut), KeyError::Unsupported);
}

#[test]
fn a_pem_whose_private_half_has_another_public_half_is_refused() {
    let [ours, theirs] = [(); 2].map(|()| TestKey::generate(Algorithm::Es256));
    let [mut mixed, other] = [&ours, &theirs].map(|key| der(&key.private_pem().unwrap()));
    let place = mixed.len() - 64;
    mixed[place..].copy_from_slice(&other[place..]);
    assert_eq!(sign_fault(&pem("PRIVATE KEY", &mixed)), KeyError::Unsupported);
}

#[test]
fn secrets_have_at_least_32_bytes() {
    assert_eq!(SigningKey::from_secret(&[1; 31]).map(drop), Err(KeyError::SecretTooShort));
    assert_eq!(VerifyingKey::from_secret(&[1; 31]).map(drop), Err(KeyError::SecretTooShort));
    let short = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode([1; 31])});
    assert_eq!(SigningKey::from_jwk(&short.to_string()).map(drop), Err(KeyError::SecretTooShort));
    let key = SigningKey::from_secret(&[1; 32]).unwrap();
    assert_eq!((key.algorithm(), key.id()), (Algorithm::Hs256, None));
    let verifying = VerifyingKey::from_secret(&[1; 32]).unwrap();
    assert_eq!((verifying.algorithm(), verifying.id()), (Algorithm::Hs256, None));
    assert_eq!(verifying.to_jwk(), None);
}

#[test]
fn a_key_can_be_given_another_name() {
    let key = TestKey::shared(Algorithm::Es256);
    let signing = key.signing().with_id("mine".parse().unwrap());
    assert_eq!(signing.id().unwrap().to_string(), "mine");
    assert_eq!(signing.verifying_key().unwrap().id(), signing.id());
    let jwk = signing.verifying_key().unwrap().to_jwk().unwrap();
    assert_eq!(serde_json::to_value(&jwk).unwrap()["kid"], "mine");
}

#[test]
fn a_public_pem_whose_point_is_cut_short_or_compressed_is_refused() {
    let whole = TestKey::shared(Algorithm::Es256).public_der().unwrap();
    // SEQUENCE { SEQUENCE { id-ecPublicKey, prime256v1 }, BIT STRING } (RFC 5480 §2).
    let (algorithm, point) = (&whole[2..23], &whole[26..]);
    let spki = |point: &[u8]| {
        let length = u8::try_from(point.len()).unwrap();
        let bits = [&[0x03, length + 1, 0x00], point].concat();
        let length = u8::try_from(algorithm.len() + bits.len()).unwrap();
        pem("PUBLIC KEY", &[&[0x30, length], algorithm, &bits].concat())
    };
    assert!(VerifyingKey::from_pem(&spki(point)).is_ok());
    let compressed = [&[2 + (point[64] & 1)], &point[1..33]].concat();
    let hybrid = [&[6 + (point[64] & 1)], &point[1..]].concat();
    for other in [&point[..64], &point[..33], &point[..4], &[4], &[0], &[], &compressed, &hybrid] {
        assert_eq!(verify_fault(&spki(other)), KeyError::Unsupported, "{} bytes", other.len());
    }
}

#[test]
fn a_key_set_tells_what_it_holds() {
    assert!(KeySet::default().is_empty());
    let keys: KeySet = PAIRS.iter().map(|&one| TestKey::shared(one).verifying()).collect();
    assert!(!keys.is_empty());
    let held: Vec<_> = keys.iter().map(VerifyingKey::algorithm).collect();
    assert_eq!(held, PAIRS);
}

#[test]
fn nothing_that_holds_a_secret_shows_it() {
    let secret = *b"sssssssssssssssssssssssssssssss!";
    let signing = SigningKey::from_secret(&secret).unwrap();
    let verifying = signing.verifying_key().unwrap();
    let keys = KeySet::from_iter([verifying.clone()]);
    let entry = auth_core::TrustedIssuer::new(ISSUER.parse().unwrap(), keys.clone());
    let issuer = TokenIssuer::new(ISSUER.parse().unwrap(), signing.clone());
    let jwks = Jwks { keys: vec![verifying.clone()], unusable: Vec::new() };
    let token: AccessToken = "sssssssss.sssssssss.sssssssss".parse().unwrap();
    for shown in [
        format!("{signing:?}"),
        format!("{verifying:?}"),
        format!("{keys:?}"),
        format!("{jwks:?}"),
        format!("{entry:?}"),
        format!("{:?}", verifier(entry)),
        format!("{issuer:?}"),
        format!("{token:?}"),
    ] {
        for trace in ["sss", "115", "0x73", "c3Nz", "7373"] {
            assert!(!shown.contains(trace), "{shown}");
        }
    }
    assert_eq!(format!("{signing:?}"), "SigningKey(HS256, id: None, ..)");
    assert_eq!(format!("{verifying:?}"), "VerifyingKey(HS256, id: None, ..)");
    for algorithm in PAIRS {
        let key = TestKey::shared(algorithm);
        let id = key.signing().id().cloned();
        let shown = format!("{:?}", key.signing());
        assert_eq!(shown, format!("SigningKey({algorithm}, id: {id:?}, ..)"));
    }
}

#[test]
fn no_fault_of_a_key_repeats_the_key() {
    let text = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0LXNlY3JldA==\n-----END PRIVATE KEY-----\n";
    let jwk = r#"{"kty":"oct","k":"secret-secret!","use":"sig"}"#;
    for fault in [sign_fault(text), SigningKey::from_jwk(jwk).unwrap_err()] {
        let shown = format!("{fault:?} {fault}");
        assert!(!shown.contains("c2Vjc") && !shown.contains("secret-"), "{shown}");
    }
}
