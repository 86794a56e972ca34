//! Who is signed in at this browser, and how a user signs in: with a password or a one-time code,
//! with a link, and then with a second factor where there is one or the user's role needs one.
//!
//! 1. A `GET` changes nothing. Each form is for one browser, and a session's forms for that session
//!    (`browser`).
//! 2. What was wrong with a name and a secret is not said, and takes as long as what was right
//!    (`check`).
//! 3. Guessing has bounds by address, by user and by node, none of which keeps a user out for good
//!    (`throttle`).
//! 4. Passwords cost other requests neither time nor memory (`hasher`).
//! 5. After signing in, a user goes to a page of ours (`next`).
//! 6. No secret is in a log, or in the text of an error.

mod argon;
mod browser;
mod check;
mod common;
pub(crate) mod cookie;
mod digest;
pub(crate) mod factor;
mod finish;
mod hasher;
mod known;
mod leave;
mod limits;
mod link;
mod new_key;
mod next;
mod one_time;
mod origin;
mod page;
mod password;
mod posted;
mod proof;
mod second;
mod start;
mod step;
mod throttle;
mod totp;
mod view;

use axum::{
    Router,
    routing::{get, post},
};

pub use argon::ArgonError;
pub use one_time::{
    CODE_LIFETIME, LINK_LIFETIME, OneTimeCode, OneTimeCodeError, START_CODE_LIFETIME, SignInLink,
};
pub use password::{LEAST_CHARACTERS, MAX_BYTES, PasswordError, hash_password};
pub(crate) use {
    browser::{Browser, FormKind},
    check::{hash, verify},
    cookie::Cookie,
    finish::finish,
    limits::Limits,
    next::Next,
    origin::may_be_ours,
    page::{page, page_for_program},
    posted::Posted,
    proof::{Confirmed, SecondStep, confirm_factor, use_second_factor},
    second::confirm_required,
    throttle::Attempt,
    view::{problem, recovery_codes, set_up},
};

use crate::AuthorizationServer;

/// The paths below the issuer's.
pub(crate) fn routes() -> Router<AuthorizationServer> {
    Router::new()
        .route("/sign-in", get(start::get).post(start::post))
        .route("/sign-in/link", get(link::get).post(link::post))
        .route("/sign-in/second", post(second::post))
        .route("/sign-out", post(leave::post))
}
