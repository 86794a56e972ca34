//! What an upstream is called: in the names of its files, its path and its scopes.

use std::{fmt, str::FromStr};

/// The longest name.
const MAX_LENGTH: usize = 32;
/// Programs that run what their arguments name.
const RUNNERS: [&str; 15] = [
    "npx", "bunx", "pnpm", "yarn", "uvx", "uv", "pipx", "node", "bun", "deno", "python", "python3",
    "docker", "sh", "bash",
];
/// Words between a runner and what it runs.
const RUNNER_WORDS: [&str; 5] = ["run", "dlx", "exec", "tool", "x"];
/// What says no more than that it is an MCP server.
const COMMON: [&str; 4] = ["mcp-server-", "server-", "mcp-", "mcp_server_"];
/// What says no more than that as a whole.
const BARE: [&str; 3] = ["mcp", "mcp-server", "server"];
const COMMON_ENDS: [&str; 3] = ["-mcp-server", "-server", "-mcp"];

/// A name: lower-case letters, digits, `-` and `_`, beginning with a letter; at most 32.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UpstreamName(String);

/// A text is no name of an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "write lower-case letters, digits, - and _, a letter first, at most {MAX_LENGTH} characters"
)]
pub(crate) struct InvalidNameError;

impl UpstreamName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UpstreamName {
    type Err = InvalidNameError;

    fn from_str(text: &str) -> Result<Self, InvalidNameError> {
        let is_fine =
            |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
        if begins && text.len() <= MAX_LENGTH && text.chars().all(is_fine) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidNameError)
        }
    }
}

impl fmt::Display for UpstreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name for a command: of the package or the script that it runs, without what all have in
/// common. `npx -y @modelcontextprotocol/server-everything` is `everything`.
pub(crate) fn name_of_command(command: &[String]) -> Option<UpstreamName> {
    let mut words = command.iter().map(String::as_str);
    let mut word = base_name(words.next()?);
    if RUNNERS.contains(&word) {
        let run = words.find(|word| !word.starts_with('-') && !RUNNER_WORDS.contains(word))?;
        word = base_name(run);
        // Of `@playwright/mcp` the scope says more.
        let scope = run.strip_prefix('@').and_then(|run| run.split('/').next());
        if let Some(scope) = scope.filter(|_| BARE.contains(&word)) {
            word = scope;
        }
    }
    simplified(word)
}

/// The name for a URL: of its host.
pub(crate) fn name_of_url(url: &str) -> Option<UpstreamName> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#', ':']).next()?;
    let labels: Vec<&str> = host.split('.').filter(|label| *label != "www").collect();
    let label = labels.first().filter(|label| label.parse::<u8>().is_err() && **label != "[");
    match label {
        None | Some(&"localhost") => simplified("upstream"),
        Some(label) => simplified(label),
    }
}

/// The last part of a path or a package, without version and extension.
fn base_name(text: &str) -> &str {
    let base = text.rsplit(['/', '\\']).next().unwrap_or(text);
    let base = base.split(['@', '=', '[', ':']).next().unwrap_or(base);
    let known = [".py", ".js", ".mjs", ".cjs", ".ts", ".exe", ".cmd", ".sh"];
    known.iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base)
}

fn simplified(text: &str) -> Option<UpstreamName> {
    let lower = text.to_ascii_lowercase();
    let mut text = lower.as_str();
    text = COMMON.iter().find_map(|begin| text.strip_prefix(begin)).unwrap_or(text);
    text = COMMON_ENDS.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
    let fitting = text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' });
    let fitting: String = fitting.take(MAX_LENGTH).collect();
    fitting.trim_matches('-').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_files_paths_and_scopes() {
        for good in ["a", "files", "server-2", "a_b", &"a".repeat(MAX_LENGTH)] {
            assert_eq!(good.parse::<UpstreamName>().unwrap().as_str(), good);
        }
        for bad in
            ["", "2a", "-a", "A", "a.b", "a/b", "a b", "é", "..", &"a".repeat(MAX_LENGTH + 1)]
        {
            assert_eq!(bad.parse::<UpstreamName>(), Err(InvalidNameError), "{bad}");
        }
    }

    #[test]
    fn commands_have_the_names_that_people_use() {
        for (command, name) in [
            ("npx -y @modelcontextprotocol/server-everything", Some("everything")),
            ("npx @playwright/mcp@latest --headless", Some("playwright")),
            ("sh notes.sh", Some("notes")),
            ("uvx mcp-server-time --local-timezone=UTC", Some("time")),
            ("uv run --with mcp server.py", Some("mcp")),
            ("python -m mcp_server_git", Some("git")),
            ("python3 ./tools/my_server.py", Some("my_server")),
            ("/opt/bin/notes-mcp", Some("notes")),
            ("docker run -i --rm ghcr.io/github/github-mcp-server:v1", Some("github")),
            ("npx", None),
            ("node", None),
            ("mcp", Some("mcp")),
            ("./Server.exe", Some("server")),
            ("./123", None),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            let found = name_of_command(&words);
            assert_eq!(found.as_ref().map(UpstreamName::as_str), name, "{command}");
        }
    }

    #[test]
    fn urls_have_the_names_of_their_hosts() {
        for (url, name) in [
            ("http://127.0.0.1:9000/mcp", Some("upstream")),
            ("http://localhost:9000/mcp", Some("upstream")),
            ("https://files.example/mcp", Some("files")),
            ("https://www.mcp-notes.example", Some("notes")),
            ("nowhere", None),
        ] {
            let found = name_of_url(url);
            assert_eq!(found.as_ref().map(UpstreamName::as_str), name, "{url}");
        }
    }
}
