//! What a protected server is made of, put together once.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use auth_core::{
    Action, Issuer, OwnerTagKey, Policy, Principal, ProtectedResourceMetadata, Rate, ResourceUri,
    quota::Quota,
};

use crate::{
    Authenticate, BudgetStore, MetadataService, MissingRulesError, Observer, Recorder, Rules,
    RulesHandle, Tracer,
    observer::Observers,
    ownership::{owned_ids::OwnerBoundIds, tasks::Tasks},
    rate::{FailedAuthentications, RateLimits, SharedBudgets, SpentRates},
    request::origin::Origins,
    rules::{Limits, Resource, Ruleset, SharedRules},
};

/// Protects servers: one resource, one set of rules, one authenticator.
#[derive(Debug)]
pub struct Guard<A> {
    resource: ResourceUri,
    pub(crate) rules: SharedRules,
    policies: Option<Policies>,
    pub(crate) owned_ids: OwnerBoundIds,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) authenticate: Arc<A>,
    pub(crate) observers: Observers,
    pub(crate) origins: Origins,
    pub(crate) bodies: Arc<Quota>,
    pub(crate) streams: Arc<Quota>,
    pub(crate) calls: Arc<Quota>,
    pub(crate) rates: Arc<RateLimits>,
    pub(crate) shared_budgets: Option<SharedBudgets>,
    pub(crate) failures: Option<FailedAuthentications>,
}

/// What the callers of a guard hold of what is bounded by its [`Limits`]. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardUsage {
    bodies: Arc<Quota>,
    streams: Arc<Quota>,
    calls: Arc<Quota>,
}

impl GuardUsage {
    /// How many bytes of bodies are held now.
    #[must_use]
    pub fn body_bytes(&self) -> usize {
        self.bodies.total()
    }

    /// How many streams are open now.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.total()
    }

    /// How many calls are under way now; 0 where [`Limits`] has no bound for them.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.total()
    }
}

/// Chooses a caller's policy.
#[derive(Clone)]
struct Policies(Arc<Choose>);

type Choose = dyn Fn(&Principal) -> Arc<Policy> + Send + Sync;

impl<A: Authenticate> Guard<A> {
    /// A guard for the server at `resource`, with the default [`Limits`], and no `Host` or `Origin`
    /// but the resource's own.
    ///
    /// `offers` is what the server offers: each of its tools, resources and prompts. An error if
    /// the policy has no rule for one of them. What is offered and not in the list is denied to
    /// everyone.
    pub fn new(
        resource: ResourceUri,
        policy: impl Into<Arc<Policy>>,
        offers: impl IntoIterator<Item = Action>,
        authenticate: A,
    ) -> Result<Self, MissingRulesError> {
        let about = Resource {
            uri: resource.clone(),
            authorization_servers: Vec::new(),
            name: None,
            has_client_certificates: false,
        };
        let rules = SharedRules::new(about, offers.into_iter().collect(), Rules::new(policy))?;
        Ok(Self {
            origins: Origins::of(&resource),
            observers: Observers::of(resource.clone()),
            resource,
            rules,
            policies: None,
            owned_ids: OwnerBoundIds::random(),
            tasks: Arc::default(),
            authenticate: Arc::new(authenticate),
            bodies: Arc::default(),
            streams: Arc::default(),
            calls: Arc::default(),
            rates: Arc::new(RateLimits::new()),
            shared_budgets: None,
            failures: None,
        })
    }

    /// Names an issuer in the metadata, where clients learn it.
    #[must_use]
    pub fn authorization_server(self, issuer: Issuer) -> Self {
        let issuers = [issuer];
        self.rules.change_resource(|it| it.authorization_servers.extend(issuers.iter().cloned()));
        self
    }

    /// What to call the server in the metadata.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.rules.change_resource(|resource| resource.name = Some(name.clone()));
        self
    }

    /// Says in the metadata that tokens may be bound to client certificates (RFC 8705 §3.3): for
    /// servers whose listener inserts a [`ClientCertificate`](crate::ClientCertificate) where
    /// clients present one.
    #[must_use]
    pub fn client_certificates(self) -> Self {
        self.rules.change_resource(|resource| resource.has_client_certificates = true);
        self
    }

    /// Lets requests through that call this server by another host name (without a port).
    #[must_use]
    pub fn allow_host(mut self, host: &str) -> Self {
        self.origins.allow_host(host);
        self
    }

    /// Lets requests through that come from pages of this origin, for example
    /// `https://app.example`.
    #[must_use]
    pub fn allow_origin(mut self, origin: &str) -> Self {
        self.origins.allow_origin(origin);
        self
    }

    /// Sets what the log advises about a refused `Host` and a refused `Origin`: a
    /// setting of the program, say.
    #[must_use]
    pub fn origin_remedies(mut self, host: &str, origin: &str) -> Self {
        self.origins.remedies(host, origin);
        self
    }

    /// Adds an observer of every decision, beside the log.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.add(Arc::new(observer));
        self
    }

    /// Records every decision: a request for whose decision there is no room is answered with 503.
    /// It replaces the recorder that there was.
    #[must_use]
    pub fn recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.observers.record(recorder);
        self
    }

    /// Follows every request that is decided on. It replaces the tracer that there was.
    #[must_use]
    pub fn tracer(mut self, tracer: Arc<dyn Tracer>) -> Self {
        self.observers.trace(tracer);
        self
    }

    /// Sets [`Limits::max_body_bytes`].
    #[must_use]
    pub fn max_body_bytes(self, max_body_bytes: usize) -> Self {
        self.change_limits(|limits| limits.max_body_bytes = max_body_bytes)
    }

    /// Sets [`Limits::body_memory`].
    #[must_use]
    pub fn body_memory(self, body_memory: usize) -> Self {
        self.change_limits(|limits| limits.body_memory = body_memory)
    }

    /// Sets [`Limits::streams_per_caller`] and [`Limits::streams`].
    #[must_use]
    pub fn max_streams(self, per_caller: usize, total: usize) -> Self {
        self.change_limits(|limits| {
            limits.streams_per_caller = per_caller;
            limits.streams = total;
        })
    }

    /// Sets [`Limits::calls_per_caller`] and [`Limits::calls`].
    #[must_use]
    pub fn max_calls(self, per_caller: usize, total: usize) -> Self {
        self.change_limits(|limits| {
            limits.calls_per_caller = per_caller;
            limits.calls = total;
        })
    }

    /// Sets [`Limits::body_timeout`].
    #[must_use]
    pub fn body_timeout(self, body_timeout: Duration) -> Self {
        self.change_limits(|limits| limits.body_timeout = body_timeout)
    }

    /// Counts the rates of the policy in `store`, too, for all the guards together that have the
    /// same store and the same resource. Without one each guard counts for itself.
    #[must_use]
    pub fn budget_store(self, store: Arc<dyn BudgetStore>) -> Self {
        let resource = self.resource.clone();
        Self { shared_budgets: Some(SharedBudgets { store, resource }), ..self }
    }

    /// Counts rates on from what callers have `spent` of the same rates of another guard of this
    /// resource, whose place this one takes. Without it each guard begins anew.
    #[must_use]
    pub fn spent_rates(self, spent: &SpentRates) -> Self {
        Self { rates: Arc::clone(&spent.0), ..self }
    }

    /// Bounds how many tokens from one address may be refused: what is beyond gets 429 in place of
    /// 401 and 403. `is_bounded` says which addresses that is for: a proxy in front has one address
    /// for all its callers. For IPv6 a network of /64 is one address. Without this there is no
    /// bound, and there is none where the listener does not say [where a request comes
    /// from](crate::PeerAddress).
    #[must_use]
    pub fn max_failed_authentications(
        self,
        rate: Rate,
        is_bounded: impl Fn(IpAddr) -> bool + Send + Sync + 'static,
    ) -> Self {
        let failures = FailedAuthentications { rate, is_bounded: Arc::new(is_bounded) };
        Self { failures: Some(failures), ..self }
    }

    fn change_limits(self, change: impl Fn(&mut Limits)) -> Self {
        self.rules.change_limits(change);
        self
    }

    /// Chooses the policy by who is calling, for tenants with rules of their own. It is asked for
    /// every request and for open streams again and again: it must be quick, and give what is
    /// ready. Callers without a token are judged by the guard's own policy, which the metadata and
    /// challenges speak of too. What it gives is not checked against what the server offers.
    #[must_use]
    pub fn policy_by_caller(
        self,
        choose: impl Fn(&Principal) -> Arc<Policy> + Send + Sync + 'static,
    ) -> Self {
        Self { policies: Some(Policies(Arc::new(choose))), ..self }
    }

    /// The key of the tags that bind sessions and events to their owners: for nodes that share
    /// sessions, and so must share it. Without it each guard makes its own.
    #[must_use]
    pub fn owner_tag_key(self, key: OwnerTagKey) -> Self {
        Self { owned_ids: OwnerBoundIds::with(key), ..self }
    }

    /// The policy that decides about `principal`, where `rules` are in force.
    pub(crate) fn policy_for(&self, rules: &Ruleset, principal: Option<&Principal>) -> Arc<Policy> {
        match (&self.policies, principal) {
            (Some(Policies(choose)), Some(principal)) => choose(principal),
            _ => Arc::clone(&rules.policy),
        }
    }

    /// Reads and replaces the rules while requests run.
    #[must_use]
    pub fn rules(&self) -> RulesHandle {
        RulesHandle::new(self.rules.clone())
    }

    /// What callers hold now of what is bounded.
    #[must_use]
    pub fn usage(&self) -> GuardUsage {
        GuardUsage {
            bodies: Arc::clone(&self.bodies),
            streams: Arc::clone(&self.streams),
            calls: Arc::clone(&self.calls),
        }
    }

    /// Serves the metadata; to be mounted at [`metadata_paths`](Self::metadata_paths).
    #[must_use]
    pub fn metadata(&self) -> MetadataService {
        MetadataService::new(self.rules.clone())
    }

    /// Where clients look for the metadata: the path with the resource's own put in, and the bare
    /// one.
    #[must_use]
    pub fn metadata_paths(&self) -> [String; 2] {
        ProtectedResourceMetadata::paths(&self.resource)
    }
}

impl<A> Clone for Guard<A> {
    fn clone(&self) -> Self {
        Self {
            resource: self.resource.clone(),
            rules: self.rules.clone(),
            policies: self.policies.clone(),
            owned_ids: self.owned_ids.clone(),
            tasks: Arc::clone(&self.tasks),
            authenticate: Arc::clone(&self.authenticate),
            observers: self.observers.clone(),
            origins: self.origins.clone(),
            bodies: Arc::clone(&self.bodies),
            streams: Arc::clone(&self.streams),
            calls: Arc::clone(&self.calls),
            rates: Arc::clone(&self.rates),
            shared_budgets: self.shared_budgets.clone(),
            failures: self.failures.clone(),
        }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policies(..)")
    }
}
