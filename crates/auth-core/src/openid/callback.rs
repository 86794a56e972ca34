//! The answer that the browser brings from the provider (RFC 6749 §4.1.2, RFC 9207 §2.4).
//!
//! 1. `state` is that of the sign-in which this browser began at this provider; it is compared in
//!    constant time, and before anything else is looked at.
//! 2. `iss`, if it is there, is the provider, byte for byte. It must be there if the provider's
//!    metadata announces it, in errors too.
//! 3. `error` ends the sign-in, whatever else there is.
//! 4. A code is 1 to 4096 visible ASCII characters.
//! 5. A parameter that is there twice is refused (RFC 6749 §3.1).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Issuer, display,
    oauth::{Form, FormError},
};

/// The longest code, in bytes. Some providers' codes are encrypted tokens.
const MAX_CODE_BYTES: usize = 4096;
/// How much of a provider's error code is kept, in bytes.
const MAX_ERROR_BYTES: usize = 64;

/// An answer that was read and not yet checked.
#[derive(Debug)]
pub struct Callback(Form);

/// What the answer is compared with.
#[derive(Debug, Clone, Copy)]
pub struct CallbackContext<'a> {
    /// `state` of the request.
    pub state: &'a str,
    /// The provider, if it has an identifier: GitHub has none.
    pub issuer: Option<&'a Issuer>,
    /// Whether the provider announces that it sends `iss`
    /// (`authorization_response_iss_parameter_supported`).
    pub sends_issuer: bool,
}

/// The provider's authorization code. `Debug` prints no part of it.
#[derive(Clone)]
pub struct ProviderCode(SecretString);

/// What a provider answers in place of a code, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderRefusal {
    /// `access_denied`: the user or the provider refused.
    Denied,
    /// `temporarily_unavailable` or `server_error`.
    Unavailable,
    /// Anything else: most often something is wrong with this server's registration there.
    Other,
}

/// Why there is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// No `state`, or another one.
    #[error("state is not that of this browser's sign-in")]
    State,
    /// `iss` of another provider (RFC 9207 §2.4): an answer that was mixed up.
    #[error("iss is not the provider that was asked")]
    Issuer,
    /// The provider announces `iss`, and it is not there.
    #[error("iss is missing, which the provider's metadata announces")]
    IssuerMissing,
    /// The provider refuses.
    #[error("the provider answers {code}")]
    Refused {
        /// What that means.
        refusal: ProviderRefusal,
        /// Its error code, fit for a line of the log.
        code: String,
    },
    /// No usable code.
    #[error("code is missing or malformed")]
    Code,
}

impl Callback {
    /// Reads a query.
    pub fn parse(query: &[u8]) -> Result<Self, FormError> {
        Form::parse(query).map(Self)
    }

    /// `state` as it was sent: for finding the sign-in, and for nothing else.
    #[must_use]
    pub fn unverified_state(&self) -> Option<&str> {
        self.0.get("state")
    }

    /// The code, if the answer belongs to this sign-in.
    pub fn check(&self, context: &CallbackContext<'_>) -> Result<ProviderCode, CallbackError> {
        let state = self.0.get("state").unwrap_or_default();
        if verify_slices_are_equal(state.as_bytes(), context.state.as_bytes()).is_err() {
            return Err(CallbackError::State);
        }
        match (self.0.get("iss"), context.issuer) {
            (Some(iss), Some(issuer)) if iss == issuer.as_str() => {}
            (Some(_), _) => return Err(CallbackError::Issuer),
            (None, _) if context.sends_issuer => return Err(CallbackError::IssuerMissing),
            (None, _) => {}
        }
        if let Some(error) = self.0.get("error") {
            let refusal = match error {
                "access_denied" => ProviderRefusal::Denied,
                "temporarily_unavailable" | "server_error" => ProviderRefusal::Unavailable,
                _ => ProviderRefusal::Other,
            };
            return Err(CallbackError::Refused { refusal, code: shown(error) });
        }
        let code = self.0.get("code").ok_or(CallbackError::Code)?;
        let is_good = code.len() <= MAX_CODE_BYTES && code.bytes().all(|it| it.is_ascii_graphic());
        if is_good { Ok(ProviderCode(code.into())) } else { Err(CallbackError::Code) }
    }
}

/// A provider's error code, fit for a line of the log.
pub(super) fn shown(code: &str) -> String {
    let end = code.floor_char_boundary(MAX_ERROR_BYTES);
    display::escape(code.get(..end).unwrap_or_default()).into_owned()
}

impl ProviderCode {
    /// The text, for sending it to the token endpoint.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for ProviderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProviderCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDP: &str = "https://idp.example";

    fn check(query: &str, sends_issuer: bool) -> Result<String, CallbackError> {
        let issuer = IDP.parse().unwrap();
        let context = CallbackContext { state: "s1", issuer: Some(&issuer), sends_issuer };
        let callback = Callback::parse(query.as_bytes()).unwrap();
        callback.check(&context).map(|code| code.expose().to_owned())
    }

    #[test]
    fn a_code_belongs_to_the_state_and_to_the_provider() {
        assert_eq!(check("code=c%2F1&state=s1", false).as_deref(), Ok("c/1"));
        let iss = "code=c&state=s1&iss=https%3A%2F%2Fidp.example";
        for sends_issuer in [false, true] {
            assert_eq!(check(iss, sends_issuer).as_deref(), Ok("c"));
        }
        for (query, sends_issuer, expected) in [
            ("code=c", false, CallbackError::State),
            ("code=c&state=s2", false, CallbackError::State),
            ("code=c&state=s1x", false, CallbackError::State),
            ("error=access_denied&state=s2", false, CallbackError::State),
            ("code=c&state=s1", true, CallbackError::IssuerMissing),
            ("error=access_denied&state=s1", true, CallbackError::IssuerMissing),
            ("code=c&state=s1&iss=https%3A%2F%2Fidp.example%2F", false, CallbackError::Issuer),
            ("code=c&state=s1&iss=https%3A%2F%2Fevil.example", true, CallbackError::Issuer),
            ("state=s1", false, CallbackError::Code),
            ("state=s1&code=", false, CallbackError::Code),
            ("state=s1&code=a%0Ab", false, CallbackError::Code),
            ("state=s1&code=a+b", false, CallbackError::Code),
            ("state=s1&code=%C3%A9", false, CallbackError::Code),
        ] {
            assert_eq!(check(query, sends_issuer), Err(expected), "{query}");
        }
        let long = |length| format!("state=s1&code={}", "c".repeat(length));
        assert!(check(&long(MAX_CODE_BYTES), false).is_ok());
        assert_eq!(check(&long(MAX_CODE_BYTES + 1), false), Err(CallbackError::Code));
    }

    #[test]
    fn a_provider_without_an_identifier_sends_no_iss() {
        let context = CallbackContext { state: "s1", issuer: None, sends_issuer: false };
        let read = |query: &str| Callback::parse(query.as_bytes()).unwrap().check(&context);
        assert!(read("code=c&state=s1").is_ok());
        let mixed_up = read("code=c&state=s1&iss=https%3A%2F%2Fidp.example");
        assert_eq!(mixed_up.unwrap_err(), CallbackError::Issuer);
    }

    #[test]
    fn an_error_ends_the_sign_in_also_beside_a_code() {
        use ProviderRefusal::{Denied, Other, Unavailable};
        for (error, expected) in [
            ("access_denied", Denied),
            ("temporarily_unavailable", Unavailable),
            ("server_error", Unavailable),
            ("invalid_scope", Other),
            ("%3Cscript%3E%0A", Other),
        ] {
            let query = format!("code=c&state=s1&error={error}&error_description=%3Cb%3E");
            let Err(CallbackError::Refused { refusal, code }) = check(&query, false) else {
                panic!("{query}");
            };
            assert_eq!(refusal, expected, "{error}");
            assert!(!code.contains('\n'), "{code}");
        }
        let long = format!("state=s1&error={}", "é".repeat(100));
        let Err(CallbackError::Refused { code, .. }) = check(&long, false) else { panic!() };
        assert_eq!(code.len(), MAX_ERROR_BYTES);
    }

    #[test]
    fn what_is_there_twice_is_refused_and_a_code_is_not_shown() {
        for query in ["code=a&code=b&state=s1", "state=s1&state=s1&code=a"] {
            assert!(Callback::parse(query.as_bytes()).is_err(), "{query}");
        }
        let callback = Callback::parse(b"code=secret&state=s1").unwrap();
        let context = CallbackContext { state: "s1", issuer: None, sends_issuer: false };
        assert!(!format!("{callback:?} {:?}", callback.check(&context)).contains("secret"));
    }
}
