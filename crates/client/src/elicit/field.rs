//! One field of a form: the prompt for it, and the value that a line means.

use std::{fmt::Write, io};

use serde_json::Value;

use super::{ServerText, response::Response};
use crate::{
    console::Keyboard,
    schema::{check, typed},
};

/// One field.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) schema: &'a Value,
    pub(super) required: bool,
}

impl Field<'_> {
    /// Asks until the value fits the schema.
    pub(super) fn ask(
        &self,
        keyboard: &dyn Keyboard,
        server_text: &ServerText,
    ) -> io::Result<Response<Option<Value>>> {
        let mut text = self.prompt(server_text);
        loop {
            let Some(line) = keyboard.ask(&text)? else { return Ok(Response::Stop) };
            let default = self.schema.get("default");
            let value = match (line.is_empty(), default) {
                (true, Some(default)) => Ok(default.clone()),
                (true, None) if !self.required => return Ok(Response::Yes(None)),
                (true, None) => Err("is required".to_owned()),
                (false, _) => self.read(&line),
            };
            let problem = match value {
                Ok(value) => {
                    let faults = check(self.schema, &value);
                    let Some(fault) = faults.first() else { return Ok(Response::Yes(Some(value))) };
                    fault.problem.clone()
                }
                Err(problem) => problem,
            };
            text = format!("{}Answer: ", server_text.quote(&format!("this {problem}")));
        }
    }

    /// The value that a line means: for choices their number or name, several with commas between.
    fn read(&self, line: &str) -> Result<Value, String> {
        let chosen = |word: &str| {
            let choices = self.choices();
            let by_number = word.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            let by_name = choices.iter().find(|(value, title)| value == word || title == word);
            by_name
                .or_else(|| choices.get(by_number?))
                .map(|(value, _)| Value::from(value.as_str()))
        };
        if self.choices().is_empty() {
            let word = match line.to_ascii_lowercase().as_str() {
                "y" | "yes" if self.is("boolean") => "true",
                "n" | "no" if self.is("boolean") => "false",
                _ => line,
            };
            return typed(self.schema, self.schema, word);
        }
        let unknown = || "must be one of the choices".to_owned();
        if self.is("array") {
            let words = line.split(',').map(str::trim);
            return words.map(|word| chosen(word).ok_or_else(unknown)).collect();
        }
        chosen(line.trim()).ok_or_else(unknown)
    }

    fn is(&self, kind: &str) -> bool {
        self.schema.get("type").is_some_and(|found| found == kind)
    }

    /// The values to choose from and what they are called, in the four ways in which MCP writes
    /// them.
    fn choices(&self) -> Vec<(String, String)> {
        let schema = self.schema.get("items").unwrap_or(self.schema);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let titled = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
        if let Some(titled) = titled {
            let pair = |choice: &Value| {
                let value = text(choice.get("const")?)?;
                let title = choice.get("title").and_then(text).unwrap_or_else(|| value.clone());
                Some((value, title))
            };
            return titled.iter().filter_map(pair).collect();
        }
        let names = schema.get("enumNames").and_then(Value::as_array);
        let values = schema.get("enum").and_then(Value::as_array);
        let values = values.into_iter().flatten().filter_map(text).enumerate();
        let name = |at: usize| names.and_then(|names| names.get(at)).and_then(text);
        values.map(|(at, value)| (value.clone(), name(at).unwrap_or(value))).collect()
    }

    /// What the server says about the field, and a line of ours.
    fn prompt(&self, server_text: &ServerText) -> String {
        let words = |key: &str| self.schema.get(key).and_then(Value::as_str);
        let line = |text: &str| server_text.one_line(text);
        let mut about = line(words("title").unwrap_or(self.name));
        if let Some(description) = words("description") {
            let _ = write!(about, " ({})", line(description));
        }
        for (number, (_, title)) in (1..).zip(&self.choices()) {
            let _ = write!(about, "\n  {number}  {}", line(title));
        }
        let default = match self.schema.get("default") {
            Some(Value::String(default)) => Some(line(default)),
            Some(default) => Some(line(&default.to_string())),
            None => None,
        };
        if let Some(default) = &default {
            let _ = write!(about, "\ndefault: {default}");
        }
        let mut text = server_text.quote(&about);
        text.push_str("Answer");
        if self.is("array") {
            text.push_str(" [some, with commas between]");
        } else if self.is("boolean") {
            text.push_str(" [y/n]");
        }
        if default.is_some() {
            text.push_str(" [empty: the default]");
        } else if !self.required {
            text.push_str(" [optional]");
        }
        text.push_str(": ");
        text
    }
}
