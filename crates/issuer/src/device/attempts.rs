//! Attempts to guess user codes (RFC 8628 §5.1), counted for all nodes together.
//!
//! A code has 34.5 bits, and is valid for ten minutes. A user, however many browsers and addresses
//! they use, has [`PER_USER`] attempts in [`WINDOW`]; with a thousand codes waiting, that hits one
//! once in a million windows. An attempt that was right does not count for the session or the user,
//! and makes up for no other: every user can begin at a device of their own, and be right.

use std::{net::IpAddr, time::Duration};

use auth_core::base64url;
use aws_lc_rs::digest::{SHA256, digest};
use directory::authorization::BrowserSession;

use crate::{AuthorizationServer, limit, respond::Unavailable};

/// How long attempts are counted together.
const WINDOW: Duration = Duration::from_mins(15);
/// How many attempts a session has, and a user in all sessions.
const PER_SESSION: u64 = 10;
const PER_USER: u64 = 20;
/// How many attempts an address has: many users may share one.
const PER_ADDRESS: u64 = 100;

/// Counts an attempt; for how many seconds to wait if there were too many.
pub(super) async fn count(
    server: &AuthorizationServer,
    session: &BrowserSession,
    address: IpAddr,
) -> Result<Result<(), u64>, Unavailable> {
    let now = server.now();
    let address = format!("device address {:x}", limit::network(address));
    let [of_session, of_user] = keys(session);
    let bounds = [(&address, PER_ADDRESS), (&of_user, PER_USER), (&of_session, PER_SESSION)];
    for (key, most) in bounds {
        let counted = server.store().count_attempt(key, WINDOW, now).await?;
        if counted.failures > most {
            let wait = counted.ends_at.map_or(WINDOW, |end| end.since(now));
            tracing::warn!("Too many attempts to guess a device's code");
            return Ok(Err(wait.as_secs().max(1)));
        }
    }
    Ok(Ok(()))
}

/// Takes back an attempt of a session and its user, which was right.
pub(super) async fn forgive(
    server: &AuthorizationServer,
    session: &BrowserSession,
) -> Result<(), Unavailable> {
    for key in keys(session) {
        server.store().forgive_attempt(&key).await?;
    }
    Ok(())
}

/// Of the session, and of its user, whose name may be longer than a key.
fn keys(session: &BrowserSession) -> [String; 2] {
    let (id, user) = (&session.begun.id, &session.begun.user);
    let user = digest(&SHA256, format!("{}\0{}", user.issuer, user.subject).as_bytes());
    [format!("device session {id}"), format!("device user {}", base64url::encode(user.as_ref()))]
}
