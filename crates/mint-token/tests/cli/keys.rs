//! The keys of every algorithm: configured, or named by `--key`.

use std::process::Command;

use auth_core::{Algorithm, SigningKey};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::support::{Folder, SECRET, verify};

const ASYMMETRIC: [Algorithm; 3] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa];

/// A fresh private key in PEM.
fn private_pem(algorithm: Algorithm) -> String {
    let der = match algorithm {
        Algorithm::Hs256 => panic!("a secret has no PEM"),
        Algorithm::Rs256 => {
            let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref().to_vec()
        }
        Algorithm::Es256 => {
            let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            pair.to_pkcs8v1().unwrap().as_ref().to_vec()
        }
        Algorithm::EdDsa => {
            Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref().to_vec()
        }
    };
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn every_algorithm_signs_a_token_that_verifies() {
    for algorithm in ASYMMETRIC {
        let folder = Folder::empty();
        let pem = private_pem(algorithm);
        folder.write("key.pem", &pem);
        let key = SigningKey::from_pem(&pem).unwrap();
        let configured = folder.run_in(&[], &[("JWT_KEY_FILE", "key.pem")]);
        let flag = folder.run(&["--key", "key.pem", "--alg", algorithm.name()]);
        for (run, origin) in [(configured, "JWT_KEY_FILE key.pem"), (flag, "--key key.pem")] {
            let (header, _) = run.parts();
            assert_eq!(header["alg"], algorithm.name());
            assert_eq!(header["kid"], key.id().unwrap().as_str());
            assert!(verify(run.line(), &key).is_ok());
            let origin = format!("with {origin} ({algorithm})\n");
            assert!(run.err.contains(&origin), "{}", run.err);
        }
    }
}

#[test]
fn a_secret_as_jwk_is_a_key_file_too() {
    let folder = Folder::ready();
    let k = URL_SAFE_NO_PAD.encode("another-secret-0123456789-abcdefgh");
    folder.write("key.jwk", &format!(r#"{{"kty":"oct","k":"{k}","kid":"one"}}"#));
    let run = folder.run(&["--key", "key.jwk", "--alg", "HS256"]);
    assert_eq!(run.parts().0["kid"], "one");
    assert!(!run.err.contains(&k));
}

#[test]
fn the_flag_takes_the_place_of_whatever_is_configured() {
    let folder = Folder::ready();
    folder.write("key.pem", &private_pem(Algorithm::EdDsa));
    for variables in [&[][..], &[("JWT_KEY_FILE", "no-such.pem")]] {
        let run = folder.run_in(&["--key", "key.pem"], variables);
        assert_eq!(run.parts().0["alg"], "EdDSA");
    }
    assert_eq!(folder.run(&["--alg", "HS256"]).parts().0["alg"], "HS256");
}

#[test]
fn another_algorithm_than_the_keys_is_refused_with_the_way_to_a_right_key() {
    let folder = Folder::ready();
    folder.run(&["--alg", "ES256"]).assert_failed(
        2,
        "error: --alg ES256: the key from JWT_SECRET is a secret, which signs HS256 only. Make an EC P-256 \
         key with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem` and give \
         `--key key.pem`, or set JWT_KEY_FILE=key.pem in place of JWT_SECRET, or leave --alg out\n",
    );
    folder.write("ed.pem", &private_pem(Algorithm::EdDsa));
    folder.run(&["--alg", "HS256", "--key", "ed.pem"]).assert_failed(
        2,
        "error: --alg HS256: the key from --key ed.pem is an Ed25519 key, which signs EdDSA only. HS256 \
         signs with a secret: set JWT_SECRET to the output of `openssl rand -base64 48`, without \
         JWT_KEY_FILE and --key, or leave --alg out\n",
    );
    let run = Folder::empty().run(&["--alg", "none"]);
    run.assert_refused("[possible values: HS256, RS256, ES256, EdDSA]");
}

#[test]
fn the_commands_in_the_advice_make_keys_that_work() {
    if Command::new("openssl").arg("version").output().is_err() {
        return;
    }
    for algorithm in ASYMMETRIC {
        let folder = Folder::ready();
        let refused = folder.run(&["--alg", algorithm.name()]);
        let command =
            refused.err.split('`').find(|text| text.starts_with("openssl genpkey")).unwrap();
        let made = Command::new("sh").args(["-c", command]).current_dir(folder.path("")).output();
        assert!(made.unwrap().status.success(), "{command}");
        let run = folder.run(&["--alg", algorithm.name(), "--key", "key.pem"]);
        assert_eq!(run.parts().0["alg"], algorithm.name());
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_with_the_remedy() {
    let folder = Folder::empty();
    folder.write("key.pem", &private_pem(Algorithm::EdDsa));
    let remedy = "key.pem: other users can read this private key. Run `chmod 600 key.pem`\n";
    for mode in [0o604, 0o640, 0o620, 0o644] {
        folder.chmod("key.pem", mode);
        let run = folder.run(&["--key", "key.pem"]);
        assert!(run.err.starts_with(&format!("error: --key {remedy}")), "{}", run.err);
        let run = folder.run_in(&[], &[("JWT_KEY_FILE", "key.pem")]);
        assert!(run.err.starts_with(&format!("error: JWT_KEY_FILE {remedy}")), "{}", run.err);
        assert_eq!((run.code, run.out.as_str()), (2, ""));
    }
    folder.chmod("key.pem", 0o400);
    assert_eq!(folder.run(&["--key", "key.pem"]).code, 0);
}

#[test]
fn a_file_that_is_no_key_is_refused() {
    let folder = Folder::ready();
    folder
        .run(&["--key", "no-such.pem"])
        .assert_failed(2, "error: --key no-such.pem: No such file or directory (os error 2)\n");
    folder.write("not.pem", SECRET);
    for args in [&["--key", "not.pem"][..], &["mint", "--key", "not.pem"]] {
        folder.run(args).assert_refused("--key not.pem: not a key of a supported kind");
    }
    folder.write("two.pem", &private_pem(Algorithm::EdDsa).repeat(2));
    folder
        .run(&["--key", "two.pem"])
        .assert_refused("--key two.pem: the file has more than one PEM");
    folder.run(&["--key", ""]).assert_refused("--key");
}
