//! Tokens in forms and short-lived cookies that only this installation can make.
//!
//! ```text
//! sealed = payload "." time "." base64url(HMAC-SHA-256(key, input))
//! input  = purpose NUL context NUL payload NUL time
//! ```
//!
//! 1. The key is shared by all nodes, and made once.
//! 2. The purpose and the context (the browser's cookie) are part of what is signed: a token of one
//!    form, or of another browser, is none here.
//! 3. A token ends after [`LIFETIME`], or after the lifetime of its kind.
//! 4. Tokens are compared in constant time.

use std::time::Duration;

use auth_core::{NumericDate, base64url};
use aws_lc_rs::hmac;

/// How long a page may stay open: some clients wait for ten minutes.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

/// Makes and checks sealed texts.
#[derive(Clone)]
pub(crate) struct Seal(hmac::Key);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// With this key: 32 random bytes that all nodes share.
    #[must_use]
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Seals `payload`, which has no dot, at `now`.
    pub(crate) fn seal(
        &self,
        purpose: &str,
        context: &str,
        payload: &str,
        now: NumericDate,
    ) -> String {
        let time = now.as_secs();
        let message = message(purpose, context, payload, time);
        let tag = hmac::sign(&self.0, message.as_bytes());
        format!("{payload}.{time}.{}", base64url::encode(tag.as_ref()))
    }

    /// 32 bytes that are the same each time and on each node, and that no one else can derive: for
    /// values that belong together and need not be stored.
    pub(crate) fn derive(&self, purpose: &str, context: &str) -> [u8; 32] {
        let tag = hmac::sign(&self.0, format!("derive\0{purpose}\0{context}").as_bytes());
        let mut bytes = [0; 32];
        for (byte, from) in bytes.iter_mut().zip(tag.as_ref()) {
            *byte = *from;
        }
        bytes
    }

    /// The payload, if it was sealed for this purpose and context no longer than [`LIFETIME`] ago.
    pub(crate) fn open<'a>(
        &self,
        purpose: &str,
        context: &str,
        sealed: &'a str,
        now: NumericDate,
    ) -> Option<&'a str> {
        self.open_within(purpose, context, sealed, LIFETIME, now)
    }

    /// The same, for what lives as long as `lifetime`.
    pub(crate) fn open_within<'a>(
        &self,
        purpose: &str,
        context: &str,
        sealed: &'a str,
        lifetime: Duration,
        now: NumericDate,
    ) -> Option<&'a str> {
        let (rest, tag) = sealed.rsplit_once('.')?;
        let (payload, time) = rest.rsplit_once('.')?;
        let secs: i64 = time.parse().ok()?;
        let tag = base64url::decode(tag).ok()?;
        let message = message(purpose, context, payload, secs);
        hmac::verify(&self.0, message.as_bytes(), &tag).ok()?;
        let sealed_at = NumericDate::from_secs(secs).ok()?;
        (now.since(sealed_at) <= lifetime).then_some(payload)
    }
}

fn message(purpose: &str, context: &str, payload: &str, time: i64) -> String {
    format!("{purpose}\0{context}\0{payload}\0{time}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_800_000_000 + secs).unwrap()
    }

    #[test]
    fn what_is_derived_is_the_same_each_time_and_differs_by_purpose_and_context() {
        let seal = Seal::new(&[7; 32]);
        let one = seal.derive("nonce", "a");
        assert_eq!(one, Seal::new(&[7; 32]).derive("nonce", "a"));
        for other in [
            seal.derive("verifier", "a"),
            seal.derive("nonce", "b"),
            Seal::new(&[8; 32]).derive("nonce", "a"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_sealed_text_opens_for_its_purpose_and_browser_in_time() {
        let seal = Seal::new(&[7; 32]);
        let sealed = seal.seal("consent", "browser", "payload", at(0));
        let open = |purpose, context, text: &str, now| {
            seal.open(purpose, context, text, at(now)).map(str::to_owned)
        };
        assert_eq!(open("consent", "browser", &sealed, 600).as_deref(), Some("payload"));
        assert_eq!(open("consent", "browser", &sealed, 601), None);
        assert_eq!(open("sign-in", "browser", &sealed, 0), None);
        assert_eq!(open("consent", "other", &sealed, 0), None);
        assert_eq!(open("consent", "browser", &sealed.replace("payload", "payloaf"), 0), None);
        assert_eq!(open("consent", "browser", "", 0), None);
        assert_eq!(Seal::new(&[8; 32]).open("consent", "browser", &sealed, at(0)), None);
    }
}
