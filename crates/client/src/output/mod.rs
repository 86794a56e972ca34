//! What is printed: results on stdout, everything else on stderr, for a person or as JSON.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use rmcp::model::{CallToolResult, ContentBlock, ListToolsResult, ResourceContents};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{Exit, args::OutputFormat, command::Answer, failure::Failure, untrusted::Screen};

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const GREEN: Style = AnsiColor::Green.on_default().bold();

/// Prints how a run ended.
pub(crate) struct Printer<'a> {
    format: OutputFormat,
    screen: Screen<'a>,
    stdout: &'a mut dyn Write,
    stderr: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    /// A printer.
    pub(crate) fn new(
        format: OutputFormat,
        screen: Screen<'a>,
        stdout: &'a mut dyn Write,
        stderr: &'a mut dyn Write,
    ) -> Self {
        Self { format, screen, stdout, stderr }
    }

    /// Prints what the server answered.
    ///
    /// The words of a tool that failed are a message, so in text they go to stderr: a script that takes
    /// stdout for the result must not get them. In JSON `isError` tells them apart.
    pub(crate) fn answer(&mut self, answer: &Answer) -> Exit {
        match answer {
            Answer::Tools(list) => {
                if self.format == OutputFormat::Json {
                    return self.json(list);
                }
                if list.tools.is_empty() {
                    write_all(self.stderr, "the server shows you no tools\n");
                }
                let text = self.tools(list);
                self.result_text(&text)
            }
            Answer::Call { tool, result } if result.is_error == Some(true) => {
                let failure = Failure::tool(tool);
                if self.format == OutputFormat::Json {
                    let written = self.json(result);
                    let exit = self.failure(&failure);
                    return if written == Exit::Ok { exit } else { written };
                }
                let exit = self.failure(&failure);
                let text = self.result(result);
                write_all(self.stderr, &text);
                exit
            }
            Answer::Call { result, .. } => {
                if self.format == OutputFormat::Json {
                    return self.json(result);
                }
                let text = self.result(result);
                self.result_text(&text)
            }
        }
    }

    /// Prints what went wrong, and tells which exit that is.
    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        let text = match self.format {
            OutputFormat::Json => pretty(&failure.to_json(&self.screen), &self.screen),
            OutputFormat::Text => self.failure_text(failure),
        };
        // With stderr gone there is nobody to tell; the exit code still does.
        write_all(self.stderr, &text);
        failure.exit()
    }

    fn json(&mut self, value: &impl Serialize) -> Exit {
        let text = pretty(value, &self.screen);
        self.result_text(&text)
    }

    fn result_text(&mut self, text: &str) -> Exit {
        match write_all(self.stdout, text) {
            Exit::Output => self.failure(&Failure::output()),
            exit => exit,
        }
    }

    fn failure_text(&self, failure: &Failure) -> String {
        let line = |text: &str| self.screen.line(text);
        let mut text = format!("{RED}error:{RED:#} {}\n", line(failure.message()));
        if let Some(words) = failure.server() {
            let _ = writeln!(text, "the server says: {}", line(words));
        }
        let scopes = [("needed", failure.required()), ("granted", failure.granted())];
        for (name, scopes) in scopes {
            if let Some(scopes) = scopes {
                let scopes =
                    if scopes.is_empty() { "(none)".to_owned() } else { line(&scopes.to_string()) };
                let _ = writeln!(text, "  {name:<7}  {scopes}");
            }
        }
        if let Some(hint) = failure.hint() {
            let _ = writeln!(text, "{GREEN}hint:{GREEN:#} {}", line(hint));
        }
        text
    }

    fn tools(&self, list: &ListToolsResult) -> String {
        let rows = list.tools.iter().map(|tool| {
            let about = tool.description.as_deref().or(tool.title.as_deref());
            let about = self.screen.text(about.unwrap_or_default().trim());
            (self.screen.line(&tool.name), about)
        });
        table(rows.collect())
    }

    fn result(&self, result: &CallToolResult) -> String {
        match &result.structured_content {
            Some(Value::Object(object)) if !object.is_empty() => self.members(object),
            _ => {
                let blocks = result.content.iter().map(|block| self.block(block));
                lines(blocks)
            }
        }
    }

    fn members(&self, object: &Map<String, Value>) -> String {
        let rows = object.iter().map(|(name, value)| {
            let value = match value {
                Value::String(text) => self.screen.text(text),
                other => self.screen.text(&other.to_string()),
            };
            (self.screen.line(name), value)
        });
        table(rows.collect())
    }

    fn block(&self, block: &ContentBlock) -> String {
        let note = match block {
            ContentBlock::Text(text) => return self.screen.text(&text.text),
            ContentBlock::Image(image) => {
                format!("image {}, {} bytes", image.mime_type, decoded(&image.data))
            }
            ContentBlock::Audio(audio) => {
                format!("audio {}, {} bytes", audio.mime_type, decoded(&audio.data))
            }
            ContentBlock::Resource(embedded) => match &embedded.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    format!("resource {uri}, {} bytes", text.len())
                }
                ResourceContents::BlobResourceContents { uri, blob, .. } => {
                    format!("resource {uri}, {} bytes", decoded(blob))
                }
                _ => "resource of an unknown kind".to_owned(),
            },
            ContentBlock::ResourceLink(link) => format!("link {}", link.uri),
            _ => "content of an unknown kind".to_owned(),
        };
        format!("[{}]", self.screen.line(&note))
    }
}

/// Writes a text and tells how that went. A reader who has gone away has seen enough.
pub(crate) fn write_all(writer: &mut dyn Write, text: &str) -> Exit {
    let written = writer.write_all(text.as_bytes()).and_then(|()| writer.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Output,
        _ => Exit::Ok,
    }
}

/// Texts below one another, each ended by one newline.
fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.fold(String::new(), |mut all, text| {
        all.push_str(text.trim_end_matches('\n'));
        all.push('\n');
        all
    })
}

/// Names in bold, values beside them; the later lines of a value stand under its first.
fn table(rows: Vec<(String, String)>) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let gap = " ".repeat(width - name.chars().count());
        let value = value.replace('\n', &format!("\n{}", " ".repeat(width + 2)));
        let line = format!("{BOLD}{name}{BOLD:#}{gap}  {value}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn pretty(value: &impl Serialize, screen: &Screen<'_>) -> String {
    // Serializing these cannot fail: their keys are strings. Were it to, an empty object says so.
    let json = serde_json::to_string_pretty(value).unwrap_or_else(|_| "{}".to_owned());
    format!("{}\n", screen.json(&json))
}

/// How many bytes a base64 text stands for.
fn decoded(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}
