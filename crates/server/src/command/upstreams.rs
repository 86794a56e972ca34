//! `server upstreams …`: what the servers behind the gateway offer, and what of it was accepted.

use std::path::{Path, PathBuf};

use ::upstream::pool::PoolConfig;
use auth_core::{Clock, ResourceUri, SystemClock, display::quoted};
use serde_json::Value;
use settings::{Environment, Variable};
use terminal::{Invocation, Program, Screen};

use crate::{
    args::{OutputFormat, RunArgs, UpstreamArgs, UpstreamsCommand},
    command::{context::write_json, record},
    config::{
        settings::ConfigError,
        upstreams::{
            self, UpstreamConfig, UpstreamName, UpstreamPlace, name_of_command, name_of_url,
        },
    },
    failure::Failure,
    gateway::{self, Patience, Review, UpstreamFiles},
};

pub(crate) async fn upstreams(
    command: UpstreamsCommand,
    args: &RunArgs,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    match command {
        UpstreamsCommand::Status { name, all, output, upstream } => {
            let configs = chosen(name.as_deref(), &upstream, args, environment)?;
            let accept = invocation.command(Program::Server, "upstreams accept NAME");
            status(&configs, all, output, (environment, &accept), out).await
        }
        UpstreamsCommand::Diff { name, upstream } => {
            let config = one(&name, &upstream, args, environment)?;
            let pins = UpstreamFiles::read(&config)?.lock.unwrap_or_default().pins;
            let offered = listed(&config, environment).await?;
            gateway::write_changes(&Review::of(&offered, &pins), &pins, out)
        }
        UpstreamsCommand::Accept { name, upstream } => {
            let config = one(&name, &upstream, args, environment)?;
            let offered = gateway::listed(&config, Patience::UNKNOWN, environment).await;
            let diff = diff_command(&config, &upstream, invocation);
            let recorded = config.clone();
            let accept = || gateway::prepare(config, offered, true, &diff, out).map(drop);
            let context = (args, environment, &SystemClock as &dyn Clock);
            record::accepting("upstreams accept", &recorded, context, accept).await
        }
    }
}

/// The command that shows what differs of the server of `config`, which `upstream` describes if it
/// is no section.
pub(crate) fn diff_command(
    config: &UpstreamConfig,
    upstream: &UpstreamArgs,
    invocation: &Invocation,
) -> String {
    let mut arguments = format!("upstreams diff {}", config.name);
    if let UpstreamPlace::Url(place) = &config.place
        && upstream.url.is_some()
    {
        // Without its query, which may hold a key.
        arguments.push_str(" --url ");
        arguments.push_str(&quoted(&place.url.to_string()));
    }
    if !upstream.command.is_empty() {
        arguments.push_str(" --");
        for word in &upstream.command {
            arguments.push(' ');
            arguments.push_str(&quoted(word));
        }
    }
    invocation.command(Program::Server, &arguments)
}

async fn status(
    configs: &[UpstreamConfig],
    all: bool,
    output: OutputFormat,
    (environment, accept): (&Environment, &str),
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (mut entries, mut differing, mut failed) = (Vec::new(), Vec::new(), None);
    let mut is_some_settled = false;
    for config in configs {
        let name = config.name.as_str();
        let files = UpstreamFiles::read(config)?;
        let is_accepted = files.is_accepted();
        let pins = files.lock.unwrap_or_default().pins;
        let offered = match listed(config, environment).await {
            Ok(offered) => offered,
            // The others are asked anyway.
            Err(error) => {
                failed.get_or_insert(error);
                continue;
            }
        };
        let review = Review::of(&offered, &pins);
        if !review.is_settled() || !is_accepted {
            differing.push(name);
        }
        match output {
            OutputFormat::Json => match gateway::review_json(name, &review) {
                Value::Array(found) => entries.extend(found),
                other => entries.push(other),
            },
            OutputFormat::Text => {
                let shown = gateway::shown_review(name, &review, all, out.columns());
                let policy = config.policy.display();
                let note = if is_accepted {
                    String::new()
                } else {
                    format!("{name}: not served until {policy} is accepted\n")
                };
                let settled = if shown.is_empty() && is_accepted {
                    is_some_settled = true;
                    format!("{name}: as it was accepted\n")
                } else {
                    String::new()
                };
                write!(out, "{shown}{settled}{note}").map_err(Failure::output)?;
            }
        }
    }
    if output == OutputFormat::Json {
        write_json(&entries, out)?;
    }
    if is_some_settled {
        let note = format!(
            "A running gateway still hides definitions that it saw change; /readyz counts them. To \
             use them again: `{accept}`\n"
        );
        out.write_all(note.as_bytes()).map_err(Failure::output)?;
    }
    match (failed, differing.as_slice()) {
        (Some(error), _) => Err(error),
        (None, []) => Ok(()),
        (None, names) => {
            Err(Failure::Usage(format!("not as it was accepted: {}", names.join(", "))))
        }
    }
}

async fn listed(
    config: &UpstreamConfig,
    environment: &Environment,
) -> Result<::upstream::catalog::Offered, Failure> {
    let offered = gateway::listed(config, Patience::UNKNOWN, environment).await;
    offered
        .map_err(|source| Failure::Listing { name: config.name.to_string(), source: source.into() })
}

/// The one upstream `name`.
fn one(
    name: &str,
    upstream: &UpstreamArgs,
    args: &RunArgs,
    environment: &Environment,
) -> Result<UpstreamConfig, Failure> {
    let found = chosen(Some(name), upstream, args, environment)?;
    found.into_iter().next().ok_or_else(|| Failure::NoSuchUpstream(name.to_owned()))
}

/// The upstreams that the command line means: the one that it describes, else the section `name`,
/// else all sections.
pub(crate) fn chosen(
    name: Option<&str>,
    upstream: &UpstreamArgs,
    args: &RunArgs,
    environment: &Environment,
) -> Result<Vec<UpstreamConfig>, Failure> {
    let resource = args.resource.as_deref().or(environment.get(Variable::McpResource));
    let resource = resource.unwrap_or_default();
    let resource: ResourceUri = resource
        .parse()
        .map_err(|fault| Failure::Usage(format!("MCP_RESOURCE {resource:?}: {fault}")))?;
    if let Some(members) = upstream.members() {
        let found = upstreams::described(members, args, environment, &resource);
        let (place, pool) = found.map_err(|faults| Failure::Usage(faults.join("\n")))?;
        return Ok(vec![from_arguments(name, place, pool, resource, args)?]);
    }
    let mut faults = Vec::new();
    let mut found = upstreams::load(args, environment, &resource, &mut faults);
    if !faults.is_empty() {
        return Err(ConfigError(faults).into());
    }
    match name {
        Some(name) => {
            found.retain(|it| it.name.as_str() == name);
            if found.is_empty() {
                return Err(Failure::NoSuchUpstream(name.to_owned()));
            }
        }
        None if found.is_empty() => {
            return Err(Failure::Usage(
                "no server: write a command after --, or --url, or [upstreams.NAME] in bartizan.toml"
                    .into(),
            ));
        }
        None => {}
    }
    Ok(found)
}

/// The policy file and the lock file of the server `name`: those of its section, else those that a
/// server of the command line has.
pub(crate) fn files_of(
    name: &str,
    args: &RunArgs,
    environment: &Environment,
) -> Result<(PathBuf, PathBuf), Failure> {
    match one(name, &UpstreamArgs::default(), args, environment) {
        Ok(config) => Ok((config.policy, config.lock)),
        Err(Failure::NoSuchUpstream(_)) => {
            let name: UpstreamName =
                name.parse().map_err(|fault| Failure::Usage(format!("{name:?}: {fault}")))?;
            let policy = args.policy.clone();
            let policy = policy
                .unwrap_or_else(|| settings::upstream_policy(name.as_str(), None, Path::new("")));
            let lock = UpstreamConfig::lock_beside(&policy, &name);
            Ok((policy, lock))
        }
        Err(fault) => Err(fault),
    }
}

/// The one server of the command line: it is the resource of `MCP_RESOURCE`.
fn from_arguments(
    name: Option<&str>,
    place: UpstreamPlace,
    pool: PoolConfig,
    resource: ResourceUri,
    args: &RunArgs,
) -> Result<UpstreamConfig, Failure> {
    let name: UpstreamName = match (name, &place) {
        (Some(name), _) => {
            name.parse().map_err(|fault| Failure::Usage(format!("--name {name:?}: {fault}")))?
        }
        (None, UpstreamPlace::Command(place)) => {
            name_of_command(&place.command).ok_or_else(unnamed)?
        }
        (None, UpstreamPlace::Url(place)) => {
            name_of_url(&place.url.to_string()).ok_or_else(unnamed)?
        }
    };
    let policy = args
        .policy
        .clone()
        .unwrap_or_else(|| settings::upstream_policy(name.as_str(), None, Path::new("")));
    let lock = UpstreamConfig::lock_beside(&policy, &name);
    Ok(UpstreamConfig { name, resource, place, pool, roots: false, policy, lock })
}

fn unnamed() -> Failure {
    Failure::Usage("this server has no name: add --name NAME".into())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use settings::ConfigFile;

    use super::*;

    fn find(
        name: Option<&str>,
        upstream: &UpstreamArgs,
        text: &str,
    ) -> Result<Vec<UpstreamConfig>, Failure> {
        let config = ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned());
        let environment = Environment::from_pairs([]).with_config(config);
        chosen(name, upstream, &RunArgs::default(), &environment)
    }

    #[test]
    fn the_command_line_describes_one_server_at_the_resource_of_this_one() {
        let command = ["npx", "-y", "@modelcontextprotocol/server-everything"];
        let command =
            UpstreamArgs { command: command.map(str::to_owned).into(), ..UpstreamArgs::default() };
        let found = find(None, &command, "").unwrap();
        assert_eq!(found[0].name.as_str(), "everything");
        assert_eq!(found[0].resource.as_str(), "http://localhost:8000/mcp");
        assert_eq!(found[0].policy, Path::new("everything.policy.toml"));
        assert_eq!(found[0].lock, Path::new("everything.lock.json"));
        let url = UpstreamArgs {
            url: Some("http://127.0.0.1:9000/mcp".into()),
            ..UpstreamArgs::default()
        };
        assert_eq!(find(Some("notes"), &url, "").unwrap()[0].name.as_str(), "notes");
        for wrong in ["http://10.0.0.1/mcp?key=k3y", "a.example"] {
            let url = UpstreamArgs { url: Some(wrong.into()), ..UpstreamArgs::default() };
            let fault = find(Some("notes"), &url, "").unwrap_err().to_string();
            assert!(fault.starts_with("--url: ") && !fault.contains("k3y"), "{fault}");
        }
        let plain = UpstreamArgs {
            url: Some("http://10.0.0.1/mcp".into()),
            plain_http: true,
            ..UpstreamArgs::default()
        };
        assert_eq!(find(Some("notes"), &plain, "").unwrap().len(), 1);
        let fault = find(Some("No"), &url, "").unwrap_err().to_string();
        assert!(fault.starts_with("--name \"No\": "), "{fault}");
    }

    #[test]
    fn else_the_sections_are_meant_by_their_names() {
        let text = "[upstreams.a]\nurl = \"http://127.0.0.1:1/a\"\n[upstreams.b]\nurl = \"http://127.0.0.1:1/b\"\n";
        let none = UpstreamArgs::default();
        assert_eq!(find(None, &none, text).unwrap().len(), 2);
        let found = find(Some("b"), &none, text).unwrap();
        assert_eq!(found[0].resource.as_str(), "http://localhost:8000/mcp/b");
        assert!(matches!(find(Some("c"), &none, text), Err(Failure::NoSuchUpstream(_))));
        assert!(matches!(find(None, &none, ""), Err(Failure::Usage(_))));
        assert!(matches!(find(None, &none, "[upstreams.a]\n"), Err(Failure::Config(_))));
    }
}
