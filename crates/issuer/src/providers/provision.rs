//! The user of this installation that a user of a provider is.
//!
//! 1. A user who is not here is added or refused, as the provider's configuration says.
//! 2. A disabled user stays so, and its roles are not changed.
//! 3. Roles that the mapping can give are the provider's: they are given and taken at each sign-in.
//!    Other roles are the operator's, and stay.
//! 4. The display name is taken over once, when the user is added: the operator may change it.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{
    Issuer, NumericDate,
    openid::{ProviderIdentity, RoleMapping},
};
use directory::{AnyDirectory, Directory, DirectoryError, Edit, NewUser, Stamp, User, UserName};

use super::{SignInProvider, UnknownUsers};

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
    users: &AnyDirectory,
    issuer: &Issuer,
    provider: &SignInProvider,
    identity: &ProviderIdentity,
    now: NumericDate,
) -> Result<Found, DirectoryError> {
    let how = "sign-in through";
    let provisioning =
        Provisioning { how, roles: &provider.roles, unknown_users: &provider.unknown_users };
    provision_by(users, issuer, &provisioning, identity, now).await
}

/// Finds or adds the user, and sets its roles.
pub(crate) async fn provision_by(
    users: &AnyDirectory,
    issuer: &Issuer,
    provider: &Provisioning<'_>,
    identity: &ProviderIdentity,
    now: NumericDate,
) -> Result<Found, DirectoryError> {
    let subject = identity.local_subject();
    let name = UserName::new(issuer, subject);
    let stamp = Stamp::new(format_args!("{} {}", provider.how, identity.provider()), now);
    let user = match (users.find(issuer, subject).await?, provider.unknown_users) {
        (Some(user), _) => user,
        (None, UnknownUsers::Refuse) => return Ok(Found::Unknown),
        (None, UnknownUsers::Provision { roles }) => {
            let new = NewUser {
                issuer: issuer.clone(),
                subject: subject.clone(),
                display_name: identity.display_name().unwrap_or(subject.as_str()).to_owned(),
                roles: roles.union(identity.roles()).cloned().collect(),
            };
            match users.add(new, &stamp).await {
                // Another request of the same user came first.
                Ok(()) | Err(DirectoryError::Exists { .. }) => {}
                Err(fault) => return Err(fault),
            }
            match users.find(issuer, subject).await? {
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
        users.apply(edits, &stamp).await?;
    }
    Ok(Found::Active(name))
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
