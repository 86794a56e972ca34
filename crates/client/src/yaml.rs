//! JSON values as YAML 1.2 in block style.
//!
//! A text stands plain where no parser could take it for something else, otherwise in double quotes,
//! where YAML knows every escape of JSON.

use std::fmt::Write;

use serde_json::Value;

/// What YAML 1.1 and 1.2 take for something other than text.
const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

/// A value as a document.
pub(crate) fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(object) if !object.is_empty() => block(value, 0, &mut text),
        Value::Array(items) if !items.is_empty() => block(value, 0, &mut text),
        other => {
            text.push_str(&scalar(other));
            text.push('\n');
        }
    }
    text
}

/// Lines at an indentation.
fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(object) => {
            for (name, member) in object {
                let _ = write!(text, "{pad}{}:", plain_or_quoted(name));
                below(member, indent + 2, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(text, "{pad}-");
                below(item, indent + 2, text);
            }
        }
        other => {
            let _ = writeln!(text, "{pad}{}", scalar(other));
        }
    }
}

/// What follows a `:` or a `-`.
fn below(value: &Value, indent: usize, text: &mut String) {
    let empty = match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => true,
    };
    if empty {
        let _ = writeln!(text, " {}", scalar(value));
    } else {
        text.push('\n');
        block(value, indent, text);
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => plain_or_quoted(text),
        // Numbers, true, false, null, {} and [] are the same in both.
        other => other.to_string(),
    }
}

fn plain_or_quoted(text: &str) -> String {
    let begins = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    let simple = text.chars().all(|c| c.is_ascii_alphanumeric() || " _-./+@".contains(c));
    let word = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    if begins && simple && !word && !text.ends_with(' ') {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_in_blocks() {
        let value = json!({
            "name": "get time", "no": ["1", 1, "yes", null, {"a b": []}], "text": "a: b\n#",
            "": {}, "deep": [[1, [true]]],
        });
        let yaml = "\
\"\": {}
deep:
  -
    - 1
    -
      - true
name: get time
\"no\":
  - \"1\"
  - 1
  - \"yes\"
  - null
  -
    a b: []
text: \"a: b\\n#\"
";
        assert_eq!(document(&value), yaml);
        assert_eq!(document(&json!([])), "[]\n");
        assert_eq!(document(&json!("-")), "\"-\"\n");
    }
}
