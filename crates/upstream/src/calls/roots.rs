//! Roots (folders of the client) that are withheld from a server ([`CallLimits::roots`]).
//!
//! 1. No capability `roots` reaches the server.
//! 2. A question for them is refused nevertheless, and a result that asks for them is an error.
//! 3. `notifications/roots/list_changed` is not sent, as servers ask because of it.
//!
//! [`CallLimits::roots`]: super::CallLimits::roots

use memchr::memmem;

use crate::wire::{Message, Object};

/// The question.
pub(super) const METHOD: &str = "roots/list";
/// What servers ask because of.
pub(super) const CHANGED: &str = "notifications/roots/list_changed";
/// Why there is no result.
pub(super) const REFUSED: &str = "the server asks for the folders of the client, which it may not";

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// A request without the capability in its `_meta`; `None` if it has none there.
pub(super) fn without_capability(request: &Message) -> Option<Message> {
    memmem::find(request.meta()?.as_bytes(), b"roots")?;
    let mut params = Object::parse(request.params()?).ok()?;
    let meta = params.get("_meta")?.to_owned();
    let mut meta = Object::parse(&meta).ok()?;
    let said = meta.get(CAPABILITIES)?.to_owned();
    let mut said = Object::parse(&said).ok()?;
    said.remove("roots")?;
    meta.set(CAPABILITIES, said.to_string());
    let meta = meta.to_string();
    params.set("_meta", meta);
    Message::request(request.id()?, request.method(), Some(&params.to_string())).ok()
}

/// `initialize` without the capability; `None` if it has none.
pub(crate) fn initialize_without(initialize: &Message) -> Option<Message> {
    let mut params = Object::parse(initialize.params()?).ok()?;
    let said = params.get("capabilities")?.to_owned();
    let mut said = Object::parse(&said).ok()?;
    said.remove("roots")?;
    params.set("capabilities", said.to_string());
    Message::request(initialize.id()?, initialize.method(), Some(&params.to_string())).ok()
}

/// Whether an answer asks for them (MCP 2026-07-28, `input_required`).
pub(super) fn are_asked_for(answer: &Message) -> bool {
    let Some(result) = answer.result() else { return false };
    if memmem::find(result.as_bytes(), b"inputRequests").is_none() {
        return false;
    }
    let result = Object::parse(result).unwrap_or_default();
    let Some(requests) = result.object("inputRequests") else { return false };
    requests.iter().any(|(_, request)| {
        // What cannot be read may be one.
        Object::parse(request).map_or(true, |it| it.text("method").is_none_or(|it| it == METHOD))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capability_is_taken_out_and_nothing_else() {
        let params = r#"{"name":"t","_meta":{"x":1,"io.modelcontextprotocol/clientCapabilities":{"roots":{},"sampling":{}}}}"#;
        let request = Message::request("7", "tools/call", Some(params)).unwrap();
        let found = without_capability(&request).unwrap();
        let expected = params.replace(r#""roots":{},"#, "");
        assert_eq!(found.params(), Some(expected.as_str()));
        assert_eq!((found.id(), found.method()), (Some("7"), "tools/call"));
        assert!(without_capability(&found).is_none());
        let params = r#"{"capabilities":{"roots":{"listChanged":true},"sampling":{}},"x":1}"#;
        let initialize = Message::request("0", "initialize", Some(params)).unwrap();
        let found = initialize_without(&initialize).unwrap();
        assert_eq!(found.params(), Some(r#"{"capabilities":{"sampling":{}},"x":1}"#));
        assert!(initialize_without(&found).is_none());
    }

    #[test]
    fn an_answer_that_asks_for_them_is_known() {
        let asks = |requests: &str| {
            let result = format!(r#"{{"resultType":"input_required","inputRequests":{requests}}}"#);
            are_asked_for(&Message::success("1", &result).unwrap())
        };
        assert!(asks(r#"{"a":{"method":"elicitation/create"},"b":{"method":"roots/list"}}"#));
        assert!(asks(r#"{"b":{"method":"roots\/list"}}"#));
        assert!(!asks(r#"{"a":{"method":"elicitation/create"}}"#));
        assert!(!are_asked_for(&Message::success("1", r#"{"x":"roots/list"}"#).unwrap()));
    }
}
