//! Whether an answer of JSON-RPC says that the call failed: for traces alone.

use serde_json::Value;

use crate::{observer::AnswerFailure, request::arguments::member};

/// What the bytes of an answer say.
pub(crate) fn of_bytes(answer: &[u8]) -> Option<AnswerFailure> {
    if let Some(error) = member(answer, "error") {
        let code = member(error, "code").and_then(|code| str::from_utf8(code).ok());
        return code.and_then(|code| code.parse().ok()).map(AnswerFailure::Code);
    }
    let is_error = member(answer, "result").and_then(|result| member(result, "isError"));
    (is_error? == b"true").then_some(AnswerFailure::Tool)
}

/// What a parsed answer says.
pub(crate) fn of_value(answer: &Value) -> Option<AnswerFailure> {
    if let Some(code) = answer.pointer("/error/code").and_then(Value::as_i64) {
        return Some(AnswerFailure::Code(code));
    }
    let is_error = answer.pointer("/result/isError").and_then(Value::as_bool);
    (is_error == Some(true)).then_some(AnswerFailure::Tool)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_and_a_tools_error_are_seen_and_a_result_is_none() {
        for (answer, wanted) in [
            (
                r#"{"id":1,"error":{"code":-32602,"message":"m"}}"#,
                Some(AnswerFailure::Code(-32602)),
            ),
            (r#"{"id":1,"result":{"isError": true }}"#, Some(AnswerFailure::Tool)),
            (r#"{"id":1,"result":{"isError":false}}"#, None),
            (r#"{"id":1,"result":{"content":[{"error":{"code":1}}]}}"#, None),
            (r#"{"id":1,"error":{"code":"x"}}"#, None),
            (r#"{"id":1,"error":"x"}"#, None),
            ("[]", None),
        ] {
            assert_eq!(of_bytes(answer.as_bytes()), wanted, "{answer}");
            assert_eq!(of_value(&serde_json::from_str(answer).unwrap()), wanted, "{answer}");
        }
        assert_eq!(of_bytes(b"event: x"), None);
    }
}
