//! A server of the new generation whose lists are kept for as long as it permits ([`ListCache`]).
//!
//! 1. A list that is kept is not asked of the server again.
//! 2. What comes on the stream of a subscription and says that a list has changed ends what is kept
//!    of it.
//! 3. A request with parameters that are not known here is passed on, and so is one that answers
//!    what the server asked (MCP 2026-07-28, caching).

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use auth_core::Owner;

use super::answered::Answered;
use crate::{
    CallContext,
    calls::Connection,
    catalog::{Asked, Kind, ListCache, ListKey},
    port::{AskId, Call, Event, Server, Unsolicited, Waiting},
    wire::{Message, Object},
};

/// The longest cursor and capabilities of a page that is kept, in bytes.
const MAX_KEY: usize = 4 * 1024;

/// The client's capabilities in `_meta`.
const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A server with the lists that are kept of it.
pub(super) struct Cached {
    connection: Connection,
    lists: Arc<ListCache>,
}

impl Cached {
    pub(super) const fn new(connection: Connection, lists: Arc<ListCache>) -> Self {
        Self { connection, lists }
    }

    /// The answer to the request for a list, if it is kept.
    fn kept(&self, owner: &Owner, key: &ListKey, request: &Message) -> Option<Message> {
        let result = self.lists.get(owner, key, Instant::now())?;
        Message::success(request.id()?, std::str::from_utf8(&result).ok()?).ok()
    }
}

impl Server for Cached {
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        let lists = Arc::clone(&self.lists);
        let connection = self.connection.of(context);
        if request.method() == "subscriptions/listen" {
            return Box::new(Listening { call: connection.call(&request), lists });
        }
        let Some(key) = key_of(&request) else { return connection.call(&request) };
        if let Some(answer) = self.kept(context.owner(), &key, &request) {
            return Box::new(Answered::new(answer));
        }
        let asked = lists.asked();
        let call = connection.call(&request);
        Box::new(Listing { call, lists, owner: context.owner().clone(), key, asked })
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        Server::notify(&self.connection, context, note)
    }

    fn answer<'a>(
        &'a self,
        context: &'a CallContext,
        ask: AskId,
        answer: Message,
    ) -> Waiting<'a, ()> {
        Server::answer(&self.connection, context, ask, answer)
    }

    fn unsolicited(&self) -> Unsolicited {
        self.connection.unsolicited()
    }
}

/// Which page a request asks for, if it is one that may be kept.
fn key_of(request: &Message) -> Option<ListKey> {
    let method = request.method();
    Kind::ALL.iter().find(|kind| kind.method() == method)?;
    let params = Object::parse(request.params().unwrap_or("{}")).ok()?;
    if params.iter().any(|(name, _)| name != "_meta" && name != "cursor") {
        return None;
    }
    let cursor = match params.get("cursor") {
        None => None,
        Some(_) => Some(params.text("cursor")?.into_owned()),
    };
    let meta = params.object("_meta").unwrap_or_default();
    let capabilities = meta.get(CAPABILITIES).unwrap_or_default().to_owned();
    // These are the caller's words.
    if cursor.as_deref().map_or(0, str::len) + capabilities.len() > MAX_KEY {
        return None;
    }
    Some(ListKey { method: method.to_owned(), cursor, capabilities })
}

/// Whether a result is one and not a question.
fn is_complete(result: &str) -> bool {
    Object::parse(result)
        .is_ok_and(|result| result.text("resultType").is_none_or(|kind| kind == "complete"))
}

/// The request for a list that is not kept yet.
struct Listing {
    call: Box<dyn Call>,
    lists: Arc<ListCache>,
    owner: Owner,
    key: ListKey,
    asked: Asked,
}

impl Call for Listing {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = ready!(self.call.poll_event(context));
        if let Some(Event::Answer(answer)) = &event
            && answer.result().is_some_and(is_complete)
            && let Some(result) = answer.result_bytes()
        {
            let when = (self.asked, Instant::now());
            self.lists.put(&self.owner, self.key.clone(), &result, when);
        }
        Poll::Ready(event)
    }

    fn cancel(&mut self, reason: Option<&str>) {
        self.call.cancel(reason);
    }
}

/// A subscription: it may say that a list has changed.
struct Listening {
    call: Box<dyn Call>,
    lists: Arc<ListCache>,
}

impl Call for Listening {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let event = ready!(self.call.poll_event(context));
        if let Some(Event::Notification(note)) = &event
            && let Some(family) = family_of(note.method())
        {
            self.lists.forget(&family);
        }
        Poll::Ready(event)
    }

    fn cancel(&mut self, reason: Option<&str>) {
        self.call.cancel(reason);
    }
}

/// Of `notifications/tools/list_changed`, how the methods of these lists begin: `tools/`.
fn family_of(method: &str) -> Option<String> {
    let family = method.strip_prefix("notifications/")?.strip_suffix("list_changed")?;
    Some(family.to_owned()).filter(|family| family.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(method: &str, params: &str) -> Option<ListKey> {
        key_of(&Message::request("1", method, Some(params)).unwrap())
    }

    #[test]
    fn a_list_goes_by_its_method_its_cursor_and_what_the_client_can_do() {
        let params = r#"{"_meta":{"io.modelcontextprotocol/clientCapabilities":{"roots":{}},
            "progressToken":7},"cursor":"c"}"#;
        let expected = ListKey {
            method: "tools/list".into(),
            cursor: Some("c".into()),
            capabilities: r#"{"roots":{}}"#.into(),
        };
        assert_eq!(key("tools/list", params), Some(expected));
        assert!(key("resources/templates/list", "{}").is_some());
        let long = |length: usize| format!(r#"{{"cursor":"{}"}}"#, "x".repeat(length));
        assert!(key("tools/list", &long(MAX_KEY)).is_some());
        assert!(key("tools/list", &long(MAX_KEY + 1)).is_none());
        for (method, params) in [
            ("tools/list", r#"{"cursor":7}"#),
            ("tools/list", r#"{"later":1}"#),
            ("tools/list", r#"{"inputResponses":{}}"#),
            ("tools/call", "{}"),
            ("tasks/list", "{}"),
        ] {
            assert_eq!(key(method, params), None, "{method} {params}");
        }
    }

    #[test]
    fn a_change_is_one_of_a_family_of_lists() {
        let family = |method| family_of(method);
        assert_eq!(family("notifications/tools/list_changed").as_deref(), Some("tools/"));
        assert_eq!(family("notifications/resources/list_changed").as_deref(), Some("resources/"));
        for other in ["notifications/list_changed", "notifications/message", "x/list_changed"] {
            assert_eq!(family(other), None, "{other}");
        }
    }

    #[test]
    fn a_question_is_no_list() {
        assert!(is_complete(r#"{"tools":[]}"#));
        assert!(is_complete(r#"{"resultType":"complete"}"#));
        assert!(!is_complete(r#"{"resultType":"input_required"}"#));
        assert!(!is_complete("[]"));
    }
}
