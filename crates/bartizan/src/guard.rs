//! What a protected server is made of, put together once.

use std::{fmt, sync::Arc, time::Duration};

use auth_core::{
    Issuer, KeyError, Policy, Principal, ProtectedResourceMetadata, ResourceUri, SealingKey,
};
use tower::Layer;

use crate::{
    Authenticate, GuardLayer, GuardService, MetadataService,
    ownership::{seals::Seals, tasks::Tasks},
    request::{
        origin::Origins,
        quota::{Bounds, Quota},
    },
    response::Challenges,
};

/// The longest body without a token, in bytes.
const MAX_ANONYMOUS_BODY: usize = 64 * 1024;

/// Protects servers: one resource, one policy, one way to tell who is calling.
#[derive(Debug)]
pub struct Guard<A> {
    pub(crate) resource: ResourceUri,
    pub(crate) policy: Arc<Policy>,
    policies: Option<Policies>,
    pub(crate) seals: Seals,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) authenticate: Arc<A>,
    pub(crate) origins: Origins,
    pub(crate) challenges: Challenges,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    body_memory: usize,
    pub(crate) bodies: Arc<Quota>,
    pub(crate) streams: Arc<Quota>,
    authorization_servers: Vec<Issuer>,
    name: Option<String>,
}

/// Chooses a caller's policy.
#[derive(Clone)]
struct Policies(Arc<Choose>);

type Choose = dyn Fn(&Principal) -> Arc<Policy> + Send + Sync;

impl<A: Authenticate> Guard<A> {
    /// A guard for the server at `resource`: bodies up to 4 MiB that arrive within 30 s, 256 MiB of them at
    /// once, 16 streams for each caller and 512 in all, and no `Host` or `Origin` but the resource's own.
    #[must_use]
    pub fn new(resource: ResourceUri, policy: Policy, authenticate: A) -> Self {
        let challenges = Challenges::new(resource.metadata_url(), policy.scopes_to_ask_for());
        Self {
            origins: Origins::of(&resource),
            resource,
            policy: Arc::new(policy),
            policies: None,
            seals: Seals::random(),
            tasks: Arc::default(),
            authenticate: Arc::new(authenticate),
            challenges,
            max_body_bytes: 4 * 1024 * 1024,
            body_timeout: Duration::from_secs(30),
            body_memory: 256 * 1024 * 1024,
            bodies: bodies(256 * 1024 * 1024, 4 * 1024 * 1024),
            streams: streams(16, 512),
            authorization_servers: Vec::new(),
            name: None,
        }
    }

    /// Names an issuer in the metadata, where clients learn it.
    #[must_use]
    pub fn authorization_server(mut self, issuer: Issuer) -> Self {
        self.authorization_servers.push(issuer);
        self
    }

    /// What to call the server in the metadata.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// Lets requests through that call this server by another host name (without a port).
    #[must_use]
    pub fn allow_host(mut self, host: &str) -> Self {
        self.origins.allow_host(host);
        self
    }

    /// Lets requests through that come from pages of this origin, for example `https://app.example`.
    #[must_use]
    pub fn allow_origin(mut self, origin: &str) -> Self {
        self.origins.allow_origin(origin);
        self
    }

    /// The longest body, in bytes. One without a token has at most 64 KiB in any case.
    #[must_use]
    pub fn max_body_bytes(self, max_body_bytes: usize) -> Self {
        let bodies = bodies(self.body_memory, max_body_bytes);
        Self { max_body_bytes, bodies, ..self }
    }

    /// How many bytes of bodies are held at once, beyond the first 16 KiB of each. One caller has an
    /// eighth of it, all without a token together have a 32nd, and each has enough for one body. What is
    /// beyond is refused with 503.
    #[must_use]
    pub fn body_memory(self, body_memory: usize) -> Self {
        Self { body_memory, bodies: bodies(body_memory, self.max_body_bytes), ..self }
    }

    /// How many streams (`GET`, and `subscriptions/listen`) one caller may have open at once, and all
    /// together. All without a token have a quarter of these together. What is beyond is refused with 429.
    #[must_use]
    pub fn max_streams(self, each: usize, total: usize) -> Self {
        Self { streams: streams(each, total), ..self }
    }

    /// The longest body of somebody with a token, or without.
    pub(crate) fn max_body(&self, is_anonymous: bool) -> usize {
        let bound = if is_anonymous { MAX_ANONYMOUS_BODY } else { usize::MAX };
        self.max_body_bytes.min(bound)
    }

    /// How long a body may take to arrive.
    #[must_use]
    pub fn body_timeout(self, body_timeout: Duration) -> Self {
        Self { body_timeout, ..self }
    }

    /// Chooses the policy by who is calling, for tenants with rules of their own. It is asked for every
    /// request and for open streams again and again: it must be quick, and give what is ready. Whoever has
    /// no token is judged by the guard's own policy, which the metadata and challenges speak of too.
    #[must_use]
    pub fn policy_by_caller(
        self,
        choose: impl Fn(&Principal) -> Arc<Policy> + Send + Sync + 'static,
    ) -> Self {
        Self { policies: Some(Policies(Arc::new(choose))), ..self }
    }

    /// The key with which the names of sessions and events are sealed for their owners: for nodes that
    /// share sessions, and so must share it. Without it each guard makes its own. At least 32 bytes.
    pub fn sealing_key(self, secret: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { seals: Seals::with(SealingKey::from_secret(secret)?), ..self })
    }

    /// As [`Self::sealing_key`], with a key that is one already.
    #[must_use]
    pub fn sealed_with(self, key: SealingKey) -> Self {
        Self { seals: Seals::with(key), ..self }
    }

    /// The policy that decides about `principal`.
    pub(crate) fn policy_for(&self, principal: &Principal) -> Arc<Policy> {
        match &self.policies {
            Some(Policies(choose)) => choose(principal),
            None => Arc::clone(&self.policy),
        }
    }

    /// The guard's own policy.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// `inner` behind this guard.
    pub fn protect<S>(&self, inner: S) -> GuardService<S, A> {
        self.layer().layer(inner)
    }

    /// The guard as a layer.
    #[must_use]
    pub fn layer(&self) -> GuardLayer<A> {
        GuardLayer::new(Arc::new(self.clone()))
    }

    /// Serves the metadata; to be mounted at [`metadata_paths`](Self::metadata_paths).
    #[must_use]
    pub fn metadata(&self) -> MetadataService {
        let mut metadata = ProtectedResourceMetadata::new(
            &self.resource,
            self.authorization_servers.iter().map(ToString::to_string),
            &self.policy.scopes_to_ask_for(),
        );
        metadata.resource_name.clone_from(&self.name);
        MetadataService::new(&metadata)
    }

    /// Where clients look for the metadata: the path with the resource's own put in, and the bare one.
    #[must_use]
    pub fn metadata_paths(&self) -> [String; 2] {
        ProtectedResourceMetadata::paths(&self.resource)
    }
}

/// The budget of all bodies.
fn bodies(memory: usize, max_body_bytes: usize) -> Arc<Quota> {
    // A buffer may be twice as large as what is in it.
    let one = max_body_bytes.saturating_mul(2);
    let each = (memory / 8).max(one);
    let anonymous = (memory / 32).max(one.min(2 * MAX_ANONYMOUS_BODY));
    Quota::new(Bounds { total: memory.max(one), each, anonymous })
}

fn streams(each: usize, total: usize) -> Arc<Quota> {
    Quota::new(Bounds { total, each, anonymous: total / 4 })
}

impl<A> Clone for Guard<A> {
    fn clone(&self) -> Self {
        Self {
            authenticate: Arc::clone(&self.authenticate),
            policy: Arc::clone(&self.policy),
            policies: self.policies.clone(),
            seals: self.seals.clone(),
            tasks: Arc::clone(&self.tasks),
            bodies: Arc::clone(&self.bodies),
            streams: Arc::clone(&self.streams),
            resource: self.resource.clone(),
            origins: self.origins.clone(),
            challenges: self.challenges.clone(),
            authorization_servers: self.authorization_servers.clone(),
            name: self.name.clone(),
            ..*self
        }
    }
}

impl fmt::Debug for Policies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Policies(..)")
    }
}
