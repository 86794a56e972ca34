//! On whose behalf a request is answered.

use auth_core::Owner;

use crate::{CallContext, calls::Connection};

/// A caller, and the connection as it is used on behalf of them.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) owner: Owner,
    pub(super) connection: Connection,
}

impl Caller {
    pub(super) fn new(context: &CallContext, connection: &Connection) -> Self {
        Self { owner: context.owner().clone(), connection: connection.of(context) }
    }
}
