//! Sessions of clients of the revisions before 2026-07-28, where they are wanted (`SESSIONS=database`).
//!
//! 1. A session is kept in the directory's database, so that another node can go on with it.
//! 2. It is its owner's twice over: the guard seals its name with a key that all nodes share (`docs/adr/0014`),
//!    and the database finds it for its owner alone.
//! 3. What is running of it on a node ends after five minutes without a request; what is kept, after a day.
//! 4. Each request is judged as without sessions. A session gives nobody anything.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{Clock, Owner, SealingKey};
use directory::{DirectoryError, Shared};
use http::{Request, Response};
use mcp_guard::{Caller, CatchPanic};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
    session::{SessionState, SessionStore, SessionStoreError, local::LocalSessionManager},
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{background::JobHealth, mcp::McpServer};

/// How often sessions that are too old are looked for.
const PRUNING: Duration = Duration::from_mins(10);

tokio::task_local! {
    /// Whose request it is that is being answered.
    static OWNER: Owner;
}

/// The sessions of all nodes.
#[derive(Clone)]
pub struct Sessions {
    shared: Shared,
    clock: Arc<dyn Clock>,
    key: SealingKey,
    pruning: JobHealth,
}

impl Sessions {
    /// Those that are kept in `shared`, with the key that seals them: made now, if there was none.
    pub async fn open(
        shared: Shared,
        fresh_key: &[u8],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DirectoryError> {
        let key = shared.secret("sessions", fresh_key).await?;
        let key = SealingKey::from_secret(&key)
            .map_err(|fault| DirectoryError::Corrupt { column: "secret", source: fault.into() })?;
        let pruning = JobHealth::new(Arc::clone(&clock));
        Ok(Self { shared, clock, key, pruning })
    }

    /// Whether those that are too old can be removed.
    pub(crate) fn health(&self) -> (String, JobHealth) {
        ("removing old sessions".into(), self.pruning.clone())
    }

    /// The key with which the guard seals their names.
    pub(crate) fn key(&self) -> SealingKey {
        self.key.clone()
    }

    /// Forgets those that are too old, now and then, until `stop` is cancelled.
    pub(crate) async fn prune(self, stop: CancellationToken) {
        let mut now_and_then = tokio::time::interval(PRUNING);
        loop {
            tokio::select! {
                _ = now_and_then.tick() => {}
                () = stop.cancelled() => return,
            }
            match self.shared.prune_sessions(self.clock.now()).await {
                Ok(()) => {
                    if self.pruning.ok() {
                        tracing::info!("Old sessions are removed again");
                    }
                }
                Err(error) => {
                    if self.pruning.failed(&error) {
                        tracing::warn!(%error, "Old sessions cannot be removed");
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("shared", &self.shared).finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl SessionStore for Sessions {
    async fn load(&self, id: &str) -> Result<Option<SessionState>, SessionStoreError> {
        let state = self.shared.take_up_session(id, &owner()?, self.clock.now()).await?;
        Ok(state.map(|state| serde_json::from_slice(&state)).transpose()?)
    }

    async fn store(&self, id: &str, state: &SessionState) -> Result<(), SessionStoreError> {
        let state = serde_json::to_vec(state)?;
        Ok(self.shared.begin_session(id, &owner()?, &state, self.clock.now()).await?)
    }

    async fn delete(&self, id: &str) -> Result<(), SessionStoreError> {
        Ok(self.shared.end_session(id, &owner()?).await?)
    }
}

/// rmcp asks the store while it answers a request, in the same task.
fn owner() -> Result<Owner, SessionStoreError> {
    OWNER.try_with(Clone::clone).map_err(|_| "a session outside of any request".into())
}

/// `server` with sessions. Clients of 2026-07-28 have none all the same.
pub(crate) fn service(
    server: McpServer,
    sessions: Sessions,
    shutdown: &CancellationToken,
) -> WithOwner<StreamableHttpService<CatchPanic<McpServer>, LocalSessionManager>> {
    let mut config = StreamableHttpServerConfig::default()
        // Where there is no session, one answer needs no stream.
        .with_json_response(true)
        // The guard has judged Host and Origin before.
        .disable_allowed_hosts()
        .with_cancellation_token(shutdown.child_token());
    config.session_store = Some(Arc::new(sessions));
    let manager = Arc::new(LocalSessionManager::default());
    WithOwner(StreamableHttpService::new(
        move || Ok(CatchPanic::new(server.clone())),
        manager,
        config,
    ))
}

/// Behind the guard, before rmcp: remembers whose request it is while it is answered.
#[derive(Debug, Clone)]
pub(crate) struct WithOwner<S>(S);

impl<S, B, R> Service<Request<B>> for WithOwner<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<R>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let caller = request.extensions().get::<Caller>().and_then(Caller::principal);
        let owner = caller.map_or(Owner::Anonymous, |principal| principal.owner());
        Box::pin(OWNER.scope(owner, self.0.call(request)))
    }
}
