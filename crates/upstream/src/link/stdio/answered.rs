//! Which call a message answers that is too long to be kept: its `id`, read as its bytes go by.

use crate::link::CallId;

/// The longest number that is one of our ids, in digits.
const MAX_DIGITS: usize = 20;

/// Reads the members of the outermost object, wherever they are in it, and keeps only its `id`.
///
/// It is no check of JSON. What is unusual (an `id` that comes twice or is no number, a name with
/// escapes) makes the answer "cannot be known".
#[derive(Debug, Default)]
pub(super) struct Answered {
    depth: u32,
    string: Text,
    /// Whether what comes next in the outermost object is a name, not a value.
    is_name: bool,
    /// The beginning of the name at hand.
    name: Vec<u8>,
    /// The text of the value of `id`.
    id: Option<Vec<u8>>,
    is_unclear: bool,
}

/// Where in a string the reading is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    Escape,
}

impl Answered {
    /// Reads on.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match self.string {
                Text::Outside => self.sign(*byte),
                Text::Inside => self.character(*byte),
                Text::Escape => self.string = Text::Inside,
            }
        }
    }

    fn character(&mut self, byte: u8) {
        match byte {
            b'"' => self.string = Text::Outside,
            b'\\' => {
                self.string = Text::Escape;
                self.is_unclear |= self.is_name && self.depth == 1;
            }
            // One more than the longest name that matters: a longer one differs from all of them.
            _ if self.is_name && self.depth == 1 && self.name.len() <= "method".len() => {
                self.name.push(byte);
            }
            _ => {}
        }
    }

    fn sign(&mut self, byte: u8) {
        match byte {
            b'"' => {
                self.string = Text::Inside;
                // Our ids are numbers.
                self.is_unclear |= self.is_value_of_id();
            }
            b'{' | b'[' => {
                self.is_unclear |= self.is_value_of_id() || (self.depth == 0 && byte == b'[');
                self.depth = self.depth.saturating_add(1);
                if self.depth == 1 {
                    self.begin_name();
                }
            }
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b',' if self.depth == 1 => self.begin_name(),
            b':' if self.depth == 1 => {
                self.is_name = false;
                match self.name.as_slice() {
                    b"id" if self.id.is_none() => self.id = Some(Vec::new()),
                    // A request of the server's own, or an `id` that comes twice.
                    b"id" | b"method" => self.is_unclear = true,
                    _ => {}
                }
            }
            b' ' | b'\t' | b'\r' => {}
            digit if self.is_value_of_id() => match &mut self.id {
                Some(id) if id.len() < MAX_DIGITS => id.push(digit),
                _ => self.is_unclear = true,
            },
            _ => {}
        }
    }

    fn begin_name(&mut self) {
        self.is_name = true;
        self.name.clear();
    }

    fn is_value_of_id(&self) -> bool {
        self.depth == 1 && !self.is_name && self.name == b"id"
    }

    /// The call that the message answers.
    pub(super) fn call(&self) -> Option<CallId> {
        let id = self.id.as_deref().filter(|_| !self.is_unclear)?;
        std::str::from_utf8(id).ok()?.parse().ok().map(CallId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(message: &str) -> Option<u64> {
        let whole = {
            let mut read = Answered::default();
            read.feed(message.as_bytes());
            read.call()
        };
        let mut read = Answered::default();
        message.as_bytes().iter().for_each(|byte| read.feed(&[*byte]));
        assert_eq!(read.call(), whole, "{message}");
        whole.map(|CallId(id)| id)
    }

    #[test]
    fn the_id_is_found_wherever_it_is() {
        assert_eq!(
            call(r#"{"jsonrpc":"2.0","id":7,"result":{"id":8,"a":["id",{"id":9}]}}"#),
            Some(7)
        );
        assert_eq!(
            call(r#"{"result":{"text":"\",\"id\":3,{"},"jsonrpc":"2.0","id": 12 }"#),
            Some(12)
        );
        assert_eq!(call(r#"{"error":{"code":-1},"identity":4,"id":5}"#), Some(5));
        assert_eq!(call(r#"{"a":"id","id":6}"#), Some(6));
    }

    #[test]
    fn what_is_no_answer_to_one_call_has_none() {
        for message in [
            r#"{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"id":3}}"#,
            r#"{"id":7,"id":8,"result":{}}"#,
            r#"{"id":"7","result":{}}"#,
            r#"{"id":null,"error":{}}"#,
            r#"{"id":7.5,"result":{}}"#,
            r#"{"id":-7,"result":{}}"#,
            r#"{"id":{"id":7},"result":{}}"#,
            r#"{"id":7,"\u0069d":8,"result":{}}"#,
            r#"{"id":123456789012345678901,"result":{}}"#,
            r#"[{"id":7,"result":{}}]"#,
            "no JSON",
            "",
        ] {
            assert_eq!(call(message), None, "{message}");
        }
    }
}
