//! The body of a refusal: members of OAuth, a JSON-RPC error with its `data`, or plain text.

use auth_core::ScopeSet;
use serde_json::Value;

/// What a server says besides the status and the challenge. **All of it is untrusted.**
#[derive(Debug, Default, PartialEq)]
pub(super) struct ErrorBody {
    /// The explanation for a person.
    pub(super) description: Option<String>,
    /// The error code of OAuth.
    pub(super) error: Option<String>,
    /// The scopes that are needed.
    pub(super) required: Option<ScopeSet>,
    /// The scopes that the token has.
    pub(super) granted: Option<ScopeSet>,
    /// The server's name for the request.
    pub(super) request_id: Option<String>,
    /// The header for which a server of ours refused the request: `host` or `origin`.
    pub(super) header: Option<String>,
    /// The user whom the server does not know, or does not let in: subject and issuer.
    pub(super) user: Option<(String, String)>,
}

impl ErrorBody {
    /// Reads a body. A web page says nothing.
    pub(super) fn parse(body: &str) -> Self {
        let body = body.trim();
        let json: Option<Value> = serde_json::from_str(body).ok();
        let Some(json) = json else {
            let text = (!body.is_empty() && !body.starts_with('<')).then(|| body.to_owned());
            return Self { description: text, ..Self::default() };
        };
        let string = |paths: &[&str]| {
            paths.iter().find_map(|path| json.pointer(path)?.as_str().map(str::to_owned))
        };
        let scopes = |path: &str| json.pointer(path).and_then(scopes);
        Self {
            description: string(&[
                "/error_description",
                "/error/message",
                "/message",
                "/detail",
                "/error",
            ]),
            error: string(&["/error/data/error", "/error"]),
            required: scopes("/error/data/required"),
            granted: scopes("/error/data/granted"),
            request_id: string(&["/error/data/request_id"]),
            header: string(&["/error/data/header"]),
            user: string(&["/error/data/subject"]).zip(string(&["/error/data/issuer"])),
        }
    }
}

/// Scopes in an array, or in a string with spaces between.
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
        let found = |body| ErrorBody::parse(body).description.unwrap_or_default();
        assert_eq!(found(r#"{"error":"a","error_description":"b"}"#), "b");
        assert_eq!(found(r#"{"error":{"code":1,"message":"b"}}"#), "b");
        assert_eq!(found(r#"{"error":"b"}"#), "b");
        assert_eq!(found(" b "), "b");
        for none in ["", "<html>b", "[]", "3"] {
            assert_eq!(ErrorBody::parse(none), ErrorBody::default(), "{none}");
        }
    }

    #[test]
    fn scopes_are_read_from_the_data_of_a_json_rpc_error() {
        let set = |text: &str| Some(text.parse::<ScopeSet>().unwrap());
        let said = ErrorBody::parse(
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32011,"message":"no","data":{
                "error":"insufficient_scope","required":["B","A"],"granted":[],
                "request_id":"00ff","header":"host","subject":"s","issuer":"i"}}}"#,
        );
        assert_eq!(said.description.as_deref(), Some("no"));
        assert_eq!(said.error.as_deref(), Some("insufficient_scope"));
        assert_eq!((said.required, said.granted), (set("A B"), set("")));
        assert_eq!(said.request_id.as_deref(), Some("00ff"));
        assert_eq!(said.header.as_deref(), Some("host"));
        assert_eq!(said.user, Some(("s".to_owned(), "i".to_owned())));
        let text = ErrorBody::parse(r#"{"error":{"data":{"required":"A B","granted":7}}}"#);
        assert_eq!((text.required, text.granted), (set("A B"), None));
        for odd in [r#"{"error":{"data":{"required":["a b","\""]}}}"#, r#"{"error":{"data":[]}}"#] {
            assert_eq!(ErrorBody::parse(odd), ErrorBody::default(), "{odd}");
        }
    }
}
