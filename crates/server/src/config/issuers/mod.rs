//! The issuers' file: TOML in, trusted issuers out.
//!
//! 1. A section is one issuer, named by its `iss`. What it does not say, its `preset` says, else RFC 9068.
//! 2. No secret stands in the file: it names the variable or the file that holds one.
//! 3. A member that nobody knows is a fault. All faults of all sections are told together.
//! 4. Paths in the file begin at the file's own folder.

mod schema;
mod section;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auth_core::{
    Algorithm, Audience, Clock, Issuer, KeyError, KeySet, Policy, RoleName, Scope, ScopeSet,
    TokenTypes, TrustedIssuer,
};
use bartizan::{
    Address, AddressError, CertificateAuthorities, IntrospectWhen, Introspection, IssuerClient,
    Keyring, Location, Preset, Trust,
};
pub(crate) use schema::section_schema;
use section::Section;
use settings::{Environment, KeySettingError};
use toml::{
    Spanned,
    de::{DeString, DeTable},
};
use zeroize::Zeroizing;

use crate::config::provisioning::default_roles;

/// How long keys may serve at most that cannot be fetched or read again.
pub(crate) const MAX_OUTAGE_HOURS: u64 = 168;
const MAX_OUTAGE: Duration = Duration::from_hours(MAX_OUTAGE_HOURS);

/// One issuer whose tokens count, with all that must be known to judge them.
#[derive(Debug)]
pub struct IssuerConfig {
    /// Its entry, with the keys that are known already.
    pub trusted: TrustedIssuer,
    /// Where its keys are fetched from; `None` if they are not.
    pub fetch: Option<Location>,
    /// How long keys serve that cannot be fetched, or read from their file, again; `None` for the default.
    pub outage: Option<Duration>,
    /// How it is asked about tokens.
    pub introspection: Option<IntrospectionConfig>,
    /// The roles of its users, who are added when they are first seen; `None` if they are refused.
    pub provision: Option<BTreeSet<RoleName>>,
    /// Keys in a file that cannot be used: the place in the set, from 0, and the fault.
    pub unusable: Vec<(usize, KeyError)>,
    /// The file that its keys stand in, which may change; `None` if they do not stand in one.
    pub key_file: Option<PathBuf>,
}

/// How an issuer is asked about tokens.
pub struct IntrospectionConfig {
    location: Location,
    client_id: String,
    secret: Zeroizing<String>,
    when: IntrospectWhen,
}

impl IssuerConfig {
    /// An issuer whose keys are known.
    #[must_use]
    pub const fn fixed(trusted: TrustedIssuer) -> Self {
        Self {
            trusted,
            fetch: None,
            outage: None,
            introspection: None,
            provision: None,
            unusable: Vec::new(),
            key_file: None,
        }
    }

    /// Whether the issuer itself is ever asked.
    pub(crate) const fn is_remote(&self) -> bool {
        self.fetch.is_some() || self.introspection.is_some()
    }

    /// The issuer with the means to ask it.
    pub(crate) fn trust(&self, client: &IssuerClient) -> Result<Trust, AddressError> {
        let issuer = self.trusted.issuer();
        let mut trust = Trust::new(self.trusted.clone());
        if let Some(location) = self.fetch.clone() {
            trust = trust.keyring(match self.outage {
                Some(outage) => Keyring::with_outage(client, issuer, location, outage)?,
                None => Keyring::new(client, issuer, location)?,
            });
        }
        if let Some(asked) = &self.introspection {
            let location = asked.location.clone();
            let introspection =
                Introspection::new(client, issuer, location, &asked.client_id, &asked.secret)?;
            trust = trust.introspection(introspection.when(asked.when));
        }
        Ok(trust)
    }

    fn takes_opaque(&self) -> bool {
        self.introspection.as_ref().is_some_and(|asked| asked.when != IntrospectWhen::Jwt)
    }
}

impl fmt::Debug for IntrospectionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "IntrospectionConfig({:?}, {:?} as {:?}, ..)",
            self.location, self.when, self.client_id
        )
    }
}

/// Reads the file at `path`, as `ISSUERS_FILE` names it; faults are added to `faults`.
pub(crate) fn load(
    path: &Path,
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> Vec<IssuerConfig> {
    let file = format!("ISSUERS_FILE {}", path.display());
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            faults.push(format!("{file}: {error}"));
            return Vec::new();
        }
    };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let source = Source { file: &file, text: &text, folder: folder_of(path) };
            source.issuers(table, policy, environment, faults)
        }
        Err(error) => {
            faults.push(format!("{file}: {error}"));
            Vec::new()
        }
    }
}

/// Reads the sections `[issuers."…"]` of the configuration file. Its other sections have been read already, and its
/// syntax errors are reported there.
pub(crate) fn load_from_config(
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> Vec<IssuerConfig> {
    let config = environment.config();
    let Some(text) = config.issuers() else { return Vec::new() };
    let Ok(mut table) = text.parse::<toml::Table>() else { return Vec::new() };
    table.retain(|section, _| section == "issuers");
    let file = config.path().display().to_string();
    let source = Source { file: &file, text, folder: folder_of(config.path()) };
    source.issuers(table, policy, environment, faults)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// A file with sections of issuers.
struct Source<'a> {
    /// What to call it in messages.
    file: &'a str,
    text: &'a str,
    /// Where relative paths start.
    folder: &'a Path,
}

impl Source<'_> {
    fn issuers(
        &self,
        table: toml::Table,
        policy: Option<&Policy>,
        environment: &Environment,
        faults: &mut Vec<String>,
    ) -> Vec<IssuerConfig> {
        let Self { file, folder, .. } = *self;
        let mut found = Vec::new();
        let mut document = Section::new(file.to_owned(), table);
        let issuers = document.table("issuers");
        faults.append(&mut document.faults());
        let Some(sections) = issuers else {
            faults.push(format!("{file}: no issuer: write [issuers.\"https://…\"]"));
            return found;
        };
        let context = Context { policy, environment, folder };
        let lines = self.lines();
        for (name, value) in sections {
            let line = lines.get(&name).map(|line| format!(" line {line}")).unwrap_or_default();
            let place = format!("{file}{line}: [issuers.{name:?}]");
            match value {
                toml::Value::Table(table) => {
                    let mut section = Section::new(place, table);
                    let issuer = context.issuer(&name, &mut section);
                    let mut wrong = section.faults();
                    if wrong.is_empty() {
                        found.extend(issuer);
                    }
                    faults.append(&mut wrong);
                }
                _ => faults.push(format!("{place}: not a section")),
            }
        }
        if found.is_empty() && faults.is_empty() {
            faults.push(format!("{file}: no issuer: write [issuers.\"https://…\"]"));
        }
        found
    }

    /// The line of each section, by the name of its issuer.
    fn lines(&self) -> BTreeMap<String, usize> {
        let (document, _) = DeTable::parse_recoverable(self.text);
        let sections = document.get_ref().get("issuers").and_then(|it| it.get_ref().as_table());
        let line = |name: &Spanned<DeString<'_>>| {
            (name.get_ref().to_string(), settings::line_of(self.text, name.span().start))
        };
        sections.into_iter().flat_map(|sections| sections.keys().map(line)).collect()
    }
}

/// At most one issuer may be asked about opaque tokens: they do not say who issued them.
pub(crate) fn check_opaque(issuers: &[IssuerConfig], faults: &mut Vec<String>) {
    let opaque: Vec<_> = issuers.iter().filter(|issuer| issuer.takes_opaque()).collect();
    if let [one, other, ..] = opaque.as_slice() {
        faults.push(format!(
            "{} and {} would both be asked about opaque tokens, which do not say who issued them: give one `when = \"jwt\"`",
            one.trusted.issuer(),
            other.trusted.issuer()
        ));
    }
}

/// What a section is read against.
struct Context<'a> {
    /// `None` if there is none that could be read.
    policy: Option<&'a Policy>,
    environment: &'a Environment,
    folder: &'a Path,
}

/// Where the keys of a section come from.
enum Keys {
    Fetched(Location),
    Known(KeySet, Vec<(usize, KeyError)>),
    InFile(KeySet, Vec<(usize, KeyError)>, PathBuf),
}

impl Context<'_> {
    fn issuer(&self, name: &str, section: &mut Section) -> Option<IssuerConfig> {
        let issuer = section.parsed::<Issuer>("its name", name);
        let preset = section.text("preset").and_then(|name| section.parsed("preset", &name));
        let preset = preset.unwrap_or(Preset::Rfc9068);

        let keys = self.keys(section);
        let introspection = self.introspection(section);
        if let (Some(issuer), true) = (
            issuer.as_ref(),
            matches!(keys, Some(Keys::Fetched(Location::Discover)))
                || introspection
                    .as_ref()
                    .is_some_and(|it| matches!(it.location, Location::Discover)),
        ) {
            section.parsed::<Address>(
                "its name, where its document should be found,",
                issuer.as_str(),
            );
        }
        let without_keys = matches!(&keys, Some(Keys::Known(keys, _)) if keys.is_empty());
        if without_keys && introspection.is_none() {
            section.fault("keys = \"none\" needs introspection");
        }
        let typ = section.text("typ").map(|typ| match typ.as_str() {
            "at+jwt" => Some(TokenTypes::AccessToken),
            "jwt" => Some(TokenTypes::AccessTokenOrJwt),
            "any" => Some(TokenTypes::Any),
            _ => {
                section.fault(format!("typ {typ:?}: write at+jwt, jwt or any"));
                None
            }
        });
        let audiences = section.list::<Audience>("audiences");
        let audience_claim = section.text("audience_claim");
        let audience_claim = audience_claim.as_deref().unwrap_or(preset.audience_claim());
        if audience_claim != "aud" && audiences.is_none() {
            section.fault(format!(
                "audiences: say what may stand in {audience_claim}, which is read instead of aud"
            ));
        }
        let algorithms = section.list::<Algorithm>("algorithms");
        let scopes_from = section.list::<String>("scopes_from");
        let subject_from = section.list::<String>("subject_from");
        if subject_from.as_ref().is_some_and(Vec::is_empty) {
            section.fault("subject_from: name at least one claim");
        }
        let roles_from = section.list::<String>("roles_from");
        let trust_roles = section.flag("trust_roles").unwrap_or(false);
        if roles_from.is_some() && !trust_roles {
            section.fault("roles_from has no effect without trust_roles = true");
        }
        let grants = self.grants(section);
        let outage = section.number("outage_hours").map(|hours| Duration::from_secs(hours * 3600));
        if outage.is_some_and(|outage| outage > MAX_OUTAGE) {
            section.fault(format!("outage_hours: at most {MAX_OUTAGE_HOURS}"));
        }

        let provision = self.provision(section);

        let (fetch, known, unusable, key_file) = match keys? {
            Keys::Fetched(location) => (Some(location), KeySet::default(), Vec::new(), None),
            Keys::Known(keys, unusable) => (None, keys, unusable, None),
            Keys::InFile(keys, unusable, path) => (None, keys, unusable, Some(path)),
        };
        let mut trusted = preset
            .issuer(issuer?, known)
            .audience_claim(audience_claim)
            .trust_roles(trust_roles)
            .grants(grants);
        if let Some(typ) = typ.flatten() {
            trusted = trusted.token_types(typ);
        }
        if let Some(roles_from) = roles_from {
            trusted = trusted.roles_from(roles_from);
        }
        if let Some(scopes_from) = scopes_from {
            trusted = trusted.scopes_from(scopes_from);
        }
        if let Some(subject_from) = subject_from {
            trusted = trusted.subject_from(subject_from);
        }
        if let Some(audiences) = audiences {
            trusted = trusted.audiences(audiences);
        }
        if let Some(algorithms) = algorithms {
            trusted = trusted.algorithms(algorithms);
        }
        Some(IssuerConfig { trusted, fetch, outage, introspection, provision, unusable, key_file })
    }

    /// What is done with users who are not in the directory.
    fn provision(&self, section: &mut Section) -> Option<BTreeSet<RoleName>> {
        let roles = section.list::<String>("default_roles");
        match section.text("unknown_users").as_deref() {
            None | Some("refuse") => {
                if roles.is_some() {
                    section.fault("default_roles is for unknown_users = \"provision\"");
                }
                None
            }
            Some("provision") => {
                let roles = roles.unwrap_or_default();
                match default_roles(roles.iter().map(String::as_str), self.policy) {
                    Ok(roles) => Some(roles),
                    Err(fault) => section.none(format!("default_roles: {fault}")),
                }
            }
            Some(other) => {
                section.none(format!("unknown_users {other:?}: write refuse or provision"))
            }
        }
    }

    fn keys(&self, section: &mut Section) -> Option<Keys> {
        match section.take("keys") {
            None => Some(Keys::Fetched(Location::Discover)),
            Some(toml::Value::String(text)) if text == "discover" => {
                Some(Keys::Fetched(Location::Discover))
            }
            Some(toml::Value::String(text)) if text == "none" => {
                Some(Keys::Known(KeySet::default(), Vec::new()))
            }
            Some(toml::Value::Table(table)) if table.len() == 1 => {
                let mut inner = section.inner("keys", table);
                let keys = self.named_keys(&mut inner);
                section.adopt(inner);
                keys
            }
            Some(_) => {
                section.fault(
                    "keys: write \"discover\", \"none\", { url = … }, { file = … }, { secret_env = … } or { secret_file = … }",
                );
                None
            }
        }
    }

    fn named_keys(&self, section: &mut Section) -> Option<Keys> {
        if let Some(url) = section.text("url") {
            return section.parsed("url", &url).map(|at| Keys::Fetched(Location::At(at)));
        }
        if let Some(file) = section.text("file") {
            let path = self.path(&file);
            return match settings::verifying_keys_in(path.clone()) {
                Ok(found) => Some(Keys::InFile(found.keys, found.unusable, path)),
                Err(fault) => section.none(format!("file {file:?}: {}", in_words(&fault))),
            };
        }
        let secret = self.secret(section)?;
        match settings::verifying_secret(&secret) {
            Ok(key) => Some(Keys::Known(KeySet::from_iter([key]), Vec::new())),
            Err(fault) => section.none(format!("the secret: {}", in_words(&fault))),
        }
    }

    /// The secret that `secret_env` or `secret_file` names.
    fn secret(&self, section: &mut Section) -> Option<Zeroizing<String>> {
        let secret = match (section.text("secret_env"), section.text("secret_file")) {
            (Some(name), None) => match self.environment.secret_named(&name) {
                Some(secret) => Zeroizing::new(secret.to_owned()),
                None => return section.none(format!("secret_env: {name} is not set")),
            },
            (None, Some(file)) => match settings::secret_file(&self.path(&file)) {
                Ok(secret) => secret,
                Err(fault) => {
                    return section.none(format!("secret_file {file:?}: {}", in_words(&fault)));
                }
            },
            _ => return section.none("write one of secret_env and secret_file"),
        };
        if secret.is_empty() { section.none("the secret is empty") } else { Some(secret) }
    }

    fn introspection(&self, section: &mut Section) -> Option<IntrospectionConfig> {
        let table = section.table("introspection")?;
        let mut inner = section.inner("introspection", table);
        let location = match inner.text("url") {
            Some(url) => inner.parsed("url", &url).map(Location::At),
            None => Some(Location::Discover),
        };
        let client_id = inner.text("client_id");
        if client_id.is_none() {
            inner.fault("client_id: say as whom the issuer is asked");
        }
        let when = match inner.text("when").as_deref() {
            None | Some("opaque") => Some(IntrospectWhen::Opaque),
            Some("jwt") => Some(IntrospectWhen::Jwt),
            Some("always") => Some(IntrospectWhen::Always),
            Some(other) => inner.none(format!("when {other:?}: write opaque, jwt or always")),
        };
        let secret = self.secret(&mut inner);
        section.adopt(inner);
        Some(IntrospectionConfig {
            location: location?,
            client_id: client_id?,
            secret: secret?,
            when: when?,
        })
    }

    /// Scopes that the policy knows: a typing error would grant nothing.
    fn grants(&self, section: &mut Section) -> ScopeSet {
        let grants: ScopeSet =
            section.list::<Scope>("grants").unwrap_or_default().into_iter().collect();
        if let Some(policy) = self.policy {
            let known = policy.scopes();
            for scope in grants.iter().filter(|scope| !known.contains(scope)) {
                section.fault(format!("grants: the policy has no scope {:?}", scope.as_str()));
            }
        }
        grants
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }
}

/// A fault of a key or a secret, without the names of variables that have nothing to do with it.
fn in_words(fault: &KeySettingError) -> String {
    match fault {
        KeySettingError::Placeholder => "a placeholder: put in a real one".into(),
        KeySettingError::NotBase64Url => {
            "it begins with base64url: but what follows is not base64url".into()
        }
        KeySettingError::Secret(fault) | KeySettingError::Key { fault, .. } => fault.to_string(),
        KeySettingError::Unreadable { reason, .. } => reason.clone(),
        KeySettingError::NoUsableKeys { reason, .. } => {
            format!("the set has no key that can be used: {reason}")
        }
        KeySettingError::InsecurePermissions { path } => {
            format!("others may read it. Run `chmod 600 {}`", path.display())
        }
        KeySettingError::Missing | KeySettingError::Both => fault.to_string(),
    }
}

/// The means to ask issuers, if any of them is ever asked.
pub(crate) fn trusts(
    issuers: &[IssuerConfig],
    clock: &Arc<dyn Clock>,
    authorities: &CertificateAuthorities,
) -> Result<Vec<Trust>, Box<dyn std::error::Error + Send + Sync>> {
    if !issuers.iter().any(IssuerConfig::is_remote) {
        return Ok(issuers.iter().map(|issuer| Trust::new(issuer.trusted.clone())).collect());
    }
    let client = IssuerClient::trusting(Arc::clone(clock), authorities.clone())?;
    Ok(issuers.iter().map(|issuer| issuer.trust(&client)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests;
