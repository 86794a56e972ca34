//! The policy that a first run suggests.
//!
//! Each tool needs the scope for reading or the one for writing. A tool is taken for one that only
//! reads if neither its annotations nor its name say otherwise, and one of the two says so. Both
//! are the server's own words, so a person reads the file before it is in force. Resources,
//! templates and prompts need the scope for reading.

use std::fmt::Write;

use auth_core::{Policy, PolicyDocument, RuleDocument, display::is_risky};
use upstream::catalog::{Definition, Hints, Kind};

use crate::config::upstreams::UpstreamName;

/// First words of names of tools that read.
const READING: [&str; 26] = [
    "check", "count", "describe", "diff", "echo", "explain", "fetch", "find", "get", "has", "help",
    "info", "is", "list", "log", "lookup", "ls", "query", "read", "resolve", "search", "show",
    "stat", "status", "view", "whoami",
];
/// Words in names of tools that change something.
const WRITING: [&str; 34] = [
    "add", "append", "apply", "approve", "cancel", "close", "commit", "copy", "create", "delete",
    "deploy", "drop", "edit", "exec", "execute", "insert", "kill", "merge", "move", "patch",
    "post", "push", "put", "remove", "rename", "replace", "reset", "run", "send", "set", "submit",
    "update", "upload", "write",
];

/// What a rule needs, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    writes: bool,
    why: &'static str,
}

/// Whether using what `definition` describes can be given a rule at all.
///
/// A policy has no rules for URI templates of every form (RFC 6570).
pub(crate) fn can_have_rule(definition: &Definition) -> bool {
    if matches!(definition.kind(), Kind::Tool | Kind::Prompt | Kind::Instructions) {
        return true;
    }
    let rule = (definition.key().to_owned(), RuleDocument::All(Vec::new()));
    let document = PolicyDocument { resources: [rule].into(), ..PolicyDocument::default() };
    Policy::try_from(document).is_ok()
}

/// The text of a policy for the server `name`, with a rule for each of `definitions`.
pub(crate) fn suggest(name: &UpstreamName, definitions: &[&Definition]) -> String {
    let mut text = format!(
        "# Who may use what of \"{name}\": a suggestion, made from what that server says about itself.\n\
         # It is not in force until it is accepted (--accept) or edited. Whether a tool only reads\n\
         # is known from its annotations and its name alone: check each line.\n\
         \n\
         [scopes] # every scope of this resource\n\
         \"{name}:read\" = \"Read from {name}: tools that change nothing, resources and prompts\"\n\
         \"{name}:write\" = {{ about = \"Use every tool of {name}\", implies = [\"{name}:read\"] }}\n\
         \"Admin.Read\" = \"See what would be decided about a token\"\n\
         \n\
         [roles] # what the holder of a role may hold\n\
         user = [\"{name}:read\"]\n\
         admin = {{ inherits = [\"user\"], scopes = [\"{name}:write\", \"Admin.Read\"] }}\n"
    );
    // Clients of the revisions before 2026-07-28 use these by themselves, where the server logs or
    // has tasks. They come first, so that a rule that is added at the end is not one of them.
    let _ = write!(
        text,
        "\n[methods]\n\
         \"logging/setLevel\" = \"{name}:read\" # which of its log lines a caller gets\n\
         \"tasks/result\" = \"{name}:read\" # of the caller's own tasks\n"
    );
    for (table, kinds) in [
        ("tools", &[Kind::Tool][..]),
        ("resources", &[Kind::Resource, Kind::Template, Kind::Skill]),
        ("prompts", &[Kind::Prompt]),
    ] {
        let of_table = definitions.iter().filter(|it| kinds.contains(&it.kind()));
        let lines: Vec<String> = of_table.map(|definition| line(name, definition)).collect();
        if !lines.is_empty() {
            // Writing to a `String` cannot fail.
            let _ = write!(text, "\n[{table}]\n{}", lines.concat());
        }
    }
    text
}

/// The line of one rule.
pub(crate) fn line(name: &UpstreamName, definition: &Definition) -> String {
    let key = quoted(definition.key());
    if !can_have_rule(definition) {
        return format!("# {key} cannot have a rule, so it is hidden\n");
    }
    let Need { writes, why } = need(definition);
    let scope = if writes { "write" } else { "read" };
    let kind = match definition.kind() {
        Kind::Tool => String::new(),
        kind => format!("{}: ", kind.name()),
    };
    format!("{key} = \"{name}:{scope}\" # {kind}{why}\n")
}

fn need(definition: &Definition) -> Need {
    if definition.kind() != Kind::Tool {
        return Need { writes: false, why: "reading it" };
    }
    let words = words(definition.key());
    let first_reads = words.first().is_some_and(|word| READING.contains(&word.as_str()));
    let Hints { read_only, destructive } = definition.hints();
    if WRITING.iter().any(|word| words.iter().any(|it| it == *word)) {
        // A name that says so counts for more than an annotation that denies it.
        return Need { writes: true, why: "its name says that it changes something" };
    }
    match (read_only, destructive, first_reads) {
        (_, Some(true), _) if read_only != Some(true) => {
            Need { writes: true, why: "its annotations say that it is destructive" }
        }
        (Some(true), ..) => Need { writes: false, why: "its annotations say that it only reads" },
        (Some(false), ..) => {
            Need { writes: true, why: "its annotations say that it does not only read" }
        }
        (None, _, true) => Need { writes: false, why: "its name says that it reads" },
        (None, _, false) => Need { writes: true, why: "nothing says that it only reads" },
    }
}

/// The words of a name, in lower case: `readFile`, `read_file` and `read-file` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A key of TOML: bare if it can be, else a basic string, in which nothing is not seen.
fn quoted(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !key.is_empty() && key.chars().all(is_bare) {
        return key.to_owned();
    }
    let mut text = String::from("\"");
    for c in key.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            c if is_risky(c) => {
                // Writing to a `String` cannot fail.
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use auth_core::Action;

    use super::*;
    use crate::config::policy_file::parse;

    fn tool(name: &str, annotations: &str) -> Definition {
        let name = serde_json::Value::from(name);
        let text = format!(r#"{{"name":{name},"annotations":{annotations}}}"#);
        Definition::read(Kind::Tool, &text).unwrap()
    }

    #[test]
    fn reading_is_what_both_permit_and_one_says() {
        let (reads, writes, destroys, none) = (
            r#"{"readOnlyHint":true}"#,
            r#"{"readOnlyHint":false}"#,
            r#"{"destructiveHint":true}"#,
            "{}",
        );
        for (name, annotations, is_writing) in [
            ("get_weather", none, false),
            ("readFile", none, false),
            ("weather", none, true),
            ("weather", reads, false),
            ("get_weather", writes, true),
            ("get_weather", destroys, true),
            ("delete_file", reads, true),
            ("get-or-create", none, true),
            ("ListAll", none, false),
            ("settings", reads, false),
            ("update", none, true),
            ("\u{202e}read", none, false),
        ] {
            assert_eq!(need(&tool(name, annotations)).writes, is_writing, "{name} {annotations}");
        }
    }

    #[test]
    fn the_suggestion_is_a_policy_with_a_rule_for_everything() {
        let read = |kind, text: &str| Definition::read(kind, text).unwrap();
        let definitions = [
            tool("get_weather", "{}"),
            tool("odd \"name\\ \u{202e}#", "{}"),
            read(Kind::Resource, r#"{"uri":"demo://static/a b.md"}"#),
            read(Kind::Template, r#"{"uriTemplate":"demo://dynamic/{id}"}"#),
            read(Kind::Template, r#"{"uriTemplate":"demo://{#query}"}"#),
            read(Kind::Prompt, r#"{"name":"write_poem"}"#),
        ];
        let name = "files".parse().unwrap();
        let text = suggest(&name, &definitions.iter().collect::<Vec<_>>());
        let offers: Vec<Action> = definitions
            .iter()
            .filter(|it| can_have_rule(it))
            .filter_map(|it| it.kind().action(it.key()))
            .collect();
        assert_eq!(offers.len(), 5, "{text}");
        let policy = parse(&text, &offers).unwrap();
        let needs = |index: usize| {
            let of = policy.requirements(&offers[index]).unwrap();
            of.iter().map(ToString::to_string).collect::<String>()
        };
        assert_eq!([needs(0), needs(1)], ["files:read", "files:write"]);
        assert_eq!([needs(2), needs(3), needs(4)], ["files:read"; 3]);
        assert!(text.contains("# \"demo://{#query}\" cannot have a rule"), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
        assert_eq!(policy.unreachable(), Vec::<&Action>::new());
    }

    #[test]
    fn a_server_that_offers_nothing_has_a_policy_too() {
        let text = suggest(&"empty".parse().unwrap(), &[]);
        assert!(parse(&text, &[]).is_ok(), "{text}");
        assert!(text.contains("\"logging/setLevel\" = \"empty:read\""), "{text}");
    }
}
