//! `JWT_KEY_FILE`: every form that a key may have, and what is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::{fs, path::PathBuf};

use auth_core::{Algorithm, KeyError, KeySet, NumericDate, TokenVerifier, TrustedIssuer};
use settings::{Environment, KeySettingError, KeySource, signing_key, verifying_keys};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};

const ASYMMETRIC: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

struct KeyFile {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl KeyFile {
    fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, text).unwrap();
        Self::mode(&path, 0o600);
        Self { _folder: folder, path }
    }

    #[cfg(unix)]
    fn mode(path: &std::path::Path, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn mode(_: &std::path::Path, _: u32) {}

    fn environment(&self) -> Environment {
        let path = self.path.to_str().unwrap().to_owned();
        Environment::from_pairs([("JWT_KEY_FILE".to_owned(), path)])
    }

    fn keys(&self) -> Result<KeySet, KeySettingError> {
        let found = verifying_keys(&self.environment())?;
        assert_eq!(found.source, KeySource::File(self.path.clone()));
        Ok(found.keys)
    }

    fn fault(&self) -> KeyError {
        match self.keys().unwrap_err() {
            KeySettingError::Key { fault, .. } => fault,
            other => unreachable!("{other}"),
        }
    }
}

/// Whether a server with `keys` admits a token of `key`.
fn admits(keys: KeySet, key: &TestKey) -> bool {
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap())
        .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
    let token = Forge::valid(key).sign(key).parse().unwrap();
    verifier.verify(&token, NumericDate::from_secs(NOW).unwrap()).is_ok()
}

#[test]
fn a_server_takes_a_public_key_a_set_or_the_public_half_of_a_private_key() {
    for algorithm in ASYMMETRIC {
        let key = TestKey::shared(algorithm);
        let jwk = serde_json::to_string(&key.verifying().to_jwk()).unwrap();
        let set = format!(r#"{{"keys":[{jwk},{{"kty":"EC","crv":"P-521"}}]}}"#);
        for text in [key.public_pem().unwrap(), key.private_pem().unwrap(), jwk, set] {
            assert!(admits(KeyFile::with(&text).keys().unwrap(), key), "{algorithm}");
        }
        let stranger = TestKey::generate(algorithm);
        let file = KeyFile::with(&key.public_pem().unwrap());
        assert!(!admits(file.keys().unwrap(), &stranger), "{algorithm}");
    }
}

#[test]
fn mint_token_takes_a_private_key_and_no_public_one() {
    for algorithm in ASYMMETRIC {
        let key = TestKey::shared(algorithm);
        let file = KeyFile::with(&key.private_pem().unwrap());
        let (signing, source) = signing_key(&file.environment()).unwrap();
        assert_eq!(source, KeySource::File(file.path.clone()));
        assert_eq!(signing.algorithm(), algorithm);
        assert_eq!(signing.id(), key.signing().id());
        let public = KeyFile::with(&key.public_pem().unwrap());
        assert!(matches!(
            signing_key(&public.environment()),
            Err(KeySettingError::Key { fault: KeyError::Unsupported, .. })
        ));
    }
}

#[test]
fn a_secret_can_be_a_jwk_in_a_file() {
    let jwk = r#"{"kty":"oct","kid":"one","k":"MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY"}"#;
    let file = KeyFile::with(jwk);
    let (signing, _) = signing_key(&file.environment()).unwrap();
    assert_eq!(signing.algorithm(), Algorithm::Hs256);
    let id = "one".parse().unwrap();
    assert!(file.keys().unwrap().find(Some(&id), Algorithm::Hs256).is_ok());
}

#[test]
fn what_is_left_out_of_a_set_is_named() {
    let key = TestKey::shared(Algorithm::Es256);
    let jwk = serde_json::to_string(&key.verifying().to_jwk()).unwrap();
    let private = r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#;
    let file = KeyFile::with(&format!(r#"{{"keys":[{{"kty":"EC"}},{jwk},{private}]}}"#));
    let found = verifying_keys(&file.environment()).unwrap();
    assert_eq!(found.unusable, [(0, KeyError::Unsupported), (2, KeyError::Private)]);
    assert!(admits(found.keys, key));
    #[cfg(unix)]
    {
        KeyFile::mode(&file.path, 0o644);
        assert!(matches!(file.keys(), Err(KeySettingError::InsecurePermissions { .. })));
    }
}

#[test]
fn a_key_without_a_kid_goes_by_its_thumbprint() {
    let key = TestKey::shared(Algorithm::EdDsa);
    let mut jwk = serde_json::to_value(key.verifying().to_jwk()).unwrap();
    jwk.as_object_mut().unwrap().remove("kid");
    assert!(admits(KeyFile::with(&jwk.to_string()).keys().unwrap(), key));
}

#[cfg(unix)]
#[test]
fn a_private_key_that_others_may_read_is_refused_and_a_public_one_is_not() {
    let key = TestKey::shared(Algorithm::EdDsa);
    let private = KeyFile::with(&key.private_pem().unwrap());
    KeyFile::mode(&private.path, 0o640);
    let open = KeySettingError::InsecurePermissions { path: private.path.clone() };
    assert_eq!(signing_key(&private.environment()).unwrap_err(), open);
    assert_eq!(private.keys().unwrap_err(), open);
    assert!(open.to_string().contains("chmod 600"));
    let public = KeyFile::with(&key.public_pem().unwrap());
    KeyFile::mode(&public.path, 0o644);
    assert!(public.keys().is_ok());
}

#[test]
fn what_is_no_key_is_named() {
    assert_eq!(KeyFile::with("nonsense").fault(), KeyError::Unsupported);
    assert_eq!(KeyFile::with("{}").fault(), KeyError::Members);
    let short = r#"{"kty":"oct","k":"c2hvcnQ"}"#;
    assert_eq!(KeyFile::with(short).fault(), KeyError::SecretTooShort);
    let two = TestKey::shared(Algorithm::Es256).public_pem().unwrap().repeat(2);
    assert_eq!(KeyFile::with(&two).fault(), KeyError::SeveralBlocks);
}

#[test]
fn a_set_without_a_usable_key_is_told_from_what_is_no_set() {
    let unusable = r#"{"keys":[{"kty":"RSA","use":"enc","n":"AQAB","e":"AQAB"}]}"#;
    let private = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}"#;
    for (text, expected) in [
        (r#"{"keys":[]}"#, "it is empty".to_owned()),
        (unusable, KeyError::Purpose.to_string()),
        (private, KeyError::Private.to_string()),
    ] {
        match KeyFile::with(text).keys().unwrap_err() {
            KeySettingError::NoUsableKeys { reason, .. } => assert_eq!(reason, expected, "{text}"),
            other => panic!("{text}: {other}"),
        }
    }
    // What is cut short, or says `keys` of something else, is no set.
    for text in [r#"{"keys":["#, r#"{"keys":7}"#, r#"{"kty":"EC"}"#, ""] {
        assert!(matches!(KeyFile::with(text).keys(), Err(KeySettingError::Key { .. })), "{text}");
    }
}
