//! Answers as text for a person.

use std::fmt::Write as _;

use rmcp::model::{
    CallToolResult, ContentBlock, GetPromptResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, Prompt, ReadResourceResult, ResourceContents, Role, Tool,
};
use serde_json::Value;
use terminal::{Invocation, Program, style::LABEL, table::pairs, width};

use super::{table::lines, value::text_of_member};
use crate::{
    request::Info,
    sanitize::Sanitizer,
    schema::{examples, parameters, usage},
};

/// How many columns a description has at least.
const MIN_ABOUT: usize = 20;
/// Ends a line that is cut off.
const ELIDED: &str = "...";

/// Makes text that fits a terminal, if there is one.
pub(super) struct Writer<'a> {
    pub(super) sanitizer: &'a Sanitizer<'a>,
    pub(super) columns: Option<usize>,
    pub(super) invocation: &'a Invocation,
}

impl Writer<'_> {
    fn table(&self, rows: impl IntoIterator<Item = (String, String)>) -> String {
        let clean = |(name, value): (String, String)| {
            (self.sanitizer.one_line(&name), self.sanitizer.text(value.trim()))
        };
        pairs(&rows.into_iter().map(clean).collect::<Vec<_>>(), self.columns)
    }

    pub(super) fn tools(&self, list: &ListToolsResult) -> String {
        let names: Vec<String> =
            list.tools.iter().map(|tool| self.sanitizer.one_line(&tool.name)).collect();
        let width = names.iter().map(|name| width::columns(name)).max().unwrap_or_default();
        // Two columns are between name and text.
        let room = self.columns.map(|columns| columns.saturating_sub(width + 2).max(MIN_ABOUT));
        let rows = list.tools.iter().zip(names).map(|(tool, name)| {
            let about = tool.description.as_deref().or(tool.title.as_deref());
            let about = self.sanitizer.one_line(first_sentence(about.unwrap_or_default()));
            let about = match room {
                Some(room) if width::columns(&about) > room => {
                    format!("{}{ELIDED}", width::truncated(&about, room - ELIDED.len()).trim_end())
                }
                _ => about,
            };
            (name, about)
        });
        pairs(&rows.collect::<Vec<_>>(), self.columns)
    }

    pub(super) fn tool_help(&self, tool: &Tool) -> String {
        let mut text = String::new();
        if let Some(about) = tool.description.as_deref().or(tool.title.as_deref()) {
            let _ = writeln!(text, "{}\n", self.sanitizer.text(about.trim()));
        }
        let name = self.sanitizer.one_line(&tool.name);
        let client = self.invocation.program(Program::Client);
        let schema = Value::Object(tool.input_schema.as_ref().clone());
        let usage = std::iter::once(format!("{client} call {name}")).chain(usage(&schema));
        let usage = self.sanitizer.full(&usage.collect::<Vec<_>>().join(" "));
        let _ = writeln!(text, "{LABEL}Usage:{LABEL:#} {usage}\n");
        let rows = parameters(&schema);
        text.push_str(&if rows.is_empty() {
            "It takes nothing.\n".to_owned()
        } else {
            self.table(rows)
        });
        let examples = examples(&schema);
        // A key ends at the first `=`.
        let examples: Vec<_> = examples.iter().filter(|(name, _)| !name.contains('=')).collect();
        if !examples.is_empty() {
            let _ = writeln!(text, "\n{LABEL}As JSON, for example:{LABEL:#}");
        }
        for (name, value) in examples {
            let word = format!("{name}:={value}").replace('\'', "'\\''");
            let _ = writeln!(text, "  '{}'", self.sanitizer.full(&word));
        }
        text
    }

    pub(super) fn resources(
        &self,
        list: &ListResourcesResult,
        templates: &ListResourceTemplatesResult,
    ) -> String {
        let about = |title: &str, kind: Option<&String>, about: Option<&String>| {
            let mut words = title.to_owned();
            if let Some(kind) = kind {
                let _ = write!(words, " ({kind})");
            }
            if let Some(about) = about {
                let _ = write!(words, "\n{}", about.trim());
            }
            words
        };
        let resources = list.resources.iter().map(|one| {
            let title = one.title.as_ref().unwrap_or(&one.name);
            (one.uri.clone(), about(title, one.mime_type.as_ref(), one.description.as_ref()))
        });
        let templates = templates.resource_templates.iter().map(|one| {
            let title = one.title.as_ref().unwrap_or(&one.name);
            (
                one.uri_template.clone(),
                about(title, one.mime_type.as_ref(), one.description.as_ref()),
            )
        });
        self.table(resources.chain(templates))
    }

    pub(super) fn prompts(&self, list: &ListPromptsResult) -> String {
        self.table(list.prompts.iter().map(|prompt| (prompt.name.clone(), about_prompt(prompt))))
    }

    pub(super) fn prompt(&self, prompt: &GetPromptResult) -> String {
        lines(prompt.messages.iter().map(|message| {
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
            };
            format!("{LABEL}{role}:{LABEL:#} {}", self.block(&message.content))
        }))
    }

    pub(super) fn read(&self, read: &ReadResourceResult) -> String {
        lines(read.contents.iter().map(|contents| match contents {
            ResourceContents::TextResourceContents { text, .. } => self.shown(text),
            other => self.note(&contents_note(other)),
        }))
    }

    pub(super) fn info(&self, info: &Info) -> String {
        let server = &info.server;
        let mut rows = Vec::new();
        let mut row = |name: &str, value: String| rows.push((name.to_owned(), value));
        if let Some(program) = &server.server_info {
            let title = program.title.as_ref().map(|title| format!(" ({title})"));
            let title = title.unwrap_or_default();
            row("server", format!("{} {}{title}", program.name, program.version));
        }
        row("protocol", server.protocol_version.to_string());
        row("offers", offers(&serde_json::to_value(&server.capabilities).unwrap_or_default()));
        if let Some(words) = &server.instructions {
            row("instructions", words.clone());
        }
        if let Some(caller) = &info.caller {
            row("you", self.plain(caller));
        }
        self.table(rows)
    }

    /// A result without styles, to stand in a row of a table.
    fn plain(&self, result: &CallToolResult) -> String {
        match &result.structured_content {
            Some(Value::Object(object)) if !object.is_empty() => {
                let line = |(name, value): (&String, &Value)| {
                    format!("{name}: {}", text_of_member(name, value))
                };
                object.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            _ => lines(result.content.iter().map(|block| self.block(block))),
        }
    }

    pub(super) fn block(&self, block: &ContentBlock) -> String {
        let note = match block {
            ContentBlock::Text(text) => return self.shown(&text.text),
            ContentBlock::Image(image) => {
                format!("image {}, {} bytes", image.mime_type, decoded(&image.data))
            }
            ContentBlock::Audio(audio) => {
                format!("audio {}, {} bytes", audio.mime_type, decoded(&audio.data))
            }
            ContentBlock::Resource(embedded) => contents_note(&embedded.resource),
            ContentBlock::ResourceLink(link) => format!("link {}", link.uri),
            _ => "content of an unknown kind".to_owned(),
        };
        self.note(&note)
    }

    fn note(&self, note: &str) -> String {
        format!("[{}]", self.sanitizer.one_line(note))
    }
}

fn contents_note(contents: &ResourceContents) -> String {
    match contents {
        ResourceContents::TextResourceContents { uri, text, .. } => {
            format!("resource {uri}, {} bytes", text.len())
        }
        ResourceContents::BlobResourceContents { uri, blob, .. } => {
            format!("resource {uri}, {} bytes", decoded(blob))
        }
        _ => "resource of an unknown kind".to_owned(),
    }
}

/// The first sentence of a text, or its first line if that is shorter.
fn first_sentence(text: &str) -> &str {
    let line = text.trim_start().lines().next().unwrap_or_default();
    // An abbreviation is followed by a small letter.
    let ends = line.match_indices(". ").find(|(at, end)| {
        let next = line.get(at + end.len()..).and_then(|rest| rest.chars().next());
        next.is_some_and(|next| !next.is_lowercase())
    });
    ends.map_or(line, |(at, _)| line.get(..=at).unwrap_or(line))
}

fn about_prompt(prompt: &Prompt) -> String {
    let mut about = prompt.description.as_ref().or(prompt.title.as_ref()).cloned();
    let about = about.get_or_insert_default();
    for argument in prompt.arguments.iter().flatten() {
        let needed = if argument.required == Some(true) { "" } else { ", optional" };
        let words = argument.description.as_ref().or(argument.title.as_ref());
        let words = words.map(|words| format!(": {}", words.trim())).unwrap_or_default();
        let _ = write!(about, "\n  {}=TEXT{needed}{words}", argument.name);
    }
    std::mem::take(about)
}

/// The names of capabilities, each with what is true of it.
fn offers(capabilities: &Value) -> String {
    let one = |(name, value): (&String, &Value)| {
        let object = value.as_object();
        let sub = object.into_iter().flatten().filter(|(_, value)| **value != Value::Bool(false));
        let sub: Vec<&str> = sub.map(|(name, _)| name.as_str()).collect();
        if sub.is_empty() { name.clone() } else { format!("{name} ({})", sub.join(", ")) }
    };
    let all: Vec<String> = capabilities.as_object().into_iter().flatten().map(one).collect();
    if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }
}

/// How many bytes a base64 text encodes.
fn decoded(base64: &str) -> usize {
    base64.trim_end_matches('=').len() * 3 / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_cut_after_its_first_sentence_or_line() {
        for (text, first) in [
            ("Adds two. Then more.", "Adds two."),
            ("\n  Reads, e.g. a file\nand more", "Reads, e.g. a file"),
            ("One line.", "One line."),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text), first);
        }
    }
}
