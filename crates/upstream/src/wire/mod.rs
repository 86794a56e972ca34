//! JSON-RPC messages (JSON-RPC 2.0; MCP, basic protocol), read once and strictly, and passed on as
//! the bytes that were read.
//!
//! 1. One pass over the bytes finds the members that this crate needs. All other values stay text.
//! 2. At the levels that decide (the message, its `params`, and in it `_meta`) no member appears
//!    twice, however it is spelt.
//! 3. What differs between the two sides, ids and progress tokens, is replaced in the text
//!    ([`Message::with`]). Everything else is the bytes of the sender.
//! 4. A message has no line breaks: between values they are replaced by spaces, within strings JSON
//!    has none. So it is one line on stdio and one `data` field of an event.
//!
//! **Invariant:** a [`Message`] is one JSON-RPC 2.0 message, whole, and within the bounds of
//! nesting.

mod build;
mod message;
mod object;
mod scan;

pub use build::{ErrorCode, Id, failure_text};
pub use message::{Edit, Kind, Message, MessageError};
pub use object::{Object, items, quote, unquote};
pub use scan::JsonError;
