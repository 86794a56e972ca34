//! The users of this issuer, as the directory has them now.

use std::sync::Arc;

use auth_core::{Policy, ScopeSet};
use directory::{Directory, User, UserName};

use crate::{AuthorizationServer, respond::Unavailable};

/// The user of this name, if there is one that may act.
pub(crate) async fn active(
    server: &AuthorizationServer,
    name: &UserName,
) -> Result<Option<Arc<User>>, Unavailable> {
    let user = server.users().find(&name.issuer, &name.subject).await?;
    Ok(user.filter(|user| user.is_active()))
}

/// The scopes that `user` may hold now under `policy`: those of its roles.
pub(crate) fn ceiling(server: &AuthorizationServer, user: &User, policy: &Policy) -> ScopeSet {
    policy.held_by_roles(&user.roles_at(server.now()))
}
