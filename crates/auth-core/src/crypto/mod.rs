//! Signatures and digests: the one file that names `jsonwebtoken`, and none of its types leaves it.
//!
//! `jsonwebtoken` reads keys and signs; signatures are checked by the library beneath it,
//! `aws_lc_rs`, with keys that were prepared once. The provider is addressed by name, never through
//! the process-wide default: another dependency that installs or enables a second provider cannot
//! change what is used here, nor make it panic. Claims are none of this file's business:
//! `jsonwebtoken`'s own validation is not used.

use std::fmt;

use aws_lc_rs::{
    hmac,
    signature::{self as aws, ParsedPublicKey},
};
use jsonwebtoken::{
    Algorithm as JwtAlgorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, aws_lc::DEFAULT_PROVIDER},
    jwk::{EllipticCurve, ThumbprintHash},
};
use zeroize::Zeroizing;

use crate::{Algorithm, key_error::KeyError};

const PROVIDER: &CryptoProvider = &DEFAULT_PROVIDER;

/// The numbers of a public key, as a JWK writes them (RFC 7518 §6, RFC 8037 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicNumbers {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { x: Vec<u8>, y: Vec<u8> },
    Ed { x: Vec<u8> },
}

/// A private key or secret with its one algorithm.
#[derive(Clone)]
pub(crate) struct Signer {
    algorithm: Algorithm,
    key: EncodingKey,
}

/// A public key or secret with its one algorithm.
#[derive(Clone)]
pub(crate) struct Verifier {
    algorithm: Algorithm,
    key: Prepared,
}

/// A key taken apart once, and not for each signature as `jsonwebtoken` does it.
#[derive(Clone)]
enum Prepared {
    Secret(Box<hmac::Key>),
    Public(ParsedPublicKey),
}

impl Signer {
    pub(crate) fn from_secret(secret: &[u8]) -> Self {
        Self { algorithm: Algorithm::Hs256, key: EncodingKey::from_secret(secret) }
    }

    /// A PKCS#8 (or, for RSA, PKCS#1) private key in PEM, and its public half.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<(Self, PublicNumbers), KeyError> {
        let (algorithm, key) = if let Ok(key) = EncodingKey::from_rsa_pem(pem) {
            (Algorithm::Rs256, key)
        } else if let Ok(key) = EncodingKey::from_ec_pem(pem) {
            (Algorithm::Es256, key)
        } else if let Ok(key) = EncodingKey::from_ed_pem(pem) {
            (Algorithm::EdDsa, key)
        } else {
            return Err(KeyError::Unsupported);
        };
        let signer = Self { algorithm, key };
        // Until here only the envelope was read. The public half comes from the key itself, which
        // fails if it is damaged or on another curve. A signature would prove no more, and needs a
        // random number: the first of a process takes the library some 20 ms.
        let numbers = signer.public_numbers()?.ok_or(KeyError::Unsupported)?;
        Ok((signer, numbers))
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SigningFailed> {
        (PROVIDER.signer_factory)(&jwt(self.algorithm), &self.key)
            .map_err(|_| SigningFailed)?
            .try_sign(message)
            .map_err(|_| SigningFailed)
    }

    /// The verifying half: for a secret the secret itself.
    pub(crate) fn verifier(&self) -> Result<Verifier, KeyError> {
        match self.public_numbers()? {
            None => Ok(Verifier::from_secret(self.key.as_bytes())),
            Some(numbers) => Verifier::from_numbers(&numbers),
        }
    }

    /// The public key's numbers; `None` for a secret, which has no public half.
    pub(crate) fn public_numbers(&self) -> Result<Option<PublicNumbers>, KeyError> {
        let utils = &PROVIDER.key_utils;
        let der = self.key.as_bytes();
        let numbers = match self.algorithm {
            Algorithm::Hs256 => return Ok(None),
            Algorithm::Rs256 => (utils.rsa_pub_components_from_private_key)(der)
                .map(|(n, e)| PublicNumbers::Rsa { n, e }),
            Algorithm::Es256 => {
                (utils.ec_pub_components_from_private_key)(der, JwtAlgorithm::ES256)
                    .map(|(_, x, y)| PublicNumbers::Ec { x, y })
            }
            Algorithm::EdDsa => {
                (utils.ed_pub_components_from_private_key)(der, &EllipticCurve::Ed25519)
                    .map(|x| PublicNumbers::Ed { x })
            }
        };
        numbers.map(Some).map_err(|_| KeyError::Unsupported)
    }
}

impl Verifier {
    pub(crate) fn from_secret(secret: &[u8]) -> Self {
        let key = Prepared::Secret(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)));
        Self { algorithm: Algorithm::Hs256, key }
    }

    pub(crate) fn from_numbers(numbers: &PublicNumbers) -> Result<Self, KeyError> {
        let (algorithm, key) = match numbers {
            PublicNumbers::Rsa { n, e } => (
                Algorithm::Rs256,
                aws::RsaPublicKeyComponents { n, e }
                    .to_parsed_public_key(&aws::RSA_PKCS1_2048_8192_SHA256),
            ),
            PublicNumbers::Ec { x, y } => {
                let point = [&[4u8][..], x, y].concat();
                (Algorithm::Es256, ParsedPublicKey::new(&aws::ECDSA_P256_SHA256_FIXED, point))
            }
            PublicNumbers::Ed { x } => (Algorithm::EdDsa, ParsedPublicKey::new(&aws::ED25519, x)),
        };
        let key = Prepared::Public(key.map_err(|_| KeyError::Unsupported)?);
        Ok(Self { algorithm, key })
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `message`. HMAC is compared in constant time.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Prepared::Secret(key) => hmac::verify(key, message, signature).is_ok(),
            Prepared::Public(key) => key.verify_sig(message, signature).is_ok(),
        }
    }
}

/// The numbers of a public key in PEM (SPKI, or PKCS#1 for RSA).
pub(crate) fn public_numbers_from_pem(pem: &[u8]) -> Result<PublicNumbers, KeyError> {
    if let Ok(key) = DecodingKey::from_rsa_pem(pem) {
        let der = key.try_get_as_bytes().map_err(|_| KeyError::Unsupported)?;
        let (n, e) = (PROVIDER.key_utils.rsa_pub_components_from_public_key)(der)
            .map_err(|_| KeyError::Unsupported)?;
        return Ok(PublicNumbers::Rsa { n, e });
    }
    if let Ok(key) = DecodingKey::from_ec_pem(pem) {
        let point = key.try_get_as_bytes().map_err(|_| KeyError::Unsupported)?;
        return match point {
            [4, xy @ ..] if xy.len() == 64 => {
                let (x, y) = xy.split_at(32);
                Ok(PublicNumbers::Ec { x: x.to_vec(), y: y.to_vec() })
            }
            _ => Err(KeyError::Unsupported),
        };
    }
    let key = DecodingKey::from_ed_pem(pem).map_err(|_| KeyError::Unsupported)?;
    let x = key.try_get_as_bytes().map_err(|_| KeyError::Unsupported)?;
    Ok(PublicNumbers::Ed { x: x.to_vec() })
}

/// PKCS#8 of a P-256 private key given as numbers; the halves must belong together.
pub(crate) fn ec_pkcs8(d: &[u8], x: &[u8], y: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let point = [&[4u8][..], x, y].concat();
    aws::EcdsaKeyPair::from_private_key_and_public_key(
        &aws::ECDSA_P256_SHA256_FIXED_SIGNING,
        d,
        &point,
    )
    .map_err(|_| KeyError::Unsupported)?
    .to_pkcs8v1()
    .map(|document| Zeroizing::new(document.as_ref().to_vec()))
    .map_err(|_| KeyError::Unsupported)
}

/// PKCS#8 of an Ed25519 private key given as numbers; the halves must belong together.
pub(crate) fn ed_pkcs8(d: &[u8], x: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    aws::Ed25519KeyPair::from_seed_and_public_key(d, x)
        .map_err(|_| KeyError::Unsupported)?
        .to_pkcs8v1()
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| KeyError::Unsupported)
}

/// The numbers of an RSA private key (RFC 7518 §6.3), each big-endian.
pub(crate) struct RsaNumbers {
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) d: Zeroizing<Vec<u8>>,
    pub(crate) p: Zeroizing<Vec<u8>>,
    pub(crate) q: Zeroizing<Vec<u8>>,
    pub(crate) dp: Zeroizing<Vec<u8>>,
    pub(crate) dq: Zeroizing<Vec<u8>>,
    pub(crate) qi: Zeroizing<Vec<u8>>,
}

/// PKCS#8 of an RSA private key given as numbers.
pub(crate) fn rsa_pkcs8(numbers: &RsaNumbers) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    use aws_lc_rs::{
        encoding::{AsDer, Pkcs8V1Der},
        rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    };
    let pair = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents { n: &numbers.n, e: &numbers.e },
        d: &numbers.d,
        p: &numbers.p,
        q: &numbers.q,
        dP: &numbers.dp,
        dQ: &numbers.dq,
        qInv: &numbers.qi,
    })
    .map_err(|_| KeyError::Unsupported)?;
    let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| KeyError::Unsupported)?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

pub(crate) fn sha256(data: &[u8]) -> Vec<u8> {
    // The provider's digest has no failing path; an empty thumbprint would match no key.
    (PROVIDER.key_utils.compute_digest)(data, ThumbprintHash::SHA256).unwrap_or_default()
}

/// The same in an array. The digest of the library beneath, which has no failing path.
pub(crate) fn sha256_array(data: &[u8]) -> [u8; 32] {
    let mut own = [0; 32];
    // SHA-256 has 32 bytes.
    own.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data).as_ref());
    own
}

/// The library refused to sign, which a key that was checked on reading does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key could not sign")]
pub(crate) struct SigningFailed;

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, ..)", self.algorithm)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({}, ..)", self.algorithm)
    }
}

const fn jwt(algorithm: Algorithm) -> JwtAlgorithm {
    match algorithm {
        Algorithm::Hs256 => JwtAlgorithm::HS256,
        Algorithm::Rs256 => JwtAlgorithm::RS256,
        Algorithm::Es256 => JwtAlgorithm::ES256,
        Algorithm::EdDsa => JwtAlgorithm::EdDSA,
    }
}

#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wycheproof;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_default_provider_changes_nothing() {
        static HOSTILE: CryptoProvider = CryptoProvider {
            signer_factory: |_, _| panic!("the process-wide default was used"),
            verifier_factory: |_, _| panic!("the process-wide default was used"),
            key_utils: jsonwebtoken::crypto::KeyUtils::new_unimplemented(),
        };
        let _ = HOSTILE.install_default();
        let signer = Signer::from_secret(&[7; 32]);
        let signature = signer.sign(b"message").unwrap();
        assert!(signer.verifier().unwrap().verify(b"message", &signature));
        assert!(!signer.verifier().unwrap().verify(b"messagf", &signature));
        assert_eq!(sha256(b"").len(), 32);
    }

    #[test]
    fn the_halves_of_a_key_show_their_algorithm_alone() {
        let signer = Signer::from_secret(&[115; 32]);
        assert_eq!(format!("{signer:?}"), "Signer(HS256, ..)");
        assert_eq!(format!("{:?}", signer.verifier().unwrap()), "Verifier(HS256, ..)");
    }
}
