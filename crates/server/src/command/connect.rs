//! `server connect …`: prints how a program is connected to this server.
//!
//! Every program is given the canonical URI alone: it finds the authorization server by itself, and
//! registers itself.

use std::io::Write;

use auth_core::{ResourceUri, display::quoted};
use serde_json::{Value, json};
use settings::{Environment, Variable};
use terminal::{Invocation, Program};

use super::context::write_json;
use crate::{
    args::{ConnectArgs, ConnectProgram, OutputFormat, RunArgs},
    config::{
        settings::ConfigError,
        upstreams::{self, UpstreamConfig},
    },
    failure::Failure,
};

pub(crate) fn connect(
    wanted: &ConnectArgs,
    args: &RunArgs,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let resource = args.resource.as_deref().or(environment.get(Variable::McpResource));
    let resource = resource.unwrap_or_default();
    let mut resource: ResourceUri = resource
        .parse()
        .map_err(|fault| Failure::Usage(format!("MCP_RESOURCE {resource:?}: {fault}")))?;
    let mut name = wanted.name.clone().unwrap_or_else(|| "bartizan".into());
    if args.resource.is_none() {
        let mut faults = Vec::new();
        let sections = upstreams::load(args, environment, &resource, &mut faults);
        if !faults.is_empty() {
            return Err(ConfigError(faults).into());
        }
        if let Some(upstream) = meant(wanted.name.as_deref(), &sections)? {
            resource = upstream.resource.clone();
            name = upstream.name.to_string();
        }
    }
    let snippet = Snippet::of(wanted.program, &name, &resource, invocation);
    match wanted.output {
        OutputFormat::Json => write_json(&snippet.to_json(), out),
        OutputFormat::Text => write!(out, "{}", snippet.to_text()).map_err(Failure::output),
    }
}

/// The server behind the gateway that `name` means: without a name the only one.
fn meant<'a>(
    name: Option<&str>,
    sections: &'a [UpstreamConfig],
) -> Result<Option<&'a UpstreamConfig>, Failure> {
    match (name, sections) {
        (Some(name), _) => Ok(sections.iter().find(|it| it.name.as_str() == name)),
        (None, [] | [_]) => Ok(sections.first()),
        (None, _) => {
            let names: Vec<&str> = sections.iter().map(|it| it.name.as_str()).collect();
            let names = names.join(", ");
            Err(Failure::Usage(format!("which server? Write --name with one of {names}")))
        }
    }
}

/// How a program is connected.
struct Snippet {
    /// Commands to run, in this order.
    commands: Vec<String>,
    /// A file, and what is to be in it.
    file: Option<(&'static str, Content)>,
    /// What else is to be known.
    note: Option<&'static str>,
}

enum Content {
    Json(Value),
    Text(String),
}

impl Snippet {
    fn of(
        program: ConnectProgram,
        name: &str,
        resource: &ResourceUri,
        invocation: &Invocation,
    ) -> Self {
        let url = resource.as_str();
        let shell = quoted(url);
        let file =
            |path, content| Self { commands: vec![], file: Some((path, content)), note: None };
        let one = |command: String| Self { commands: vec![command], file: None, note: None };
        let servers = |entry: Value| Content::Json(json!({ "mcpServers": { name: entry } }));
        match program {
            ConnectProgram::ClaudeCode => Self {
                note: Some("then /mcp in Claude Code signs in"),
                ..one(format!("claude mcp add --transport http {name} {shell}"))
            },
            ConnectProgram::ClaudeDesktop if is_public(resource) => Self {
                commands: vec![],
                file: Some((
                    "Settings, Connectors, Add custom connector",
                    Content::Text(url.into()),
                )),
                note: None,
            },
            ConnectProgram::ClaudeDesktop => Self {
                note: Some("its own connectors reach public https addresses alone"),
                ..file("claude_desktop_config.json", servers(bridge(url, invocation)))
            },
            ConnectProgram::Vscode => {
                let entry = json!({ "name": name, "type": "http", "url": url });
                let file = json!({ "servers": { name: { "type": "http", "url": url } } });
                Self {
                    commands: vec![format!("code --add-mcp {}", quoted(&entry.to_string()))],
                    file: Some((".vscode/mcp.json", Content::Json(file))),
                    note: None,
                }
            }
            ConnectProgram::Cursor => file("~/.cursor/mcp.json", servers(json!({ "url": url }))),
            ConnectProgram::Gemini => Self {
                commands: vec![format!(
                    "gemini mcp add --scope user --transport http {name} {shell}"
                )],
                file: Some(("~/.gemini/settings.json", servers(json!({ "httpUrl": url })))),
                note: Some("then /mcp auth in Gemini CLI signs in"),
            },
            ConnectProgram::Codex => Self {
                commands: vec![
                    format!("codex mcp add {name} --url {shell}"),
                    format!("codex mcp login {name}"),
                ],
                file: Some((
                    "~/.codex/config.toml",
                    Content::Text(format!("[mcp_servers.{name}]\nurl = {}\n", json!(url))),
                )),
                note: None,
            },
            ConnectProgram::Inspector
            | ConnectProgram::McpRemote
            | ConnectProgram::Mcporter
            | ConnectProgram::Mcpc
            | ConnectProgram::Client => Self::of_tool(program, name, url, invocation),
            ConnectProgram::Goose => file(
                "~/.config/goose/config.yaml",
                Content::Text(format!(
                    "extensions:\n  {name}:\n    type: streamable_http\n    name: {name}\n    uri: {}\n    enabled: true\n    timeout: 300\n",
                    json!(url)
                )),
            ),
            ConnectProgram::Opencode => Self {
                commands: vec![format!("opencode mcp auth {name}")],
                ..file(
                    "opencode.json",
                    Content::Json(json!({ "mcp": { name: { "type": "remote", "url": url } } })),
                )
            },
            ConnectProgram::Zed => file(
                "~/.config/zed/settings.json",
                Content::Json(json!({ "context_servers": { name: { "url": url } } })),
            ),
        }
    }

    /// Programs of the command line.
    fn of_tool(program: ConnectProgram, name: &str, url: &str, invocation: &Invocation) -> Self {
        let shell = quoted(url);
        let file =
            |path, content| Self { commands: vec![], file: Some((path, content)), note: None };
        let one = |command: String| Self { commands: vec![command], file: None, note: None };
        let servers = |entry: Value| Content::Json(json!({ "mcpServers": { name: entry } }));
        match program {
            ConnectProgram::Inspector => one(format!(
                "npx @modelcontextprotocol/inspector --transport http --server-url {shell}"
            )),
            ConnectProgram::McpRemote => Self {
                note: Some("for programs that start their servers themselves"),
                ..file("mcp.json", servers(mcp_remote(url)))
            },
            ConnectProgram::Mcporter => Self {
                commands: vec![format!("npx mcporter list {name}")],
                ..file("config/mcporter.json", servers(json!({ "url": url, "auth": "oauth" })))
            },
            ConnectProgram::Client => {
                let command = |args: String| invocation.command(Program::Client, &args);
                Self {
                    commands: vec![
                        command(format!("servers add {name} {shell}")),
                        command(format!("--url {name} login")),
                        command(format!("--url {name} tools")),
                    ],
                    file: None,
                    note: None,
                }
            }
            _ => Self {
                commands: vec![
                    format!("npx @apify/mcpc login {shell}"),
                    format!("npx @apify/mcpc connect {shell} @{name}"),
                    format!("npx @apify/mcpc @{name} tools-list"),
                ],
                file: None,
                note: None,
            },
        }
    }

    fn to_json(&self) -> Value {
        let content = |content: &Content| match content {
            Content::Json(value) => value.clone(),
            Content::Text(text) => json!(text),
        };
        json!({
            "commands": self.commands,
            "file": self.file.as_ref().map(|(path, _)| path),
            "content": self.file.as_ref().map(|(_, it)| content(it)),
            "note": self.note,
        })
    }

    /// The content of a file is below its name, and can be copied as it is.
    fn to_text(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.commands.is_empty() {
            parts.push(self.commands.join("\n"));
        }
        if let Some((path, content)) = &self.file {
            let or = if parts.is_empty() { "in" } else { "or in" };
            let text = match content {
                Content::Json(value) => format!("{value:#}"),
                Content::Text(text) => text.trim_end().to_owned(),
            };
            parts.push(format!("# {or} {path}\n{text}"));
        }
        parts.extend(self.note.map(|note| format!("# {note}")));
        parts.join("\n\n") + "\n"
    }
}

/// A server that a program starts, and that speaks to this one: our own client, where it is
/// installed.
fn bridge(url: &str, invocation: &Invocation) -> Value {
    let Some(file) = invocation.file(Program::Client) else {
        return mcp_remote(url);
    };
    // The other program runs in a folder of its own. A plain name is looked up in its PATH.
    let is_plain = !file.contains(std::path::is_separator);
    let whole = std::path::absolute(&file).ok().filter(|_| !is_plain);
    let whole = whole.and_then(|path| path.into_os_string().into_string().ok());
    json!({ "command": whole.unwrap_or(file), "args": ["bridge", url] })
}

fn mcp_remote(url: &str) -> Value {
    json!({ "command": "npx", "args": ["-y", "mcp-remote", url] })
}

/// Whether a service on the Internet may reach it: `https`, and not this machine.
fn is_public(resource: &ResourceUri) -> bool {
    resource.as_str().starts_with("https://") && !resource.is_loopback()
}
