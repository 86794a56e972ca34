//! The compact form, taken apart but not believed (RFC 7515 §3.1, §7.1).
//!
//! 1. Three parts, each canonical base64url without padding (RFC 7515 §2, RFC 4648 §3.5).
//! 2. Header and claims are JSON objects without repeated members (RFC 7515 §4, RFC 7519 §4).
//! 3. `alg` is on the closed list: `none` is not (RFC 8725 §3.2).
//! 4. `crit` is refused: no extension is understood (RFC 7515 §4.1.11).
//! 5. Keys and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are refused, never used
//!    (RFC 8725 §3.10).

use std::{cell::RefCell, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use crate::{AccessToken, Algorithm, Issuer, KeyId, TokenId, VerifyingKey, json::parse_unique};

/// Header members that carry a key or point to one.
const FOREIGN_KEYS: [&str; 4] = ["jwk", "jku", "x5c", "x5u"];

/// Why a token cannot be taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseTokenError {
    /// Not three parts between two dots.
    #[error("not a signed JWT: three parts separated by dots are needed")]
    Parts,
    /// A part that is not canonical base64url.
    #[error("a part is not canonical base64url")]
    Base64,
    /// A header or claims that are no JSON object, or have a member twice.
    #[error("the header or the claims are not a JSON object with distinct members")]
    Json,
    /// No `alg`, `none`, or one that is not on the list.
    #[error("the algorithm is missing or not on the list of permitted ones")]
    Algorithm,
    /// `crit`.
    #[error("the header has critical extensions, and none is supported")]
    Critical,
    /// `jwk`, `jku`, `x5c` or `x5u`.
    #[error("the header brings its own key or the address of one")]
    ForeignKey,
    /// A `kid` or `typ` that is no usable text.
    #[error("the header's kid or typ is not a usable text")]
    Header,
}

/// A token that was taken apart. **Nothing in it is to be believed**: a caller can learn which key to
/// ask, and no more.
pub struct UnverifiedToken<'a> {
    signing_input: &'a str,
    signature: Vec<u8>,
    header: Arc<Header>,
    claims: Map<String, Value>,
    issuer: Option<Issuer>,
}

/// What the header says.
struct Header {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    token_type: Option<String>,
}

thread_local! {
    /// The header that was read last, beside its text: tokens that were signed with one key have the same.
    static LAST_HEADER: RefCell<Option<(Box<str>, Arc<Header>)>> = const { RefCell::new(None) };
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a token apart.
    pub fn parse(token: &'a AccessToken) -> Result<Self, ParseTokenError> {
        let text = token.expose();
        let (signing_input, signature) = text.rsplit_once('.').ok_or(ParseTokenError::Parts)?;
        let (header, claims) = signing_input.split_once('.').ok_or(ParseTokenError::Parts)?;
        if claims.contains('.') {
            return Err(ParseTokenError::Parts);
        }
        let header = Header::read(header)?;
        let claims = object(claims)?;
        let signature = base64url(signature)?;
        let issuer = claims.get("iss").and_then(Value::as_str).and_then(|text| text.parse().ok());
        Ok(Self { signing_input, signature, header, claims, issuer })
    }

    /// Whose token it says it is: for choosing the keys to try, and for nothing else.
    #[must_use]
    pub const fn unverified_issuer(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// Which token it says it is: for revoking it, which can only take away.
    #[must_use]
    pub fn unverified_token_id(&self) -> Option<TokenId> {
        self.claims.get("jti")?.as_str()?.parse().ok()
    }

    /// `kid`: which key it says it was signed with.
    #[must_use]
    pub fn key_id(&self) -> Option<&KeyId> {
        self.header.key_id.as_ref()
    }

    /// `alg`: only ever compared with the key's own.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.header.algorithm
    }

    pub(crate) fn token_type(&self) -> Option<&str> {
        self.header.token_type.as_deref()
    }

    pub(crate) const fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify(self.signing_input.as_bytes(), &self.signature)
    }
}

impl Header {
    /// What the header with this text says.
    fn read(text: &str) -> Result<Arc<Self>, ParseTokenError> {
        LAST_HEADER.with_borrow_mut(|last| match last {
            Some((same, header)) if **same == *text => Ok(Arc::clone(header)),
            _ => {
                let header = Arc::new(Self::parse(text)?);
                *last = Some((text.into(), Arc::clone(&header)));
                Ok(header)
            }
        })
    }

    fn parse(text: &str) -> Result<Self, ParseTokenError> {
        let mut header = object(text)?;
        if header.contains_key("crit") {
            return Err(ParseTokenError::Critical);
        }
        if FOREIGN_KEYS.iter().any(|member| header.contains_key(*member)) {
            return Err(ParseTokenError::ForeignKey);
        }
        let algorithm = match header.get("alg") {
            Some(Value::String(name)) => name.parse().map_err(|_| ParseTokenError::Algorithm)?,
            _ => return Err(ParseTokenError::Algorithm),
        };
        let key_id = match text_member(&mut header, "kid")? {
            Some(kid) => Some(kid.parse().map_err(|_| ParseTokenError::Header)?),
            None => None,
        };
        let token_type = text_member(&mut header, "typ")?;
        Ok(Self { algorithm, key_id, token_type })
    }
}

fn object(part: &str) -> Result<Map<String, Value>, ParseTokenError> {
    match parse_unique(&base64url(part)?) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(ParseTokenError::Json),
    }
}

fn base64url(part: &str) -> Result<Vec<u8>, ParseTokenError> {
    // This engine refuses padding and non-zero trailing bits.
    URL_SAFE_NO_PAD.decode(part).map_err(|_| ParseTokenError::Base64)
}

fn text_member(
    header: &mut Map<String, Value>,
    name: &str,
) -> Result<Option<String>, ParseTokenError> {
    match header.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(ParseTokenError::Header),
    }
}
