//! Sessions and events that are one caller's own (MCP security best practices, session hijacking).
//!
//! The server behind names its sessions and the events of its streams. Callers are given these names
//! sealed for their owner (issuer, subject, client), and only sealed names are let in, from that owner.
//! To anybody else it is as if the name did not exist. A refreshed token of the same principal goes on.

use auth_core::{Owner, SealingKey};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const SESSION: &str = "session";
const EVENT: &str = "event";

/// A name that is not the caller's, or is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealFault {
    #[error("the session does not exist, or is not this caller's")]
    Session,
    #[error("the event does not exist, or is not this caller's")]
    Event,
}

/// The key, if there was randomness for one: without it nothing is let in.
#[derive(Debug, Clone)]
pub(crate) struct Seals(Option<SealingKey>);

impl Seals {
    pub(crate) fn random() -> Self {
        let mut secret = [0; 32];
        let filled = getrandom::fill(&mut secret).is_ok();
        Self(filled.then(|| SealingKey::from_secret(&secret).ok()).flatten())
    }

    pub(crate) const fn with(key: SealingKey) -> Self {
        Self(Some(key))
    }

    /// Opens what a request names. Where the revision has no sessions, a session's name means nothing
    /// and is taken out.
    pub(crate) fn open(
        &self,
        headers: &mut HeaderMap,
        owner: &Owner,
        is_stateless: bool,
    ) -> Result<(), SealFault> {
        if is_stateless {
            headers.remove(SESSION_ID);
        }
        self.open_one(headers, &SESSION_ID, SESSION, owner).ok_or(SealFault::Session)?;
        self.open_one(headers, &LAST_EVENT_ID, EVENT, owner).ok_or(SealFault::Event)
    }

    /// Seals the session that an answer names.
    pub(crate) fn seal_session(&self, headers: &mut HeaderMap, owner: &Owner) {
        let Some(name) = headers.remove(SESSION_ID) else { return };
        let sealed = name.to_str().ok().and_then(|name| self.seal(SESSION, name, owner));
        if let Some(value) = sealed.and_then(|sealed| HeaderValue::try_from(sealed).ok()) {
            headers.insert(SESSION_ID, value);
        }
    }

    /// The id of an event as the caller may see it; `None` if it cannot be sealed, and so not be seen.
    pub(crate) fn seal_event(&self, id: &str, owner: &Owner) -> Option<String> {
        self.seal(EVENT, id, owner)
    }

    fn seal(&self, purpose: &str, name: &str, owner: &Owner) -> Option<String> {
        self.0.as_ref().map(|key| key.seal(purpose, name, owner))
    }

    /// Opens the one value that `header` may have; `None` if it does not open.
    fn open_one(
        &self,
        headers: &mut HeaderMap,
        header: &HeaderName,
        purpose: &str,
        owner: &Owner,
    ) -> Option<()> {
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else { return Some(()) };
        if values.next().is_some() {
            return None;
        }
        let name = self.0.as_ref()?.open(purpose, value.to_str().ok()?, owner)?;
        let value = HeaderValue::from_str(name).ok()?;
        headers.insert(header.clone(), value);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_session_opens_for_its_owner_and_once() {
        let (seals, me) = (Seals::random(), Owner::Anonymous);
        let mut answer = headers(SESSION_ID, "s1");
        seals.seal_session(&mut answer, &me);
        let sealed = answer[SESSION_ID].to_str().unwrap().to_owned();
        assert_ne!(sealed, "s1");

        let mut request = headers(SESSION_ID, &sealed);
        assert_eq!(seals.open(&mut request, &me, false), Ok(()));
        assert_eq!(request[SESSION_ID], "s1");
        for other in ["s1", &format!("{sealed}x"), ""] {
            let mut request = headers(SESSION_ID, other);
            assert_eq!(seals.open(&mut request, &me, false), Err(SealFault::Session), "{other}");
        }
        let mut twice = headers(SESSION_ID, &sealed);
        twice.append(SESSION_ID, sealed.parse().unwrap());
        assert_eq!(seals.open(&mut twice, &me, false), Err(SealFault::Session));
        // A session is no event.
        let mut request = headers(LAST_EVENT_ID, &sealed);
        assert_eq!(seals.open(&mut request, &me, false), Err(SealFault::Event));
    }

    #[test]
    fn where_there_are_no_sessions_their_names_go_no_further() {
        let seals = Seals::random();
        let mut request = headers(SESSION_ID, "s1");
        assert_eq!(seals.open(&mut request, &Owner::Anonymous, true), Ok(()));
        assert!(request.is_empty());
    }

    #[test]
    fn without_a_key_nothing_is_given_out_and_nothing_let_in() {
        let seals = Seals(None);
        let mut answer = headers(SESSION_ID, "s1");
        seals.seal_session(&mut answer, &Owner::Anonymous);
        assert!(answer.is_empty());
        assert_eq!(seals.seal_event("1", &Owner::Anonymous), None);
        let mut request = headers(SESSION_ID, "s1");
        let fault = seals.open(&mut request, &Owner::Anonymous, false);
        assert_eq!(fault, Err(SealFault::Session));
    }
}
