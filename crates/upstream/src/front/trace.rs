//! The place of a request in its trace, as the server behind learns it: `params._meta.traceparent`
//! and `tracestate` (SEP-414), whatever the transport. They take the place of what the caller sent,
//! which is the parent of the gateway's own span.

use auth_core::trace_context::TraceContext;

use crate::wire::{Kind, Message, MessageError, Object};

/// The message with `context` in it. One that begins a session is left as it is: others may use
/// what it begins. So is one that cannot be changed.
pub(super) fn traced(message: Message, context: &TraceContext) -> Message {
    if message.kind() != Kind::Request || message.method() == "initialize" {
        return message;
    }
    match changed(&message, context) {
        Ok(Some(changed)) => changed,
        Ok(None) | Err(_) => message,
    }
}

fn changed(message: &Message, context: &TraceContext) -> Result<Option<Message>, MessageError> {
    let Some(id) = message.id() else { return Ok(None) };
    let mut params = object(message.params())?;
    let meta = {
        let mut meta = object(params.get("_meta"))?;
        meta.set_text("traceparent", &context.traceparent());
        match &context.state {
            Some(state) => meta.set_text("tracestate", state.as_str()),
            None => drop(meta.remove("tracestate")),
        }
        meta.to_string()
    };
    params.set("_meta", meta);
    Message::request(id, message.method(), Some(&params.to_string())).map(Some)
}

fn object(text: Option<&str>) -> Result<Object<'_>, MessageError> {
    Object::parse(text.unwrap_or("{}")).map_err(MessageError::Json)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn context(state: Option<&str>) -> TraceContext {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        TraceContext::parse(parent, state).unwrap()
    }

    fn sent(text: &str, state: Option<&str>) -> String {
        let message = Message::parse(Bytes::from(text.to_owned())).unwrap();
        traced(message, &context(state)).text().to_owned()
    }

    const PARENT: &str =
        r#""traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01""#;

    #[test]
    fn the_server_behind_learns_the_gateways_span_in_place_of_the_callers() {
        let request = |params: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
        };
        let before = request(r#"{"name":"a","arguments":{"x":1.50}}"#);
        let after = format!(r#"{{"name":"a","arguments":{{"x":1.50}},"_meta":{{{PARENT}}}}}"#);
        assert_eq!(sent(&before, None), request(&after));
        let before = request(r#"{"_meta":{"traceparent":"x","tracestate":"a=1","b":[2]}}"#);
        let after = format!(r#"{{"_meta":{{{PARENT},"b":[2]}}}}"#);
        assert_eq!(sent(&before, None), request(&after));
        let after = format!(r#"{{"_meta":{{{PARENT},"tracestate":"c=2","b":[2]}}}}"#);
        assert_eq!(sent(&before, Some("c=2")), request(&after));
        let bare = r#"{"jsonrpc":"2.0","id":"i","method":"tools/list"}"#;
        assert!(sent(bare, None).contains(PARENT));
    }

    #[test]
    fn what_is_no_request_or_begins_a_session_stays_as_it_is() {
        for text in [
            r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{"_meta":{}}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":[1]}}"#,
        ] {
            assert_eq!(sent(text, None), text);
        }
    }
}
