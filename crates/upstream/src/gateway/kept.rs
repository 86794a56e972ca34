//! The servers of one upstream, kept by pools.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    begin_error::{BeginError, connect_error},
    cached::Cached,
    compared::Compared,
    config::GatewayConfig,
    generations::Generations,
    leased::{Beginning, Leased},
    started::note_failure,
};
use crate::{
    CallContext,
    asks::parking::Parking,
    calls::{CallLimits, Connection},
    catalog::{CacheBounds, Catalog, ListCache},
    era::{ConnectError, Era, Wanted, connect_for},
    front::{Definitions, Front, Unpinned},
    link::{Link, Reachability},
    pool::{Bounds, Instances, Key, Lease, Pool, PoolError, Source},
    port::{OpenError, Opened, Server, Servers, Waiting},
    translate::{Down, DownOptions, Parked, Up},
    wire::{Message, Object, quote},
};

/// The endpoint of one upstream, whose servers come from `source`. `bounds` are those of all
/// upstreams together, and so is `parking`, which has the calls that wait for their clients.
/// Without a `catalog` all that a server offers may be used.
#[must_use]
pub fn gateway<S: Source + Clone>(
    source: S,
    mut config: GatewayConfig,
    bounds: &Bounds,
    parking: Parking<Parked>,
    catalog: Option<Arc<Catalog>>,
) -> Front {
    let front = config.front;
    let reachability = source.reachability();
    if let Some(reachability) = &reachability {
        reachability.report_to(config.availability.clone());
    }
    let is_per_caller = source.is_per_caller();
    if is_per_caller && config.pool.instances == Instances::Shared {
        // A connection on behalf of one caller is no other's.
        config.pool.instances = Instances::PerOwner;
    }
    let kept = Kept {
        is_per_caller,
        sessions: Pool::new(source.clone(), config.pool.clone(), bounds.clone()),
        requests: Pool::new(source, config.pool.clone(), bounds.clone()),
        generations: Generations::default(),
        lists: Arc::new(ListCache::new(CacheBounds::default())),
        next: AtomicU64::new(0),
        parking,
        config,
        catalog: catalog.clone(),
        reachability,
    };
    let definitions = match catalog {
        Some(catalog) => catalog as Arc<dyn Definitions>,
        None => Arc::new(Unpinned),
    };
    Front::new(Arc::new(kept), definitions, front)
}

struct Kept<S> {
    config: GatewayConfig,
    /// Whether servers see on whose behalf a message is.
    is_per_caller: bool,
    /// Those that began with `initialize`, for clients with sessions.
    sessions: Pool<S, Begun>,
    /// Those for requests without a session.
    requests: Pool<S, Ready>,
    generations: Generations,
    lists: Arc<ListCache>,
    next: AtomicU64,
    parking: Parking<Parked>,
    /// What was accepted, which each server is compared with before it is used.
    catalog: Option<Arc<Catalog>>,
    /// Whether the server can be reached, where a connection can outlive it.
    reachability: Option<Reachability>,
}

/// No one can ask it any more: its servers end with their last call.
impl<S> Drop for Kept<S> {
    fn drop(&mut self) {
        self.sessions.end_all();
        self.requests.end_all();
    }
}

/// A connection that began with `initialize`, and its answer.
struct Begun {
    connection: Connection,
    answer: Message,
    compared: Option<Arc<Compared>>,
}

/// A connection for requests without a session, as a server of the new generation.
struct Ready {
    connection: Connection,
    server: Arc<dyn Server>,
    compared: Option<Arc<Compared>>,
}

impl<S: Source> Kept<S> {
    fn is_per_session(&self) -> bool {
        self.config.pool.instances == Instances::PerSession
    }

    /// On whose behalf a connection begins, if its server sees that.
    fn beginner(&self, context: &CallContext) -> Option<CallContext> {
        self.is_per_caller.then(|| context.without_scopes())
    }

    fn note_failure(&self, error: &PoolError) {
        note_failure(&self.config.availability, error, self.is_per_caller);
    }

    /// The server for a session, from a server that knows `initialize`.
    async fn old(
        &self,
        key: &Key,
        context: &CallContext,
        initialize: &Message,
    ) -> Result<Lease<Begun>, PoolError> {
        let caller = self.beginner(context);
        let (limits, timeout) = (self.config.calls, self.config.first_answer);
        let wanted =
            if self.is_per_session() { Wanted::Client(initialize.clone()) } else { Wanted::Old };
        // A session of its own begins when its client says so: see `Beginning`.
        let catalog = self.catalog.clone().filter(|_| !self.is_per_session());
        let (availability, reachability) =
            (self.config.availability.clone(), self.reachability.clone());
        let begin = async move |link: Link| {
            let (connection, answer) = connect_for(link, wanted, limits, timeout, caller).await?;
            let compared = compared(&connection, catalog, reachability).await?;
            availability.succeeded();
            Ok::<_, BeginError>(Begun { connection, answer, compared })
        };
        let lease = self.sessions.get(key, begin).await;
        lease.inspect_err(|error| self.note_failure(error))
    }

    /// The server for requests without a session, whatever it speaks.
    async fn ready(&self, key: &Key, context: &CallContext) -> Result<Lease<Ready>, PoolError> {
        let lease = self.begin(key, context, self.generations.ends_at_discover()).await;
        let lease = match lease {
            Err(PoolError::Handshake(error))
                if matches!(connect_error(&error), Some(ConnectError::Ended(_)))
                    && !self.generations.ends_at_discover() =>
            {
                self.generations.set_ends_at_discover();
                self.begin(key, context, true).await
            }
            lease => lease,
        };
        lease.inspect_err(|error| self.note_failure(error))
    }

    async fn begin(
        &self,
        key: &Key,
        context: &CallContext,
        is_old: bool,
    ) -> Result<Lease<Ready>, PoolError> {
        let caller = self.beginner(context);
        let (limits, timeout) = (self.config.calls, self.config.first_answer);
        let options = DownOptions {
            is_shared: self.config.pool.instances == Instances::Shared,
            ..DownOptions::default()
        };
        let how = (limits, timeout, options);
        let (name, parking) = (self.config.name.clone(), self.parking.clone());
        let (catalog, lists) = (self.catalog.clone(), Arc::clone(&self.lists));
        let (availability, reachability) =
            (self.config.availability.clone(), self.reachability.clone());
        let begin = async move |link| {
            let mut ready = ready(link, is_old, how, caller, (&name, &parking, lists)).await?;
            ready.compared = compared(&ready.connection, catalog, reachability).await?;
            availability.succeeded();
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(ready)
        };
        self.requests.get(key, begin).await
    }

    async fn open_session(
        &self,
        context: &CallContext,
        initialize: Message,
    ) -> Result<Opened, OpenError> {
        let session = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let key = Key::new(self.config.pool.instances, context.owner(), Some(&session));
        if !self.generations.is_new_only() {
            match self.old(&key, context, &initialize).await {
                Ok(lease) => return self.opened(lease, &initialize),
                Err(PoolError::Handshake(error)) => match connect_error(&error) {
                    Some(ConnectError::Refused(refusal)) => {
                        // It may know the new generation alone.
                        let lease = self.ready(&key, context).await;
                        if !lease.is_ok_and(|lease| lease.connection.era() == Era::New) {
                            let id = initialize.id().unwrap_or("0");
                            let refusal = refusal.with(&[(crate::wire::Edit::Id, id)]);
                            return Err(OpenError::Refused(Box::new(refusal)));
                        }
                        self.generations.set_new_only();
                    }
                    _ => return Err(unavailable(PoolError::Handshake(error))),
                },
                Err(error) => return Err(unavailable(error)),
            }
        }
        let lease = self.ready(&key, context).await.map_err(unavailable)?;
        let opened = Up::open(lease.connection.clone(), &initialize, &self.config.name);
        let (up, answer) = opened.map_err(|error| OpenError::Unavailable(error.into()))?;
        let beginning = Beginning::Ours(lease.compared.clone());
        let leased = Leased { server: Arc::new(up), lease, beginning };
        Ok(Opened { server: Arc::new(leased), answer })
    }

    fn opened(&self, lease: Lease<Begun>, initialize: &Message) -> Result<Opened, OpenError> {
        let server = Arc::new(lease.connection.clone());
        let is_own = self.is_per_session();
        let answer = if is_own {
            Ok(lease.answer.clone())
        } else {
            welcome(lease.connection.hello().result(), initialize)
        };
        let answer = answer.map_err(|error| OpenError::Unavailable(error.into()))?;
        let beginning = if is_own {
            let (catalog, reachability) = (self.catalog.clone(), self.reachability.clone());
            Beginning::of_client(lease.connection.clone(), catalog, reachability)
        } else {
            Beginning::Ours(lease.compared.clone())
        };
        let leased = Leased { server, lease, beginning };
        Ok(Opened { server: Arc::new(leased), answer })
    }
}

/// A connection for requests without a session.
async fn ready(
    link: Link,
    is_old: bool,
    (limits, timeout, options): (CallLimits, Duration, DownOptions),
    caller: Option<CallContext>,
    (upstream, parking, lists): (&str, &Parking<Parked>, Arc<ListCache>),
) -> Result<Ready, Box<dyn std::error::Error + Send + Sync>> {
    let wanted = if is_old { Wanted::Old } else { Wanted::Probe };
    let connected = connect_for(link, wanted, limits, timeout, caller).await;
    let (connection, _) = connected.map_err(BeginError::from)?;
    let options = DownOptions { names_calls: connection.names_calls(), ..options };
    let server: Arc<dyn Server> = match connection.era() {
        Era::New => Arc::new(Cached::new(connection.clone(), lists)),
        Era::Old => Arc::new(Down::new(connection.clone(), upstream, parking, options)?),
    };
    Ok(Ready { connection, server, compared: None })
}

/// Compares a connection with what was accepted, if anything is.
async fn compared(
    connection: &Connection,
    catalog: Option<Arc<Catalog>>,
    reachability: Option<Reachability>,
) -> Result<Option<Arc<Compared>>, BeginError> {
    let Some(catalog) = catalog else { return Ok(None) };
    Ok(Some(Compared::begin(connection.clone(), catalog, reachability).await?))
}

/// The answer to a client's `initialize` from a server that has answered ours: in the client's
/// revision, if that is an older one than was agreed upon with the server.
fn welcome(hello: &str, initialize: &Message) -> Result<Message, crate::wire::MessageError> {
    let mut result = Object::parse(hello).map_err(crate::wire::MessageError::Json)?;
    let params = Object::parse(initialize.params().unwrap_or("{}")).unwrap_or_default();
    let agreed = result.text("protocolVersion").unwrap_or_default().into_owned();
    if let Some(asked) = params.text("protocolVersion")
        && crate::era::is_known_old(&asked)
        && *asked <= *agreed
    {
        result.set("protocolVersion", quote(&asked));
    }
    Message::success(initialize.id().unwrap_or("0"), &result.to_string())
}

impl<S: Source> Servers for Kept<S> {
    fn open<'a>(
        &'a self,
        context: &'a CallContext,
        initialize: Message,
    ) -> Waiting<'a, Result<Opened, OpenError>> {
        Box::pin(self.open_session(context, initialize))
    }

    fn stateless<'a>(
        &'a self,
        context: &'a CallContext,
    ) -> Waiting<'a, Result<Arc<dyn Server>, OpenError>> {
        Box::pin(async move {
            let key = Key::new(self.config.pool.instances, context.owner(), None);
            let lease = self.ready(&key, context).await.map_err(unavailable)?;
            let server = Arc::clone(&lease.server);
            let beginning = Beginning::Ours(lease.compared.clone());
            Ok(Arc::new(Leased { server, lease, beginning }) as Arc<dyn Server>)
        })
    }
}

fn unavailable(error: PoolError) -> OpenError {
    match error {
        PoolError::Full | PoolError::OwnerFull => OpenError::TooMany,
        error => OpenError::Unavailable(Box::new(error)),
    }
}
