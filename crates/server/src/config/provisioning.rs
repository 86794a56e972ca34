//! What happens to users who are not in the directory.

use auth_core::{Issuer, Policy};
use issuer_setup::default_roles;
use settings::{Environment, Reader, Variable};

use crate::{authenticate::Provisioning, config::issuers::IssuerConfig};

/// The issuers whose users are added on first use: by `UNKNOWN_USERS` for the local issuer, by
/// their own sections for the others.
pub(crate) fn resolve(
    environment: &Environment,
    policy: Option<&Policy>,
    local: Option<&Issuer>,
    issuers: &[IssuerConfig],
    faults: &mut Vec<String>,
) -> Provisioning {
    let mut found: Provisioning = issuers
        .iter()
        .filter_map(|it| Some((it.trusted.issuer().clone(), it.provision.clone()?)))
        .collect();
    let roles = environment.get(Variable::DefaultRoles).unwrap_or_default();
    let roles = roles.split(',').map(str::trim).filter(|name| !name.is_empty());
    let unknown_users = Reader::new(environment, faults).word(Variable::UnknownUsers);
    match unknown_users {
        Some("refuse") if roles.clone().next().is_some() => {
            faults.push("DEFAULT_ROLES is for UNKNOWN_USERS=provision: set both, or none".into());
        }
        Some("provision") => match default_roles(roles, policy) {
            Ok(roles) => found.extend(local.map(|issuer| (issuer.clone(), roles))),
            Err(fault) => faults.push(format!("DEFAULT_ROLES: {fault}")),
        },
        _ => {}
    }
    found
}
