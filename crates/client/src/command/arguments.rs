//! The arguments of `call`: `key=text` and `key:=json`.

use serde_json::{Map, Value};

/// A tool and what to give it.
#[derive(Debug)]
pub(crate) struct ToolCall {
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Value>,
}

/// Why an argument cannot be read. Values are not shown.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ArgumentError {
    /// No `=`.
    #[error("argument {0} is neither key=text nor key:=json")]
    Form(usize),
    /// Nothing before `=` or `:=`.
    #[error("argument {0} has no key before the =")]
    NoKey(usize),
    /// A key again.
    #[error("the key `{0}` is given twice")]
    Twice(String),
    /// `:=` and something that is not JSON.
    #[error("`{key}` is not JSON: {reason} (text is given as {key}=text)")]
    Json {
        /// Which key.
        key: String,
        /// What the parser said.
        reason: String,
    },
}

impl ToolCall {
    /// A call without arguments.
    pub(crate) fn new(tool: &str) -> Self {
        Self { tool: tool.to_owned(), arguments: Map::new() }
    }

    /// A call with arguments. The first `=` ends the key; a `:` right before it makes the value JSON.
    pub(crate) fn parse(tool: String, texts: &[String]) -> Result<Self, ArgumentError> {
        let mut arguments = Map::new();
        for (number, text) in (1..).zip(texts) {
            let (key, value) = text.split_once('=').ok_or(ArgumentError::Form(number))?;
            let (key, value) = match key.strip_suffix(':') {
                Some(key) => (key, json(key, value)?),
                None => (key, Value::from(value)),
            };
            if key.is_empty() {
                return Err(ArgumentError::NoKey(number));
            }
            if arguments.insert(key.to_owned(), value).is_some() {
                return Err(ArgumentError::Twice(key.to_owned()));
            }
        }
        Ok(Self { tool, arguments })
    }
}

fn json(key: &str, text: &str) -> Result<Value, ArgumentError> {
    serde_json::from_str(text)
        .map_err(|error| ArgumentError::Json { key: key.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(texts: &[&str]) -> Result<Value, ArgumentError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        ToolCall::parse("t".into(), &texts).map(|call| Value::Object(call.arguments))
    }

    #[test]
    fn text_and_json_are_told_apart() {
        let given = ["a=1", "b:=1", "c:={\"d\":[null]}", "e=", "f=x=y", "g=h:=1", "i:j=k"];
        let read = json!({"a":"1","b":1,"c":{"d":[null]},"e":"","f":"x=y","g":"h:=1","i:j":"k"});
        assert_eq!(parse(&given), Ok(read));
        assert_eq!(parse(&[]), Ok(json!({})));
    }

    #[test]
    fn bad_arguments_are_named() {
        assert_eq!(parse(&["a=1", "b"]), Err(ArgumentError::Form(2)));
        assert_eq!(parse(&["=1"]), Err(ArgumentError::NoKey(1)));
        assert_eq!(parse(&[":=1"]), Err(ArgumentError::NoKey(1)));
        assert_eq!(parse(&["a=1", "a:=1"]), Err(ArgumentError::Twice("a".into())));
        assert!(matches!(parse(&["a:=x"]), Err(ArgumentError::Json { .. })));
    }
}
