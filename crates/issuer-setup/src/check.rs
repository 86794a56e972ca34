//! Settings that do not fit together.

use auth_core::Policy;
use settings::SignInSettings;

use crate::ProviderSections;

/// What is wrong with `settings` beside the others; `policy` is `None` if it could not be read.
#[must_use]
pub fn check(
    settings: &SignInSettings,
    providers: &ProviderSections,
    policy: Option<&Policy>,
) -> Vec<String> {
    let mut faults = Vec::new();
    if !settings.passwords && providers.is_empty() {
        faults.push(
            "SIGN_IN_PASSWORDS is off, and there is no section [sign_in.NAME]: no user could sign in".into(),
        );
    }
    if let Some(policy) = policy {
        let unknown = settings.second_factor_roles.iter().filter(|role| !policy.has_role(role));
        faults.extend(unknown.map(|role| {
            format!("SECOND_FACTOR_ROLES: the policy has no role {:?}", role.as_str())
        }));
    }
    faults
}
