//! What a server sends and asks while an answer is awaited, passed on to the wait for that answer.

use rmcp::{
    ErrorData, RoleClient,
    model::{
        ClientConfig, ClientResult, ElicitRequestParams, ElicitResult, ErrorCode,
        ServerNotification, ServerRequest,
    },
    service::{NotificationContext, RequestContext, Service},
};
use tokio::sync::{mpsc, oneshot};

use crate::transport::PendingRequests;

/// How many events wait at most: a server that says more waits for the terminal.
pub(crate) const CAPACITY: usize = 64;

/// What happened at the server.
#[derive(Debug)]
pub(crate) enum Event {
    /// It sent a notification.
    Notified(Box<ServerNotification>),
    /// It asks the person a question.
    Asked {
        /// The question.
        question: Box<ElicitRequestParams>,
        /// Where the answer goes.
        answer: oneshot::Sender<ElicitResult>,
    },
    /// Something about the request is worth a warning.
    Warned(String),
    /// The status of a task of ours.
    TaskStatus(String),
}

/// Our side of the connection.
#[derive(Debug, Clone)]
pub(crate) struct Handler {
    identity: ClientConfig,
    events: mpsc::Sender<Event>,
    pending: PendingRequests,
}

impl Handler {
    /// A handler, and where its events come out.
    pub(crate) fn new(identity: ClientConfig) -> (Self, mpsc::Receiver<Event>) {
        let (events, received) = mpsc::channel(CAPACITY);
        (Self { identity, events, pending: PendingRequests::default() }, received)
    }

    /// The requests of the server that are not answered yet.
    pub(crate) fn pending(&self) -> &PendingRequests {
        &self.pending
    }

    /// Passes on an event.
    pub(crate) async fn emit(&self, event: Event) {
        // With no receiver left, the run is over.
        let _ = self.events.send(event).await;
    }

    /// Asks the person.
    pub(crate) async fn ask(
        &self,
        question: ElicitRequestParams,
    ) -> Result<ElicitResult, ErrorData> {
        let no_one = || ErrorData::internal_error("there is no one to ask", None);
        let (answer, answered) = oneshot::channel();
        let event = Event::Asked { question: Box::new(question), answer };
        self.events.send(event).await.map_err(|_| no_one())?;
        answered.await.map_err(|_| no_one())
    }
}

impl Service<RoleClient> for Handler {
    async fn handle_request(
        &self,
        request: ServerRequest,
        _context: RequestContext<RoleClient>,
    ) -> Result<ClientResult, ErrorData> {
        if self.pending.asked() {
            return Err(ErrorData::internal_error("too many requests at once", None));
        }
        match request {
            ServerRequest::PingRequest(_) => Ok(ClientResult::empty(())),
            ServerRequest::ElicitRequest(request) => {
                self.ask(request.params).await.map(ClientResult::ElicitResult)
            }
            _ => Err(ErrorData::new(
                ErrorCode::METHOD_NOT_FOUND,
                "this client offers no such method",
                None,
            )),
        }
    }

    async fn handle_notification(
        &self,
        notification: ServerNotification,
        _context: NotificationContext<RoleClient>,
    ) -> Result<(), ErrorData> {
        self.emit(Event::Notified(Box::new(notification))).await;
        Ok(())
    }

    fn get_info(&self) -> ClientConfig {
        self.identity.clone()
    }
}
