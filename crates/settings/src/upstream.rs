//! Where the gateway serves the server of a section `[upstreams.NAME]`, and by which policy: the
//! members that other programs than the gateway need.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::ConfigFile;

/// What a section says about how its server is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedUpstream {
    /// Its canonical URI, not yet checked.
    pub resource: String,
    /// Its policy file.
    pub policy: PathBuf,
}

/// The canonical URI of the server `name`: `resource`, or else `origin` with `path`, or else with
/// `/mcp/NAME`.
#[must_use]
pub fn upstream_resource(
    name: &str,
    resource: Option<String>,
    path: Option<String>,
    origin: &str,
) -> String {
    let path = || path.unwrap_or_else(|| format!("/mcp/{name}"));
    resource.unwrap_or_else(|| format!("{origin}{}", path()))
}

/// The policy file of the server `name`: `policy`, or else `NAME.policy.toml`, in `folder`.
#[must_use]
pub fn upstream_policy(name: &str, policy: Option<String>, folder: &Path) -> PathBuf {
    folder.join(policy.unwrap_or_else(|| format!("{name}.policy.toml")))
}

impl ConfigFile {
    /// The server of the section `[upstreams.NAME]`, if there is one. `origin` is where callers
    /// reach the gateway.
    #[must_use]
    pub fn upstream(&self, name: &str, origin: &str) -> Option<ServedUpstream> {
        let table = self.upstreams()?.parse::<Table>().ok()?;
        let section = table.get("upstreams")?.as_table()?.get(name)?.as_table()?;
        let text = |member: &str| section.get(member).and_then(Value::as_str).map(str::to_owned);
        let folder = self.path().parent().unwrap_or(Path::new("."));
        Some(ServedUpstream {
            resource: upstream_resource(name, text("resource"), text("path"), origin),
            policy: upstream_policy(name, text("policy"), folder),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_where_its_server_is_served() {
        let text = "[upstreams.files]\ncommand = [\"x\"]\n\
                    [upstreams.notes]\nurl = \"https://n.example\"\npath = \"/notes\"\npolicy = \"n.toml\"\n\
                    [upstreams.far]\nurl = \"https://n.example\"\nresource = \"https://far.example/mcp\"\n";
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        let found = |name: &str| {
            let found = config.upstream(name, "https://mcp.example")?;
            Some((found.resource, found.policy.display().to_string()))
        };
        let expected = |resource: &str, policy: &str| Some((resource.into(), policy.into()));
        assert_eq!(
            found("files"),
            expected("https://mcp.example/mcp/files", "conf/files.policy.toml")
        );
        assert_eq!(found("notes"), expected("https://mcp.example/notes", "conf/n.toml"));
        assert_eq!(found("far"), expected("https://far.example/mcp", "conf/far.policy.toml"));
        assert_eq!(found("none"), None);
    }
}
