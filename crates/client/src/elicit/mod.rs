//! Elicitation: what a server asks a person, in a terminal.
//!
//! 1. The person may answer, decline, or stop the call; the end of input stops it.
//! 2. Each field is asked for again until it fits its schema; an empty line takes the default, or
//!    leaves out what is not required.
//! 3. A URL is shown whole and never opened: whether to go there is the person's decision.
//! 4. Words of the server are cleaned before they are shown, and stand on lines of their own that
//!    begin with `> `, also where a terminal would break them. No line of ours does, so none can be
//!    forged.

mod field;
mod response;
mod server_text;

use std::io;

use rmcp::model::{ElicitRequestParams, ElicitResult, ElicitationAction};
use serde_json::{Map, Value};
use terminal::style::LABEL;

use crate::{console::Keyboard, schema::members};
use field::Field;
use response::Response;

pub(crate) use server_text::ServerText;

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
            let intro = format!("{LABEL}The server asks:{LABEL:#}\n{}", server_text.quote(message));
            match consent(&format!("{intro}Answer? [Y]es, [n]o, [s]top: "), keyboard)? {
                Response::Yes(()) => form(schema, keyboard, server_text)?,
                Response::No => Response::No,
                Response::Stop => Response::Stop,
            }
        }
        Question::Url { message, url } => {
            let intro = format!(
                "{LABEL}The server asks you to open a page:{LABEL:#}\n{}{}",
                server_text.quote(message),
                server_text.quote_url(url),
            );
            let text = format!("{intro}Have you opened it? [Y]es, [n]o, [s]top: ");
            match consent(&text, keyboard)? {
                Response::Yes(()) => Response::Yes(None),
                Response::No => Response::No,
                Response::Stop => Response::Stop,
            }
        }
        Question::Other => Response::No,
    };
    Ok(match said {
        Response::Yes(Some(content)) => {
            ElicitResult::new(ElicitationAction::Accept).with_content(content)
        }
        Response::Yes(None) => ElicitResult::new(ElicitationAction::Accept),
        Response::No => ElicitResult::new(ElicitationAction::Decline),
        Response::Stop => ElicitResult::new(ElicitationAction::Cancel),
    })
}

fn consent(text: &str, keyboard: &dyn Keyboard) -> io::Result<Response<()>> {
    let mut text = text.to_owned();
    loop {
        let Some(line) = keyboard.ask(&text)? else { return Ok(Response::Stop) };
        match line.trim().to_ascii_lowercase().as_str() {
            "" | "y" | "yes" => return Ok(Response::Yes(())),
            "n" | "no" => return Ok(Response::No),
            "s" | "stop" => return Ok(Response::Stop),
            _ => "Please say y, n or s: ".clone_into(&mut text),
        }
    }
}

fn form(
    schema: &Value,
    keyboard: &dyn Keyboard,
    server_text: &ServerText,
) -> io::Result<Response<Option<Value>>> {
    let mut content = Map::new();
    for (name, member, required) in members(schema) {
        let field = Field { name, schema: member, required };
        match field.ask(keyboard, server_text)? {
            Response::Yes(Some(value)) => drop(content.insert(name.to_owned(), value)),
            Response::Yes(None) => {}
            Response::No => return Ok(Response::No),
            Response::Stop => return Ok(Response::Stop),
        }
    }
    Ok(Response::Yes(Some(Value::Object(content))))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::{server_text::QUOTE_PREFIX, *};
    use crate::{console::Console, sanitize::OwnedSanitizer};

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
        ServerText::of(&Console::default(), OwnedSanitizer::default())
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
            let text = terminal::style::stripped(&text);
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
