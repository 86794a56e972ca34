//! The state that the endpoints share.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, OnceLock},
};

use auth_core::{Clock, NumericDate};
use directory::{AnyDirectory, DetachedChanges, authorization::AuthorizationStore};
use outbound::OutboundClient;

use crate::{
    ChangeObserver, IssuerConfig, ServedResource, SigningKeys,
    clients::{Documents, KeySets},
    limit::AddressLimit,
    pages::{Frame, Label},
    seal::Seal,
    sign_in::Limits,
};

/// How many requests that may change something run at once, in this process.
const MAX_CHANGES: u32 = 1024;

/// How many ids that are used once are remembered for one address in a minute: of assertions of
/// clients that no operator added, and of sign-ins through providers.
const SINGLE_USES_PER_MINUTE: u32 = 300;

/// The address that a request comes from: an extension of each request, for bounds by address and
/// for the log. The listener inserts it; behind a trusted proxy it is the one that the proxy names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

/// An authorization server. Its clones share everything.
#[derive(Clone)]
pub struct AuthorizationServer {
    config: Arc<IssuerConfig>,
    state: Arc<State>,
}

struct State {
    store: AuthorizationStore,
    keys: Arc<dyn SigningKeys>,
    outbound: OutboundClient,
    seal: Seal,
    clock: Arc<dyn Clock>,
    documents: Documents,
    key_sets: KeySets,
    registrations: AddressLimit,
    devices: AddressLimit,
    single_uses: AddressLimit,
    sign_in: Limits,
    observer: OnceLock<Arc<dyn ChangeObserver>>,
    changes: DetachedChanges,
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("issuer", &self.config().issuer).finish()
    }
}

impl AuthorizationServer {
    /// Puts the parts together. `seal_key` are 32 random bytes that all nodes share; `outbound`
    /// fetches metadata documents of clients, so it asks public addresses alone.
    #[must_use]
    pub fn new(
        config: IssuerConfig,
        store: AuthorizationStore,
        keys: Arc<dyn SigningKeys>,
        outbound: OutboundClient,
        seal_key: &[u8],
        clock: Arc<dyn Clock>,
    ) -> Self {
        let seal = Seal::new(seal_key);
        let (documents, registrations) = (Documents::default(), AddressLimit::default());
        let state = State {
            store,
            keys,
            outbound,
            seal,
            clock,
            documents,
            key_sets: KeySets::default(),
            registrations,
            devices: AddressLimit::default(),
            single_uses: AddressLimit::default(),
            sign_in: Limits::default(),
            observer: OnceLock::new(),
            changes: DetachedChanges::new(MAX_CHANGES),
        };
        Self { config: Arc::new(config), state: Arc::new(state) }
    }

    /// The same server, which issues tokens for `resources` from now on: its users, grants and
    /// bounds are those of this one.
    #[must_use]
    pub fn for_resources(&self, resources: Vec<ServedResource>) -> Self {
        let config = IssuerConfig { resources, ..IssuerConfig::clone(&self.config) };
        Self { config: Arc::new(config), state: Arc::clone(&self.state) }
    }

    /// What it is configured to do.
    #[must_use]
    pub fn config(&self) -> &IssuerConfig {
        &self.config
    }

    pub(crate) fn store(&self) -> &AuthorizationStore {
        &self.state.store
    }

    pub(crate) fn users(&self) -> &AnyDirectory {
        self.state.store.users()
    }

    pub(crate) fn keys(&self) -> &dyn SigningKeys {
        self.state.keys.as_ref()
    }

    pub(crate) fn outbound(&self) -> &OutboundClient {
        &self.state.outbound
    }

    pub(crate) fn seal(&self) -> &Seal {
        &self.state.seal
    }

    /// What is around every page: the issuer's path, and what people call this server.
    pub(crate) fn frame(&self) -> Frame {
        let config = self.config();
        let named = config.resources.first().map(|resource| Label::name(&resource.name));
        let issuer = config.issuer.as_str();
        let rest = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
        let host = || Label::host(rest.split('/').next().unwrap_or(rest));
        Frame {
            base: config.base_path().to_owned(),
            server: named.filter(|name| !name.is_empty()).unwrap_or_else(host),
        }
    }

    pub(crate) fn documents(&self) -> &Documents {
        &self.state.documents
    }

    pub(crate) fn key_sets(&self) -> &KeySets {
        &self.state.key_sets
    }

    /// How many registrations each address has made.
    pub(crate) fn registrations(&self) -> &AddressLimit {
        &self.state.registrations
    }

    /// How many device authorizations each address has begun.
    pub(crate) fn devices(&self) -> &AddressLimit {
        &self.state.devices
    }

    /// Counts one more id of `address` that is remembered because it is used once; an error if
    /// there are too many. Without it a stranger with a key, or with a browser, could fill the
    /// database.
    pub(crate) fn count_single_use(&self, address: Option<IpAddr>) -> Result<(), u64> {
        self.state.single_uses.count(address, SINGLE_USES_PER_MINUTE, self.now())
    }

    /// How many passwords were checked or hashed: each costs one Argon2id.
    #[must_use]
    pub fn passwords_checked(&self) -> u64 {
        self.state.sign_in.hashed()
    }

    pub(crate) fn sign_in(&self) -> &Limits {
        &self.state.sign_in
    }

    /// Who records changes.
    pub(crate) fn observer(&self) -> &OnceLock<Arc<dyn ChangeObserver>> {
        &self.state.observer
    }

    /// The requests that run to their end.
    pub(crate) fn changes(&self) -> &DetachedChanges {
        &self.state.changes
    }

    pub(crate) fn now(&self) -> NumericDate {
        self.state.clock.now()
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.state.clock
    }
}
