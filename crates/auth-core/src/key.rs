//! Keys: one algorithm each, strong enough or not at all, and silent about themselves.
//!
//! 1. A key has exactly one [`Algorithm`]; a token's header may only agree with it (RFC 8725 §3.1).
//! 2. Secrets have at least 32 bytes (RFC 7518 §3.2); RSA keys 2048 to 8192 bits (RFC 7518 §3.3);
//!    elliptic curves are P-256 and Ed25519, and the point must be on the curve.
//! 3. `Debug` prints the algorithm and the key id, never the key.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    Algorithm, base64url,
    claims::has_control,
    crypto::{self, PublicNumbers, RsaNumbers, Signer, Verifier},
    key_error::{KeyError, MIN_SECRET_BYTES},
    thumbprint,
};

/// RSA moduli, in bits (RFC 7518 §3.3; the upper end bounds the work of one check).
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Which key: `kid` (RFC 7515 §4.1.4); 1 to 255 bytes without control characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || text.len() > 255 || has_control(text) {
            return Err(KeyError::KeyId);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key that signs: a secret (HS256) or a private key.
#[derive(Clone)]
pub struct SigningKey {
    id: Option<KeyId>,
    signer: Signer,
}

impl SigningKey {
    /// An HS256 secret of at least 32 bytes. It has no key id.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::SecretTooShort);
        }
        Ok(Self { id: None, signer: Signer::from_secret(secret) })
    }

    /// A private key in PEM: PKCS#8, or PKCS#1 for RSA. Its id is the RFC 7638 thumbprint.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        one_block(pem)?;
        let (signer, numbers) = Signer::from_pem(pem.as_bytes())?;
        check_strength(&numbers)?;
        let id = thumbprint::of_numbers(&numbers).parse()?;
        Ok(Self { id: Some(id), signer })
    }

    /// A private JWK, or a secret as `kty: oct` (RFC 7517, RFC 7518 §6, RFC 8037 §2).
    /// Its id is the JWK's `kid`, else the RFC 7638 thumbprint (none for a secret).
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let jwk: PrivateJwk = serde_json::from_str(json).map_err(|_| KeyError::Members)?;
        let for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        let ops = jwk.key_ops.as_deref().unwrap_or_default();
        let may_sign = ops.is_empty() || ops.iter().any(|op| op == "sign");
        if !for_signatures || !may_sign {
            return Err(KeyError::Purpose);
        }
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("oct", None) => Self::from_secret(&number(jwk.k.as_deref())?)?,
            ("RSA", None) => Self::from_pkcs8(&crypto::rsa_pkcs8(&RsaNumbers {
                n: uint(jwk.n.as_deref())?,
                e: uint(jwk.e.as_deref())?,
                d: number(jwk.d.as_deref())?,
                p: number(jwk.p.as_deref())?,
                q: number(jwk.q.as_deref())?,
                dp: number(jwk.dp.as_deref())?,
                dq: number(jwk.dq.as_deref())?,
                qi: number(jwk.qi.as_deref())?,
            })?)?,
            ("EC", Some("P-256")) => Self::from_pkcs8(&crypto::ec_pkcs8(
                &number(jwk.d.as_deref())?,
                &number(jwk.x.as_deref())?,
                &number(jwk.y.as_deref())?,
            )?)?,
            ("OKP", Some("Ed25519")) => Self::from_pkcs8(&crypto::ed_pkcs8(
                &number(jwk.d.as_deref())?,
                &number(jwk.x.as_deref())?,
            )?)?,
            _ => return Err(KeyError::Unsupported),
        };
        if jwk.alg.as_deref().is_some_and(|alg| !key.algorithm().is_named(alg)) {
            return Err(KeyError::Purpose);
        }
        match &jwk.kid {
            Some(kid) => Ok(key.with_id(kid.parse()?)),
            None => Ok(key),
        }
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The key's one algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.signer.algorithm()
    }

    /// The key's id, which its tokens carry as `kid`.
    #[must_use]
    pub const fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// The key with which this key's tokens are checked, under the same id.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        Ok(VerifyingKey {
            id: self.id.clone(),
            verifier: self.signer.verifier()?,
            numbers: self.signer.public_numbers()?,
        })
    }

    pub(crate) const fn signer(&self) -> &Signer {
        &self.signer
    }

    fn from_pkcs8(der: &Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let text = Zeroizing::new(STANDARD.encode(der));
        let pem = Zeroizing::new(format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            text.as_str()
        ));
        Self::from_pem(&pem)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, id: {:?}, ..)", self.algorithm(), self.id)
    }
}

/// A key that checks signatures: a secret (HS256) or a public key.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<KeyId>,
    verifier: Verifier,
    numbers: Option<PublicNumbers>,
}

impl VerifyingKey {
    /// An HS256 secret of at least 32 bytes. It has no key id.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        SigningKey::from_secret(secret)?.verifying_key()
    }

    /// A public key in PEM (SPKI, or PKCS#1 for RSA). Its id is the RFC 7638 thumbprint.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        one_block(pem)?;
        if pem.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        if pem.contains("-----BEGIN CERTIFICATE-----") {
            // Who signed it and until when would have to be checked, which is not done here.
            return Err(KeyError::Unsupported);
        }
        let numbers = crypto::public_numbers_from_pem(pem.as_bytes())?;
        let id = thumbprint::of_numbers(&numbers).parse()?;
        Self::from_numbers(numbers, Some(id))
    }

    pub(crate) fn from_numbers(
        numbers: PublicNumbers,
        id: Option<KeyId>,
    ) -> Result<Self, KeyError> {
        check_strength(&numbers)?;
        Ok(Self { id, verifier: Verifier::from_numbers(&numbers)?, numbers: Some(numbers) })
    }

    /// The same key under another id.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The key's one algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.verifier.algorithm()
    }

    /// The key's id, to which a token's `kid` must be equal.
    #[must_use]
    pub const fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// Its public half; `None` for a secret, which has none.
    pub(crate) const fn numbers(&self) -> Option<&PublicNumbers> {
        self.numbers.as_ref()
    }

    /// Whether this is the same public key under the same id.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.id == other.id && self.numbers.is_some() && self.numbers == other.numbers
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify(message, signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, id: {:?}, ..)", self.algorithm(), self.id)
    }
}

/// The members of a private JWK. Wiped when dropped; has no `Debug`.
#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
struct PrivateJwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    k: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A public number of an RSA key: without leading zeros (RFC 7518 §2, `Base64urlUInt`).
pub(crate) fn uint(member: Option<&str>) -> Result<Vec<u8>, KeyError> {
    let number = number(member)?;
    if number.first() == Some(&0) { Err(KeyError::Members) } else { Ok(number.to_vec()) }
}

fn number(member: Option<&str>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let text = member.ok_or(KeyError::Members)?;
    base64url::decode(text).map(Zeroizing::new).map_err(|_| KeyError::Members)
}

fn one_block(pem: &str) -> Result<(), KeyError> {
    if pem.matches("-----BEGIN ").count() > 1 { Err(KeyError::SeveralBlocks) } else { Ok(()) }
}

fn check_strength(numbers: &PublicNumbers) -> Result<(), KeyError> {
    let PublicNumbers::Rsa { n, e } = numbers else {
        return Ok(());
    };
    if !RSA_BITS.contains(&bits(n)) {
        return Err(KeyError::RsaSize);
    }
    let odd = e.last().is_some_and(|byte| byte & 1 == 1);
    if !odd || bits(e) < 2 { Err(KeyError::RsaExponent) } else { Ok(()) }
}

/// How many bits a big-endian number has.
fn bits(number: &[u8]) -> usize {
    let significant = number.iter().skip_while(|&&byte| byte == 0);
    significant
        .clone()
        .next()
        .map_or(0, |first| significant.count() * 8 - first.leading_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_counted_without_leading_zeros() {
        assert_eq!(bits(&[]), 0);
        assert_eq!(bits(&[0, 0]), 0);
        assert_eq!(bits(&[1]), 1);
        assert_eq!(bits(&[3]), 2);
        assert_eq!(bits(&[0, 0x80, 0]), 16);
    }

    #[test]
    fn rsa_strength_has_both_ends_and_a_sound_exponent() {
        let rsa = |bytes: usize, e: &[u8]| {
            check_strength(&PublicNumbers::Rsa { n: vec![0xFF; bytes], e: e.to_vec() })
        };
        assert_eq!(rsa(255, &[1, 0, 1]), Err(KeyError::RsaSize));
        assert_eq!(rsa(256, &[1, 0, 1]), Ok(()));
        assert_eq!(rsa(1024, &[3]), Ok(()));
        assert_eq!(rsa(1025, &[1, 0, 1]), Err(KeyError::RsaSize));
        assert_eq!(rsa(256, &[1]), Err(KeyError::RsaExponent));
        assert_eq!(rsa(256, &[4]), Err(KeyError::RsaExponent));
        assert_eq!(rsa(256, &[]), Err(KeyError::RsaExponent));
    }

    #[test]
    fn key_ids_are_bounded() {
        assert_eq!("k".parse::<KeyId>().unwrap().as_str(), "k");
        assert!("k".repeat(255).parse::<KeyId>().is_ok());
        for bad in [String::new(), "k".repeat(256), "a\nb".into()] {
            assert_eq!(bad.parse::<KeyId>(), Err(KeyError::KeyId));
        }
    }
}
