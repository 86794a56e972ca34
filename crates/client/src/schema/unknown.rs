//! Arguments that a schema does not name.
//!
//! Most schemas permit others (JSON Schema 2020-12 §10.3.2.3), and a misspelt argument is ignored
//! by the server without a word. So it is named here.

use serde_json::{Map, Value};
use settings::similar;

use super::{
    FieldError,
    kinds::{MAX_SHOWN, parts, target},
};

/// Keywords under which a schema may have members that are not searched for.
const ELSEWHERE: [&str; 6] =
    ["$dynamicRef", "dependentSchemas", "else", "if", "patternProperties", "then"];

/// An argument that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// What it is called.
    pub(crate) name: String,
    /// The known one that is not given and has a similar name.
    pub(crate) meant: Option<String>,
}

impl Unknown {
    /// Those of `given` that are not among `known`.
    pub(crate) fn among<'a>(
        given: &(impl Iterator<Item = &'a str> + Clone),
        known: &[&str],
    ) -> Vec<Self> {
        let is_free = |name: &&&str| !given.clone().any(|given| given == **name);
        let free: Vec<&str> = known.iter().filter(is_free).copied().collect();
        let unknown = given.clone().filter(|name| !known.contains(name));
        unknown
            .map(|name| Self {
                name: name.to_owned(),
                meant: similar(name, free.iter().copied()).map(str::to_owned),
            })
            .collect()
    }

    /// It as a fault.
    pub(crate) fn fault(&self) -> FieldError {
        let problem = match &self.meant {
            Some(meant) => format!("is not known: did you mean `{meant}`?"),
            None => "is not known".to_owned(),
        };
        FieldError { field: self.name.clone(), problem }
    }

    /// It as a warning, of what does not list it.
    pub(crate) fn warning(&self, of: &str) -> String {
        let name = &self.name;
        match &self.meant {
            Some(meant) => format!(
                "`{of}` lists no argument `{name}`: did you mean `{meant}`? It is sent unchanged"
            ),
            None => format!("`{of}` lists no argument `{name}`. It is sent unchanged"),
        }
    }
}

/// The arguments that a schema does not name. None, where it permits others explicitly or may name
/// them elsewhere.
pub(super) fn unknown(root: &Value, arguments: &Map<String, Value>) -> Vec<Unknown> {
    let all = parts(root, root);
    let is_open = |part: &&Value| {
        let permits =
            |keyword: &str| part.get(keyword).is_some_and(|value| *value != Value::Bool(false));
        permits("additionalProperties")
            || permits("unevaluatedProperties")
            || ELSEWHERE.iter().any(|keyword| part.get(keyword).is_some())
            || (part.get("$ref").is_some() && target(root, part).is_none())
    };
    if all.len() >= MAX_SHOWN || all.iter().any(is_open) {
        return Vec::new();
    }
    let members = all.iter().filter_map(|part| part.get("properties")?.as_object());
    let known: Vec<&str> = members.flat_map(Map::keys).map(String::as_str).collect();
    Unknown::among(&arguments.keys().map(String::as_str), &known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(schema: &Value) -> Vec<String> {
        let given = json!({ "path": 1, "pth": 2, "bogus": 3 });
        let found = unknown(schema, given.as_object().unwrap());
        found.into_iter().map(|one| one.name).collect()
    }

    #[test]
    fn what_a_schema_does_not_name_is_found() {
        let path = json!({ "path": {} });
        for schema in [
            json!({ "properties": path }),
            json!({ "properties": path, "additionalProperties": false }),
            json!({ "allOf": [{ "$ref": "#/$defs/a" }], "$defs": { "a": { "properties": path } } }),
        ] {
            assert_eq!(names(&schema), ["bogus", "pth"], "{schema}");
        }
        assert_eq!(names(&json!({})).len(), 3);
        for open in [
            json!({ "properties": path, "additionalProperties": true }),
            json!({ "properties": path, "additionalProperties": {} }),
            json!({ "properties": path, "unevaluatedProperties": {} }),
            json!({ "properties": path, "patternProperties": { "^p": {} } }),
            json!({ "properties": path, "then": {} }),
            json!({ "$ref": "https://a.example/schema" }),
            json!({ "anyOf": vec![json!({}); MAX_SHOWN] }),
        ] {
            assert_eq!(names(&open), [""; 0], "{open}");
        }
    }

    #[test]
    fn the_argument_that_was_meant_is_not_given_yet() {
        let found = Unknown::among(&["pth", "bogus"].into_iter(), &["path", "head"]);
        let meant: Vec<_> = found.iter().map(|one| one.meant.as_deref()).collect();
        assert_eq!(meant, [Some("path"), None]);
        let both = Unknown::among(&["pth", "path"].into_iter(), &["path", "head"]);
        assert_eq!(both, [Unknown { name: "pth".into(), meant: None }]);
    }
}
