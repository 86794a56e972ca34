//! What is made from the table: `.env.example`, the reference page, and the JSON Schema of
//! `bartizan.toml`.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::{Setting, Shape, Variable};

const EXAMPLE_HEAD: &str = "\
# Copied to .env by `just token` on first use, with a fresh secret put in. A flag beats the
# environment, which beats .env, which beats bartizan.toml, which beats the default: the value here.
";
/// The placeholder for a secret in the example; it is not accepted as one.
const PLACEHOLDER: &str = "<just-token-puts-a-fresh-secret-here>";
/// How long a line of the example may be.
const WIDTH: usize = 100;

const REFERENCE_HEAD: &str = "\
# Settings

Made by `bartizan-server config reference`; a test compares it.

A flag beats the environment, which beats `.env`, which beats `bartizan.toml`, which beats the default.
`bartizan.toml` is read from the folder of `.env`, or from where `--config` or `CONFIG_FILE` says. Secrets are
read from the environment, from `.env` or from files that are named by path, never from `bartizan.toml`.

A relative path in `bartizan.toml` starts at the folder of that file. Any other relative path, also a default
(`data/directory.db`), starts at the folder in which the program runs: under the
[unit](deploy/bartizan-server.service) that is `/var/lib/bartizan`. There the server cannot write below
`/etc/bartizan`, so name the whole path of a folder or a file that it writes (`keys`, `acme_folder`, the audit log).

`bartizan-server config check` reports every error with its line, `bartizan-server config show` prints each
value and where it comes from, and `bartizan-server config schema` prints a JSON Schema, which lets editors
complete the file:

```toml
#:schema ./bartizan.schema.json

[server]
bind = \"0.0.0.0:443\"
resource = \"https://mcp.example/mcp\"

[tls]
certificate_file = \"tls/fullchain.pem\"
key_file = \"tls/key.pem\"

[policy]
file = \"policy.toml\"

[issuers.\"https://login.example\"]
preset = \"keycloak\"
```

The sections `[issuers.\"https://…\"]` are described in [issuers.md](issuers.md), the section `[issuer]` and
the sections `[sign_in.NAME]` and `[assertions.NAME]` in [sign-in.md](sign-in.md), the sections
`[upstreams.NAME]` in [gateway.md](gateway.md).

The programs `server`, `client` and `mint-token` are installed as `bartizan-server`, `bartizan` and
`bartizan-token`.

| variable | in `bartizan.toml` | default | what | programs |
|---|---|---|---|---|
";

/// The text of `.env.example`.
#[must_use]
pub fn env_example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    for variable in Variable::ALL {
        let setting = variable.setting();
        text.push('\n');
        for line in wrapped(&described(setting)) {
            text.extend(["# ", &line, "\n"]);
        }
        let line = if variable == Variable::JwtSecret {
            format!("{}={PLACEHOLDER}\n", setting.name)
        } else {
            format!("# {}={}\n", setting.name, setting.default.unwrap_or_default())
        };
        text.push_str(&line);
    }
    text
}

/// The page `docs/settings.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = REFERENCE_HEAD.to_owned();
    for variable in Variable::ALL {
        let setting = variable.setting();
        let place = match setting.toml {
            Some((section, key)) if !setting.is_secret => format!("`{section}.{key}`"),
            _ => "–".to_owned(),
        };
        let default = setting.default.map_or("–".to_owned(), |default| format!("`{default}`"));
        let programs: Vec<_> = setting.programs.iter().map(|program| program.name()).collect();
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {place} | {default} | {} | {} |",
            setting.name,
            described(setting),
            programs.join(", ")
        );
    }
    text
}

/// The JSON Schema (draft 2020-12) of `bartizan.toml`, given the schemas of the sections
/// `[issuers."…"]`, `[sign_in.NAME]`, `[assertions.NAME]` and `[upstreams.NAME]`.
#[must_use]
pub fn schema(issuer: &Value, provider: &Value, assertions: &Value, upstream: &Value) -> Value {
    let mut sections = Map::new();
    for variable in Variable::ALL {
        let setting = variable.setting();
        let Some((section, key)) = setting.toml.filter(|_| !setting.is_secret) else { continue };
        let section = sections.entry(section).or_insert_with(
            || json!({ "type": "object", "additionalProperties": false, "properties": {} }),
        );
        if let Some(members) = section.get_mut("properties").and_then(Value::as_object_mut) {
            members.insert(key.to_owned(), member(setting));
        }
    }
    sections.insert(
        "issuers".to_owned(),
        json!({
            "type": "object",
            "description": "The issuers to trust besides JWT_ISSUER, each named by its iss.",
            "additionalProperties": issuer,
        }),
    );
    for (name, description, section) in [
        ("sign_in", "The identity providers with which users sign in, by name.", provider),
        ("assertions", "The issuers whose assertions are exchanged, by name.", assertions),
        ("upstreams", "The MCP servers behind the gateway, by name.", upstream),
    ] {
        let named = json!({
            "type": "object", "description": description, "additionalProperties": section,
        });
        sections.insert(name.to_owned(), named);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bartizan.toml",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

/// The schema of one setting.
fn member(setting: &Setting) -> Value {
    let mut schema = match setting.shape {
        Shape::Text | Shape::Path => json!({ "type": "string" }),
        Shape::Number { least, most } => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Choice(words) => {
            let words = words.iter().copied().map(Value::from);
            let switch = words.clone().any(|word| word == "on" || word == "true");
            let booleans = [Value::from(true), Value::from(false)];
            let all: Vec<_> = words.chain(booleans.into_iter().filter(|_| switch)).collect();
            json!({ "enum": all })
        }
        Shape::List => json!({ "type": "array", "items": { "type": "string" } }),
    };
    if let Some(members) = schema.as_object_mut() {
        let description = format!("{} Variable: {}.", setting.help, setting.name);
        members.insert("description".into(), description.into());
        if let Some(default) = setting.default {
            let number = matches!(setting.shape, Shape::Number { .. });
            let number = default.parse::<u64>().ok().filter(|_| number);
            members.insert("default".into(), number.map_or_else(|| default.into(), Value::from));
        }
    }
    schema
}

/// The help, with what the shape adds.
fn described(setting: &Setting) -> String {
    let help = setting.help;
    match setting.shape {
        Shape::List => format!("{help} Commas between."),
        Shape::Number { least, most } => format!("{help} From {least} to {most}."),
        Shape::Choice(words) if !help.contains(" or ") && !help.contains(": ") => {
            format!("{help} One of {}.", words.join(", "))
        }
        _ => help.to_owned(),
    }
}

/// `text` in lines of at most [`WIDTH`] characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() + 3 <= WIDTH => {
                line.extend([" ", word]);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_and_the_reference_page_are_made_from_the_table() {
        for (file, text) in [(".env.example", env_example()), ("docs/settings.md", reference())] {
            let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
            if std::fs::read_to_string(&path).unwrap_or_default() != text {
                let fresh = std::env::temp_dir().join(file.replace('/', "-"));
                std::fs::write(&fresh, text).unwrap();
                panic!("{file} is stale: copy {} over it", fresh.display());
            }
        }
    }

    #[test]
    fn the_schema_has_every_setting_but_secrets() {
        let schema = schema(&json!({}), &json!({}), &json!({}), &json!({}));
        for variable in Variable::ALL {
            let setting = variable.setting();
            let Some((section, key)) = setting.toml else { continue };
            let member = &schema["properties"][section]["properties"][key];
            assert_eq!(member.is_null(), setting.is_secret, "{variable:?}");
        }
        let connections = &schema["properties"]["limits"]["properties"]["max_connections"];
        assert_eq!((&connections["default"], &connections["minimum"]), (&json!(1024), &json!(1)));
    }

    #[test]
    fn a_place_in_the_file_belongs_to_one_setting() {
        for variable in Variable::ALL {
            if let Some((section, key)) = variable.setting().toml {
                assert_eq!(Variable::at(section, key), Some(variable));
            }
        }
    }
}
