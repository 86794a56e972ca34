//! Keys as JWKs and sets of them: which are read, and which are refused.

use auth_core::{Algorithm, Jwk, Jwks, KeyError, SigningKey, VerifyingKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use testkit::TestKey;

use crate::keys::{PAIRS, after, assert_belong_together, der, pkcs1};

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
            ("key_ops", json!(["encrypt", "sign"]), KeyError::Purpose),
            ("alg", json!("RSA-OAEP"), KeyError::Purpose),
            ("alg", json!("HS256"), KeyError::Purpose),
            ("alg", json!("none"), KeyError::Purpose),
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
        for value in [json!("AQ"), json!(""), json!(["AQ"]), json!({})] {
            let jwk = with(&public_jwk(Algorithm::Rs256), name, value);
            assert_eq!(Jwk::parse(jwk), Err(KeyError::Private), "{name}");
        }
    }
}

/// What .NET writes of a public key when nobody tells it to leave out what there is not.
#[test]
fn members_that_say_nothing_take_nothing_away() {
    for algorithm in PAIRS {
        let mut jwk = public_jwk(algorithm);
        let nulls = ["use", "alg", "k", "d", "p", "q", "dp", "dq", "qi", "x5t", "x5u", "kid"];
        for name in nulls {
            jwk[name] = Value::Null;
        }
        for name in ["key_ops", "oth", "x5c"] {
            jwk[name] = json!([]);
        }
        let key = parse_jwk(jwk.clone()).unwrap();
        assert_eq!(key.algorithm(), algorithm);
        let thumbprint = key.id().unwrap().as_str().to_owned();
        jwk["kid"] = json!("");
        assert_eq!(parse_jwk(jwk).unwrap().id().unwrap().as_str(), thumbprint);
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
