//! Keys for tests: whole, of any algorithm, and with nothing hidden.

use std::sync::OnceLock;

use auth_core::{Algorithm, SigningKey, VerifyingKey};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    hmac, rand, rsa,
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
    },
};
use base64::{Engine, engine::general_purpose::STANDARD};

/// A key that signs and verifies, with its texts.
pub struct TestKey {
    signing: SigningKey,
    material: Material,
}

enum Material {
    Secret(Vec<u8>),
    Rsa(rsa::KeyPair, Texts),
    Ec(EcdsaKeyPair, Texts),
    Ed(Ed25519KeyPair, Texts),
}

/// The halves of a key pair: PEM, and the public one in DER too.
struct Texts {
    private_pem: String,
    public_pem: String,
    public_der: Vec<u8>,
}

impl TestKey {
    /// A fresh key: 32 random bytes, RSA with 2048 bits, P-256 or Ed25519.
    #[must_use]
    pub fn generate(algorithm: Algorithm) -> Self {
        let material = match algorithm {
            Algorithm::Hs256 => {
                let mut secret = vec![0; 32];
                rand::fill(&mut secret).expect("randomness");
                Material::Secret(secret)
            }
            Algorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa2048).expect("an RSA key");
                let private: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
                let texts = Texts::new(private.as_ref(), public.as_ref());
                Material::Rsa(pair, texts)
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("P-256");
                let private = pair.to_pkcs8v1().expect("PKCS#8");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
                let texts = Texts::new(private.as_ref(), public.as_ref());
                Material::Ec(pair, texts)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().expect("an Ed25519 key");
                let private = pair.to_pkcs8v1().expect("PKCS#8");
                let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("SPKI");
                let texts = Texts::new(private.as_ref(), public.as_ref());
                Material::Ed(pair, texts)
            }
        };
        let signing = match &material {
            Material::Secret(secret) => SigningKey::from_secret(secret),
            Material::Rsa(_, texts) | Material::Ec(_, texts) | Material::Ed(_, texts) => {
                SigningKey::from_pem(&texts.private_pem)
            }
        };
        Self { signing: signing.expect("a generated key is a good key"), material }
    }

    /// The one key of `algorithm` that all tests of this process share.
    #[must_use]
    pub fn shared(algorithm: Algorithm) -> &'static Self {
        static KEYS: [OnceLock<TestKey>; 4] = [const { OnceLock::new() }; 4];
        let [hs256, rs256, es256, ed_dsa] = &KEYS;
        let key = match algorithm {
            Algorithm::Hs256 => hs256,
            Algorithm::Rs256 => rs256,
            Algorithm::Es256 => es256,
            Algorithm::EdDsa => ed_dsa,
        };
        key.get_or_init(|| Self::generate(algorithm))
    }

    /// The key's one algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.signing.algorithm()
    }

    /// The key as a server's issuer holds it.
    #[must_use]
    pub fn signing(&self) -> SigningKey {
        self.signing.clone()
    }

    /// The key as a verifier holds it.
    #[must_use]
    pub fn verifying(&self) -> VerifyingKey {
        self.signing.verifying_key().expect("the verifying half")
    }

    /// The private key as PKCS#8 in PEM; `None` for a secret.
    #[must_use]
    pub fn private_pem(&self) -> Option<String> {
        self.texts().map(|texts| texts.private_pem.clone())
    }

    /// The public key as SPKI in PEM; `None` for a secret.
    #[must_use]
    pub fn public_pem(&self) -> Option<String> {
        self.texts().map(|texts| texts.public_pem.clone())
    }

    /// The public key as SPKI in DER; `None` for a secret.
    #[must_use]
    pub fn public_der(&self) -> Option<&[u8]> {
        self.texts().map(|texts| texts.public_der.as_slice())
    }

    /// The secret's bytes; `None` for a key pair.
    #[must_use]
    pub fn secret(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// The bytes of the JWS signature over `message` (RFC 7518 §3, RFC 8037 §3.1).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.material {
            Material::Secret(secret) => hmac_sha256(secret, message),
            Material::Rsa(pair, _) => rsa_sign(pair, &RSA_PKCS1_SHA256, message),
            Material::Ec(pair, _) => ecdsa_sign(pair, message),
            Material::Ed(pair, _) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// Signatures over `message` by this very key, each in a way that its `alg` does not mean.
    pub(crate) fn sign_otherwise(&self, message: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        match &self.material {
            Material::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA512, secret);
                let tag = hmac::sign(&key, message);
                vec![("HMAC with SHA-512", tag.as_ref().to_vec())]
            }
            Material::Rsa(pair, _) => vec![
                ("RSA signature with PSS padding", rsa_sign(pair, &RSA_PSS_SHA256, message)),
                ("RSA signature with SHA-512", rsa_sign(pair, &RSA_PKCS1_SHA512, message)),
            ],
            Material::Ec(_, texts) => {
                let der = STANDARD.decode(pem_body(&texts.private_pem)).expect("our own PEM");
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &der)
                    .expect("our own key");
                vec![("DER ECDSA signature", ecdsa_sign(&pair, message))]
            }
            Material::Ed(..) => Vec::new(),
        }
    }

    const fn texts(&self) -> Option<&Texts> {
        match &self.material {
            Material::Secret(_) => None,
            Material::Rsa(_, texts) | Material::Ec(_, texts) | Material::Ed(_, texts) => {
                Some(texts)
            }
        }
    }
}

/// HMAC with SHA-256, with any bytes as the secret.
pub(crate) fn hmac_sha256(secret: &[u8], message: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    hmac::sign(&key, message).as_ref().to_vec()
}

impl Texts {
    fn new(private_der: &[u8], public_der: &[u8]) -> Self {
        Self {
            private_pem: pem("PRIVATE KEY", private_der),
            public_pem: pem("PUBLIC KEY", public_der),
            public_der: public_der.to_vec(),
        }
    }
}

fn rsa_sign(pair: &rsa::KeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &rand::SystemRandom::new(), message, &mut signature)
        .expect("an RSA signature");
    signature
}

fn ecdsa_sign(pair: &EcdsaKeyPair, message: &[u8]) -> Vec<u8> {
    pair.sign(&rand::SystemRandom::new(), message).expect("an ECDSA signature").as_ref().to_vec()
}

/// RFC 7468 §2: base64 in lines of 64 between two labels.
fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn pem_body(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with('-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_has_a_key_whose_texts_read_back() {
        for algorithm in Algorithm::ALL {
            let key = TestKey::shared(algorithm);
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.verifying().algorithm(), algorithm);
            assert_eq!(key.secret().is_some(), algorithm == Algorithm::Hs256);
            assert_eq!(key.private_pem().is_some(), key.secret().is_none());
            if let (Some(private), Some(public)) = (key.private_pem(), key.public_pem()) {
                let private = SigningKey::from_pem(&private).unwrap();
                let public = VerifyingKey::from_pem(&public).unwrap();
                assert_eq!(private.id(), public.id());
                assert_eq!(private.id(), key.signing().id());
            }
        }
    }

    #[test]
    fn generated_keys_differ_and_shared_ones_do_not() {
        let [one, two] = [0; 2].map(|_| TestKey::generate(Algorithm::Es256));
        assert_ne!(one.public_pem(), two.public_pem());
        let shared = || TestKey::shared(Algorithm::Hs256).secret();
        assert_eq!(shared(), shared());
    }
}
