//! The names of the fields in forms, and the values of buttons.
//!
//! Every form has [`CSRF`] and [`REQUEST`]. No name repeats in a form.

/// The token that proves that the form came from a page of ours in the same browser.
pub const CSRF: &str = "csrf";
/// What the person came for: the query of the authorization request, or whatever the handler put
/// there. It may be empty.
pub const REQUEST: &str = "request";
/// The user name.
pub const USER: &str = "user";
/// The password or one-time code.
pub const SECRET: &str = "secret";
/// The code of a sign-in link.
pub const LINK: &str = "link";
/// What the first step proved: sealed by the handler.
pub const STEP: &str = "step";
/// Which key the page of a new second factor shows: sealed by the handler.
pub const KEY: &str = "key";
/// The code of an authenticator app.
pub const CODE: &str = "code";
/// A recovery code.
pub const RECOVERY: &str = "recovery";
/// A user code (RFC 8628), in forms and in the query of the device page.
pub const USER_CODE: &str = "user_code";
/// Which connection or browser session to end.
pub const ID: &str = "id";
/// The password that the user has now.
pub const CURRENT_PASSWORD: &str = "current_password";
/// The password that the user wants.
pub const NEW_PASSWORD: &str = "new_password";
/// The same again.
pub const REPEATED_PASSWORD: &str = "repeated_password";
/// The decision of a consent or device page: [`ALLOW`], [`READ_ONLY`], [`CONTINUE`] or [`DENY`].
pub const DECISION: &str = "decision";
/// Allow the scopes whose boxes are ticked.
pub const ALLOW: &str = "allow";
/// Allow the scopes that only read, whatever is ticked.
pub const READ_ONLY: &str = "read_only";
/// Allow what was allowed before, whatever is ticked.
pub const CONTINUE: &str = "continue";
/// Deny.
pub const DENY: &str = "deny";

/// The name of the checkbox for a scope; its value is `on`. Each has its own name, because a
/// repeated parameter is refused ([`auth_core::oauth::Form`]).
#[must_use]
pub fn scope(name: &str) -> String {
    format!("scope:{name}")
}
