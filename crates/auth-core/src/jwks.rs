//! Public keys as JSON: JWK and JWK Set (RFC 7517), thumbprints (RFC 7638), and the look-up.
//!
//! 1. Only public halves: a JWK with a private or secret member is refused. A member that is
//!    `null`, and a list without entries, say nothing: some issuers write every member that there
//!    is.
//! 2. One unusable key does not spoil a set: it is left out and named.
//! 3. A look-up never guesses: a `kid` must match exactly; without one, exactly one key of the
//!    algorithm must be there. Keys of several algorithms may share a `kid` (RFC 7517 §4.5).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Algorithm, KeyError, KeyId, VerifyingKey, base64url, crypto::PublicNumbers, key::uint,
    thumbprint,
};

/// The most keys that are read from one set.
const MAX_KEYS: usize = 64;

/// A public JWK (RFC 7517 §4). It is read by [`Jwk::parse`] alone, which refuses private ones.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Jwk(Members);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Members {
    kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_ops: Option<Vec<String>>,
}

impl Jwk {
    pub(crate) fn from_numbers(numbers: &PublicNumbers, id: Option<KeyId>) -> Self {
        let text = |number: &[u8]| Some(URL_SAFE_NO_PAD.encode(number));
        let mut jwk = Members {
            kty: String::new(),
            crv: None,
            x: None,
            y: None,
            n: None,
            e: None,
            kid: id.map(|id| id.as_str().to_owned()),
            alg: None,
            usage: Some("sig".into()),
            key_ops: None,
        };
        let (kty, algorithm) = match numbers {
            PublicNumbers::Rsa { n, e } => {
                (jwk.n, jwk.e) = (text(n), text(e));
                ("RSA", Algorithm::Rs256)
            }
            PublicNumbers::Ec { x, y } => {
                (jwk.crv, jwk.x, jwk.y) = (Some("P-256".into()), text(x), text(y));
                ("EC", Algorithm::Es256)
            }
            PublicNumbers::Ed { x } => {
                (jwk.crv, jwk.x) = (Some("Ed25519".into()), text(x));
                ("OKP", Algorithm::EdDsa)
            }
        };
        jwk.kty = kty.into();
        jwk.alg = Some(algorithm.name().into());
        Self(jwk)
    }

    /// Reads one public JWK.
    pub fn parse(value: Value) -> Result<Self, KeyError> {
        const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        let is_said = |member: &&str| match value.get(member) {
            None | Some(Value::Null) => false,
            Some(Value::Array(list)) => !list.is_empty(),
            Some(_) => true,
        };
        if PRIVATE.iter().any(is_said) {
            return Err(KeyError::Private);
        }
        serde_json::from_value(value).map(Self).map_err(|_| KeyError::Members)
    }

    /// The key itself, under its `kid`, else its thumbprint.
    pub fn verifying_key(&self) -> Result<VerifyingKey, KeyError> {
        let for_signatures = self.0.usage.as_deref().is_none_or(|usage| usage == "sig");
        let ops = self.0.key_ops.as_deref().unwrap_or_default();
        let may_verify = ops.is_empty() || ops.iter().any(|op| op == "verify");
        if !for_signatures || !may_verify {
            return Err(KeyError::Purpose);
        }
        let numbers = match (self.0.kty.as_str(), self.0.crv.as_deref()) {
            ("RSA", None) => {
                PublicNumbers::Rsa { n: uint(self.0.n.as_deref())?, e: uint(self.0.e.as_deref())? }
            }
            ("EC", Some("P-256")) => {
                let (x, y) = (number(self.0.x.as_ref())?, number(self.0.y.as_ref())?);
                // RFC 7518 §6.2.1.2: full length, leading zeros included.
                if x.len() != 32 || y.len() != 32 {
                    return Err(KeyError::Members);
                }
                PublicNumbers::Ec { x, y }
            }
            ("OKP", Some("Ed25519")) => {
                let x = number(self.0.x.as_ref())?;
                // RFC 8032 §5.1.5. The library would also take a whole key in DER.
                if x.len() != 32 {
                    return Err(KeyError::Members);
                }
                PublicNumbers::Ed { x }
            }
            _ => return Err(KeyError::Unsupported),
        };
        // Without a `kid` it goes by its thumbprint, as its private half does.
        let id = match self.0.kid.as_deref() {
            None | Some("") => self.thumbprint().parse()?,
            Some(kid) => kid.parse()?,
        };
        let key = VerifyingKey::from_numbers(numbers, Some(id))?;
        if self.0.alg.as_deref().is_some_and(|alg| !key.algorithm().is_named(alg)) {
            return Err(KeyError::Purpose);
        }
        Ok(key)
    }

    /// The RFC 7638 SHA-256 thumbprint, in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        let Members { kty, crv, x, y, n, e, .. } = &self.0;
        match kty.as_str() {
            "RSA" => thumbprint::of_members(&[
                ("e", e.as_deref()),
                ("kty", Some(kty)),
                ("n", n.as_deref()),
            ]),
            "OKP" => thumbprint::of_members(&[
                ("crv", crv.as_deref()),
                ("kty", Some(kty)),
                ("x", x.as_deref()),
            ]),
            _ => thumbprint::of_members(&[
                ("crv", crv.as_deref()),
                ("kty", Some(kty)),
                ("x", x.as_deref()),
                ("y", y.as_deref()),
            ]),
        }
    }
}

impl VerifyingKey {
    /// The public JWK; `None` for a secret, which has no public half.
    #[must_use]
    pub fn to_jwk(&self) -> Option<Jwk> {
        self.numbers().map(|numbers| Jwk::from_numbers(numbers, self.id().cloned()))
    }
}

/// A JWK Set (RFC 7517 §5): the keys that can be used, and why the others cannot.
#[derive(Debug, Clone, Default)]
pub struct Jwks {
    /// The usable keys.
    pub keys: Vec<VerifyingKey>,
    /// What was left out: the place in the set, from 0, and the fault.
    pub unusable: Vec<(usize, KeyError)>,
}

impl Jwks {
    /// Reads a set of at most 64 keys. An error only if it is no JWK Set at all.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        #[derive(Deserialize)]
        struct Document {
            keys: Vec<Value>,
        }
        let document: Document = serde_json::from_str(json).map_err(|_| KeyError::Members)?;
        let mut set = Self::default();
        for (place, value) in document.keys.into_iter().take(MAX_KEYS).enumerate() {
            match Jwk::parse(value).and_then(|jwk| jwk.verifying_key()) {
                Ok(key) => set.keys.push(key),
                Err(fault) => set.unusable.push((place, fault)),
            }
        }
        Ok(set)
    }
}

/// The keys of one issuer.
#[derive(Debug, Clone, Default)]
pub struct KeySet {
    keys: Vec<VerifyingKey>,
    /// Found by their ids alone.
    named: Vec<VerifyingKey>,
}

/// Why no key was found for a token's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyLookupError {
    /// No key has that `kid`.
    #[error("unknown key id")]
    UnknownKey,
    /// The key has another algorithm than the header says (RFC 8725 §3.1).
    #[error("the key is for another algorithm than the token's header names")]
    AlgorithmMismatch,
    /// No `kid`, and not exactly one key of the algorithm.
    #[error("the token names no key, and more than one would fit")]
    Ambiguous,
}

impl KeySet {
    /// The same with keys that are found by their ids alone: those of an issuer whose tokens always
    /// name theirs. So a token that names none is no more ambiguous than without them.
    #[must_use]
    pub fn and_named(mut self, keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        self.named.extend(keys);
        self
    }

    /// The key for a header with this `kid` and `alg`.
    pub fn find(
        &self,
        id: Option<&KeyId>,
        algorithm: Algorithm,
    ) -> Result<&VerifyingKey, KeyLookupError> {
        let Some(id) = id else {
            let mut fitting = self.keys.iter().filter(|key| key.algorithm() == algorithm);
            return match (fitting.next(), fitting.next()) {
                (Some(key), None) => Ok(key),
                (Some(_), Some(_)) => Err(KeyLookupError::Ambiguous),
                (None, _) if self.is_empty() => Err(KeyLookupError::UnknownKey),
                (None, _) => Err(KeyLookupError::AlgorithmMismatch),
            };
        };
        let mut named = self.iter().filter(|key| key.id() == Some(id)).peekable();
        if named.peek().is_none() {
            return Err(KeyLookupError::UnknownKey);
        }
        named.find(|key| key.algorithm() == algorithm).ok_or(KeyLookupError::AlgorithmMismatch)
    }

    /// Whether these are the public keys of `other`, in its order and under the same ids. Of
    /// secrets it is never said.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        let same = |ours: &[VerifyingKey], theirs: &[VerifyingKey]| {
            ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(one, other)| one.is_same_as(other))
        };
        same(&self.keys, &other.keys) && same(&self.named, &other.named)
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.named.is_empty()
    }

    /// The keys.
    pub fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter().chain(&self.named)
    }
}

impl FromIterator<VerifyingKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self { keys: keys.into_iter().collect(), named: Vec::new() }
    }
}

fn number(member: Option<&String>) -> Result<Vec<u8>, KeyError> {
    let text = member.ok_or(KeyError::Members)?;
    base64url::decode(text).map_err(|_| KeyError::Members)
}
