//! The users of this issuer, as the directory has them now.

use std::sync::Arc;

use auth_core::{Policy, ScopeSet};
use directory::{Directory, User, UserName, authorization::BrowserSession};

use crate::{AuthorizationServer, respond::Unavailable};

/// The user of this name, if there is one that may act.
pub(crate) async fn active(
    server: &AuthorizationServer,
    name: &UserName,
) -> Result<Option<Arc<User>>, Unavailable> {
    let user = server.users().find(&name.issuer, &name.subject).await?;
    Ok(user.filter(|user| user.is_active()))
}

/// The user of a session, if the user may act and the session is enough for that: a role that needs
/// a second factor may have been given, or configured, after the session began without one.
pub(crate) async fn of_session(
    server: &AuthorizationServer,
    session: &BrowserSession,
) -> Result<Option<Arc<User>>, Unavailable> {
    let user = active(server, &session.begun.user).await?;
    let has_second = session.begun.has_second_factor();
    Ok(user.filter(|user| has_second || !needs_second_factor(server, user)))
}

/// Whether a role of the user needs a second factor.
pub(crate) fn needs_second_factor(server: &AuthorizationServer, user: &User) -> bool {
    let roles = user.roles_at(server.now());
    server.config().second_factor_roles.iter().any(|role| roles.contains(role))
}

/// The scopes that `user` may hold now under `policy`: those of its roles.
pub(crate) fn ceiling(server: &AuthorizationServer, user: &User, policy: &Policy) -> ScopeSet {
    policy.held_by_roles(&user.roles_at(server.now()))
}
