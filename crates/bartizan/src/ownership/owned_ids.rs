//! Sessions and events that are one caller's own (MCP security best practices, session hijacking).
//!
//! The inner service names its sessions and the events of its streams. Callers get these names with
//! a tag for their owner (issuer, subject, client); a name is accepted from that owner and with its
//! tag alone. For any other caller it does not exist. A refreshed token of the same principal keeps
//! its names.
//!
//! An event's name carries the actions that its stream was permitted for: resuming the stream needs
//! them all again.

use auth_core::{Action, Owner, OwnerTagKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

const SESSION: &str = "session";
const EVENT: &str = "event";
/// How long the actions in an event's name may be together, in bytes. Events of streams with more
/// have no name, and such streams are not taken up again.
const MAX_ACTION_BYTES: usize = 2048;

/// A name that is not the caller's, or is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OwnedIdError {
    #[error("the session does not exist, or is not this caller's")]
    Session,
    #[error("the event does not exist, or is not this caller's")]
    Event,
}

/// The key, if there was randomness for one: without it no name is accepted.
#[derive(Debug, Clone)]
pub(crate) struct OwnerBoundIds(Option<OwnerTagKey>);

impl OwnerBoundIds {
    pub(crate) fn random() -> Self {
        let mut secret = [0; 32];
        let filled = getrandom::fill(&mut secret).is_ok();
        Self(filled.then(|| OwnerTagKey::from_secret(&secret).ok()).flatten())
    }

    pub(crate) const fn with(key: OwnerTagKey) -> Self {
        Self(Some(key))
    }

    /// Verifies what a request names, and gives the actions that it must be permitted for that.
    /// Where the revision has no sessions, a session's name means nothing and is taken out.
    pub(crate) fn verify(
        &self,
        headers: &mut HeaderMap,
        owner: &Owner,
        is_stateless: bool,
    ) -> Result<Vec<Action>, OwnedIdError> {
        if is_stateless {
            headers.remove(SESSION_ID);
        }
        if let Some(name) = self.verify_one(headers, &SESSION_ID, SESSION, owner)? {
            let value = HeaderValue::try_from(name).map_err(|_| OwnedIdError::Session)?;
            headers.insert(SESSION_ID, value);
        }
        let Some(name) = self.verify_one(headers, &LAST_EVENT_ID, EVENT, owner)? else {
            return Ok(Vec::new());
        };
        let event = || {
            let (id, held) = name.rsplit_once('~')?;
            Some((HeaderValue::from_str(id).ok()?, read_actions(held)?))
        };
        let (id, held) = event().ok_or(OwnedIdError::Event)?;
        headers.insert(LAST_EVENT_ID, id);
        Ok(held)
    }

    /// Tags the session that an answer names.
    pub(crate) fn tag_session(&self, headers: &mut HeaderMap, owner: &Owner) {
        let Some(name) = headers.remove(SESSION_ID) else { return };
        let tagged = name.to_str().ok().and_then(|name| self.tag(SESSION, name, owner));
        if let Some(value) = tagged.and_then(|tagged| HeaderValue::try_from(tagged).ok()) {
            headers.insert(SESSION_ID, value);
        }
    }

    /// The id, as the caller may see it, of an event of a stream that is held to these actions;
    /// `None` if it cannot be tagged, and so not be seen.
    pub(crate) fn tag_event(&self, id: &str, held: &[Action], owner: &Owner) -> Option<String> {
        self.tag(EVENT, &format!("{id}~{}", write_actions(held)?), owner)
    }

    fn tag(&self, purpose: &str, name: &str, owner: &Owner) -> Option<String> {
        self.0.as_ref().map(|key| key.tag(purpose, name, owner))
    }

    /// The name in the one value that `header` may have; `None` if there is no such header.
    fn verify_one(
        &self,
        headers: &HeaderMap,
        header: &HeaderName,
        purpose: &str,
        owner: &Owner,
    ) -> Result<Option<String>, OwnedIdError> {
        let fault = if purpose == SESSION { OwnedIdError::Session } else { OwnedIdError::Event };
        let mut values = headers.get_all(header).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(fault);
        }
        let key = self.0.as_ref().ok_or(fault)?;
        let tagged = value.to_str().map_err(|_| fault)?;
        key.verify(purpose, tagged, owner).map(|name| Some(name.to_owned())).ok_or(fault)
    }
}

/// The actions as one word: base64url of a JSON list of pairs. `None` if they are too long for a
/// name.
fn write_actions(actions: &[Action]) -> Option<String> {
    let pair = |action: &Action| match action.target() {
        Some(target) => (action.method().to_owned(), target.to_owned()),
        None => (String::new(), action.method().to_owned()),
    };
    let json = serde_json::to_vec(&actions.iter().map(pair).collect::<Vec<_>>()).ok()?;
    (json.len() <= MAX_ACTION_BYTES).then(|| URL_SAFE_NO_PAD.encode(json))
}

fn read_actions(text: &str) -> Option<Vec<Action>> {
    let pairs: Vec<(String, String)> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let action = |(method, name): (String, String)| match method.as_str() {
        "tools/call" => Some(Action::CallTool(name)),
        "resources/read" => Some(Action::ReadResource(name)),
        "prompts/get" => Some(Action::GetPrompt(name)),
        "" => Some(Action::Method(name)),
        _ => None,
    };
    pairs.into_iter().map(action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_session_opens_for_its_owner_and_once() {
        let (owned_ids, me) = (OwnerBoundIds::random(), Owner::Anonymous);
        let mut answer = headers(SESSION_ID, "s1");
        owned_ids.tag_session(&mut answer, &me);
        let tagged = answer[SESSION_ID].to_str().unwrap().to_owned();
        assert_ne!(tagged, "s1");

        let mut request = headers(SESSION_ID, &tagged);
        assert_eq!(owned_ids.verify(&mut request, &me, false), Ok(vec![]));
        assert_eq!(request[SESSION_ID], "s1");
        for other in ["s1", &format!("{tagged}x"), ""] {
            let mut request = headers(SESSION_ID, other);
            assert_eq!(
                owned_ids.verify(&mut request, &me, false),
                Err(OwnedIdError::Session),
                "{other}"
            );
        }
        let mut twice = headers(SESSION_ID, &tagged);
        twice.append(SESSION_ID, tagged.parse().unwrap());
        assert_eq!(owned_ids.verify(&mut twice, &me, false), Err(OwnedIdError::Session));
        // A session is no event.
        let mut request = headers(LAST_EVENT_ID, &tagged);
        assert_eq!(owned_ids.verify(&mut request, &me, false), Err(OwnedIdError::Event));
    }

    #[test]
    fn where_there_are_no_sessions_their_names_go_no_further() {
        let owned_ids = OwnerBoundIds::random();
        let mut request = headers(SESSION_ID, "s1");
        assert_eq!(owned_ids.verify(&mut request, &Owner::Anonymous, true), Ok(vec![]));
        assert!(request.is_empty());
    }

    #[test]
    fn without_a_key_nothing_is_given_out_and_nothing_let_in() {
        let owned_ids = OwnerBoundIds(None);
        let mut answer = headers(SESSION_ID, "s1");
        owned_ids.tag_session(&mut answer, &Owner::Anonymous);
        assert!(answer.is_empty());
        assert_eq!(owned_ids.tag_event("1", &[], &Owner::Anonymous), None);
        let mut request = headers(SESSION_ID, "s1");
        let fault = owned_ids.verify(&mut request, &Owner::Anonymous, false);
        assert_eq!(fault, Err(OwnedIdError::Session));
    }

    #[test]
    fn an_event_carries_what_its_stream_is_held_to() {
        let (owned_ids, me) = (OwnerBoundIds::random(), Owner::Anonymous);
        let held = vec![
            Action::CallTool("t~".into()),
            Action::ReadResource("a://b".into()),
            Action::GetPrompt("p".into()),
            Action::Method("subscriptions/listen".into()),
        ];
        for held in [vec![], held] {
            let tagged = owned_ids.tag_event("0/1~2", &held, &me).unwrap();
            let mut request = headers(LAST_EVENT_ID, &tagged);
            assert_eq!(owned_ids.verify(&mut request, &me, false), Ok(held));
            assert_eq!(request[LAST_EVENT_ID], "0/1~2");
        }
        let long = [Action::CallTool("t".repeat(MAX_ACTION_BYTES))];
        assert_eq!(owned_ids.tag_event("1", &long, &me), None);
    }
}
