//! The error that a request is answered with.
//!
//! | old | new |
//! |---|---|
//! | -32002, resource not found | -32602 with the URI in `data` |
//! | -32042, a URL must be visited first (2025-11-25) | `input_required` with URL elicitations |

use super::{input, object::UntranslatableError};
use crate::wire::{Object, items, quote};

const RESOURCE_NOT_FOUND: &str = "-32002";
const INVALID_PARAMS: &str = "-32602";
const URL_ELICITATION_REQUIRED: &str = "-32042";

/// An old server's error, for a new client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OldError {
    /// The error.
    Error(String),
    /// URLs must be visited first: URL elicitations, as elements of `inputRequests`.
    Urls(Vec<String>),
}

/// Translates an old server's error. -32002 means a resource only where a resource was asked for:
/// elsewhere the code is the server's own.
pub(crate) fn to_new(method: &str, error: &str) -> Result<OldError, UntranslatableError> {
    let mut error = Object::parse(error)?;
    match error.get("code") {
        Some(RESOURCE_NOT_FOUND) if of_resource(method) => error.set("code", INVALID_PARAMS),
        Some(URL_ELICITATION_REQUIRED) => {
            if let Some(urls) = urls(&error)? {
                return Ok(OldError::Urls(urls));
            }
        }
        _ => {}
    }
    Ok(OldError::Error(error.to_string()))
}

/// Translates a new server's error for an old client. Invalid parameters that name a URI are a
/// resource that does not exist.
pub(crate) fn to_old(method: &str, error: &str) -> Result<String, UntranslatableError> {
    let mut error = Object::parse(error)?;
    let names_uri = error.object("data").is_some_and(|data| data.text("uri").is_some());
    if error.get("code") == Some(INVALID_PARAMS) && of_resource(method) && names_uri {
        error.set("code", RESOURCE_NOT_FOUND);
    }
    Ok(error.to_string())
}

/// An error, as JSON. `data` is JSON too.
pub(crate) fn error(code: i32, message: &str, data: Option<&str>) -> String {
    let message = quote(message);
    let data = data.map(|data| format!(r#","data":{data}"#)).unwrap_or_default();
    format!(r#"{{"code":{code},"message":{message}{data}}}"#)
}

fn of_resource(method: &str) -> bool {
    matches!(method, "resources/read" | "resources/subscribe" | "resources/unsubscribe")
}

fn urls(error: &Object<'_>) -> Result<Option<Vec<String>>, UntranslatableError> {
    let Some(data) = error.object("data") else { return Ok(None) };
    let Some(elicitations) = data.get("elicitations") else { return Ok(None) };
    let mut urls = Vec::new();
    for elicitation in items(elicitations)? {
        let of = Object::parse(elicitation)?;
        // Nothing but a URL can be asked for in this way.
        if of.text("mode").as_deref() != Some("url") || of.text("url").is_none() {
            return Ok(None);
        }
        urls.push(input::to_new("elicitation/create", Some(elicitation))?);
    }
    Ok(Some(urls).filter(|urls| !urls.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_that_does_not_exist() {
        let old = r#"{"code":-32002,"message":"m","data":{"uri":"a:b"},"later":1}"#;
        let new = r#"{"code":-32602,"message":"m","data":{"uri":"a:b"},"later":1}"#;
        assert_eq!(to_new("resources/read", old).unwrap(), OldError::Error(new.to_owned()));
        assert_eq!(to_old("resources/read", new).unwrap(), old);
        // Another method's code, and another meaning of the code.
        assert_eq!(to_new("tools/call", old).unwrap(), OldError::Error(old.to_owned()));
        assert_eq!(to_old("tools/call", new).unwrap(), new);
        let invalid = r#"{"code":-32602,"message":"m"}"#;
        assert_eq!(to_old("resources/read", invalid).unwrap(), invalid);
        for bad in ["[]", "1", "null"] {
            assert!(to_new("resources/read", bad).is_err());
            assert!(to_old("resources/read", bad).is_err());
        }
    }

    #[test]
    fn urls_that_must_be_visited_first() {
        let old = concat!(
            r#"{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"url","#,
            r#""elicitationId":"e","url":"https://a/","message":"n"}]}}"#
        );
        let url = concat!(
            r#"{"method":"elicitation/create","params":"#,
            r#"{"mode":"url","url":"https://a/","message":"n"}}"#
        );
        let new = to_new("tools/call", old).unwrap();
        assert_eq!(new, OldError::Urls(vec![url.to_owned()]));
        for other in [
            r#"{"code":-32042,"message":"m"}"#,
            r#"{"code":-32042,"message":"m","data":{"elicitations":[]}}"#,
            r#"{"code":-32042,"message":"m","data":{"elicitations":[{"mode":"form"}]}}"#,
        ] {
            assert_eq!(to_new("tools/call", other).unwrap(), OldError::Error(other.to_owned()));
        }
    }

    #[test]
    fn errors_of_our_own() {
        assert_eq!(error(-1, "a\"b", None), r#"{"code":-1,"message":"a\"b"}"#);
    }
}
