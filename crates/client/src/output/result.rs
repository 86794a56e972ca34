//! The result of a tool, for a person.
//!
//! 1. `content` is shown, unless it only repeats `structuredContent`: that is shown as names and
//!    values then. A lone member `result`, which servers wrap around a plain value, has no name.
//! 2. What is no text is announced and not printed.
//! 3. A member that is a date by its name, and a number of seconds, is shown as a date.
//! 4. On a terminal a long text is elided, in rows everywhere. In a pipe `content` is complete: it
//!    may be a file.

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value};
use terminal::table::pairs;

use super::{
    table::lines,
    text::Writer,
    value::{text_of, text_of_member},
};

/// How many characters of a text are shown.
const MAX_CHARS: usize = 4000;
/// The member that servers wrap around a value that is no object.
const WRAPPED: &str = "result";
/// What of a result is shown.
#[derive(Debug, PartialEq)]
enum Shown<'a> {
    /// Its blocks.
    Content,
    /// The members of its structured content.
    Members(&'a Map<String, Value>),
    /// A value without a name.
    Value(&'a Value),
}

impl Shown<'_> {
    fn of(result: &CallToolResult) -> Shown<'_> {
        let content = result.content.as_slice();
        match &result.structured_content {
            Some(structured @ Value::Object(members)) => {
                let mut values = members.iter();
                let lone = values.next().filter(|_| values.next().is_none());
                match lone {
                    Some((_, value)) if !content.is_empty() && repeat(content, value) => {
                        match value {
                            Value::Array(_) | Value::Object(_) => Shown::unwrapped(members, lone),
                            _ => Shown::Content,
                        }
                    }
                    _ if !members.is_empty() && repeat(content, structured) => {
                        Shown::unwrapped(members, lone)
                    }
                    _ => Shown::Content,
                }
            }
            Some(value) if repeat(content, value) => Shown::Value(value),
            None | Some(_) => Shown::Content,
        }
    }

    fn unwrapped<'a>(
        members: &'a Map<String, Value>,
        lone: Option<(&'a String, &'a Value)>,
    ) -> Shown<'a> {
        match lone {
            Some((name, Value::Object(inner))) if name == WRAPPED && !inner.is_empty() => {
                Shown::Members(inner)
            }
            Some((name, value)) if name == WRAPPED => Shown::Value(value),
            // Beside its name, the lines of a text would be indented.
            Some((_, value @ Value::String(text))) if text.contains('\n') => Shown::Value(value),
            _ => Shown::Members(members),
        }
    }
}

/// Whether blocks say what a value says: as its JSON or its text, in one block or in one for each
/// item. No blocks say nothing else.
fn repeat(content: &[ContentBlock], value: &Value) -> bool {
    let says = |text: &str, value: &Value| {
        value.as_str().is_some_and(|said| said.trim_end() == text.trim_end())
            || serde_json::from_str::<Value>(text).is_ok_and(|said| said == *value)
    };
    let texts: Option<Vec<&str>> = content
        .iter()
        .map(|block| match block {
            ContentBlock::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
        .collect();
    match (texts, value) {
        (Some(texts), _) if texts.is_empty() => true,
        (Some(texts), _) if says(&texts.join("\n"), value) => true,
        (Some(texts), Value::Array(items)) if texts.len() == items.len() => {
            texts.iter().zip(items).all(|(text, item)| says(text, item))
        }
        _ => false,
    }
}

impl Writer<'_> {
    /// The result of a tool.
    pub(super) fn result(&self, result: &CallToolResult) -> String {
        match Shown::of(result) {
            Shown::Content => {
                let blocks: Vec<String> =
                    result.content.iter().map(|block| self.block(block)).collect();
                // One text is as the server sent it, to its last byte.
                match blocks.as_slice() {
                    [one] if one.ends_with('\n') => one.clone(),
                    _ => lines(blocks.into_iter()),
                }
            }
            Shown::Members(members) => {
                let rows = members.iter().map(|(name, value)| {
                    (self.sanitizer.one_line(name), self.beginning(&text_of_member(name, value)))
                });
                pairs(&rows.collect::<Vec<_>>(), self.columns)
            }
            Shown::Value(Value::Array(items)) => {
                lines(items.iter().map(|item| self.beginning(&text_of(item))))
            }
            Shown::Value(value) => lines(std::iter::once(self.shown(&text_of(value)))),
        }
    }

    /// Whether a result has structured content that is not shown and may say more.
    pub(super) fn hides(result: &CallToolResult) -> bool {
        let Some(structured) = &result.structured_content else {
            return false;
        };
        let lone = structured.as_object().filter(|all| all.len() == 1);
        let lone = lone.and_then(|all| all.values().next());
        let blocks = serde_json::to_value(&result.content).unwrap_or_default();
        let is_said = |value: &Value| *value == blocks || repeat(&result.content, value);
        let is_empty = structured.as_object().is_some_and(Map::is_empty);
        Shown::of(result) == Shown::Content
            && !is_empty
            && !is_said(structured)
            && !lone.is_some_and(is_said)
    }

    /// Text, of which a terminal gets the beginning alone, if it is long.
    pub(super) fn shown(&self, text: &str) -> String {
        match self.columns {
            Some(_) => self.beginning(text),
            None => self.sanitizer.text(text),
        }
    }

    /// The beginning of a text, with a word about the rest.
    fn beginning(&self, text: &str) -> String {
        // First: a token that is cut in two would not be found.
        let text = self.sanitizer.text(text);
        let Some((end, _)) = text.char_indices().nth(MAX_CHARS) else {
            return text;
        };
        let all = text.chars().count();
        let begin = text.get(..end).unwrap_or_default();
        format!(
            "{begin}\n[the first {MAX_CHARS} of {all} characters; --output json prints all, \
             --save-to FILE stores a text]"
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn result(texts: &[&str], structured: Value) -> CallToolResult {
        let blocks = texts.iter().map(|text| ContentBlock::text(*text)).collect();
        let mut result = CallToolResult::success(blocks);
        result.structured_content = Some(structured);
        result
    }

    #[test]
    fn content_is_shown_unless_it_repeats_the_structure() {
        let object = |value: &Value| value.as_object().unwrap().clone();
        let two = json!({ "a": 1, "b": "x" });
        let text = result(&["{ \"b\": \"x\", \"a\": 1 }"], two.clone());
        assert_eq!(Shown::of(&text), Shown::Members(&object(&two)));
        let more = result(&["two results"], two.clone());
        assert_eq!(Shown::of(&more), Shown::Content);
        assert!(Writer::hides(&more));
        let none = result(&[], two.clone());
        assert_eq!(Shown::of(&none), Shown::Members(&object(&two)));
        let file = result(&["a\nb\n"], json!({ "content": "a\nb\n" }));
        assert_eq!(Shown::of(&file), Shown::Content);
        let mut image = result(&[], json!({ "content": [] }));
        image.content = vec![ContentBlock::image("aGVsbG8=", "image/png")];
        image.structured_content = Some(json!({ "content": image.content }));
        assert_eq!(Shown::of(&image), Shown::Content);
        for said in [&text, &none, &file, &image] {
            assert!(!Writer::hides(said), "{said:?}");
        }
    }

    #[test]
    fn a_lone_result_is_unwrapped() {
        for (texts, wrapped) in [
            (&["7"][..], json!(7)),
            (&["{\"result\": 7}"], json!(7)),
            (&["a", "{\"b\": 1}"], json!(["a", { "b": 1 }])),
            (&[], json!("x")),
        ] {
            let shown = json!({ "result": wrapped });
            let result = result(texts, shown);
            let expected = match &wrapped {
                // It is the text.
                Value::Number(_) if texts == ["7"] => Shown::Content,
                other => Shown::Value(other),
            };
            assert_eq!(Shown::of(&result), expected, "{texts:?}");
        }
        let inner = result(&["{\"a\": 1}"], json!({ "result": { "a": 1 } }));
        assert_eq!(Shown::of(&inner), Shown::Members(json!({ "a": 1 }).as_object().unwrap()));
    }
}
