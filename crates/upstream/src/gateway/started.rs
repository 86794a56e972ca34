//! What a start for one caller that failed says about the upstream.

use std::{error::Error, sync::Arc};

use super::begin_error::{connect_error, is_offered_error};
use crate::{availability::Availability, era::ConnectError, pool::PoolError};

/// Records that there is no server for a caller. What only concerns that caller is not recorded: a
/// server that sees who calls (`is_per_caller`) may show this one less than others.
pub(super) fn note_failure(availability: &Availability, error: &PoolError, is_per_caller: bool) {
    match error {
        // With backoff it said why when it failed.
        PoolError::Full | PoolError::OwnerFull | PoolError::Ended | PoolError::Backoff(_) => {}
        PoolError::Handshake(error) if is_refusal(error) => {}
        PoolError::Handshake(inner) if is_per_caller && is_offered_error(inner) => {
            availability.refused_one(error);
        }
        error => availability.failed(error),
    }
}

/// Whether the server is there, and refuses what this client asks for. Whether one that is reached
/// anew for each message is there is for its [`Reachability`](crate::link::Reachability) to say.
fn is_refusal(error: &Arc<dyn Error + Send + Sync>) -> bool {
    matches!(connect_error(error), Some(ConnectError::Refused(_)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::begin_error::BeginError, *};
    use crate::catalog::OfferedError;

    #[test]
    fn a_server_is_unavailable_from_its_failure_to_its_next_start() {
        let availability = Availability::new("files");
        assert_eq!(availability.failing_since(), None);
        note_failure(&availability, &PoolError::OwnerFull, false);
        assert_eq!(availability.failing_since(), None, "that is about one caller");
        note_failure(&availability, &PoolError::TooSlow(Duration::from_secs(1)), true);
        let since = availability.failing_since();
        assert!(since.is_some());
        note_failure(&availability, &PoolError::Backoff(Duration::from_secs(1)), false);
        assert_eq!(availability.failing_since(), since);
        availability.succeeded();
        assert_eq!(availability.failing_since(), None);
    }

    #[test]
    fn a_server_that_shows_one_caller_nothing_is_available_to_others() {
        let error = || {
            let error: Box<dyn Error + Send + Sync> =
                BeginError::from(OfferedError::Timeout(Duration::from_secs(1))).into();
            PoolError::Handshake(error.into())
        };
        let availability = Availability::new("files");
        note_failure(&availability, &error(), true);
        assert_eq!(availability.failing_since(), None);
        note_failure(&availability, &error(), false);
        assert!(availability.failing_since().is_some());
    }
}
