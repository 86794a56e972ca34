//! What the body of a refusal says: OAuth's members, a JSON-RPC error with its `data`, or plain text.

use auth_core::ScopeSet;
use serde_json::Value;

/// What a server says besides the status and the challenge. **Its words are untrusted.**
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// For a person.
    pub(super) words: Option<String>,
    /// OAuth's error code.
    pub(super) error: Option<String>,
    /// The scopes that are needed.
    pub(super) required: Option<ScopeSet>,
    /// The scopes that the token has.
    pub(super) granted: Option<ScopeSet>,
}

impl Said {
    /// What stands in `body`. A web page says nothing.
    pub(super) fn in_body(body: &str) -> Self {
        let body = body.trim();
        let json: Option<Value> = serde_json::from_str(body).ok();
        let Some(json) = json else {
            let words = (!body.is_empty() && !body.starts_with('<')).then(|| body.to_owned());
            return Self { words, ..Self::default() };
        };
        let text = |paths: &[&str]| {
            paths.iter().find_map(|path| json.pointer(path)?.as_str().map(str::to_owned))
        };
        let scopes = |path: &str| json.pointer(path).and_then(scopes);
        Self {
            words: text(&["/error_description", "/error/message", "/message", "/detail", "/error"]),
            error: text(&["/error/data/error", "/error"]),
            required: scopes("/error/data/required"),
            granted: scopes("/error/data/granted"),
        }
    }
}

/// A list of scopes, or a text of them.
fn scopes(value: &Value) -> Option<ScopeSet> {
    match value {
        Value::String(text) => text.parse().ok(),
        Value::Array(items) => {
            let items: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            items?.join(" ").parse().ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_in_a_body_are_found() {
        let found = |body| Said::in_body(body).words.unwrap_or_default();
        assert_eq!(found(r#"{"error":"a","error_description":"b"}"#), "b");
        assert_eq!(found(r#"{"error":{"code":1,"message":"b"}}"#), "b");
        assert_eq!(found(r#"{"error":"b"}"#), "b");
        assert_eq!(found(" b "), "b");
        for none in ["", "<html>b", "[]", "3"] {
            assert_eq!(Said::in_body(none), Said::default(), "{none}");
        }
    }

    #[test]
    fn scopes_are_read_from_the_data_of_a_json_rpc_error() {
        let set = |text: &str| Some(text.parse::<ScopeSet>().unwrap());
        let said = Said::in_body(
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32011,"message":"no","data":{
                "error":"insufficient_scope","required":["B","A"],"granted":[]}}}"#,
        );
        assert_eq!(said.words.as_deref(), Some("no"));
        assert_eq!(said.error.as_deref(), Some("insufficient_scope"));
        assert_eq!((said.required, said.granted), (set("A B"), set("")));
        let text = Said::in_body(r#"{"error":{"data":{"required":"A B","granted":7}}}"#);
        assert_eq!((text.required, text.granted), (set("A B"), None));
        for odd in [r#"{"error":{"data":{"required":["a b","\""]}}}"#, r#"{"error":{"data":[]}}"#] {
            assert_eq!(Said::in_body(odd), Said::default(), "{odd}");
        }
    }
}
