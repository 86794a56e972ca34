//! The bytes of `params.arguments`, for their digest; and of other members that decide nothing.
//!
//! The body was read strictly before ([`message`](super::message)): it is JSON, and no member that
//! decides is there twice. So this only looks for where a value begins and ends. Of other bytes it
//! gives anything or nothing, and never fails.

use auth_core::audit::Argument;
use memchr::memchr2;

/// The longest value that is recorded, in bytes, and how many values of one call.
const MAX_VALUE_BYTES: usize = 512;
const MAX_VALUES: usize = 16;

/// The value of `params.arguments` in a body, as it was sent. `place`: where the name of the member
/// was found when the body was read.
pub(crate) fn at(body: &[u8], place: usize) -> Option<&[u8]> {
    let name = body.get(place..).and_then(|it| it.strip_prefix(b"arguments\""));
    match name {
        Some(after) => {
            let value = after_colon(after)?;
            value.get(..value_end(value)?)
        }
        // It is spelt with escapes.
        None => member(from_member(body, "params")?, "arguments"),
    }
}

/// The members of `arguments` that have one of these names, in the order in which they were sent.
pub(crate) fn named(arguments: &[u8], names: &[String]) -> Vec<Argument> {
    if names.is_empty() {
        return Vec::new();
    }
    let found = members(arguments).filter_map(|(key, value)| {
        let name = names.iter().find(|name| is_name(key, name))?.clone();
        let text = str::from_utf8(value).ok().filter(|text| text.len() <= MAX_VALUE_BYTES);
        Some(Argument { name, json: text.map(str::to_owned) })
    });
    found.take(MAX_VALUES).collect()
}

/// The value of the first member `name` of an object.
pub(crate) fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let value = from_member(object, name)?;
    value.get(..value_end(value)?)
}

/// Where the value of the first member `name` of an object begins: it, and what is behind it.
fn from_member<'a>(object: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = object.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start();
    loop {
        let (key, after) = rest.split_at_checked(string_end(rest)?)?;
        let value = after_colon(after)?;
        if is_name(key, name) {
            return Some(value);
        }
        let after = value.get(value_end(value)?..)?.trim_ascii_start();
        rest = after.strip_prefix(b",")?.trim_ascii_start();
    }
}

/// The members of an object: each name with its quotes, and each value.
fn members(object: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = object.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    std::iter::from_fn(move || {
        let object = rest.take()?;
        let (key, after) = object.split_at_checked(string_end(object)?)?;
        let value = after_colon(after)?;
        let (value, after) = value.split_at_checked(value_end(value)?)?;
        rest = after.trim_ascii_start().strip_prefix(b",").map(<[u8]>::trim_ascii_start);
        Some((key, value))
    })
}

/// From the end of a member's name to its value.
fn after_colon(after: &[u8]) -> Option<&[u8]> {
    Some(after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start())
}

/// Whether a string with its quotes is `name`.
fn is_name(key: &[u8], name: &str) -> bool {
    let text = key.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\""));
    if text == Some(name.as_bytes()) {
        // A backslash is an escape there, and means something shorter.
        return !name.contains('\\');
    }
    // The same may be spelled with escapes, and is longer then.
    key.len() > name.len() + 2
        && key.contains(&b'\\')
        && serde_json::from_slice::<String>(key).is_ok_and(|key| key == name)
}

/// Where the value ends that begins at the first byte.
fn value_end(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => string_end(bytes),
        b'{' | b'[' => {
            let (mut depth, mut at) = (0_usize, 0);
            loop {
                let rest = bytes.get(at..)?;
                match rest.first()? {
                    b'"' => at += string_end(rest)?,
                    b'{' | b'[' => (depth, at) = (depth + 1, at + 1),
                    b'}' | b']' => (depth, at) = (depth.checked_sub(1)?, at + 1),
                    _ => at += 1,
                }
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
            Some(bytes.iter().position(ends).unwrap_or(bytes.len()))
        }
    }
}

/// Where the string ends that begins at the first byte.
fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    bytes.first().filter(|byte| **byte == b'"')?;
    loop {
        let found = at + memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes.get(found) == Some(&b'"') {
            return Some(found + 1);
        }
        // A backslash, and what it escapes.
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// What is found with the place that the reader of messages gives, and with none.
    fn of(body: &str) -> Option<&[u8]> {
        let place = body.find(r#""arguments""#).map_or(usize::MAX, |at| at + 1);
        let found = at(body.as_bytes(), place);
        assert_eq!(found, at(body.as_bytes(), usize::MAX), "{body}");
        found
    }

    #[test]
    fn the_bytes_of_the_arguments_are_found_as_they_were_sent() {
        for (body, wanted) in [
            (r#"{"params":{"arguments":{"a":1}}}"#, Some(r#"{"a":1}"#)),
            (r#" { "x" : [ "}" ] , "params" : { "arguments" : [ 1 ] } } "#, Some("[ 1 ]")),
            (r#"{"params":{"n":-1e5,"arguments":"a\"}"}}"#, Some(r#""a\"}""#)),
            (r#"{"params":{"\u0061rguments":null,"b":2}}"#, Some("null")),
            (r#"{"params":{"arguments":7}}"#, Some("7")),
            (r#"{"params":{}}"#, None),
            (r#"{"params":[]}"#, None),
            ("{}", None),
            ("", None),
            ("{", None),
            (r#"{"params":{"arguments":{"a"#, None),
        ] {
            assert_eq!(of(body), wanted.map(str::as_bytes), "{body}");
        }
    }

    #[test]
    fn the_named_arguments_are_found_each_time_that_they_were_sent() {
        let wanted = ["path".to_owned(), "n".to_owned()];
        let found = |arguments: &str| -> Vec<_> {
            named(arguments.as_bytes(), &wanted)
                .into_iter()
                .map(|Argument { name, json }| format!("{name}={}", json.as_deref().unwrap_or("-")))
                .collect()
        };
        assert_eq!(
            found(r#"{"a":1,"path":"/x","b":{"n":2}, "n" : [3] }"#),
            ["path=\"/x\"", "n=[3]"]
        );
        assert_eq!(found(r#"{"path":1,"\u0070ath":2}"#), ["path=1", "path=2"]);
        let long = "x".repeat(MAX_VALUE_BYTES - 2);
        assert_eq!(found(&format!(r#"{{"path":"{long}"}}"#)), [format!("path=\"{long}\"")]);
        assert_eq!(found(&format!(r#"{{"path":"{long}x","n":1}}"#)), ["path=-", "n=1"]);
        let many = r#""n":1,"#.repeat(MAX_VALUES + 1);
        assert_eq!(found(&format!("{{{many}\"n\":2}}")).len(), MAX_VALUES);
        assert_eq!(found("[1]"), [""; 0]);
        let escaped = named(br#"{"\u0061":1,"\\u0061":2,"a":3}"#, &[r"\u0061".to_owned()]);
        assert_eq!(escaped.len(), 1);
        assert_eq!(escaped[0].json.as_deref(), Some("2"));
        assert!(named(br#"{"path":1}"#, &[]).is_empty());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,8}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_a_parser_finds(value in values(), other in values()) {
            let body = json!({ "a": other, "params": { "a": other, "arguments": value } });
            for text in [body.to_string(), serde_json::to_string_pretty(&body).unwrap()] {
                let found = at(text.as_bytes(), usize::MAX).unwrap();
                prop_assert_eq!(serde_json::from_slice::<Value>(found).unwrap(), value.clone());
            }
        }

        #[test]
        fn no_bytes_make_it_fail(bytes: Vec<u8>, text in r#"[{}\[\]",:\\ a]{0,40}"#) {
            let names = [String::new(), "a".to_owned()];
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                for place in [0, 1, usize::MAX] {
                    let _ = (at(bytes, place), named(bytes, &names));
                }
            }
        }
    }
}
