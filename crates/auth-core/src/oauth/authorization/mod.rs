//! The authorization endpoint: what a browser brings, and what it takes back to the client.

mod parameters;
mod request;
mod response;

pub use parameters::{Prompt, State, StateError};
pub use request::{Authorization, AuthorizationRequest, PageError, RequestError};
pub use response::{AuthorizationResponse, RedirectedError};
