//! Forgetting what is over: some rows at a time, so that no other change waits for long.

use std::time::Duration;

use auth_core::{Leeway, NumericDate, oauth::CODE_LIFETIME};

use super::{
    AuthorizationStore,
    client::before,
    database::{Lock, Made, change},
};
use crate::{DirectoryError, sql::connection::Statement};

/// How many rows are forgotten at once.
const AT_ONCE: u64 = 500;

/// How long a grant is shown after it ended. Its tokens are revoked, and have ended by then.
const ENDED_GRACE: Duration = Duration::from_hours(24);

/// How long a device code is known after its end, so that its client hears that it has expired.
const DEVICE_GRACE: Duration = Duration::from_hours(1);

/// How long after its end a code that was not exchanged is kept, with its grant.
const CODE_GRACE: Duration = Duration::from_mins(10);

/// Deletes 500 rows at most of a table that are over by $1. What changes meanwhile is asked again.
macro_rules! forget {
    ($table:literal, $key:literal, $over:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE ",
            $over,
            " LIMIT 500) AND ",
            $over
        )
    };
}

const THROTTLES: &str = forget!("throttles", "key", "ends_at <= $1");
const ASSERTIONS: &str = forget!("used_assertions", "issuer, token_id", "expires_at <= $1");
const SESSIONS: &str = forget!("browser_sessions", "digest", "expires_at <= $1");
const ONE_TIME: &str =
    forget!("one_time_secrets", "issuer, subject, kind, digest", "expires_at <= $1");
const ACCESS: &str = forget!("access_tokens", "token_id", "expires_at <= $1");
const DEVICES: &str = forget!("devices", "digest", "expires_at < $1 AND state <> 'approved'");

const IDLE: &str = forget!("grants", "id", "last_used_at < $1");
const ENDED: &str = forget!("grants", "id", "ended_at < $1");
const NO_CODE: &str = forget!(
    "grants",
    "id",
    "id IN (SELECT grant_id FROM codes WHERE exchanged_at IS NULL AND issued_at < $1)"
);
const NO_DEVICE: &str = forget!(
    "grants",
    "id",
    "id IN (SELECT grant_id FROM devices WHERE state = 'approved' AND expires_at < $1)"
);

impl AuthorizationStore {
    /// Forgets grants that have not been used for `idle`, tokens that have expired, codes, device
    /// codes, one-time codes, sessions, throttles and assertions that are over.
    pub async fn prune_authorizations(
        &self,
        now: NumericDate,
        idle: Duration,
    ) -> Result<(), DirectoryError> {
        for (text, date) in [
            (THROTTLES, now.as_secs()),
            (ASSERTIONS, now.as_secs()),
            (SESSIONS, now.as_secs()),
            (ONE_TIME, now.as_secs()),
            (ACCESS, before(now, Leeway::MAX)),
            (DEVICES, before(now, DEVICE_GRACE)),
        ] {
            while self.write(Statement::new(text).bind(date)).await? >= AT_ONCE {}
        }
        // Grants are also removed with their users, which takes the same lock.
        for (text, date) in [
            (IDLE, before(now, idle)),
            (ENDED, before(now, ENDED_GRACE)),
            (NO_CODE, before(now, CODE_LIFETIME + CODE_GRACE)),
            (NO_DEVICE, before(now, DEVICE_GRACE)),
        ] {
            loop {
                let forgotten: u64 = change!(self, Lock::Feed, change => {
                    Ok(Made::Keep(change.execute(Statement::new(text).bind(date)).await?))
                })?;
                if forgotten < AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }
}
