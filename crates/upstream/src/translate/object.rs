//! Changes to an object whose values stay text.

use std::borrow::Cow;

use crate::wire::{JsonError, MessageError, Object};

/// What should have a certain shape has another, so it cannot be translated.
#[derive(Debug, thiserror::Error)]
pub enum UntranslatableError {
    /// Not an object or an array where the protocol has one.
    #[error("a value has not the type that the protocol gives it")]
    Json(#[from] JsonError),
    /// What would come of it is no message.
    #[error("what comes of it is no message")]
    Message(#[from] MessageError),
    /// Something else that the protocol does not allow.
    #[error("{0}")]
    Shape(&'static str),
}

/// Reads an object that may be absent.
pub(crate) fn parse_or_empty(text: Option<&str>) -> Result<Object<'_>, JsonError> {
    text.map_or_else(|| Ok(Object::default()), Object::parse)
}

/// Adds a member unless it is there.
pub(crate) fn set_if_absent<'a>(
    object: &mut Object<'a>,
    name: &str,
    json: impl Into<Cow<'a, str>>,
) {
    if object.get(name).is_none() {
        object.set(name, json);
    }
}

/// Gives a member another name, in its place. One that had that name is replaced.
pub(crate) fn rename(object: &mut Object<'_>, from: &str, to: &str) {
    if object.get(from).is_none() {
        return;
    }
    let mut renamed = Object::default();
    for (name, value) in object.iter().filter(|(name, _)| *name != to) {
        renamed.set(if name == from { to } else { name }, value.to_owned());
    }
    *object = renamed;
}

/// Changes a member that is an object; an object that becomes empty is taken out. A member that is
/// absent or no object stays as it is.
pub(crate) fn edit(object: &mut Object<'_>, name: &str, change: impl FnOnce(&mut Object<'_>)) {
    let Some(mut inner) = object.object(name) else { return };
    change(&mut inner);
    let (is_empty, json) = (inner.is_empty(), inner.to_string());
    drop(inner);
    if is_empty {
        object.remove(name);
    } else {
        object.set(name, json);
    }
}

/// Gives a member of a member a value. A member in between that is no object is replaced by one.
pub(crate) fn set_in(object: &mut Object<'_>, outer: &str, name: &str, json: &str) {
    let mut inner = object.object(outer).unwrap_or_default();
    inner.set(name, json.to_owned());
    let json = inner.to_string();
    drop(inner);
    object.set(outer, json);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_renamed_in_their_place() {
        let mut object = Object::parse(r#"{"a":1,"b":2,"c":3}"#).unwrap();
        rename(&mut object, "b", "d");
        assert_eq!(object.to_string(), r#"{"a":1,"d":2,"c":3}"#);
        // A name that is taken is not there twice afterwards.
        rename(&mut object, "c", "a");
        assert_eq!(object.to_string(), r#"{"d":2,"a":3}"#);
        rename(&mut object, "absent", "a");
        set_if_absent(&mut object, "a", "0");
        set_if_absent(&mut object, "f", "6");
        assert_eq!(object.to_string(), r#"{"d":2,"a":3,"f":6}"#);
    }

    #[test]
    fn an_object_in_it_is_edited_and_goes_when_it_is_empty() {
        let mut object = Object::parse(r#"{"m":{"x":1,"y":2},"n":[]}"#).unwrap();
        edit(&mut object, "m", |inner| drop(inner.remove("x")));
        edit(&mut object, "n", |inner| inner.set("never", "1"));
        edit(&mut object, "absent", |inner| inner.set("never", "1"));
        assert_eq!(object.to_string(), r#"{"m":{"y":2},"n":[]}"#);
        edit(&mut object, "m", |inner| drop(inner.remove("y")));
        assert_eq!(object.to_string(), r#"{"n":[]}"#);
        set_in(&mut object, "n", "a", "1");
        set_in(&mut object, "n", "b", "2");
        assert_eq!(object.to_string(), r#"{"n":{"a":1,"b":2}}"#);
        assert!(parse_or_empty(None).unwrap().is_empty());
        assert!(parse_or_empty(Some("[]")).is_err());
    }
}
