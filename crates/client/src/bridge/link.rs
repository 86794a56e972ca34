//! What all work of a bridge shares.

use std::sync::Arc;

use outbound::{OutboundError, transport::HttpClient};

use super::{
    calls::Calls, log::Log, output::Output, params::Params, session::Sessions, tokens::Tokens,
};
use crate::{config::Config, connect};

/// What all work of a bridge shares.
pub(super) struct Link {
    pub(super) config: Arc<Config>,
    pub(super) http: HttpClient,
    pub(super) tokens: Tokens,
    pub(super) sessions: Sessions,
    /// Held while a new session takes the place of one that the server has ended.
    pub(super) renewing: tokio::sync::Mutex<()>,
    pub(super) calls: Calls,
    pub(super) params: Params,
    pub(super) output: Output,
    pub(super) log: Log,
}

impl Link {
    /// A link to the server of the configuration. An error without an HTTP client.
    pub(super) fn new(
        config: Arc<Config>,
        tokens: Tokens,
        output: Output,
        log: Log,
    ) -> Result<Self, OutboundError> {
        Ok(Self {
            http: connect::http_client(config.target(None))?,
            config,
            tokens,
            sessions: Sessions::default(),
            renewing: tokio::sync::Mutex::default(),
            calls: Calls::default(),
            params: Params::default(),
            output,
            log,
        })
    }
}
