//! The budget of an address for tokens that are not accepted.

use std::{fmt, net::IpAddr, sync::Arc};

use auth_core::{Rate, VerifyError};

use super::{Limit, RateLimitedError, RateLimits, Spender};
use crate::{AuthenticateError, InvalidTokenError};

/// How many tokens from one address may be refused, and which addresses that is for.
#[derive(Clone)]
pub(crate) struct FailedAuthentications {
    pub(crate) rate: Rate,
    pub(crate) is_bounded: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
}

impl fmt::Debug for FailedAuthentications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailedAuthentications").field("rate", &self.rate).finish_non_exhaustive()
    }
}

impl RateLimits {
    /// Spends what a token that is not accepted spends. What is the server's own fault spends
    /// nothing, nor does a token that was good before: its client has to learn, by 401, that it
    /// needs another, also where others at its address have spent the budget.
    pub(crate) fn spend_for_failure(
        &self,
        failures: &FailedAuthentications,
        fault: &AuthenticateError,
        peer: Option<IpAddr>,
    ) -> Result<(), RateLimitedError> {
        match (fault, peer) {
            (
                AuthenticateError::Unavailable(_)
                | AuthenticateError::RevokedToken { .. }
                | AuthenticateError::InvalidToken(InvalidTokenError {
                    fault: VerifyError::Expired,
                    ..
                }),
                _,
            )
            | (_, None) => Ok(()),
            (_, Some(peer)) if !(failures.is_bounded)(peer) => Ok(()),
            (_, Some(peer)) => {
                self.spend(Limit::FailedAuthentications, failures.rate, Spender::address(peer))
            }
        }
    }
}
