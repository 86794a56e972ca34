//! The compact form, taken apart but not verified (RFC 7515 §3.1, §7.1).
//!
//! 1. Three parts, each canonical base64url without padding (RFC 7515 §2, RFC 4648 §3.5).
//! 2. Header and claims are JSON objects without repeated members (RFC 7515 §4, RFC 7519 §4).
//! 3. `alg` is on the closed list: `none` is not (RFC 8725 §3.2).
//! 4. `crit` is refused: no extension is understood (RFC 7515 §4.1.11).
//! 5. Keys and addresses of keys in the header (`jwk`, `jku`, `x5c`, `x5u`) are refused, never used
//!    (RFC 8725 §3.10).

use crate::{
    AccessToken, Algorithm, CertificateThumbprint, Issuer, KeyId, TokenId, VerifyingKey, base64url,
    json::{Json, Object},
};

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

/// A token that was taken apart and read. **Nothing in it can be trusted**: it says which key to
/// ask for, and no more.
pub struct UnverifiedToken<'a> {
    signing_input: &'a str,
    signature: Vec<u8>,
    header: Header,
    claims: Object<'static>,
    issuer: Option<Issuer>,
    certificate: Option<CertificateThumbprint>,
}

/// What the header says.
struct Header {
    algorithm: Algorithm,
    key_id: Option<KeyId>,
    token_type: Option<String>,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a token apart, and reads its header and claims: rules 1 to 5.
    pub fn parse(token: &'a AccessToken) -> Result<Self, ParseTokenError> {
        Self::parse_text(token.expose())
    }

    /// The same for another token than an access token. The caller bounds its length.
    pub(crate) fn parse_text(text: &'a str) -> Result<Self, ParseTokenError> {
        let mut dots = memchr::memchr_iter(b'.', text.as_bytes());
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return Err(ParseTokenError::Parts);
        };
        let part = |range| text.get(range).ok_or(ParseTokenError::Parts);
        let signing_input = part(0..second)?;
        let header = Header::parse(part(0..first)?)?;
        let claims = text_of(part(first + 1..second)?)?;
        let signature = base64url(part(second + 1..text.len())?)?;
        let claims = object(&claims)?.into_owned();
        let issuer = claims.get("iss").and_then(Json::as_str).and_then(|text| text.parse().ok());
        Ok(Self { signing_input, signature, header, claims, issuer, certificate: None })
    }

    /// The same token, presented with a client certificate: over a connection whose client has
    /// proven that it holds the key.
    #[must_use]
    pub fn presented_with(self, certificate: Option<CertificateThumbprint>) -> Self {
        Self { certificate, ..self }
    }

    /// The client certificate that it was presented with.
    pub(crate) const fn certificate(&self) -> Option<CertificateThumbprint> {
        self.certificate
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

    pub(crate) const fn claims(&self) -> &Object<'static> {
        &self.claims
    }

    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.verify(self.signing_input.as_bytes(), &self.signature)
    }
}

impl Header {
    /// What the header with this text, in base64url, says.
    fn parse(text: &str) -> Result<Self, ParseTokenError> {
        let text = text_of(text)?;
        let header = object(&text)?;
        if header.contains("crit") {
            return Err(ParseTokenError::Critical);
        }
        if FOREIGN_KEYS.iter().any(|member| header.contains(member)) {
            return Err(ParseTokenError::ForeignKey);
        }
        let algorithm = header.get("alg").and_then(Json::as_str).and_then(|it| it.parse().ok());
        let algorithm = algorithm.ok_or(ParseTokenError::Algorithm)?;
        // An empty `kid` names no key.
        let key_id = match text_member(&header, "kid")? {
            None | Some("") => None,
            Some(kid) => Some(kid.parse().map_err(|_| ParseTokenError::Header)?),
        };
        let token_type = text_member(&header, "typ")?.map(str::to_owned);
        Ok(Self { algorithm, key_id, token_type })
    }
}

pub(crate) fn object(text: &str) -> Result<Object<'_>, ParseTokenError> {
    match Json::parse(text) {
        Ok(Json::Object(members)) => Ok(members),
        _ => Err(ParseTokenError::Json),
    }
}

fn base64url(part: &str) -> Result<Vec<u8>, ParseTokenError> {
    base64url::decode(part).map_err(|_| ParseTokenError::Base64)
}

pub(crate) fn text_of(part: &str) -> Result<String, ParseTokenError> {
    String::from_utf8(base64url(part)?).map_err(|_| ParseTokenError::Json)
}

fn text_member<'a>(header: &'a Object<'_>, name: &str) -> Result<Option<&'a str>, ParseTokenError> {
    match header.said(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(ParseTokenError::Header),
    }
}
