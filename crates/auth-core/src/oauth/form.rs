//! `application/x-www-form-urlencoded`, read strictly and written so that every client reads it
//! (RFC 6749 appendix B).
//!
//! ```text
//! form  = pair *( "&" pair )
//! pair  = text [ "=" text ]
//! text  = *( unreserved / other / "+" / "%" HEXDIG HEXDIG )    ; "+" is a space
//! ```
//!
//! 1. At most 32 KiB and 64 parameters are read.
//! 2. A `%` without two hexadecimal digits, and bytes that are not UTF-8, are refused.
//! 3. A parameter without a value counts as one that was not sent (RFC 6749 §3.1).
//! 4. A parameter that is sent twice is refused (RFC 6749 §3.1, §3.2), except `resource`, which may
//!    be repeated (RFC 8707 §2). Names are compared after decoding.
//! 5. A form of a page of ours has up to 1024 parameters: each box that is ticked is one.
//! 6. A space is written as `%20`: some clients do not read `+` as a space.
//!
//! **Invariant:** in a [`Form`] each name but `resource` has at most one value.

use std::fmt::Write;

use super::{ErrorCode, OAuthError};
use crate::ScopeSet;

/// The longest form that is read, in bytes.
pub const MAX_FORM_BYTES: usize = 32 * 1024;

/// The most parameters that are read.
pub const MAX_PARAMETERS: usize = 64;

/// The one parameter that may be repeated.
const REPEATABLE: &str = "resource";

/// The most parameters of a form of a page.
const MAX_PAGE_PARAMETERS: usize = 1024;

/// The parameters of a request, decoded.
///
/// ```
/// use auth_core::oauth::Form;
///
/// let form = Form::parse(b"grant_type=refresh_token&scope=User.Read+offline_access&state=")?;
/// assert_eq!(form.get("scope"), Some("User.Read offline_access"));
/// assert_eq!(form.get("state"), None);
/// assert!(Form::parse(b"code=a&c%6Fde=b").is_err());
/// # Ok::<(), auth_core::oauth::FormError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Form(Parameters);

/// Why bytes are not a usable form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Longer than [`MAX_FORM_BYTES`].
    #[error("the parameters are longer than {MAX_FORM_BYTES} bytes")]
    TooLong,
    /// More than this many: [`MAX_PARAMETERS`], or more for a page.
    #[error("there are more than {0} parameters")]
    TooMany(usize),
    /// A `%` without two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the parameters are not application/x-www-form-urlencoded in UTF-8")]
    Encoding,
    /// A parameter was sent more than once.
    #[error("the parameter {0:?} was sent more than once")]
    Repeated(String),
}

impl Form {
    /// Reads a query or a body.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let parameters = Parameters::parse(bytes)?;
        parameters.check_repeats().map(|()| Self(parameters))
    }

    /// Reads a form that a page of this server made (rule 5).
    pub fn parse_page(bytes: &[u8]) -> Result<Self, FormError> {
        let parameters = Parameters::parse_up_to(bytes, MAX_PAGE_PARAMETERS)?;
        parameters.check_repeats().map(|()| Self(parameters))
    }

    /// The value of `name`, which is never empty. Of several values of `resource`, the first.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.values(name).next()
    }

    /// Every value of `name`: more than one only for `resource`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.values(name)
    }
}

impl From<FormError> for OAuthError {
    fn from(error: FormError) -> Self {
        Self::new(ErrorCode::InvalidRequest, error.to_string())
    }
}

impl std::fmt::Debug for Form {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form")?;
        f.debug_list().entries(self.0.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Decoded parameters that may repeat: an authorization request needs to know whether it may
/// redirect before it refuses a repeated parameter.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        Self::parse_up_to(bytes, MAX_PARAMETERS)
    }

    fn parse_up_to(bytes: &[u8], limit: usize) -> Result<Self, FormError> {
        if bytes.len() > MAX_FORM_BYTES {
            return Err(FormError::TooLong);
        }
        let pairs = bytes.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
        let mut parameters = Vec::new();
        for pair in pairs {
            if parameters.len() == limit {
                return Err(FormError::TooMany(limit));
            }
            let mut halves = pair.splitn(2, |&byte| byte == b'=');
            let mut half = || decode(halves.next().unwrap_or_default());
            parameters.push((half()?, half()?));
        }
        Ok(Self(parameters))
    }

    /// The value of `name`, which must not repeat.
    pub(super) fn unique(&self, name: &str) -> Result<Option<&str>, FormError> {
        let mut sent = self.0.iter().filter(|(other, _)| other == name);
        match (sent.next(), sent.next()) {
            (_, Some(_)) => Err(FormError::Repeated(name.to_owned())),
            (first, None) => Ok(first.map(|(_, value)| &**value).filter(|it| !it.is_empty())),
        }
    }

    /// Refuses a repeated parameter, whatever its name and value.
    pub(super) fn check_repeats(&self) -> Result<(), FormError> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        let mut pairs = names.iter().zip(names.iter().skip(1));
        match pairs.find(|(one, next)| one == next && **one != REPEATABLE) {
            Some((name, _)) => Err(FormError::Repeated((*name).to_owned())),
            None => Ok(()),
        }
    }

    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let sent = self.0.iter().filter(move |(other, _)| other == name);
        sent.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }
}

/// The value of `scope` (RFC 6749 §3.3).
pub(super) fn scopes(value: Option<&str>) -> Result<Option<ScopeSet>, OAuthError> {
    value.map(str::parse).transpose().map_err(|_| {
        let description = "scope is malformed: scopes are separated by one space each";
        OAuthError::new(ErrorCode::InvalidScope, description)
    })
}

/// One name or value out of its encoding.
pub(super) fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let digit = char::from(*rest.next()?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else { return Err(FormError::Encoding) };
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| FormError::Encoding)
}

/// `parameters` as a query or a body: all but the unreserved characters of RFC 3986 §2.3 are
/// percent-encoded.
#[must_use]
pub fn encode<'a>(parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        if !text.is_empty() {
            text.push('&');
        }
        encode_into(&mut text, name);
        text.push('=');
        encode_into(&mut text, value);
    }
    text
}

fn encode_into(text: &mut String, part: &str) {
    for byte in part.bytes() {
        if is_unreserved(byte) {
            text.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

/// The unreserved characters of RFC 3986 §2.3.
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> FormError {
        Form::parse(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn forms_are_decoded() {
        // The example of RFC 6749 appendix B.
        let form = Form::parse(b"a=+%25%26%2B%C2%A3%E2%82%AC&b=x=y&&c&=d&%64=e").unwrap();
        assert_eq!(form.get("a"), Some(" %&+£€"));
        assert_eq!(form.get("b"), Some("x=y"));
        assert_eq!(form.get("c"), None);
        assert_eq!(form.get(""), Some("d"));
        assert_eq!(form.get("d"), Some("e"));
        assert_eq!(form.get("A"), None, "names are case-sensitive");
        assert_eq!(format!("{form:?}"), r#"Form["a", "b", "c", "", "d"]"#);
        assert_eq!(Form::parse(b"").unwrap().get("a"), None);
    }

    #[test]
    fn a_form_of_a_page_has_a_box_for_each_scope() {
        let boxes = |count: usize| {
            let boxes: Vec<String> = (0..count).map(|n| format!("scope:{n}=on")).collect();
            Form::parse_page(boxes.join("&").as_bytes())
        };
        assert_eq!(boxes(1024).unwrap().get("scope:1023"), Some("on"));
        assert_eq!(boxes(1025), Err(FormError::TooMany(1024)));
        assert!(matches!(Form::parse_page(b"a=1&a=1"), Err(FormError::Repeated(_))));
        let long = "a".repeat(MAX_FORM_BYTES + 1);
        assert_eq!(Form::parse_page(long.as_bytes()), Err(FormError::TooLong));
    }

    #[test]
    fn bad_encodings_are_refused() {
        for bad in ["a=%", "a=%4", "a=%4x", "a=%x4", "a=%+4", "%zz=a", "a=%ff", "a=%c3", "a=%C3%28"]
        {
            assert_eq!(fault(bad), FormError::Encoding, "{bad}");
        }
        assert_eq!(Form::parse(b"a=\xff").unwrap_err(), FormError::Encoding);
    }

    #[test]
    fn a_repeated_parameter_is_refused_in_any_spelling() {
        for bad in ["a=1&a=1", "a=1&b=2&a=", "a&a", "a=1&%61=2", "x=&y=&x="] {
            assert!(matches!(fault(bad), FormError::Repeated(_)), "{bad}");
        }
        assert_eq!(fault("b=1&a=1&a=2"), FormError::Repeated("a".into()));
    }

    #[test]
    fn resource_alone_may_be_repeated() {
        let form = Form::parse(b"resource=a&x=1&resource=&resource=b").unwrap();
        assert_eq!(form.all("resource").collect::<Vec<_>>(), ["a", "b"]);
        assert!(matches!(fault("resource=a&Resource=b&Resource=c"), FormError::Repeated(_)));
    }

    #[test]
    fn size_and_count_have_limits() {
        let long = |extra: usize| format!("a={}", "x".repeat(MAX_FORM_BYTES - 2 + extra));
        assert!(Form::parse(long(0).as_bytes()).is_ok());
        assert_eq!(fault(&long(1)), FormError::TooLong);
        let many = |count: usize| {
            let pairs: Vec<String> = (0..count).map(|index| format!("p{index}=1")).collect();
            pairs.join("&")
        };
        assert!(Form::parse(many(MAX_PARAMETERS).as_bytes()).is_ok());
        assert_eq!(fault(&many(MAX_PARAMETERS + 1)), FormError::TooMany(MAX_PARAMETERS));
    }

    #[test]
    fn a_space_is_written_as_percent_20() {
        assert_eq!(encode([("a b", "c+d/=&"), ("é", "~-._")]), "a%20b=c%2Bd%2F%3D%26&%C3%A9=~-._");
        assert_eq!(encode([]), "");
    }
}
