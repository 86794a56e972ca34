//! rmcp's sessions in memory, with a record of which run and which have a stream open.

use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::session::{
        RestoreOutcome, ServerSseMessage, SessionId, SessionManager,
        local::{LocalSessionManager, LocalSessionManagerError},
    },
};

use super::{
    HOLDER,
    running::{Holder, Running, Streaming},
};

type Inner = LocalSessionManager;
type Fault = LocalSessionManagerError;

/// The sessions that run on this node.
#[derive(Debug, Default)]
pub(crate) struct Manager {
    inner: Inner,
    pub(super) running: Running,
}

/// rmcp begins a session while it answers a request, in the same task.
fn holder() -> Holder {
    HOLDER.try_with(Clone::clone).ok().flatten()
}

/// `stream`, during which the session does not rest.
fn held_by(
    stream: impl Stream<Item = ServerSseMessage> + Send + Sync + 'static,
    streaming: Streaming,
) -> impl Stream<Item = ServerSseMessage> + Send + Sync + 'static {
    stream.map(move |message| {
        // Kept here for as long as the stream is.
        let _ = &streaming;
        message
    })
}

impl SessionManager for Manager {
    type Error = Fault;
    type Transport = <Inner as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Fault> {
        let (id, transport) = self.inner.create_session().await?;
        self.running.begin(&id, holder());
        Ok((id, transport))
    }

    async fn restore_session(
        &self,
        id: SessionId,
    ) -> Result<RestoreOutcome<Self::Transport>, Fault> {
        let outcome = self.inner.restore_session(Arc::clone(&id)).await?;
        if matches!(outcome, RestoreOutcome::Restored(_)) {
            self.running.begin(&id, holder());
        }
        Ok(outcome)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Fault> {
        self.inner.initialize_session(id, message).await
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Fault> {
        self.running.uses(id);
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Fault> {
        self.running.end(id);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Fault> {
        let streaming = self.running.stream(id);
        let stream = self.inner.create_stream(id, message).await?;
        Ok(held_by(stream, streaming))
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Fault> {
        let streaming = self.running.stream(id);
        let stream = self.inner.create_standalone_stream(id).await?;
        Ok(held_by(stream, streaming))
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Fault> {
        let streaming = self.running.stream(id);
        let stream = self.inner.resume(id, last_event_id).await?;
        Ok(held_by(stream, streaming))
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), Fault> {
        self.running.uses(id);
        self.inner.accept_message(id, message).await
    }
}
