//! What the calls of one session share.

use std::sync::{Arc, Mutex, PoisonError};

use super::{asking::OpenAsks, session::Session};
use crate::{
    calls::Connection,
    translate::{failure::Failure, level::Level, request::OldClient},
    wire::{Message, Object},
};

/// The state of one session.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) client: OldClient,
    /// What the server can do, as JSON.
    pub(super) capabilities: String,
    pub(super) asks: Arc<OpenAsks>,
    pub(super) session: Session,
    level: Mutex<Option<Level>>,
}

impl Shared {
    pub(super) fn new(connection: Connection, client: OldClient) -> Self {
        let capabilities = Object::parse(connection.hello().result())
            .ok()
            .and_then(|hello| hello.get("capabilities").map(str::to_owned))
            .unwrap_or_else(|| "{}".to_owned());
        Self {
            connection,
            client,
            capabilities,
            asks: Arc::default(),
            session: Session::default(),
            level: Mutex::default(),
        }
    }

    /// Whether the server declared a capability.
    pub(super) fn has(&self, capability: &str) -> bool {
        Object::parse(&self.capabilities).is_ok_and(|all| all.get(capability).is_some())
    }

    /// The level of the session's log messages from now on.
    pub(super) fn set_level(&self, level: Level) {
        *self.level.lock().unwrap_or_else(PoisonError::into_inner) = Some(level);
    }

    /// The parameters of a request of this session, for the server.
    pub(super) fn params(&self, method: &str, params: Option<&str>) -> Result<String, Failure> {
        let level = *self.level.lock().unwrap_or_else(PoisonError::into_inner);
        self.client.to_new(method, params, level).map_err(Failure::params)
    }

    /// A request of the gateway's own, in the name of this session's client.
    pub(super) fn request(&self, method: &str, params: &str) -> Result<Message, Failure> {
        let params = self.params(method, Some(params))?;
        Message::request("0", method, Some(&params)).map_err(Failure::params)
    }
}
