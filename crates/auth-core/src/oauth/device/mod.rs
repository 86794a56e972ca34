//! The device authorization grant (RFC 8628).

mod polling;
mod request;
mod user_code;

pub use polling::{DeviceState, POLL_INTERVAL, PollDecision, Polling};
pub use request::{DeviceAuthorization, DeviceAuthorizationRequest};
pub use user_code::{UserCode, UserCodeError};
