//! The user of this installation that a user of a provider is.
//!
//! 1. A user who is not here is added or refused, as the provider's configuration says.
//! 2. A disabled user stays so, and its roles are not changed.
//! 3. Roles that the mapping can give are the provider's: they are given and taken at each sign-in.
//!    Other roles are the operator's, and stay.
//! 4. The display name is taken over once, when the user is added: the operator may change it.
//! 5. Each change is reported, and none is made while it could not be recorded.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{
    RoleName,
    openid::{ProviderIdentity, RoleMapping},
};
use directory::{Directory, DirectoryError, Edit, EditOutcome, NewUser, Stamp, User, UserName};

use super::{SignInProvider, UnknownUsers};
use crate::{AuthorizationServer, ChangeKind, ChangedBy, respond::Unavailable};

/// What a provider's configuration says about users.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Provisioning<'a> {
    /// How its users come, for the record: `sign-in through`.
    pub(crate) how: &'a str,
    /// Which roles they get for their groups or roles there.
    pub(crate) roles: &'a RoleMapping,
    /// What becomes of a user who is not here.
    pub(crate) unknown_users: &'a UnknownUsers,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum Found {
    /// The user, with the roles of now.
    Active(UserName),
    /// The user is disabled.
    Disabled,
    /// There is no such user, and none is added.
    Unknown,
}

/// Finds or adds the user who signs in, and sets its roles.
pub(super) async fn provision(
    server: &AuthorizationServer,
    provider: &SignInProvider,
    identity: &ProviderIdentity,
) -> Result<Found, Unavailable> {
    let how = "sign-in through";
    let provisioning =
        Provisioning { how, roles: &provider.roles, unknown_users: &provider.unknown_users };
    provision_by(server, &provisioning, identity).await
}

/// Finds or adds the user, and sets its roles.
pub(crate) async fn provision_by(
    server: &AuthorizationServer,
    provider: &Provisioning<'_>,
    identity: &ProviderIdentity,
) -> Result<Found, Unavailable> {
    let (users, subject) = (server.users(), identity.local_subject());
    let name = UserName::new(&server.config().issuer, subject);
    let stamp = Stamp::new(format_args!("{} {}", provider.how, identity.provider()), server.now());
    let user = match (users.find(&name.issuer, subject).await?, provider.unknown_users) {
        (Some(user), _) => user,
        (None, UnknownUsers::Refuse) => return Ok(Found::Unknown),
        (None, UnknownUsers::Provision { roles }) => {
            let roles = roles.union(identity.roles()).cloned().collect();
            add(server, &name, identity, roles, &stamp).await?;
            match users.find(&name.issuer, subject).await? {
                Some(user) => user,
                None => return Ok(Found::Unknown),
            }
        }
    };
    if !user.is_active() {
        return Ok(Found::Disabled);
    }
    let edits = role_edits(&name, &user, provider, identity);
    if !edits.is_empty() {
        server.check_recordable()?;
        let changes: Vec<_> = edits.iter().map(role_change).collect();
        let outcomes = users.apply(edits, &stamp).await?;
        for (change, outcome) in changes.into_iter().zip(outcomes) {
            // Another request of the same user may have come first.
            if let (Some((kind, role)), EditOutcome::Changed) = (change, outcome) {
                report(server, identity, kind, role.as_str());
            }
        }
    }
    Ok(Found::Active(name))
}

/// Adds the user, unless another request of the same user came first.
async fn add(
    server: &AuthorizationServer,
    name: &UserName,
    identity: &ProviderIdentity,
    roles: BTreeSet<RoleName>,
    stamp: &Stamp,
) -> Result<(), Unavailable> {
    server.check_recordable()?;
    let detail = roles.iter().map(RoleName::as_str).collect::<Vec<_>>().join(" ");
    let new = NewUser {
        issuer: name.issuer.clone(),
        subject: name.subject.clone(),
        display_name: identity.display_name().unwrap_or(name.subject.as_str()).to_owned(),
        roles,
    };
    match server.users().add(new, stamp).await {
        Ok(()) => report(server, identity, ChangeKind::UserAdded, &detail),
        Err(DirectoryError::Exists { .. }) => {}
        Err(fault) => return Err(fault.into()),
    }
    Ok(())
}

/// How the change of a role is reported.
fn role_change(edit: &Edit) -> Option<(ChangeKind, RoleName)> {
    match edit {
        Edit::Grant(_, role, _) => Some((ChangeKind::RoleGranted, role.clone())),
        Edit::RevokeRole(_, role) => Some((ChangeKind::RoleRevoked, role.clone())),
        _ => None,
    }
}

/// Reports what a provider has changed of one of its users.
fn report(
    server: &AuthorizationServer,
    identity: &ProviderIdentity,
    kind: ChangeKind,
    detail: &str,
) {
    let by = ChangedBy::Provider(identity.provider());
    server.changed(by, kind, identity.local_subject().as_str(), detail);
}

/// Rule 3.
fn role_edits(
    name: &UserName,
    user: &Arc<User>,
    provider: &Provisioning<'_>,
    identity: &ProviderIdentity,
) -> Vec<Edit> {
    let managed = provider.roles.managed();
    let given = identity.roles().iter();
    let given = given
        .filter(|role| !user.roles().contains(*role) || user.role_expiry(role).is_some())
        .map(|role| Edit::Grant(name.clone(), role.clone(), None));
    // New users have roles that are not of the mapping, too; those stay.
    let default: BTreeSet<_> = match provider.unknown_users {
        UnknownUsers::Provision { roles } => roles.clone(),
        UnknownUsers::Refuse => BTreeSet::new(),
    };
    let taken = managed
        .difference(identity.roles())
        .filter(|role| user.roles().contains(*role) && !default.contains(*role));
    let taken = taken.map(|role| Edit::RevokeRole(name.clone(), role.clone()));
    given.chain(taken).collect()
}
