//! Raw values in, resolved configuration out. Every value is checked, and all errors are reported
//! together.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use audit_setup::AuditSettings;
use auth_core::{Action, Algorithm, Policy, ResourceUri, VerifyingKey};
use bartizan::CertificateAuthorities;
use directory::AnyDirectory;
use issuer_setup::{ProviderSections, authorities, sections};
use listener::{TrustedProxies, TrustedProxiesError};
use settings::{Environment, KeySource, Reader, SignInSettings, Variable, check_listen_address};
use traces::TracesConfig;

use crate::{
    admin::bind::AdminBind,
    app::resource::check_path,
    args::RunArgs,
    authenticate::Provisioning,
    config::{
        bounds::Bounds,
        issuers::{self, IssuerConfig},
        limits_store::LimitsStoreConfig,
        local_issuer::{LocalIssuer, local_issuer},
        origins::allowed_origins,
        policy_file::{self, PolicySource},
        provisioning, traces as traces_config,
        transport::Transport,
    },
    key_files::{DEFAULT_OUTAGE, KeyFile},
};

/// The resolved configuration of the server.
#[derive(Debug)]
pub struct Config {
    /// Where to listen: `host:port`.
    pub bind: String,
    /// How the server speaks to its callers.
    pub(crate) transport: Transport,
    /// Where operators ask, if anywhere.
    pub admin: Option<AdminBind>,
    /// The canonical URI.
    pub resource: ResourceUri,
    /// The issuer with the keys that this installation has itself, if there is one.
    pub local: Option<LocalIssuer>,
    /// The issuers of `issuers.toml` and of the sections `[issuers."…"]`.
    pub issuers: Vec<IssuerConfig>,
    /// The identity providers of the authorization server in this process.
    pub(crate) providers: ProviderSections,
    /// The origins of web pages that may call the server, besides its own.
    pub allowed_origins: Vec<String>,
    /// Certificate authorities to trust besides the system's where issuers are asked.
    pub authorities: CertificateAuthorities,
    /// The bounds of what callers can hold.
    pub(crate) bounds: Bounds,
    /// Where several nodes count rates together, if they do.
    pub(crate) limits_store: Option<LimitsStoreConfig>,
    /// The proxies that name the address of a caller.
    pub trusted_proxies: TrustedProxies,
    /// The directory of users.
    pub database_url: String,
    /// The issuers whose users are added on first use.
    pub provisioning: Provisioning,
    /// Whether clients of the revisions before 2026-07-28 have sessions.
    pub has_sessions: bool,
    /// The policy: who may do what.
    pub policy: Policy,
    /// Where the policy came from.
    pub policy_source: PolicySource,
    /// Where decisions are recorded, if they are.
    pub(crate) audit: Option<AuditSettings>,
    /// Where traces are sent, if they are.
    pub traces: Option<TracesConfig>,
}

/// Every error of the configuration, one a line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Resolves flags over environment over `.env` over `bartizan.toml` over defaults. The policy
    /// must have a rule for each of `offers`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] with every error.
    pub fn resolve(
        args: &RunArgs,
        environment: &Environment,
        offers: &[Action],
    ) -> Result<Self, ConfigError> {
        let policy = load_policy(args.policy.as_ref(), environment, offers);
        Self::resolve_with(args, environment, policy, true)
    }

    /// The same with a policy that was read already. `is_only_one`: there is no other, so that what
    /// names scopes and roles is compared with it.
    pub(crate) fn resolve_with(
        args: &RunArgs,
        environment: &Environment,
        policy: Result<(Policy, PolicySource), policy_file::PolicyFileError>,
        is_only_one: bool,
    ) -> Result<Self, ConfigError> {
        let mut faults = environment.config().errors().to_vec();
        let text = |flag: &Option<String>, variable: Variable| {
            flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
        };

        let bind = text(&args.bind, Variable::BindAddr);
        if let Err(fault) = check_listen_address(&bind) {
            let label = args.label(Variable::BindAddr, environment);
            faults.push(format!("{label} {bind:?}: {fault}"));
        }
        let admin = AdminBind::read(environment, &mut faults);
        if let Some(fault) = admin.as_ref().and_then(|admin| admin.check_apart_from(&bind)) {
            faults.push(format!("{} {fault}", environment.label(Variable::AdminBind)));
        }
        let resource = text(&args.resource, Variable::McpResource);
        let resource = parse_resource(&resource).map_err(|fault| {
            let label = args.label(Variable::McpResource, environment);
            faults.push(format!("{label} {resource:?}: {fault}"));
        });
        let transport = Transport::resolve(environment, resource.as_ref().ok(), &mut faults);
        if let Some(Err(fault)) = transport.as_ref().map(|it| it.check_configured(&bind)) {
            faults
                .push(format!("{} {bind:?}: {fault}", args.label(Variable::BindAddr, environment)));
        }
        let policy = policy.map_err(|fault| faults.push(fault.to_string()));
        let policy_read = policy.as_ref().ok().map(|(policy, _)| policy).filter(|_| is_only_one);
        let file = environment.get(Variable::IssuersFile).map(PathBuf::from);
        let file = args.issuers.as_ref().or(file.as_ref());
        let has_others = file.is_some() || environment.config().issuers().is_some();
        let local = {
            let resource = resource.as_ref().ok();
            local_issuer(args, environment, resource, has_others, &mut faults)
        };
        let issuers =
            other_issuers(file.map(PathBuf::as_path), policy_read, environment, &mut faults);
        let authorities = authorities(environment, &mut faults);
        let providers = providers(local.as_ref(), policy_read, environment, &mut faults);
        let is_local = |it: &&IssuerConfig| {
            local.as_ref().is_some_and(|local| local.issuer == *it.trusted.issuer())
        };
        if let Some(twice) = issuers.iter().find(is_local) {
            faults.push(format!(
                "{} is JWT_ISSUER, with a key in JWT_SECRET or JWT_KEY_FILE, and has a section [issuers]: keep one",
                twice.trusted.issuer()
            ));
        }

        let bounds = Bounds::read(environment, &mut faults);
        let limits_store = LimitsStoreConfig::resolve(environment, &mut faults);
        let trusted_proxies = environment.get(Variable::TrustedProxies).unwrap_or_default().parse();
        let trusted_proxies = trusted_proxies.map_err(|fault: TrustedProxiesError| {
            faults.push(format!("{}: {fault}", environment.label(Variable::TrustedProxies)));
        });
        let provisioning = {
            let local = local.as_ref().map(|local| &local.issuer);
            provisioning::resolve(environment, policy_read, local, &issuers, &mut faults)
        };

        let database_url = database_url(args, environment).map_err(|fault| faults.push(fault));
        let allowed_origins = allowed_origins(environment, &mut faults);
        let sessions = Reader::new(environment, &mut faults).word(Variable::Sessions);
        let audit = AuditSettings::resolve(environment, &mut faults);
        let traces = traces_config::resolve(environment, &authorities, &mut faults);

        match (resource, policy, trusted_proxies, transport, bounds, database_url) {
            (
                Ok(resource),
                Ok((policy, policy_source)),
                Ok(trusted_proxies),
                Some(transport),
                Some(bounds),
                Ok(database_url),
            ) if faults.is_empty() => Ok(Self {
                bind,
                transport,
                admin,
                resource,
                local,
                issuers,
                providers,
                allowed_origins,
                authorities,
                database_url,
                bounds,
                limits_store,
                trusted_proxies,
                provisioning,
                has_sessions: sessions == Some("database"),
                policy,
                policy_source,
                audit,
                traces,
            }),
            _ => Err(ConfigError(faults)),
        }
    }

    /// The files with keys that may change, and whose keys they are.
    #[must_use]
    pub fn key_files(&self) -> Vec<KeyFile> {
        let local = self.local.iter().filter_map(|local| match &local.keys.as_ref()?.source {
            KeySource::File(path) => Some(KeyFile {
                issuer: local.issuer.clone(),
                path: path.clone(),
                outage: local.outage,
            }),
            KeySource::Secret => None,
        });
        let others = self.issuers.iter().filter_map(|issuer| {
            Some(KeyFile {
                issuer: issuer.trusted.issuer().clone(),
                path: issuer.key_file.clone()?,
                outage: issuer.outage.unwrap_or(DEFAULT_OUTAGE),
            })
        });
        local.chain(others).collect()
    }

    /// What protects the server, for the line that it prints at start.
    #[must_use]
    pub fn protection(&self) -> String {
        self.protection_of(&self.resource, &self.policy_source)
    }

    /// The same for a resource with its policy.
    pub(crate) fn protection_of(&self, resource: &ResourceUri, policy: &PolicySource) -> String {
        let tokens = match (&self.local, self.issuers.as_slice()) {
            (Some(local), []) => {
                let keys = local.key_set();
                // Those who sign in get tokens of other keys than tokens made by hand have.
                let signed_in = local.sign_in.as_ref().map(|_| issuer_setup::KEY_ALGORITHM);
                let algorithms = keys.iter().map(VerifyingKey::algorithm).chain(signed_in);
                let algorithms: BTreeSet<_> = algorithms.map(Algorithm::name).collect();
                let mut algorithms = algorithms.into_iter().collect::<Vec<_>>().join("/");
                if !algorithms.is_empty() {
                    algorithms.push(' ');
                }
                format!("{algorithms}tokens of {}", local.issuer)
            }
            (None, [one]) => format!("tokens of {}", one.trusted.issuer()),
            (local, issuers) => {
                format!("tokens of {} issuers", issuers.len() + usize::from(local.is_some()))
            }
        };
        format!("protected: {tokens} for {resource}, policy {policy}")
    }
}

/// The identity providers of the authorization server, and what is wrong with how users sign in.
fn providers(
    local: Option<&LocalIssuer>,
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> ProviderSections {
    let settings = local.and_then(|local| local.sign_in.as_ref());
    let providers = sections::load(policy, environment, faults);
    check_sign_in(settings, &providers, policy, local.is_some(), faults);
    providers
}

/// Ways to sign in without a place to, and a place without ways.
fn check_sign_in(
    sign_in: Option<&SignInSettings>,
    providers: &ProviderSections,
    policy: Option<&Policy>,
    has_local: bool,
    faults: &mut Vec<String>,
) {
    let has_some = !providers.is_empty();
    match sign_in {
        // What is wrong with the local issuer is reported by itself.
        None if has_some && (has_local || faults.is_empty()) => faults.push(
            "[sign_in] and [assertions] are for an authorization server in this process: SIGN_IN says whether there is one".into(),
        ),
        Some(settings) => faults.extend(issuer_setup::check(settings, providers, policy)),
        None => {}
    }
}

/// The issuers of `bartizan.toml` and of the file that `ISSUERS_FILE` names.
fn other_issuers(
    file: Option<&Path>,
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> Vec<IssuerConfig> {
    let mut found = issuers::load_from_config(policy, environment, faults);
    if let Some(file) = file {
        found.extend(issuers::load(file, policy, environment, faults));
    }
    issuers::check_opaque(&found, faults);
    found
}

/// A resource whose path can be served beside the server's own.
fn parse_resource(text: &str) -> Result<ResourceUri, String> {
    let resource: ResourceUri = text.parse().map_err(|fault| format!("{fault}"))?;
    check_path(&resource).map_err(|fault| fault.to_string())?;
    Ok(resource)
}

/// The URL of the directory that the flag or the environment names.
///
/// # Errors
///
/// If it cannot be one: the text of the error, with the name of the flag or setting. No database is
/// asked.
pub(crate) fn database_url(args: &RunArgs, environment: &Environment) -> Result<String, String> {
    let url = args.database_url.as_deref().or(environment.get(Variable::DatabaseUrl));
    let url = url.unwrap_or_default();
    let label = || args.label(Variable::DatabaseUrl, environment);
    AnyDirectory::check(url).map_err(|fault| format!("{}: {fault}", label()))?;
    Ok(url.to_owned())
}

/// The policy file that the flag or the environment names.
pub(crate) fn policy_path(flag: Option<&PathBuf>, environment: &Environment) -> Option<PathBuf> {
    flag.cloned().or_else(|| environment.get(Variable::PolicyFile).map(PathBuf::from))
}

/// The policy that the flag or the environment names, or the built-in one; each of `offers` has a
/// rule in it.
pub(crate) fn load_policy(
    flag: Option<&PathBuf>,
    environment: &Environment,
    offers: &[Action],
) -> Result<(Policy, PolicySource), policy_file::PolicyFileError> {
    let path = policy_path(flag, environment);
    policy_file::load(path.as_deref(), environment, offers)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use auth_core::Clock;

    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let read = || {
            let pair = ("CA_FILE".to_owned(), path.display().to_string());
            let mut faults = Vec::new();
            let found = authorities(&Environment::from_pairs([pair]), &mut faults);
            (found, faults)
        };
        assert!(matches!(read().1.as_slice(), [one] if one.starts_with("CA_FILE ")));
        std::fs::write(&path, "nothing").unwrap();
        assert!(matches!(read().1.as_slice(), [one] if one.contains("no certificate")));
        let pem = include_bytes!("../../../client/tests/cli/tls/ca.pem");
        std::fs::write(&path, pem).unwrap();
        let (found, faults) = read();
        assert!(faults.is_empty() && !found.is_empty(), "{faults:?}");
        let clock: Arc<dyn Clock> = Arc::new(auth_core::SystemClock);
        assert!(bartizan::IssuerClient::trusting(clock, found).is_ok());
    }
}
