//! What the links over HTTP read of a message: of ours to send the right headers, of the server's
//! to know that a call has its answer.

use bytes::Bytes;

use super::CallId;
use crate::wire::{Kind, Message};

/// The call that a message of ours is the request of.
pub(super) fn request_of(message: &Message) -> Option<CallId> {
    number(message.id().filter(|_| message.kind() == Kind::Request))
}

/// The call that a message of ours cancels.
pub(super) fn cancelled_by(message: &Message) -> Option<CallId> {
    let is_cancel = message.method() == "notifications/cancelled";
    number(message.request_id().filter(|_| is_cancel))
}

/// Whether what a server sent answers this call.
pub(super) fn answers(bytes: &Bytes, call: CallId) -> bool {
    let message = Message::parse(bytes.clone()).ok();
    let answer = message.as_ref().filter(|message| message.kind() == Kind::Answer);
    number(answer.and_then(Message::id)) == Some(call)
}

/// A message without line ends: in JSON they are white space.
pub(super) fn one_line(bytes: Bytes) -> Bytes {
    if memchr::memchr2(b'\n', b'\r', &bytes).is_none() {
        return bytes;
    }
    bytes.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

fn number(json: Option<&str>) -> Option<CallId> {
    json?.parse().ok().map(CallId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_id_of_its_call_and_no_method() {
        let answers = |text: &'static str| answers(&Bytes::from_static(text.as_bytes()), CallId(7));
        assert!(answers(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#));
        assert!(answers(r#"{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}"#));
        for other in [
            r#"{"jsonrpc":"2.0","id":8,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":"7","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"roots/list"}"#,
            r#"{"jsonrpc":"2.0","method":"x","params":{"id":7}}"#,
            "",
            "[]",
        ] {
            assert!(!answers(other), "{other}");
        }
    }

    #[test]
    fn a_message_has_no_line_ends() {
        assert_eq!(one_line(Bytes::from_static(b"{\r\n}\n")), "{  } ");
        assert_eq!(one_line(Bytes::from_static(b"{ }")), "{ }");
    }
}
