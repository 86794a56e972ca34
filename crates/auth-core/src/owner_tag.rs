//! Names with a tag of their owner: ids of sessions and of events that no other caller can use.
//!
//! A tagged name is `name.tag`. The tag is HMAC-SHA256 (RFC 2104) over the purpose, the name and
//! the [`Owner`], in base64url. Nothing is stored: with the key the owner of a name can be checked
//! on any node.
//!
//! **Invariant:** [`OwnerTagKey::verify`] gives back a name only to the owner for whom, and for the
//! purpose for which, it was tagged.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    KeyError, Owner, base64url,
    crypto::{Signer, Verifier},
    key_error::MIN_SECRET_BYTES,
};

/// A secret with which names are tagged for their owners.
///
/// ```
/// use auth_core::{Owner, OwnerTagKey};
///
/// let key = OwnerTagKey::from_secret(&[7; 32])?;
/// let tagged = key.tag("session", "42", &Owner::Anonymous);
/// assert_eq!(key.verify("session", &tagged, &Owner::Anonymous), Some("42"));
/// assert_eq!(key.verify("event", &tagged, &Owner::Anonymous), None);
/// # Ok::<(), auth_core::KeyError>(())
/// ```
#[derive(Clone)]
pub struct OwnerTagKey {
    signer: Signer,
    verifier: Verifier,
}

impl OwnerTagKey {
    /// A key of at least 32 bytes. Nodes that share one know each other's names.
    pub fn from_secret(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_SECRET_BYTES {
            return Err(KeyError::SecretTooShort);
        }
        let signer = Signer::from_secret(secret);
        Ok(Self { verifier: signer.verifier()?, signer })
    }

    /// `name`, which has any characters but is best kept short, as the own of `owner`.
    #[must_use]
    pub fn tag(&self, purpose: &str, name: &str, owner: &Owner) -> String {
        // HMAC has no failing path; an empty tag would open nothing.
        let tag = self.signer.sign(&message(purpose, name, owner)).unwrap_or_default();
        format!("{name}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The name in `tagged`, if its tag is that of `owner`. The tag is compared in constant time.
    #[must_use]
    pub fn verify<'a>(&self, purpose: &str, tagged: &'a str, owner: &Owner) -> Option<&'a str> {
        let (name, tag) = tagged.rsplit_once('.')?;
        let tag = base64url::decode(tag).ok()?;
        self.verifier.verify(&message(purpose, name, owner), &tag).then_some(name)
    }
}

impl fmt::Debug for OwnerTagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerTagKey(..)")
    }
}

/// All that the tag is over, each part behind its length, so that no two readings are the same
/// bytes.
fn message(purpose: &str, name: &str, owner: &Owner) -> Vec<u8> {
    let mut message = Vec::new();
    let mut put = |part: Option<&str>| {
        let length = part.map_or(u64::MAX, |part| part.len() as u64);
        message.extend(length.to_be_bytes());
        message.extend(part.unwrap_or_default().bytes());
    };
    put(Some(purpose));
    put(Some(name));
    match owner {
        Owner::Anonymous => put(None),
        Owner::Principal { issuer, subject, client_id } => {
            put(Some(issuer.as_str()));
            put(Some(subject.as_str()));
            put(client_id.as_ref().map(crate::ClientId::as_str));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(issuer: &str, subject: &str, client: Option<&str>) -> Owner {
        Owner::Principal {
            issuer: issuer.parse().unwrap(),
            subject: subject.parse().unwrap(),
            client_id: client.map(|client| client.parse().unwrap()),
        }
    }

    #[test]
    fn a_name_opens_for_its_owner_alone() {
        let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
        let alice = owner("i", "alice", Some("c"));
        let tagged = key.tag("session", "a.b", &alice);
        assert_eq!(key.verify("session", &tagged, &alice), Some("a.b"));
        for stranger in [
            owner("j", "alice", Some("c")),
            owner("i", "bob", Some("c")),
            owner("i", "alice", Some("d")),
            owner("i", "alice", None),
            owner("ia", "lice", Some("c")),
            Owner::Anonymous,
        ] {
            assert_eq!(key.verify("session", &tagged, &stranger), None, "{stranger:?}");
        }
        assert_eq!(key.verify("event", &tagged, &alice), None);
        let other = OwnerTagKey::from_secret(&[8; 32]).unwrap();
        assert_eq!(other.verify("session", &tagged, &alice), None);
    }

    #[test]
    fn what_was_not_tagged_is_not_accepted() {
        let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
        let tagged = key.tag("session", "a", &Owner::Anonymous);
        let (_, tag) = tagged.rsplit_once('.').unwrap();
        for bad in [
            "",
            "a",
            "a.",
            ".",
            &format!("b.{tag}"),
            &format!("a.{tag}="),
            &tagged[..tagged.len() - 1],
        ] {
            assert_eq!(key.verify("session", bad, &Owner::Anonymous), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_long_enough_and_silent() {
        assert_eq!(OwnerTagKey::from_secret(&[7; 31]).unwrap_err(), KeyError::SecretTooShort);
        assert_eq!(format!("{:?}", OwnerTagKey::from_secret(&[7; 32]).unwrap()), "OwnerTagKey(..)");
    }
}
