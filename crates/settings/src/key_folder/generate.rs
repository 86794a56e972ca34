//! Generates private keys and secrets. The random bytes come from the cryptographic library.

use std::{fmt, io, path::Path};

use crate::secret_file;
use auth_core::{Algorithm, KeyId, SigningKey, base64url};
use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer, Curve25519SeedBin, EcPrivateKeyBin, Pkcs8V1Der},
    rand, rsa,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use pkcs1::{RsaPrivateKeyRef, der::Decode};
use pkcs8::PrivateKeyInfoRef;
use zeroize::Zeroizing;

/// A fresh private key or secret.
pub struct PrivateKey {
    algorithm: Algorithm,
    /// PKCS#8; for HS256 the secret itself.
    bytes: Zeroizing<Vec<u8>>,
    /// The private members of a JWK, which follow the public ones.
    members: Vec<(&'static str, Zeroizing<String>)>,
}

/// The cryptographic library returned no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library could not generate a key")]
pub struct KeyGenerationError;

impl PrivateKey {
    /// A key of `algorithm`: 32 random bytes, RSA with 3072 bits, P-256 or Ed25519.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyGenerationError> {
        Self::make(algorithm).ok_or(KeyGenerationError)
    }

    fn make(algorithm: Algorithm) -> Option<Self> {
        let (bytes, members) = match algorithm {
            Algorithm::Hs256 => {
                let mut secret = Zeroizing::new(vec![0; 32]);
                rand::fill(&mut secret).ok()?;
                let k = text(&secret);
                (secret, vec![("k", k)])
            }
            Algorithm::Rs256 => {
                let pair = rsa::KeyPair::generate(rsa::KeySize::Rsa3072).ok()?;
                let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
                let members = rsa_members(der.as_ref())?;
                (Zeroizing::new(der.as_ref().to_vec()), members)
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).ok()?;
                let d: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().ok()?;
                let members = vec![("d", text(d.as_ref()))];
                (Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()), members)
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().ok()?;
                let d: Curve25519SeedBin<'_> = pair.seed().ok()?.as_be_bytes().ok()?;
                let members = vec![("d", text(d.as_ref()))];
                (Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()), members)
            }
        };
        Some(Self { algorithm, bytes, members })
    }

    /// The key as it signs, under its thumbprint.
    pub fn signing(&self) -> Result<SigningKey, auth_core::KeyError> {
        match self.algorithm {
            Algorithm::Hs256 => {
                let key = SigningKey::from_secret(&self.bytes)?;
                Ok(match self.secret_thumbprint().parse() {
                    Ok(id) => key.with_id(id),
                    Err(_) => key,
                })
            }
            _ => SigningKey::from_pem(&self.pem()),
        }
    }

    /// PKCS#8 in PEM.
    #[must_use]
    pub fn pem(&self) -> Zeroizing<String> {
        pem("PRIVATE KEY", &self.bytes)
    }

    /// A private JWK (RFC 7517 §4, RFC 7518 §6) under `id`.
    pub fn jwk(&self, id: &KeyId) -> Result<Zeroizing<String>, auth_core::KeyError> {
        let public = self.signing()?.verifying_key()?.with_id(id.clone()).to_jwk();
        let mut head = match public {
            Some(jwk) => serde_json::to_string(&jwk).unwrap_or_default(),
            None => serde_json::json!({
                "kty": "oct", "kid": id.as_str(), "alg": self.algorithm.name(), "use": "sig",
            })
            .to_string(),
        };
        // The last brace makes room for the private members, which are plain base64url.
        head.pop();
        let mut written = Zeroizing::new(String::with_capacity(head.len() + 4096));
        written.push_str(&head);
        for (name, value) in &self.members {
            written.push_str(",\"");
            written.push_str(name);
            written.push_str("\":\"");
            written.push_str(value);
            written.push('"');
        }
        written.push_str("}\n");
        Ok(written)
    }

    /// RFC 7638 §3.2 for `kty: oct`.
    fn secret_thumbprint(&self) -> String {
        let k = text(&self.bytes);
        let canonical = Zeroizing::new(format!(r#"{{"k":"{}","kty":"oct"}}"#, k.as_str()));
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, canonical.as_bytes());
        base64url::encode(digest)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, ..)", self.algorithm)
    }
}

/// Writes a private key to a file that does not exist yet.
pub fn write_new(path: &Path, key: &str) -> io::Result<()> {
    if secret_file::create(path, key)? {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "the file already exists"))
    }
}

/// A PEM block (RFC 7468).
fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(STANDARD.encode(der));
    let mut written = Zeroizing::new(String::with_capacity(encoded.len() * 2 + 80));
    written.extend([format!("-----BEGIN {label}-----\n")]);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        written.push_str(line);
        written.push('\n');
        rest = more;
    }
    written.extend([format!("-----END {label}-----\n")]);
    written
}

/// The members of RFC 7518 §6.3.2, out of PKCS#8 (RFC 5208) around PKCS#1 (RFC 8017 A.1.2).
fn rsa_members(pkcs8: &[u8]) -> Option<Vec<(&'static str, Zeroizing<String>)>> {
    let outer = PrivateKeyInfoRef::try_from(pkcs8).ok()?;
    let key = RsaPrivateKeyRef::from_der(outer.private_key.as_bytes()).ok()?;
    let members = [
        ("d", key.private_exponent),
        ("p", key.prime1),
        ("q", key.prime2),
        ("dp", key.exponent1),
        ("dq", key.exponent2),
        ("qi", key.coefficient),
    ];
    Some(members.map(|(name, number)| (name, text(number.as_bytes()))).to_vec())
}

fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(base64url::encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_reads_back_from_every_form_as_the_same_key() {
        for algorithm in Algorithm::ALL {
            let key = PrivateKey::generate(algorithm).unwrap();
            let signing = key.signing().unwrap();
            assert_eq!(signing.algorithm(), algorithm);
            let id = signing.id().unwrap();
            let from_jwk = SigningKey::from_jwk(&key.jwk(id).unwrap()).unwrap();
            assert_eq!((from_jwk.algorithm(), from_jwk.id()), (algorithm, Some(id)));
            if algorithm != Algorithm::Hs256 {
                let public = |key: &SigningKey| key.verifying_key().unwrap().to_jwk();
                assert_eq!(public(&from_jwk), public(&signing));
            }
            assert_eq!(format!("{key:?}"), format!("PrivateKey({algorithm}, ..)"));
        }
    }
}
