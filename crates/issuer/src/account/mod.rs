//! The account page: what a user has connected, where the user is signed in, and how.
//!
//! 1. Every form has a token of the session that saw the page, and is for the user of that session.
//! 2. What could keep a user out, or let another in, needs more than a session: a new password the
//!    current one, a second factor a sign-in of the last five minutes, and turning it off a code of
//!    it. Each of these has a bound on attempts.
//! 3. A new password, and a second factor that is set up or turned off, ends all other sessions.
//! 4. An ended connection loses its tokens, and the next one is asked for anew.

mod connections;
mod factor;
mod notice;
mod password;
mod sessions;
mod show;
mod signed_in;

use axum::{
    Router,
    routing::{get, post},
};

use crate::{AuthorizationServer, pages::path};

/// The paths below the issuer's.
pub(crate) fn routes() -> Router<AuthorizationServer> {
    Router::new()
        .route(path::ACCOUNT, get(show::get))
        .route(path::END_CONNECTION, post(connections::end_one))
        .route(path::END_CONNECTIONS, post(connections::end_all))
        .route(path::END_SESSION, post(sessions::end_one))
        .route(path::END_OTHER_SESSIONS, post(sessions::end_others))
        .route(path::PASSWORD, post(password::change))
        .route(path::SET_UP, post(factor::begin))
        .route(path::SET_UP_CONFIRM, post(factor::confirm))
        .route(path::TURN_OFF, post(factor::turn_off))
        .route(path::RECOVERY_CODES, post(factor::new_codes))
}
