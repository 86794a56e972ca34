//! What `subscriptions/listen` subscribes to: each kind needs what reading it needs.
//!
//! | in `params.notifications` | needs |
//! |---|---|
//! | `toolsListChanged`, `promptsListChanged`, `resourcesListChanged` | the list's own method |
//! | `resourceSubscriptions` | reading each of its URIs |
//! | anything else that is asked for | a method that no policy has: refused |

use std::fmt;

use auth_core::Action;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::reader::{Discard, ReadMember, StringOrOther};

/// The most subscriptions in one request.
const MAX_KINDS: usize = 256;
/// How long their names may be together, in bytes: they are judged again while the stream is open.
const MAX_BYTES: usize = 16 * 1024;

/// The actions that the request needs beside itself.
#[derive(Default)]
pub(super) struct Listen(pub(super) Vec<Action>);

impl Listen {
    fn ask<E: de::Error>(&mut self, action: Action) -> Result<(), E> {
        if self.0.contains(&action) {
            return Ok(());
        }
        let length = |action: &Action| action.target().unwrap_or(action.method()).len();
        let bytes: usize = self.0.iter().map(length).sum();
        if self.0.len() == MAX_KINDS || bytes + length(&action) > MAX_BYTES {
            return Err(E::custom("too many subscriptions"));
        }
        self.0.push(action);
        Ok(())
    }
}

impl ReadMember for Listen {
    const DECIDING: &'static [&'static str] = &[
        "toolsListChanged",
        "promptsListChanged",
        "resourcesListChanged",
        "resourceSubscriptions",
    ];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        let list = match name {
            "toolsListChanged" => "tools/list",
            "promptsListChanged" => "prompts/list",
            "resourcesListChanged" => "resources/list",
            "resourceSubscriptions" => return map.next_value_seed(Uris(self, budget)),
            other => {
                return if map.next_value_seed(Asked(budget))? {
                    // Shown in the log and to the caller, so as short as what decides elsewhere.
                    let kind: String = other.chars().take(64).collect();
                    self.ask(Action::Method(format!("subscriptions/listen {kind}")))
                } else {
                    Ok(())
                };
            }
        };
        if map.next_value_seed(Asked(budget))? {
            self.ask(Action::Method(list.into()))
        } else {
            Ok(())
        }
    }
}

/// Whether a kind is asked for: anything but `false` and `null` asks.
struct Asked<'a>(&'a mut usize);

impl<'de> DeserializeSeed<'de> for Asked<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Asked<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, asked: bool) -> Result<bool, E> {
        Ok(asked)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<bool, A::Error> {
        Discard(self.0).visit_seq(items).map(|()| true)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        Discard(self.0).visit_map(map).map(|()| true)
    }
}

/// The URIs to subscribe to: an array of strings, or `null`.
struct Uris<'a>(&'a mut Listen, &'a mut usize);

impl<'de> DeserializeSeed<'de> for Uris<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Uris<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of URIs")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut uris: A) -> Result<(), A::Error> {
        while let Some(uri) = uris.next_element_seed(StringOrOther(self.1))? {
            let uri = uri.ok_or_else(|| de::Error::custom("a URI that is no text"))?;
            self.0.ask(Action::ReadResource(uri))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use auth_core::Action;

    use crate::request::message::{Message, MessageError};

    fn asks(notifications: &str) -> Result<Vec<Action>, MessageError> {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{notifications}}}}}"#
        );
        let message = Message::parse(body.as_bytes()).map_err(|(fault, _)| fault)?;
        assert_eq!(message.action, Action::Method("subscriptions/listen".into()));
        Ok(message.also)
    }

    fn method(name: &str) -> Action {
        Action::Method(name.into())
    }

    #[test]
    fn each_kind_needs_what_looking_needs() {
        assert_eq!(asks("{}"), Ok(vec![]));
        let all = r#"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["a://b","a://c"]}"#;
        assert_eq!(
            asks(all),
            Ok(vec![
                method("tools/list"),
                method("prompts/list"),
                method("resources/list"),
                Action::ReadResource("a://b".into()),
                Action::ReadResource("a://c".into()),
            ])
        );
        let none = r#"{"toolsListChanged":false,"promptsListChanged":null,"resourceSubscriptions":null,"other":false}"#;
        assert_eq!(asks(none), Ok(vec![]));
    }

    #[test]
    fn what_nobody_knows_is_asked_for_by_a_name_that_has_no_rule() {
        for value in ["true", "1", "-1", "1.5", "\"yes\"", "[]", "{}"] {
            let kinds = asks(&format!(r#"{{"newKind":{value},"toolsListChanged":{value}}}"#));
            assert_eq!(
                kinds,
                Ok(vec![method("subscriptions/listen newKind"), method("tools/list")])
            );
        }
    }

    #[test]
    fn what_is_out_of_shape_or_bounds_is_refused() {
        for bad in [
            r#"{"resourceSubscriptions":"a://b"}"#,
            r#"{"resourceSubscriptions":[1]}"#,
            r#"{"resourceSubscriptions":{"a://b":true}}"#,
            r#"{"toolsListChanged":false,"toolsListChanged":true}"#,
        ] {
            assert_eq!(asks(bad), Err(MessageError::Json), "{bad}");
        }
        let many = |count: usize, length: usize| {
            let uris: Vec<_> = (0..count).map(|n| format!("\"{n:0length$}\"")).collect();
            format!(r#"{{"resourceSubscriptions":[{}]}}"#, uris.join(","))
        };
        assert_eq!(asks(&many(256, 3)).unwrap().len(), 256);
        assert_eq!(asks(&many(257, 3)), Err(MessageError::Json));
        assert_eq!(asks(&many(16, 1024)).unwrap().len(), 16);
        assert_eq!(asks(&many(17, 1024)), Err(MessageError::Json));
        // Asking twice for one thing is asking once.
        assert_eq!(asks(r#"{"resourceSubscriptions":["a","a"]}"#).unwrap().len(), 1);
    }

    #[test]
    fn other_methods_ask_for_nothing() {
        let body = br#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"notifications":{"toolsListChanged":true}}}"#;
        assert_eq!(Message::parse(body).unwrap().also, []);
    }
}
