//! Where forms and links lead, below the path of the issuer.

/// The authorization endpoint. The consent page posts its decision to it.
pub const AUTHORIZE: &str = "/authorize";
/// User name and password or one-time code.
pub const SIGN_IN: &str = "/sign-in";
/// The second step.
pub const SIGN_IN_SECOND: &str = "/sign-in/second";
/// A sign-in link: a page by `GET`, the sign-in by `POST`.
pub const SIGN_IN_LINK: &str = "/sign-in/link";
/// An identity provider; its name follows.
pub const SIGN_IN_WITH: &str = "/sign-in/with/";
/// The end of the browser session; with a `request`, the way to another account.
pub const SIGN_OUT: &str = "/sign-out";
/// Device codes.
pub const DEVICE: &str = "/device";
/// The decision about a device.
pub const DEVICE_DECISION: &str = "/device/decision";
/// The account page.
pub const ACCOUNT: &str = "/account";
/// Ends the connection with the given id.
pub const END_CONNECTION: &str = "/account/connections/end";
/// Ends all connections.
pub const END_CONNECTIONS: &str = "/account/connections/end-all";
/// Ends the browser session with the given id.
pub const END_SESSION: &str = "/account/sessions/end";
/// Ends all other browser sessions.
pub const END_OTHER_SESSIONS: &str = "/account/sessions/end-others";
/// Sets or changes the password.
pub const PASSWORD: &str = "/account/password";
/// Begins to set up the second factor.
pub const SET_UP: &str = "/account/second-factor";
/// Confirms the second factor with its first code.
pub const SET_UP_CONFIRM: &str = "/account/second-factor/confirm";
/// Turns the second factor off.
pub const TURN_OFF: &str = "/account/second-factor/off";
/// Makes new recovery codes.
pub const RECOVERY_CODES: &str = "/account/recovery-codes";
/// The style sheet.
pub const STYLE: &str = "/style.css";
