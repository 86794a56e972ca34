//! The device grant (RFC 8628): the endpoint at which a device begins, and the page on which a user
//! approves it. The device gets its tokens at the token endpoint.
//!
//! ```text
//! POST /device_authorization ──► codes
//! GET /device ──► (sign-in) ──► page for the code ──► POST /device ──► confirm page
//!                                                     POST /device/decision ──► approved, declined
//! ```
//!
//! 1. A `GET` changes nothing and looks no code up, also not one in its query.
//! 2. Attempts to guess a code are counted before they are judged: by session, by user and by
//!    address, for all nodes together ([`attempts`]).
//! 3. The decision is about the code whose page was shown to this session: the form has a sealed
//!    token for it.
//! 4. What is offered is what an authorization request would be offered
//!    ([`Offer`](crate::authorize::Offer)).

mod attempts;
mod begin;
mod decide;
mod page;
mod view;
mod waiting;

use axum::{
    Router,
    routing::{get, post},
};

pub(crate) use begin::begin;

use crate::AuthorizationServer;

/// The pages.
pub(crate) fn pages() -> Router<AuthorizationServer> {
    Router::new()
        .route("/device", get(page::show).post(page::enter))
        .route("/device/decision", post(decide::decide))
}
