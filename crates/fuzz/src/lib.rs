//! Parsers that strangers' bytes reach, each with what must hold whatever the bytes are.
//!
//! A target takes any bytes, returns whether they were accepted, and panics where a promise is
//! broken. What was accepted is judged once more by other means: another parser, another
//! implementation of HMAC, a rule written down anew. libFuzzer finds the bytes; the seeds under
//! `seeds/` say by their names (`good-…`, `bad-…`) what must become of them.

mod action;
mod bearer;
mod challenge;
mod claims;
mod display;
mod first_wins;
mod guard;
mod jwks;
mod oauth_client;
mod oauth_request;
mod policy;
mod scopes;
mod second_reader;
mod token;
mod world;

pub use action::action;
pub use bearer::bearer;
pub use challenge::challenge;
pub use claims::claims;
pub use display::display;
pub use guard::guard;
pub use jwks::jwks;
pub use oauth_client::oauth_client;
pub use oauth_request::oauth_request;
pub use policy::policy;
pub use scopes::scopes;
pub use token::token;
