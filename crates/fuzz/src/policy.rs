//! A policy file.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Action, Ceiling, Policy, PolicyDocument, Principal, RuleDocument, Scope};

use super::world::good_claims;

/// Methods that are ruled for each target, so never as a whole.
const TARGETED: [&str; 8] = [
    "tools/call",
    "prompts/get",
    "resources/read",
    "resources/directory/read",
    "skills/get",
    "resources/subscribe",
    "resources/unsubscribe",
    "completion/complete",
];

/// The bytes as a policy file. Whatever policy that is, it denies by default: no one may do what
/// has no rule, who holds nothing may do what needs nothing, and who may hold everything and does
/// may do all.
pub fn policy(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let document = match toml::from_str::<PolicyDocument>(text) {
        Ok(document) => document,
        Err(fault) => {
            let _ = fault.to_string();
            return false;
        }
    };
    let mut wider = document.clone();
    let method = TARGETED[data.len() % TARGETED.len()].to_owned();
    wider.methods.insert(method, RuleDocument::All(Vec::new()));
    assert!(Policy::try_from(wider).is_err());
    let policy = match Policy::try_from(document) {
        Ok(policy) => policy,
        Err(faults) => {
            assert!(!faults.0.is_empty() && !faults.to_string().is_empty());
            return false;
        }
    };
    let all = policy.scopes();
    assert!(all.satisfies(&policy.requestable_scopes()));
    assert!(policy.roles().all(|(_, scopes)| all.satisfies(scopes)));

    let principal = |scope: &str, ceiling| Some(Principal::new(&good_claims(scope)?, ceiling));
    let pauper = principal("", Ceiling::IssuerDecides).map(Arc::new);
    let bounded = principal(&all.to_string(), Ceiling::Roles(BTreeSet::new().into())).map(Arc::new);
    let monarch = principal(&all.to_string(), Ceiling::IssuerDecides).map(Arc::new);
    let may = |who: &Option<Arc<Principal>>, action: &Action| {
        who.as_ref().map(|who| policy.permits(Some(who), action))
    };
    for action in policy.actions() {
        let requirements = policy.requirements(action).unwrap();
        let needs_nothing = requirements.iter().all(|it| it.scopes().next().is_none());
        let is_public = requirements.iter().all(|it| it.is_public());
        assert_eq!(policy.permits(None, action), is_public, "{action}");
        assert!(!is_public || (needs_nothing && policy.has_public_rules()));
        assert!(!matches!(action, Action::Method(name) if TARGETED.contains(&name.as_str())));
        assert_eq!(may(&pauper, action), Some(needs_nothing), "{action}");
        assert!(may(&bounded, action).is_none_or(|may| may == needs_nothing), "{action}");
        assert_ne!(may(&monarch, action), Some(false), "{action}");
        let other = Action::Method(format!("{action} and more"));
        assert!(policy.requirements(&other).is_some() || may(&monarch, &other) != Some(true));
    }
    assert!(all.iter().map(Scope::as_str).all(|scope| !scope.is_empty()));
    true
}
