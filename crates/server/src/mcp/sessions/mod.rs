//! Sessions of clients of the revisions before 2026-07-28, where they are wanted
//! (`SESSIONS=database`).
//!
//! 1. A session is kept in the directory's database, so that another node can continue it.
//! 2. It is bound to its owner twice: the guard adds a tag to its id, with a key that all nodes
//!    share (`docs/adr/0014`), and the database finds it for its owner alone.
//! 3. It stops running on a node after five minutes without a request, and is deleted from the
//!    database after a day.
//! 4. The number of running sessions is bounded, for each user and in total ([`running`]).
//! 5. Each request is authorized as without sessions. A session grants nothing.

mod manager;
mod running;

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{Clock, FailureChange, JobHealth, Owner, OwnerTagKey, display::chain};
use bartizan::{Caller, CatchPanic};
use bytes::Bytes;
use directory::{DirectoryError, Shared};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
    session::{SessionManager, SessionState, SessionStore, SessionStoreError},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tower::Service;

pub use self::running::SessionBounds;
use self::{
    manager::Manager,
    running::{Holder, Room, SessionLimitError, holder},
};
use crate::mcp::server::McpServer;

/// How often old sessions are removed.
const PRUNING: Duration = Duration::from_mins(10);

tokio::task_local! {
    /// The owner of the request that is being answered.
    static OWNER: Owner;
    /// The user of that request, with any client.
    static HOLDER: Holder;
}

/// The sessions of all nodes.
#[derive(Clone)]
pub struct Sessions {
    shared: Shared,
    clock: Arc<dyn Clock>,
    key: OwnerTagKey,
    pruning: JobHealth,
    bounds: SessionBounds,
    manager: Arc<Manager>,
}

impl Sessions {
    /// Those that are kept in `shared`, with the key for their owner tags: made now, if there was
    /// none.
    pub async fn open(
        shared: Shared,
        fresh_key: &[u8],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DirectoryError> {
        let key = shared.secret("sessions", fresh_key).await?;
        let key = OwnerTagKey::from_secret(&key)
            .map_err(|fault| DirectoryError::Corrupt { column: "secret", source: fault.into() })?;
        let pruning = JobHealth::new("removing old sessions");
        let (bounds, manager) = (SessionBounds::default(), Arc::default());
        Ok(Self { shared, clock, key, pruning, bounds, manager })
    }

    /// Whether old sessions can be removed.
    pub(crate) fn health(&self) -> JobHealth {
        self.pruning.clone()
    }

    /// The same with other bounds on those that run here.
    #[must_use]
    pub fn bounded(self, bounds: SessionBounds) -> Self {
        Self { bounds, ..self }
    }

    /// How many run on this node.
    #[must_use]
    pub fn count(&self) -> usize {
        self.manager.running.count()
    }

    /// The key for the owner tags of their ids.
    pub(crate) fn key(&self) -> OwnerTagKey {
        self.key.clone()
    }

    /// Removes old sessions every [`PRUNING`], until `stop` is cancelled.
    pub(crate) async fn prune(self, stop: CancellationToken) {
        let mut interval = tokio::time::interval(PRUNING);
        loop {
            tokio::select! {
                _ = interval.tick() => {}
                () = stop.cancelled() => return,
            }
            match self.shared.prune_sessions(self.clock.now()).await {
                Ok(()) => {
                    if self.pruning.succeeded() {
                        tracing::info!("Old sessions are removed again");
                    }
                }
                Err(error) => {
                    let error = chain(&error);
                    if self.pruning.failed(&error, self.clock.now()) != FailureChange::Same {
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

/// The service that [`service`] returns.
pub(crate) type SessionService = WithOwner<StreamableHttpService<CatchPanic<McpServer>, Manager>>;

/// `server` with sessions. Clients of 2026-07-28 still have none.
pub(crate) fn service(
    server: McpServer,
    sessions: Sessions,
    shutdown: &CancellationToken,
) -> SessionService {
    let (bounds, manager) = (sessions.bounds, Arc::clone(&sessions.manager));
    let mut config = StreamableHttpServerConfig::default()
        // Where there is no session, one answer needs no stream.
        .with_json_response(true)
        // The guard has checked Host and Origin already.
        .disable_allowed_hosts()
        .with_cancellation_token(shutdown.child_token());
    config.session_store = Some(Arc::new(sessions));
    let rmcp = Arc::clone(&manager);
    let make = move || Ok(CatchPanic::new(server.clone()));
    let inner = StreamableHttpService::new(make, rmcp, config);
    WithOwner { inner, bounds, manager }
}

/// Behind the guard, before rmcp: remembers whose request it is while it is answered, and lets no
/// more sessions begin than may run.
#[derive(Clone)]
pub(crate) struct WithOwner<S> {
    inner: S,
    bounds: SessionBounds,
    manager: Arc<Manager>,
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

impl<S, B> Service<Request<B>> for WithOwner<S>
where
    S: Service<Request<B>, Response = Answer, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let caller = request.extensions().get::<Caller>();
        let principal = caller.and_then(Caller::principal);
        let owner = principal.map_or(Owner::Anonymous, |principal| principal.owner());
        let holder = holder(principal);
        let room = match self.room_for(&request, caller, &holder) {
            Ok(room) => room,
            Err(SessionLimitError) => return Box::pin(std::future::ready(Ok(no_room()))),
        };
        let manager = Arc::clone(&self.manager);
        let answer = OWNER.scope(owner, HOLDER.scope(holder, self.inner.call(request)));
        Box::pin(async move {
            // Held until the session is counted as running.
            let _room = match room {
                Some((room, stopped)) => {
                    if let Some(id) = stopped {
                        // It is no longer counted, so it must end even if this caller disconnects.
                        let ending = tokio::spawn(async move { manager.close_session(&id).await });
                        if let Ok(Err(error)) = ending.await {
                            tracing::debug!(%error, "A session that rests could not be stopped");
                        }
                    }
                    Some(room)
                }
                None => None,
            };
            answer.await
        })
    }
}

/// Room for a session, and the id of the one that stops for it.
type Reservation = (Room, Option<Arc<str>>);

impl<S> WithOwner<S> {
    /// Room for the session that a request begins, or that it is in and that does not run here;
    /// `None` where there is no need.
    fn room_for<B>(
        &self,
        request: &Request<B>,
        caller: Option<&Caller>,
        holder: &Holder,
    ) -> Result<Option<Reservation>, SessionLimitError> {
        let named = request.headers().get("mcp-session-id").and_then(|id| id.to_str().ok());
        let needs_room = match named {
            Some(id) => request.method() != Method::DELETE && !self.manager.running.uses(id),
            None => caller.is_some_and(|caller| caller.permit().action().method() == "initialize"),
        };
        if !needs_room {
            return Ok(None);
        }
        self.manager.running.make_room(holder, &self.bounds).map(Some)
    }
}

/// The answer where there is no room for one more session.
fn no_room() -> Answer {
    let text = "too many sessions are in use: end one, or try again later";
    let body = json!({ "error": "temporarily_unavailable", "error_description": text }).to_string();
    let mut answer = Response::new(Full::<Bytes>::from(body).boxed());
    *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}
