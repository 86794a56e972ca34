//! The authorization endpoint (OAuth 2.1 §4.1.1, §4.1.2): `GET` shows a page, `POST` is the
//! decision of the user.
//!
//! ```text
//! GET /authorize?…  ──► sign-in page ──► POST /sign-in ──► GET /authorize?…
//!                  └──► consent page ──► POST /authorize ──► the client, with a code or an error
//! ```
//!
//! 1. `GET` has no side effect, and may be repeated: some programs ask before a browser does.
//! 2. Each step reads the request anew ([`request`]); nothing about it is stored.
//! 3. What is offered is what was asked for, within what the user's roles allow ([`offer`]).
//! 4. The consent page is always shown. What was allowed before makes it one click, never none. So
//!    `prompt=none` is always answered by an error (OpenID Connect Core §3.1.2.6).
//! 5. An error goes back at once to a program on this computer and to a client that an operator
//!    added. To others it goes by a link on a page ([`refuse`](mod@refuse)).
//! 6. `prompt=login` and `prompt=select_account` show the sign-in page once:
//!    [`after_sign_in`] takes them out of the request.

mod asker;
mod consent_token;
mod decide;
mod denial;
mod offer;
mod read_only;
mod refuse;
mod request;
mod scope_choices;
mod show;
mod signing_in;
mod view;

pub(crate) use decide::{Decision, decide, decision};
pub(crate) use offer::Offer;
pub(crate) use refuse::refuse;
pub(crate) use request::check;
pub(crate) use scope_choices::scope_choices;
pub(crate) use show::show;

use self::request::{CheckError, CheckedRequest, UnknownClient, after_sign_in};
