//! Whether a connection was compared with what is accepted now.
//!
//! A connection is compared when it begins. The comparison holds until something is accepted: what
//! the server offers is asked for again then, before the next call of the connection.

use std::sync::Arc;

use tokio::{sync::Mutex, time::Instant};

use super::listing::{compare, offered};
use crate::{
    CallContext,
    calls::Connection,
    catalog::{Catalog, ListBounds, OfferedError},
};

/// A connection that was compared.
pub(super) struct Compared {
    connection: Connection,
    catalog: Arc<Catalog>,
    state: Mutex<State>,
}

struct State {
    /// On what the last comparison that succeeded rests.
    basis: Basis,
    /// The last one, if it failed: when it began, and why.
    failure: Option<(Instant, Arc<OfferedError>)>,
}

/// On what a comparison rests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Basis {
    /// Of the catalog.
    revision: u64,
}

impl Compared {
    /// Compares `connection` with `catalog` from now on.
    pub(super) async fn begin(
        connection: Connection,
        catalog: Arc<Catalog>,
    ) -> Result<Arc<Self>, OfferedError> {
        let basis = Basis { revision: catalog.revision() };
        compare(&connection, &catalog).await?;
        let state = Mutex::new(State { basis, failure: None });
        Ok(Arc::new(Self { connection, catalog, state }))
    }

    /// Compares it again, on behalf of a caller, if the last comparison does not hold any more.
    /// Callers that wait for one comparison share its outcome.
    pub(super) async fn confirm(&self, context: &CallContext) -> Result<(), Arc<OfferedError>> {
        let asked = Instant::now();
        let mut state = self.state.lock().await;
        let basis = Basis { revision: self.catalog.revision() };
        // No call is passed on over a connection that has ended.
        if basis == state.basis || self.connection.is_closed() {
            return Ok(());
        }
        if let Some((began, error)) = &state.failure
            && *began >= asked
        {
            return Err(Arc::clone(error));
        }
        let began = Instant::now();
        let connection = self.connection.of(&context.without_scopes());
        match offered(&connection, &ListBounds::default()).await {
            Ok(offered) => {
                self.catalog.learn(&offered.definitions);
                *state = State { basis, failure: None };
                Ok(())
            }
            Err(error) => {
                let cause: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    upstream = self.catalog.name(),
                    error = cause,
                    "The server does not say what it offers: calls are refused until it does"
                );
                let error = Arc::new(error);
                state.failure = Some((began, Arc::clone(&error)));
                Err(error)
            }
        }
    }
}
