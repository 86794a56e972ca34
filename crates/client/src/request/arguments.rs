//! The arguments of `call`: `key=text`, `key:=json` and one JSON object.

use serde_json::{Map, Value};

use crate::schema::{FieldError, Schema, Unknown};

/// A tool and what to give it.
#[derive(Debug)]
pub(crate) struct ToolCall {
    pub(crate) tool: String,
    pub(crate) arguments: Arguments,
    /// Whether the arguments are held against the tool's schema first.
    pub(crate) checked: bool,
}

/// What is given: members of an object, and others over them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Arguments {
    object: Map<String, Value>,
    given: Vec<(String, Given)>,
}

/// Arguments that fit a schema.
#[derive(Debug)]
pub(crate) struct Fitted {
    /// They, as the schema wants them.
    pub(crate) arguments: Map<String, Value>,
    /// Those that the schema permits and does not name.
    pub(crate) unknown: Vec<Unknown>,
}

#[derive(Debug, Clone)]
enum Given {
    Text(String),
    Json(Value),
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
    /// `--json` and something that is no JSON object.
    #[error("--json: {0}")]
    Object(String),
    /// Text alone is allowed here.
    #[error("`{0}` must be text: give it as {0}=text")]
    TextOnly(String),
}

impl ToolCall {
    /// A call without arguments, sent as it is.
    pub(crate) fn new(tool: &str) -> Self {
        Self { tool: tool.to_owned(), arguments: Arguments::default(), checked: false }
    }
}

impl Arguments {
    /// Reads arguments. The first `=` ends the key; a `:` right before it makes the value JSON.
    /// `object` is the text of a JSON object that they go over.
    pub(crate) fn parse(texts: &[String], object: Option<&str>) -> Result<Self, ArgumentError> {
        let object = object.map(serde_json::from_str).transpose();
        let object = object
            .map_err(|error| ArgumentError::Object(format!("this is no JSON object: {error}")))?;
        let mut arguments = Self { object: object.unwrap_or_default(), given: Vec::new() };
        for (number, text) in (1..).zip(texts) {
            let (key, value) = text.split_once('=').ok_or(ArgumentError::Form(number))?;
            let (key, value) = match key.strip_suffix(':') {
                Some(key) => (key, Given::Json(json(key, value)?)),
                None => (key, Given::Text(value.to_owned())),
            };
            if key.is_empty() {
                return Err(ArgumentError::NoKey(number));
            }
            if arguments.given.iter().any(|(other, _)| other == key) {
                return Err(ArgumentError::Twice(key.to_owned()));
            }
            arguments.given.push((key.to_owned(), value));
        }
        Ok(arguments)
    }

    /// The arguments where nothing is known of their types: text is text.
    pub(crate) fn plain(&self) -> Map<String, Value> {
        let mut all = self.object.clone();
        for (key, given) in &self.given {
            let value = match given {
                Given::Text(text) => text.as_str().into(),
                Given::Json(value) => value.clone(),
            };
            all.insert(key.clone(), value);
        }
        all
    }

    /// The arguments as the schema wants them, or what is wrong with them.
    pub(crate) fn fitted(&self, schema: &Schema<'_>) -> Result<Fitted, Vec<FieldError>> {
        let mut all = self.object.clone();
        let mut faults = Vec::new();
        for (key, given) in &self.given {
            let value = match given {
                Given::Text(text) => schema.typed(key, text),
                Given::Json(value) => Ok(value.clone()),
            };
            match value {
                Ok(value) => drop(all.insert(key.clone(), value)),
                Err(fault) => faults.push(fault),
            }
        }
        // Those that could not be read are not in it, and not missing either.
        let is_unread = |fault: &FieldError| {
            faults.iter().any(|unread: &FieldError| unread.field == fault.field)
        };
        let mut others = schema.check(&all);
        others.retain(|fault| faults.is_empty() || (!fault.field.is_empty() && !is_unread(fault)));
        faults.extend(others);
        let unknown = schema.unknown(&all);
        if faults.is_empty() {
            return Ok(Fitted { arguments: all, unknown });
        }
        faults.retain(|fault| unknown.iter().all(|unknown| unknown.name != fault.field));
        faults.extend(unknown.iter().map(Unknown::fault));
        Err(faults)
    }

    /// The texts, where text alone is allowed.
    pub(crate) fn texts(self) -> Result<Vec<(String, String)>, ArgumentError> {
        self.given
            .into_iter()
            .map(|(key, given)| match given {
                Given::Text(text) => Ok((key, text)),
                Given::Json(_) => Err(ArgumentError::TextOnly(key)),
            })
            .collect()
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

    fn arguments(texts: &[&str], object: Option<&str>) -> Result<Arguments, ArgumentError> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Arguments::parse(&texts, object)
    }

    fn parse(texts: &[&str]) -> Result<Value, ArgumentError> {
        arguments(texts, None).map(|arguments| Value::Object(arguments.plain()))
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
        assert!(matches!(arguments(&[], Some("[]")), Err(ArgumentError::Object(_))));
        let texts = arguments(&["a:=1"], None).unwrap().texts();
        assert_eq!(texts, Err(ArgumentError::TextOnly("a".into())));
    }

    #[test]
    fn every_field_that_is_wrong_is_named() {
        let schema = json!({
            "properties": {
                "path": {}, "first": { "minimum": 1 }, "second": { "type": "integer" },
                "third": { "type": "integer" },
            },
            "required": ["path", "second"],
        });
        let given = ["pth=x", "first:=0", "second=2.5", "third=3"];
        let faults = arguments(&given, None).unwrap().fitted(&Schema::new(&schema)).unwrap_err();
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "`second` must be an integer",
                "`path` is missing",
                "`first` is less than the minimum of 1",
                "`pth` is not known: did you mean `path`?",
            ]
        );
    }

    #[test]
    fn arguments_go_over_the_object() {
        let given = arguments(&["a=2"], Some(r#"{"a": 1, "b": 1}"#)).unwrap();
        assert_eq!(Value::Object(given.plain()), json!({"a": "2", "b": 1}));
        let schema = json!({"properties": {"a": {"type": "integer"}}});
        let fitted = given.fitted(&Schema::new(&schema)).unwrap();
        assert_eq!(Value::Object(fitted.arguments), json!({"a": 2, "b": 1}));
        assert_eq!(fitted.unknown, [Unknown { name: "b".into(), meant: None }]);
    }
}
