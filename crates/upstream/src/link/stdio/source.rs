//! Servers over stdio for a pool.

use std::sync::Arc;

use super::open::open_in;
use crate::{
    child::ChildConfig,
    link::{ClosedError, Link},
    pool::{Slot, Source},
    warden::Warden,
};

/// A pool's source: each connection is a new child process.
#[derive(Debug, Clone)]
pub struct StdioServer {
    /// How it is run.
    pub config: Arc<ChildConfig>,
    /// Who ends it if this process is killed.
    pub warden: Warden,
}

impl Source for StdioServer {
    async fn open(&self, slot: Slot) -> Result<Link, ClosedError> {
        open_in(&self.config, &self.warden, Some(slot)).await
    }
}
