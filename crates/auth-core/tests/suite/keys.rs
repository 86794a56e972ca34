//! Which keys can be read, which are refused, and that none shows itself.

use auth_core::{
    AccessToken, Algorithm, Jwk, Jwks, KeyError, KeySet, SigningKey, TokenIssuer, VerifyingKey,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, TestKey};

use crate::{
    pems,
    support::{judge, trusted, verifier},
};

const PAIRS: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

fn sign_fault(pem: &str) -> KeyError {
    SigningKey::from_pem(pem).unwrap_err()
}

fn verify_fault(pem: &str) -> KeyError {
    VerifyingKey::from_pem(pem).unwrap_err()
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

/// What follows the first `marker`, which must be there.
fn after<'a>(bytes: &'a [u8], marker: &[u8]) -> &'a [u8] {
    let found = bytes.windows(marker.len()).position(|window| window == marker);
    &bytes[found.unwrap() + marker.len()..]
}

/// The PKCS#1 key within an RSA key's PKCS#8 or SPKI (RFC 5208 §5, RFC 5280 §4.1).
fn pkcs1<'a>(outer: &'a [u8], tag: &[u8]) -> &'a [u8] {
    // The algorithm ends in NULL; then tag and long length (and, for a BIT STRING, no unused bits).
    let rest = after(outer, &[&[0x05, 0x00][..], tag, &[0x82]].concat());
    if tag == [0x03] { &rest[3..] } else { &rest[2..] }
}

/// The numbers of a PKCS#1 private key (RFC 8017 A.1.2): version, n, e, d, p, q, dp, dq, qi.
fn integers(pkcs1: &[u8]) -> Vec<String> {
    let mut rest = &pkcs1[4..];
    let mut numbers = Vec::new();
    while let [0x02, length, tail @ ..] = rest {
        let (length, tail) = match (length, tail) {
            (0x81, [length, tail @ ..]) => (usize::from(*length), tail),
            (0x82, [high, low, tail @ ..]) => {
                (usize::from(u16::from_be_bytes([*high, *low])), tail)
            }
            _ => (usize::from(*length), tail),
        };
        let (number, tail) = tail.split_at(length);
        let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len());
        numbers.push(URL_SAFE_NO_PAD.encode(&number[start..]));
        rest = tail;
    }
    numbers
}

/// The private JWK of a test key, from its PKCS#8.
fn private_jwk(key: &TestKey) -> Value {
    let Some(pem) = key.private_pem() else {
        let k = URL_SAFE_NO_PAD.encode(key.secret().unwrap());
        return json!({"kty": "oct", "k": k});
    };
    let pkcs8 = der(&pem);
    let mut jwk = serde_json::to_value(key.verifying().to_jwk().unwrap()).unwrap();
    // Both curves: OCTET STRING of 32 bytes.
    let d = || URL_SAFE_NO_PAD.encode(&after(&pkcs8, &[0x04, 0x20])[..32]);
    match key.algorithm() {
        Algorithm::Rs256 => {
            let numbers = integers(pkcs1(&pkcs8, &[0x04]));
            let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];
            for (name, number) in names.iter().zip(&numbers[1..]) {
                jwk[*name] = json!(number);
            }
        }
        _ => jwk["d"] = json!(d()),
    }
    jwk
}

fn from_jwk(jwk: &Value) -> Result<SigningKey, KeyError> {
    SigningKey::from_jwk(&jwk.to_string())
}

fn parse_jwk(jwk: Value) -> Result<VerifyingKey, KeyError> {
    Jwk::parse(jwk)?.verifying_key()
}

fn public_jwk(algorithm: Algorithm) -> Value {
    serde_json::to_value(TestKey::shared(algorithm).verifying().to_jwk().unwrap()).unwrap()
}

fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut jwk = jwk.clone();
    jwk[name] = value.into();
    jwk
}

fn without(jwk: &Value, name: &str) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

/// Whether what `signing` signs is what `key` verifies.
fn assert_belong_together(signing: &SigningKey, key: &TestKey) {
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
    assert_eq!(from_jwk(&short).map(drop), Err(KeyError::SecretTooShort));
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
fn private_jwks_are_read_and_belong_to_their_public_half() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let jwk = private_jwk(key);
        let signing = from_jwk(&jwk).unwrap();
        assert_eq!((signing.algorithm(), signing.id()), (algorithm, key.signing().id()));
        assert_belong_together(&signing, key);
        // Without a kid it has its thumbprint; with one, that.
        let unnamed = from_jwk(&without(&jwk, "kid")).unwrap();
        assert_eq!(unnamed.id(), key.signing().id());
        let named = from_jwk(&with(&jwk, "kid", "k1")).unwrap();
        assert_eq!(named.id().unwrap().as_str(), "k1");
    }
}

#[test]
fn a_private_jwk_for_something_else_is_refused() {
    for algorithm in Algorithm::ALL {
        let jwk = private_jwk(TestKey::shared(algorithm));
        let fault = |name, value: Value| from_jwk(&with(&jwk, name, value)).map(drop);
        assert_eq!(fault("use", json!("enc")), Err(KeyError::Purpose));
        assert_eq!(fault("use", json!("sig")), Ok(()));
        assert_eq!(fault("key_ops", json!(["verify"])), Err(KeyError::Purpose));
        assert_eq!(fault("key_ops", json!(["verify", "sign"])), Ok(()));
        assert_eq!(fault("alg", json!("HS384")), Err(KeyError::Purpose));
        assert_eq!(fault("alg", json!(algorithm.name())), Ok(()));
        assert_eq!(fault("kid", json!("")), Err(KeyError::KeyId));
        assert_eq!(fault("crv", json!("P-384")), Err(KeyError::Unsupported));
        assert_eq!(fault("kty", json!("AKP")), Err(KeyError::Unsupported));
        assert_eq!(fault("kty", json!(1)), Err(KeyError::Members));
    }
    assert_eq!(SigningKey::from_jwk("{").map(drop), Err(KeyError::Members));
}

#[test]
fn a_private_jwk_that_lacks_a_number_is_refused() {
    for (algorithm, names) in [
        (Algorithm::Hs256, &["k"][..]),
        (Algorithm::Rs256, &["n", "e", "d", "p", "q", "dp", "dq", "qi"]),
        (Algorithm::Es256, &["d", "x", "y"]),
        (Algorithm::EdDsa, &["d", "x"]),
    ] {
        let jwk = private_jwk(TestKey::shared(algorithm));
        for name in names {
            let lacking = from_jwk(&without(&jwk, name)).map(drop);
            assert_eq!(lacking, Err(KeyError::Members), "{algorithm} without {name}");
            let padded = format!("{}=", jwk[*name].as_str().unwrap());
            let padded = from_jwk(&with(&jwk, name, padded)).map(drop);
            assert_eq!(padded, Err(KeyError::Members), "{algorithm} with {name} padded");
        }
    }
}

#[test]
fn a_private_jwk_whose_halves_do_not_belong_together_is_refused() {
    for algorithm in PAIRS {
        let [ours, theirs] = [(); 2].map(|()| private_jwk(&TestKey::generate(algorithm)));
        for name in ["n", "x", "y", "d", "p", "q", "dp", "dq", "qi"] {
            if let Some(number) = theirs.get(name) {
                let mixed = from_jwk(&with(&ours, name, number.clone())).map(drop);
                assert_eq!(mixed, Err(KeyError::Unsupported), "{algorithm} {name}");
            }
        }
    }
}

#[test]
fn public_jwks_are_read_and_written_back() {
    for algorithm in PAIRS {
        let jwk = public_jwk(algorithm);
        let key = parse_jwk(jwk.clone()).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        assert_eq!(serde_json::to_value(key.to_jwk().unwrap()).unwrap(), jwk);
        let bare = ["kid", "alg", "use"].iter().fold(jwk.clone(), |jwk, name| without(&jwk, name));
        let bare = parse_jwk(with(&bare, "x5t", "ignored")).unwrap();
        let thumbprint = Jwk::parse(jwk.clone()).unwrap().thumbprint().parse().unwrap();
        assert_eq!((bare.algorithm(), bare.id()), (algorithm, Some(&thumbprint)));
        assert!(parse_jwk(with(&jwk, "key_ops", json!(["verify"]))).is_ok());
    }
}

#[test]
fn a_thumbprint_is_of_the_members_that_its_kind_requires_and_no_others() {
    for algorithm in PAIRS {
        let jwk = without(&public_jwk(algorithm), "kid");
        let id = TestKey::shared(algorithm).verifying().id().cloned();
        // `crv` of an RSA key would make it another kind; these are noise.
        for name in ["n", "e", "x", "y"] {
            if jwk.get(name).is_none() {
                let noisy = with(&jwk, name, "\",\"kty\":\"");
                assert_eq!(parse_jwk(noisy).unwrap().id(), id.as_ref(), "{algorithm} {name}");
            }
        }
    }
}

#[test]
fn a_public_jwk_for_something_else_is_refused() {
    for algorithm in PAIRS {
        let jwk = public_jwk(algorithm);
        for (name, value, fault) in [
            ("use", json!("enc"), KeyError::Purpose),
            ("use", json!(""), KeyError::Purpose),
            ("use", json!(1), KeyError::Members),
            ("key_ops", json!([]), KeyError::Purpose),
            ("key_ops", json!(["encrypt", "sign"]), KeyError::Purpose),
            ("alg", json!("RSA-OAEP"), KeyError::Purpose),
            ("alg", json!("HS256"), KeyError::Purpose),
            ("alg", json!("none"), KeyError::Purpose),
            ("kid", json!(""), KeyError::KeyId),
            ("kid", json!("k".repeat(256)), KeyError::KeyId),
            ("kid", json!(1), KeyError::Members),
            ("crv", json!("P-521"), KeyError::Unsupported),
            ("kty", json!("oct"), KeyError::Unsupported),
        ] {
            let refused = parse_jwk(with(&jwk, name, value.clone())).map(drop);
            assert_eq!(refused, Err(fault), "{algorithm} {name} {value}");
        }
        for name in ["n", "e", "x", "y"] {
            if jwk.get(name).is_some() {
                let lacking = parse_jwk(without(&jwk, name)).map(drop);
                assert_eq!(lacking, Err(KeyError::Members), "{algorithm} without {name}");
            }
        }
    }
}

#[test]
fn a_private_jwk_is_refused_where_a_public_one_belongs() {
    for algorithm in Algorithm::ALL {
        let jwk = private_jwk(TestKey::shared(algorithm));
        assert_eq!(Jwk::parse(jwk), Err(KeyError::Private), "{algorithm}");
    }
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for value in [json!("AQ"), Value::Null] {
            let jwk = with(&public_jwk(Algorithm::Rs256), name, value);
            assert_eq!(Jwk::parse(jwk), Err(KeyError::Private), "{name}");
        }
    }
}

#[test]
fn a_point_that_is_not_on_its_curve_is_refused() {
    let ec = public_jwk(Algorithm::Es256);
    let number = |jwk: &Value, name| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let mut x = number(&ec, "x");
    x[31] ^= 1;
    let moved = with(&ec, "x", URL_SAFE_NO_PAD.encode(&x));
    assert_eq!(parse_jwk(moved).map(drop), Err(KeyError::Unsupported));
    let zero = URL_SAFE_NO_PAD.encode([0; 32]);
    let infinity = with(&with(&ec, "x", zero.clone()), "y", zero);
    assert_eq!(parse_jwk(infinity).map(drop), Err(KeyError::Unsupported));
    // RFC 7518 §6.2.1.2: full length, neither more nor less.
    for name in ["x", "y"] {
        let whole = number(&ec, name);
        for other in [&whole[1..], &[&[0], &whole[..]].concat()] {
            let resized = with(&ec, name, URL_SAFE_NO_PAD.encode(other));
            assert_eq!(parse_jwk(resized).map(drop), Err(KeyError::Members), "{name}");
        }
    }
    let ed = public_jwk(Algorithm::EdDsa);
    // The same key as SPKI in DER (RFC 8410 §4) is no number either.
    let mut spki = vec![0x30, 0x2A, 0x30, 5, 6, 3, 0x2B, 0x65, 0x70, 3, 0x21, 0];
    spki.extend(number(&ed, "x"));
    for bytes in [&[2; 31][..], &[2; 33], &[], &spki] {
        let resized = with(&ed, "x", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(parse_jwk(resized).map(drop), Err(KeyError::Members));
    }
    let rsa = public_jwk(Algorithm::Rs256);
    let even = parse_jwk(with(&rsa, "e", URL_SAFE_NO_PAD.encode([1, 0, 0])));
    assert_eq!(even.map(drop), Err(KeyError::RsaExponent));
    let short = parse_jwk(with(&rsa, "n", URL_SAFE_NO_PAD.encode([0xFF; 255])));
    assert_eq!(short.map(drop), Err(KeyError::RsaSize));
    // RFC 7518 §2: numbers without leading zeros.
    for name in ["n", "e"] {
        let longer = [&[0], &number(&rsa, name)[..]].concat();
        let longer = with(&rsa, name, URL_SAFE_NO_PAD.encode(longer));
        assert_eq!(parse_jwk(longer).map(drop), Err(KeyError::Members), "{name}");
    }
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
fn one_bad_key_does_not_spoil_a_set() {
    let good = PAIRS.map(public_jwk);
    let set = json!({"keys": [
        good[0],
        with(&good[0], "use", "enc"),
        {"kty": "AKP", "alg": "ML-DSA-44"},
        good[1],
        "no key",
        private_jwk(TestKey::shared(Algorithm::Hs256)),
        good[2],
        {},
    ]});
    let set = Jwks::parse(&set.to_string()).unwrap();
    let usable: Vec<_> = set.keys.iter().map(VerifyingKey::algorithm).collect();
    assert_eq!(usable, PAIRS);
    assert_eq!(
        set.unusable,
        [
            (1, KeyError::Purpose),
            (2, KeyError::Unsupported),
            (4, KeyError::Members),
            (5, KeyError::Private),
            (7, KeyError::Members),
        ]
    );
}

#[test]
fn what_is_no_set_at_all_is_refused() {
    for bad in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":null}"#, "null"] {
        assert_eq!(Jwks::parse(bad).map(drop), Err(KeyError::Members), "{bad}");
    }
    let empty = Jwks::parse(r#"{"keys":[]}"#).unwrap();
    assert!(empty.keys.is_empty() && empty.unusable.is_empty());
}

#[test]
fn no_more_than_64_keys_of_a_set_are_read() {
    let key = public_jwk(Algorithm::EdDsa);
    let of = |count| {
        let set = json!({"keys": vec![key.clone(); count]});
        Jwks::parse(&set.to_string()).unwrap().keys.len()
    };
    assert_eq!((of(63), of(64), of(65), of(1000)), (63, 64, 64, 64));
    let bad = json!({"keys": vec![json!({}); 1000]});
    assert_eq!(Jwks::parse(&bad.to_string()).unwrap().unusable.len(), 64);
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
