//! An HTTP server as a [`Link`]: streamable HTTP (MCP 2025-03-26 to 2025-11-25, and 2026-07-28;
//! basic/transports).
//!
//! 1. Each message is one POST, which is sent once; a second time only if the server has refused
//!    the gateway's token with 401, and so has not processed it. Requests are sent side by side,
//!    each with its own answer: what comes on it has the call in `during`.
//! 2. `initialize` and `notifications/initialized` are answered before the next message is sent:
//!    the server names the session in the answer to the former.
//! 3. With a session (revisions before 2026-07-28) its id and version are in every request, a GET
//!    stream brings what belongs to no call, and a DELETE ends it. 404 to a request that names it
//!    means that the server has ended it: no further request is sent, and the link ends when the
//!    calls in flight have. They were accepted before, and the server may answer them.
//! 4. A stream that breaks is resumed with `Last-Event-ID`, if its events have ids: by a GET, never
//!    by sending the POST again.
//! 5. From 2026-07-28 on, what the body says is repeated in headers (`mirror`), and a call is
//!    cancelled by closing its answer.
//! 6. Each message is on behalf of the caller that it names. What names none, such as the GET
//!    stream, is on behalf of the caller who used the link last, without scopes.
//! 7. A call whose answer is none is a [`LinkFault::NoAnswer`].
//! 8. A server that answers `initialize` with 400, 404 or 405 and no JSON-RPC message may be one of
//!    2024-11-05: if a GET brings its `endpoint` event, the link goes on with that transport
//!    (`link::sse`).
//!
//! [`LinkFault::NoAnswer`]: crate::link::LinkFault::NoAnswer

mod call;
mod error;
mod known;
mod listen;
mod mirror;
mod params;
mod session;
mod source;
mod worker;

use std::sync::Arc;

use tokio::sync::mpsc;

pub use self::{error::HttpLinkError, source::PooledHttpLinks};
use self::{known::Known, session::Session, worker::work};
use super::{Link, reachability::Reachability};
use crate::{CallContext, credentials::Credentials, http::HttpClient};

/// How many messages wait in each direction.
const QUEUE: usize = 64;

/// Makes links to one server. A clone shares its connections, its tokens, and what is known of the
/// server.
#[derive(Debug, Clone)]
pub struct HttpLinks {
    client: HttpClient,
    credentials: Credentials,
    known: Arc<Known>,
}

impl HttpLinks {
    /// Links to the server of `client`, with these credentials.
    #[must_use]
    pub fn new(client: HttpClient, credentials: Credentials) -> Self {
        Self { client, credentials, known: Arc::default() }
    }

    /// Whether the server can be reached.
    pub(super) fn reachability(&self) -> Reachability {
        self.known.reachability.clone()
    }

    /// A link on behalf of a caller, until a message names another. Nothing is sent yet. It needs a
    /// tokio runtime, and ends with its sender.
    #[must_use]
    pub fn open(&self, caller: CallContext) -> Link {
        self.open_holding(caller, (), |()| {})
    }

    /// The same; `held` is dropped when the link has ended, its session included. `closing` is
    /// called when no further request can be sent through the link, maybe several times.
    #[must_use]
    pub fn open_holding<T: Send + Sync + 'static>(
        &self,
        caller: CallContext,
        held: T,
        closing: fn(&T),
    ) -> Link {
        let (sender, outgoing) = mpsc::channel(QUEUE);
        let (incoming, receiver) = mpsc::channel(QUEUE);
        let Self { client, credentials, known } = self.clone();
        let session = Session::new(client, credentials, known, caller, incoming);
        tokio::spawn(async move {
            work(Arc::new(session), outgoing, || closing(&held)).await;
            drop(held);
        });
        Link { sender, receiver }
    }
}
