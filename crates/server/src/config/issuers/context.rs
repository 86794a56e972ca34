//! The members of one section, each parsed and checked.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use auth_core::{
    Algorithm, Audience, Issuer, KeyError, KeySet, Policy, RoleName, Scope, ScopeSet, TokenTypes,
};
use bartizan::{Address, IntrospectWhen, Location, Preset};
use issuer_setup::{
    Section, default_roles,
    secret::{describe, secret},
};
use settings::Environment;

use super::{
    MAX_OUTAGE, MAX_OUTAGE_HOURS,
    entry::{IntrospectionConfig, IssuerConfig},
};

/// What a section is read against.
pub(super) struct Context<'a> {
    /// `None` if there is none that could be read.
    pub(super) policy: Option<&'a Policy>,
    pub(super) environment: &'a Environment,
    pub(super) folder: &'a Path,
}

/// Where the keys of a section come from.
enum Keys {
    Fetched(Location),
    Known(KeySet, Vec<(usize, KeyError)>),
    InFile(KeySet, Vec<(usize, KeyError)>, PathBuf),
}

impl Context<'_> {
    pub(super) fn issuer(&self, name: &str, section: &mut Section) -> Option<IssuerConfig> {
        let issuer = section.parsed::<Issuer>("its name", name);
        let preset = section.text("preset").and_then(|name| section.parsed("preset", &name));
        let preset = preset.unwrap_or(Preset::Rfc9068);

        let keys = self.keys(section);
        // One with a fault of its own counts, too.
        let names_introspection = section.has("introspection");
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
        if without_keys && !names_introspection {
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
                "audiences: name the accepted values of {audience_claim}, which is read instead of aud"
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

    /// What happens to users who are not in the directory.
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
                Err(fault) => section.none(format!("file {file:?}: {}", describe(&fault))),
            };
        }
        let secret = secret(section, self.environment, self.folder)?;
        match settings::verifying_secret(&secret) {
            Ok(key) => Some(Keys::Known(KeySet::from_iter([key]), Vec::new())),
            Err(fault) => section.none(format!("the secret: {}", describe(&fault))),
        }
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
            inner.fault("client_id: name the client that introspects");
        }
        let when = match inner.text("when").as_deref() {
            None | Some("opaque") => Some(IntrospectWhen::Opaque),
            Some("jwt") => Some(IntrospectWhen::Jwt),
            Some("always") => Some(IntrospectWhen::Always),
            Some(other) => inner.none(format!("when {other:?}: write opaque, jwt or always")),
        };
        let secret = secret(&mut inner, self.environment, self.folder);
        section.adopt(inner);
        Some(IntrospectionConfig {
            location: location?,
            client_id: client_id?,
            secret: secret?,
            when: when?,
        })
    }

    /// Only scopes that the policy has: a typing error would grant nothing.
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
