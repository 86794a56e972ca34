//! The rules in force, with what follows from them, and the one place where they are replaced.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use auth_core::{Action, Issuer, Policy, ProtectedResourceMetadata, ResourceUri};
use bytes::Bytes;

use super::{Rules, limits::Limits, missing::MissingRulesError};
use crate::response::Challenges;

/// The rules in force, and what follows from them.
#[derive(Debug, Clone)]
pub(crate) struct Ruleset {
    resource: Arc<Resource>,
    offers: Arc<[Action]>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) limits: Limits,
    pub(crate) challenges: Challenges,
    /// The protected resource metadata (RFC 9728 §2) as JSON.
    pub(crate) metadata: Bytes,
    /// Another guard has taken the place of this one, so open streams end.
    pub(crate) is_retired: bool,
}

/// What the metadata says whatever the policy is.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) uri: ResourceUri,
    pub(crate) authorization_servers: Vec<Issuer>,
    pub(crate) name: Option<String>,
    pub(crate) has_client_certificates: bool,
}

impl Ruleset {
    /// Checks `rules` against what is offered, and works out what follows from them.
    fn new(
        resource: Arc<Resource>,
        offers: Arc<[Action]>,
        Rules { policy, limits }: Rules,
    ) -> Result<Self, MissingRulesError> {
        MissingRulesError::check(&policy, offers.iter())?;
        let scopes = policy.requestable_scopes();
        let servers = resource.authorization_servers.iter().map(ToString::to_string);
        let mut metadata = ProtectedResourceMetadata::new(&resource.uri, servers, &scopes);
        metadata.resource_name.clone_from(&resource.name);
        metadata.tls_client_certificate_bound_access_tokens = resource.has_client_certificates;
        // A struct of strings always has a JSON form.
        let metadata = serde_json::to_vec(&metadata).unwrap_or_default().into();
        let challenges = Challenges::new(resource.uri.metadata_url(), scopes);
        let is_retired = false;
        Ok(Self { resource, offers, policy, limits, challenges, metadata, is_retired })
    }

    fn rules(&self) -> Rules {
        Rules { policy: Arc::clone(&self.policy), limits: self.limits }
    }
}

/// Rules that a guard, its services and its handles share.
#[derive(Clone)]
pub(crate) struct SharedRules(Arc<ArcSwap<Ruleset>>);

impl SharedRules {
    pub(crate) fn new(
        resource: Resource,
        offers: Arc<[Action]>,
        rules: Rules,
    ) -> Result<Self, MissingRulesError> {
        let rules = Ruleset::new(Arc::new(resource), offers, rules)?;
        Ok(Self(Arc::new(ArcSwap::from_pointee(rules))))
    }

    /// The rules in force.
    pub(crate) fn load(&self) -> Arc<Ruleset> {
        self.0.load_full()
    }

    pub(crate) fn replace(&self, rules: Rules) -> Result<(), MissingRulesError> {
        let now = self.load();
        let new = Ruleset::new(Arc::clone(&now.resource), Arc::clone(&now.offers), rules)?;
        self.0.store(Arc::new(new));
        Ok(())
    }

    /// Lets open streams end at their next check.
    pub(crate) fn retire(&self) {
        self.0.rcu(|now| Ruleset { is_retired: true, ..Ruleset::clone(now) });
    }

    /// Changes what the metadata says. For the time before requests arrive.
    pub(crate) fn change_resource(&self, change: impl Fn(&mut Resource)) {
        self.0.rcu(|now| {
            let mut resource = Resource::clone(&now.resource);
            change(&mut resource);
            let offers = Arc::clone(&now.offers);
            // The same policy still has the same rules.
            match Ruleset::new(Arc::new(resource), offers, now.rules()) {
                Ok(new) => Arc::new(new),
                Err(_) => Arc::clone(now),
            }
        });
    }

    /// Changes the limits. For the time before requests arrive.
    pub(crate) fn change_limits(&self, change: impl Fn(&mut Limits)) {
        self.0.rcu(|now| {
            let mut new = Ruleset::clone(now);
            change(&mut new.limits);
            new
        });
    }
}

impl fmt::Debug for SharedRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedRules").field(&self.load()).finish()
    }
}
