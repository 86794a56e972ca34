//! The settings of `serve`: those of the server that concern its authorization server. All errors
//! are reported together.

use std::time::Duration;

use audit_setup::AuditSettings;
use auth_core::{Issuer, ResourceUri};
use directory::AnyDirectory;
use issuer::ServedResource;
use issuer_setup::{IssuerSetup, authorities, check, sections};
use listener::{TrustedProxies, TrustedProxiesError};
use settings::{Environment, Reader, SignInSettings, Variable, check_listen_address};
use tls_setup::Host;

use super::transport::Transport;
use crate::{args::ServeArgs, policy};

/// What it needs.
pub(super) struct ServeSettings {
    /// Where to listen: `host:port`.
    pub(super) bind: String,
    /// How it speaks there.
    pub(super) transport: Transport,
    /// The host that browsers and clients call.
    pub(super) host: Host,
    /// The authorization server.
    pub(super) setup: IssuerSetup,
    /// Where changes are recorded, if they are.
    pub(super) audit: Option<AuditSettings>,
    /// The directory of users.
    pub(super) database_url: String,
    /// How many connections are open at once.
    pub(super) max_connections: usize,
    /// How many of them one address may have; `None`: public addresses have a part.
    pub(super) max_per_address: Option<usize>,
    /// How long requests under way may go on at a stop.
    pub(super) shutdown: Duration,
    /// The proxies that name the address of a caller.
    pub(super) proxies: TrustedProxies,
}

impl ServeSettings {
    /// Puts the flags over the environment.
    pub(super) fn resolve(
        args: &ServeArgs,
        environment: &Environment,
    ) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let text = |variable| environment.get(variable).unwrap_or_default();
        let bind = args.bind.as_deref().unwrap_or(text(Variable::BindAddr)).to_owned();
        if let Err(fault) = check_listen_address(&bind) {
            let label = environment.label(Variable::BindAddr);
            let label = args.bind.as_ref().map_or(label.as_str(), |_| "--bind");
            faults.push(format!("{label} {bind:?}: {fault}"));
        }
        let issuer = issuer(text(Variable::JwtIssuer), &mut faults);
        let transport =
            Transport::resolve(environment, issuer.as_ref().map(|(it, _)| it), &mut faults);
        if let Some(Err(fault)) = transport.as_ref().map(|it| it.check_configured(&bind)) {
            faults.push(fault.to_string());
        }
        let resource = text(Variable::McpResource);
        let resource = resource
            .parse::<ResourceUri>()
            .map_err(|fault| faults.push(format!("MCP_RESOURCE {resource:?}: {fault}")));
        let policy = policy::load(args.policy.as_deref(), environment)
            .map_err(|fault| faults.push(fault.to_string()));
        let policy = policy.ok().map(|named| named.policy);
        let settings = SignInSettings::resolve(environment, &mut faults);
        let authorities = authorities(environment, &mut faults);
        let providers = sections::load(policy.as_ref(), environment, &mut faults);
        if let Some(settings) = &settings {
            faults.extend(check(settings, &providers, policy.as_ref()));
        }
        let audit = AuditSettings::resolve(environment, &mut faults);
        let mut reader = Reader::new(environment, &mut faults);
        let max_connections = reader.count(Variable::MaxConnections);
        let shutdown = reader.number(Variable::ShutdownTimeout);
        let max_per_address = reader.optional_count(Variable::MaxConnectionsPerAddress);
        reader.check_shares(&[(Variable::MaxConnectionsPerAddress, Variable::MaxConnections)]);
        let proxies = text(Variable::TrustedProxies).parse();
        let proxies = proxies.map_err(|fault: TrustedProxiesError| {
            faults.push(format!("{}: {fault}", environment.label(Variable::TrustedProxies)));
        });
        let database_url = text(Variable::DatabaseUrl);
        if let Err(fault) = AnyDirectory::check(database_url) {
            faults.push(format!("{}: {fault}", environment.label(Variable::DatabaseUrl)));
        }
        match (issuer, resource, policy, settings, proxies, transport, max_connections, shutdown) {
            (
                Some((issuer, host)),
                Ok(resource),
                Some(policy),
                Some(settings),
                Ok(proxies),
                Some(transport),
                Some(max_connections),
                Some(shutdown),
            ) if faults.is_empty() => {
                let resource_name = resource.origin().rsplit('/').next().unwrap_or_default().into();
                let resource =
                    ServedResource { uri: resource, name: resource_name, policy: policy.into() };
                let resources = vec![resource];
                let setup = IssuerSetup { issuer, resources, settings, providers, authorities };
                Ok(Self {
                    bind,
                    transport,
                    host,
                    setup,
                    audit,
                    database_url: database_url.to_owned(),
                    max_connections,
                    max_per_address,
                    shutdown: Duration::from_secs(shutdown),
                    proxies,
                })
            }
            _ => Err(faults),
        }
    }
}

/// `JWT_ISSUER`: a canonical URL, `https` or on this machine; and its host.
fn issuer(text: &str, faults: &mut Vec<String>) -> Option<(Issuer, Host)> {
    let url = text.strip_suffix('/').unwrap_or(text).parse::<ResourceUri>().ok();
    let is_safe = |url: &ResourceUri| text.starts_with("https://") || url.is_loopback();
    let Some(url) = url.filter(is_safe) else {
        faults.push(format!(
            "JWT_ISSUER {text:?}: write the https URL at which browsers reach this program"
        ));
        return None;
    };
    let issuer = text.parse().map_err(|fault| faults.push(format!("JWT_ISSUER {text:?}: {fault}")));
    Some((issuer.ok()?, Host { name: url.host().to_owned(), setting: "JWT_ISSUER" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(pairs: &[(&str, &str)]) -> Result<ServeSettings, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let args = ServeArgs { bind: None, policy: None, env_file: ".env".into() };
        ServeSettings::resolve(&args, &Environment::from_pairs(pairs))
    }

    #[test]
    fn it_needs_no_secret_and_runs_where_the_server_must_not_sign_in() {
        let found = resolved(&[
            ("SIGN_IN", "off"),
            ("JWT_ISSUER", "https://login.example"),
            ("MCP_RESOURCE", "https://mcp.example/mcp"),
        ]);
        let found = found.ok().unwrap();
        assert_eq!(found.setup.issuer.as_str(), "https://login.example");
        assert_eq!(found.setup.resources[0].name, "mcp.example");
        assert_eq!(found.host.name, "login.example");
    }

    #[test]
    fn all_that_is_wrong_is_reported_together() {
        let faults = resolved(&[
            ("BIND_ADDR", "here"),
            ("JWT_ISSUER", "http://login.example"),
            ("MCP_RESOURCE", "mcp"),
            ("SECOND_FACTOR_ROLES", "king"),
            ("SIGN_IN_PASSWORDS", "off"),
            ("MAX_CONNECTIONS", "0"),
            ("TRUSTED_PROXIES", "0.0.0.0/0"),
            ("CA_FILE", "/no/such/file"),
            ("AUDIT_FILE", "audit.jsonl"),
            ("DATABASE_URL", "postgres://db.example/users?sslmod=disable"),
        ]);
        let faults = faults.err().unwrap();
        for text in [
            "BIND_ADDR",
            "JWT_ISSUER",
            "MCP_RESOURCE",
            "king",
            "PASSWORDS",
            "MAX_CONN",
            "TRUSTED_PROXIES",
            "CA_FILE",
            "AUDIT_KEY_FILE",
            "DATABASE_URL: the URL of the PostgreSQL database cannot be used: its parameter sslmod",
        ] {
            assert!(faults.iter().any(|it| it.contains(text)), "{text}: {faults:#?}");
        }
    }

    #[test]
    fn an_address_without_a_host_is_named_by_the_flag() {
        let args = ServeArgs { bind: Some(":9000".into()), policy: None, env_file: ".env".into() };
        let faults = ServeSettings::resolve(&args, &Environment::from_pairs([])).err().unwrap();
        let fault = "--bind \":9000\": there is no host: write 127.0.0.1:9000";
        assert!(faults.iter().any(|it| it.starts_with(fault)), "{faults:#?}");
    }
}
