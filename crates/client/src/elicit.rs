//! Elicitation: what a server asks a person, in a terminal.
//!
//! 1. The person may answer, decline, or stop the call; the end of input stops it.
//! 2. Each field is asked for again until it fits its schema; an empty line takes the default, or
//!    leaves out what is not required.
//! 3. A URL is shown whole and never opened: whether to go there is the person's decision.
//! 4. Words of the server are cleaned before they are shown, and stand on lines of their own that begin with
//!    `> `, also where a terminal would break them. No line of ours does, so none can be forged.

use std::{fmt::Write, io};

use anstyle::Style;
use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    console::{COLUMNS, Console, Keyboard},
    sanitize::OwnedScreen,
    schema::{check, members, typed},
};

const BOLD: Style = Style::new().bold();
/// Before every line with words of the server's, and before no other.
const QUOTE_PREFIX: &str = "> ";
/// What is written in one line at least, however narrow the terminal.
const MIN_COLUMNS: usize = 20;

/// What a server asks.
#[derive(Debug)]
pub(crate) enum Question {
    /// Fields to fill in.
    Form {
        /// The server's words.
        message: String,
        /// An object's schema.
        schema: Value,
    },
    /// Something to do in a browser.
    Url {
        /// The server's words.
        message: String,
        /// Where.
        url: String,
    },
    /// Something that is not known.
    Other,
}

/// What a person says to a question.
enum Said<T> {
    Yes(T),
    No,
    Stop,
}

impl Question {
    /// The question in a request.
    pub(crate) fn new(params: ElicitRequestParams) -> Self {
        match params {
            ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } => {
                let schema = serde_json::to_value(requested_schema).unwrap_or_default();
                Self::Form { message, schema }
            }
            ElicitRequestParams::UrlElicitationParams { message, url, .. } => {
                Self::Url { message, url }
            }
            _ => Self::Other,
        }
    }

    /// The server's words.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Form { message, .. } | Self::Url { message, .. } => message,
            Self::Other => "",
        }
    }
}

/// Asks a person.
pub(crate) fn ask(
    question: &Question,
    keyboard: &dyn Keyboard,
    server_text: &ServerText,
) -> io::Result<ElicitResult> {
    let said = match question {
        Question::Form { message, schema } => {
            let intro = format!("{BOLD}The server asks:{BOLD:#}\n{}", server_text.quote(message));
            match consent(&format!("{intro}Answer? [Y]es, [n]o, [s]top: "), keyboard)? {
                Said::Yes(()) => form(schema, keyboard, server_text)?,
                Said::No => Said::No,
                Said::Stop => Said::Stop,
            }
        }
        Question::Url { message, url } => {
            let intro = format!(
                "{BOLD}The server asks you to open a page:{BOLD:#}\n{}{}",
                server_text.quote(message),
                server_text.quote_url(url),
            );
            let text = format!("{intro}Have you opened it? [Y]es, [n]o, [s]top: ");
            match consent(&text, keyboard)? {
                Said::Yes(()) => Said::Yes(None),
                Said::No => Said::No,
                Said::Stop => Said::Stop,
            }
        }
        Question::Other => Said::No,
    };
    Ok(match said {
        Said::Yes(Some(content)) => {
            ElicitResult::new(ElicitationAction::Accept).with_content(content)
        }
        Said::Yes(None) => ElicitResult::new(ElicitationAction::Accept),
        Said::No => ElicitResult::new(ElicitationAction::Decline),
        Said::Stop => ElicitResult::new(ElicitationAction::Cancel),
    })
}

fn consent(text: &str, keyboard: &dyn Keyboard) -> io::Result<Said<()>> {
    let mut text = text.to_owned();
    loop {
        let Some(line) = keyboard.ask(&text)? else { return Ok(Said::Stop) };
        match line.trim().to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(Said::Yes(())),
            "n" | "no" => return Ok(Said::No),
            "s" | "stop" => return Ok(Said::Stop),
            _ => "Please say y, n or s: ".clone_into(&mut text),
        }
    }
}

fn form(
    schema: &Value,
    keyboard: &dyn Keyboard,
    server_text: &ServerText,
) -> io::Result<Said<Option<Value>>> {
    let mut content = Map::new();
    for (name, member, required) in members(schema) {
        let field = Field { name, schema: member, required };
        match field.ask(keyboard, server_text)? {
            Said::Yes(Some(value)) => drop(content.insert(name.to_owned(), value)),
            Said::Yes(None) => {}
            Said::No => return Ok(Said::No),
            Said::Stop => return Ok(Said::Stop),
        }
    }
    Ok(Said::Yes(Some(Value::Object(content))))
}

/// One thing to fill in.
struct Field<'a> {
    name: &'a str,
    schema: &'a Value,
    required: bool,
}

impl Field<'_> {
    fn ask(
        &self,
        keyboard: &dyn Keyboard,
        server_text: &ServerText,
    ) -> io::Result<Said<Option<Value>>> {
        let mut text = self.prompt(server_text);
        loop {
            let Some(line) = keyboard.ask(&text)? else { return Ok(Said::Stop) };
            let default = self.schema.get("default");
            let value = match (line.is_empty(), default) {
                (true, Some(default)) => Ok(default.clone()),
                (true, None) if !self.required => return Ok(Said::Yes(None)),
                (true, None) => Err("is required".to_owned()),
                (false, _) => self.read(&line),
            };
            let problem = match value {
                Ok(value) => {
                    let faults = check(self.schema, &value);
                    let Some(fault) = faults.first() else { return Ok(Said::Yes(Some(value))) };
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

    /// The values to choose from and what they are called, in the four ways in which MCP writes them.
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
        let line = |text: &str| server_text.screen.line(text);
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

/// Text of the server, as it is shown in a prompt: escaped, and on lines that begin with `> `.
pub(crate) struct ServerText {
    /// What cleans them.
    screen: OwnedScreen,
    /// How wide the terminal is.
    columns: usize,
}

impl ServerText {
    /// For the terminal of standard error.
    pub(crate) fn of(console: &Console, screen: OwnedScreen) -> Self {
        Self { screen, columns: console.error_columns.unwrap_or(COLUMNS) }
    }

    /// The lines of `server`, each behind `> ` and no wider than the terminal.
    pub(crate) fn quote(&self, server: &str) -> String {
        let room = self.columns.saturating_sub(QUOTE_PREFIX.len()).max(MIN_COLUMNS);
        let mut text = String::new();
        for line in self.screen.text(server).lines() {
            // A tab is wider than a character.
            for piece in pieces(&line.replace('\t', "    "), room) {
                let _ = writeln!(text, "{QUOTE_PREFIX}{piece}");
            }
        }
        text
    }

    /// A URL on one line, so that it can be copied. A parsed URL has no spaces, so it cannot look like a
    /// sentence where the terminal wraps it.
    fn quote_url(&self, url: &str) -> String {
        match url.parse::<Url>() {
            Ok(url) => format!("{QUOTE_PREFIX}{}\n", self.screen.whole(url.as_str())),
            Err(_) => self.quote(&format!("(not a URL) {url}")),
        }
    }
}

/// A line in pieces that a terminal of so many columns does not break, whatever it is made of.
fn pieces(line: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut taken = 0;
    for c in line.chars() {
        // At most two columns.
        let width = if c.is_ascii() { 1 } else { 2 };
        if taken + width > room {
            pieces.push(String::new());
            taken = 0;
        }
        taken += width;
        if let Some(piece) = pieces.last_mut() {
            piece.push(c);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;

    /// Types these lines, last first, and keeps what it was asked.
    struct Typist(Mutex<(Vec<&'static str>, String)>);

    impl Keyboard for Typist {
        fn ask(&self, text: &str) -> io::Result<Option<String>> {
            let mut state = self.0.lock().unwrap();
            state.1.push_str(text);
            // What is typed ends the line.
            state.1.push('\n');
            Ok(state.0.pop().map(str::to_owned))
        }
    }

    fn server_text() -> ServerText {
        ServerText { screen: OwnedScreen::default(), columns: 80 }
    }

    fn asked(schema: Value, lines: &[&'static str]) -> (ElicitResult, String) {
        let lines = lines.iter().rev().copied().collect();
        let typist = Typist(Mutex::new((lines, String::new())));
        let question = Question::Form { message: "Who\u{1b}[2J?".into(), schema };
        let result = ask(&question, &typist, &server_text()).unwrap();
        (result, typist.0.into_inner().unwrap().1)
    }

    #[test]
    fn every_kind_of_field_is_filled_in() {
        let schema = json!({
            "type": "object",
            "properties": {
                "age": { "type": "integer", "minimum": 18 },
                "sure": { "type": "boolean", "default": true },
                "colour": { "type": "string", "enum": ["r", "g"], "enumNames": ["Red", "Green"] },
                "tastes": {
                    "type": "array",
                    "items": { "anyOf": [
                        { "const": "s", "title": "Sweet" }, { "const": "t", "title": "Sour" },
                    ] },
                },
                "note": { "type": "string" },
            },
            "required": ["age", "colour", "sure", "tastes"],
        });
        let lines = ["maybe", "y", "old", "7", "", "42", "blue", "2", "n", "Sweet, 2", ""];
        let (result, text) = asked(schema, &lines);
        assert_eq!(result.action, ElicitationAction::Accept, "{text}");
        let content = json!({"age": 42, "colour": "g", "sure": false, "tastes": ["s", "t"]});
        assert_eq!(result.content, Some(content));
        for words in [
            "Who\\u{1b}[2J?",
            "this must be an integer",
            "this is less than the minimum of 18",
            "this is required",
            "this must be one of the choices",
            "2  Green",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn one_may_decline_or_stop() {
        let schema = || json!({"properties": {"a": {"type": "string"}}});
        assert_eq!(asked(schema(), &["n"]).0.action, ElicitationAction::Decline);
        assert_eq!(asked(schema(), &["s"]).0.action, ElicitationAction::Cancel);
        let (result, _) = asked(schema(), &["y"]);
        assert_eq!(result.action, ElicitationAction::Cancel, "the end of input");
        assert_eq!(result.content, None);
    }

    #[test]
    fn a_page_is_shown_whole() {
        let typist = Typist(Mutex::new((vec![""], String::new())));
        let url = format!("https://a.example/{}", "x".repeat(1000));
        let question = Question::Url { message: "Pay".into(), url: url.clone() };
        let result = ask(&question, &typist, &server_text()).unwrap();
        assert_eq!(result, ElicitResult::new(ElicitationAction::Accept));
        assert!(typist.0.into_inner().unwrap().1.contains(&url));
    }

    #[test]
    fn no_word_of_the_server_stands_where_ours_do() {
        let forged =
            "https://good.example/\nHave you opened it? [Y]es, [n]o, [s]top: \r\n\u{2028}forged";
        let long = format!("{}Have you opened it?", "x ".repeat(39));
        let schema = json!({"properties": {"name\nAnswer: ": {
            "type": "string", "title": long, "description": forged, "default": forged,
            "oneOf": [{"const": "a", "title": "a\nAnswer: "}],
        }}});
        let ours = ["The server asks", "Have you opened it? [Y]", "Answer", ""];
        for question in [
            Question::Url { message: forged.into(), url: "https://bad.example/ a b".into() },
            Question::Url { message: long.clone(), url: forged.into() },
            Question::Url { message: "\t".repeat(100), url: "no address ".repeat(20) },
            Question::Form { message: format!("{long}\n{forged}"), schema },
        ] {
            let typist = Typist(Mutex::new((vec!["no such", "y"], String::new())));
            let _ = ask(&question, &typist, &server_text()).unwrap();
            let text = typist.0.into_inner().unwrap().1;
            let text = anstream::adapter::strip_str(&text).to_string();
            let mut own = 0;
            for line in text.lines() {
                assert!(line.starts_with("> https") || line.chars().count() <= 80, "{text}");
                if !line.starts_with(QUOTE_PREFIX) {
                    assert!(ours.iter().any(|ours| line.starts_with(ours)), "{line:?} in {text}");
                    own += usize::from(line.starts_with("Have you opened it?"));
                }
            }
            assert!(own <= 1, "{text}");
        }
    }
}
