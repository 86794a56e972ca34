//! `NAME/TOOL`: a tool of a server behind the gateway, whose resource and policy are its own.

use std::path::{Path, PathBuf};

use auth_core::ResourceUri;
use settings::{Environment, Variable, upstream_policy};

use crate::config_error::ConfigError;

/// A server behind the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Upstream {
    /// What it is called.
    pub(crate) name: String,
    /// Its own resource; `None`: the configured one, where it was started from the command line.
    pub(crate) resource: Option<ResourceUri>,
    /// Its policy.
    pub(crate) policy: PathBuf,
}

/// The server and the tool that `text` names. `None` if it names a tool alone: there is neither a
/// section `[upstreams.NAME]` nor a file `NAME.policy.toml` in the current folder.
pub(crate) fn named<'a>(
    text: &'a str,
    environment: &Environment,
) -> Result<Option<(Upstream, &'a str)>, ConfigError> {
    let Some((name, tool)) = text.split_once('/') else { return Ok(None) };
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        return Ok(None);
    }
    let origin = environment
        .get(Variable::McpResource)
        .and_then(|resource| resource.parse::<ResourceUri>().ok())
        .map(|resource| resource.origin())
        .unwrap_or_default();
    let found = if let Some(served) = environment.config().upstream(name, &origin) {
        let resource = served.resource.parse();
        let resource = resource.map_err(|fault| ConfigError::Upstream(name.to_owned(), fault))?;
        Some((Some(resource), served.policy))
    } else {
        let policy = upstream_policy(name, None, Path::new(""));
        policy.exists().then_some((None, policy))
    };
    Ok(found.map(|(resource, policy)| (Upstream { name: name.to_owned(), resource, policy }, tool)))
}

/// Takes the name of the server from each of `tools`: all must be of one, or none of any.
pub(crate) fn take(
    tools: &mut [String],
    environment: &Environment,
) -> Result<Option<Upstream>, ConfigError> {
    let mut found: Option<Upstream> = None;
    let mut is_first = true;
    for tool in tools {
        let named = named(tool, environment)?;
        let (upstream, rest) = named.map(|(it, rest)| (it, rest.to_owned())).unzip();
        if !std::mem::take(&mut is_first) && found != upstream {
            return Err(ConfigError::TwoServers);
        }
        found = upstream;
        if let Some(rest) = rest {
            *tool = rest;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use settings::ConfigFile;

    use super::*;

    fn environment() -> Environment {
        let text = "[upstreams.files]\ncommand = [\"x\"]\n[upstreams.far]\ncommand = [\"x\"]\n\
                    resource = \"http://far.example\"\n";
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        let resource = ("MCP_RESOURCE".to_owned(), "https://mcp.example/mcp".to_owned());
        Environment::from_pairs([resource]).with_config(config)
    }

    fn taken(tools: &[&str]) -> (Vec<String>, Result<Option<Upstream>, ConfigError>) {
        let mut tools: Vec<String> = tools.iter().map(|it| (*it).to_owned()).collect();
        let found = take(&mut tools, &environment());
        (tools, found)
    }

    #[test]
    fn a_tool_of_a_server_has_its_resource_and_its_policy() {
        let (tools, found) = taken(&["files/read_file", "files/a/b"]);
        let found = found.unwrap().unwrap();
        assert_eq!(tools, ["read_file", "a/b"]);
        assert_eq!(found.resource.unwrap().as_str(), "https://mcp.example/mcp/files");
        assert_eq!(found.policy, Path::new("conf/files.policy.toml"));
    }

    #[test]
    fn a_slash_in_the_name_of_a_tool_is_no_server() {
        let (tools, found) = taken(&["other/read", "A/b", "/x"]);
        assert_eq!((tools.join(" ").as_str(), found.unwrap()), ("other/read A/b /x", None));
    }

    #[test]
    fn one_token_is_for_one_server() {
        for tools in [&["files/a", "b"][..], &["b", "files/a"]] {
            assert!(matches!(taken(tools).1, Err(ConfigError::TwoServers)), "{tools:?}");
        }
        assert!(matches!(taken(&["far/a"]).1, Err(ConfigError::Upstream(..))));
    }
}
