//! The members that both kinds of sections have: who is admitted, and with which roles.

use std::collections::{BTreeMap, BTreeSet};

use auth_core::{
    RoleName,
    openid::{AdmissionRules, ProviderName, RequiredClaim, RoleMapping},
};
use issuer::providers::UnknownUsers;
use toml::Value;

use super::Context;
use crate::{Section, default_roles};

impl Context<'_> {
    /// The name of a section.
    pub(super) fn name(name: &str, section: &mut Section) -> Option<ProviderName> {
        section.parsed::<ProviderName>("its name", name)
    }

    /// Adds the members about who is admitted to the rules of the preset.
    pub(super) fn rules(section: &mut Section, preset: AdmissionRules) -> AdmissionRules {
        let domains = section.list::<String>("allowed_domains").unwrap_or_default();
        let domains = domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
        let required = lists(section, "required").into_iter();
        let required = required.map(|(path, values)| RequiredClaim { path, values });
        AdmissionRules { domains, required: required.collect(), ..preset }
    }

    /// Adds the members about roles to the mapping of the preset.
    pub(super) fn mapping(&self, section: &mut Section, preset: RoleMapping) -> RoleMapping {
        let from = section.list::<String>("roles_from").unwrap_or(preset.from);
        let mut map: BTreeMap<String, BTreeSet<RoleName>> = BTreeMap::new();
        for (group, names) in lists(section, "roles") {
            let roles = names.iter().filter_map(|name| self.role(section, name)).collect();
            map.insert(group, roles);
        }
        RoleMapping { from, map }
    }

    /// What becomes of users who are not in the directory.
    pub(super) fn unknown_users(&self, section: &mut Section, maps_roles: bool) -> UnknownUsers {
        let provisions = match section.text("unknown_users").as_deref() {
            None | Some("refuse") => false,
            Some("provision") => true,
            Some(other) => {
                section.fault(format!("unknown_users {other:?}: write refuse or provision"));
                return UnknownUsers::Refuse;
            }
        };
        let names = section.list::<String>("default_roles");
        match (provisions, names) {
            (false, None) => UnknownUsers::Refuse,
            (false, Some(_)) => {
                section.fault("default_roles is for unknown_users = \"provision\"");
                UnknownUsers::Refuse
            }
            (true, None) if maps_roles => UnknownUsers::Provision { roles: BTreeSet::new() },
            (true, names) => {
                let names = names.unwrap_or_default();
                match default_roles(names.iter().map(String::as_str), self.policy) {
                    Ok(roles) => UnknownUsers::Provision { roles },
                    Err(fault) => {
                        section.fault(format!("default_roles: {fault}"));
                        UnknownUsers::Refuse
                    }
                }
            }
        }
    }

    fn role(&self, section: &mut Section, name: &str) -> Option<RoleName> {
        let role = section.parsed::<RoleName>("roles", name)?;
        if self.policy.is_some_and(|policy| !policy.has_role(&role)) {
            return section.none(format!("roles: the policy has no role {name:?}"));
        }
        Some(role)
    }
}

/// A table of arrays of strings.
fn lists(section: &mut Section, name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut lists = BTreeMap::new();
    for (key, value) in section.table(name).unwrap_or_default() {
        let texts = match value {
            Value::Array(values) => values
                .into_iter()
                .map(|value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned))
                .collect::<Option<BTreeSet<String>>>(),
            _ => None,
        };
        match texts {
            Some(texts) if !texts.is_empty() => drop(lists.insert(key, texts)),
            _ => section.fault(format!("{name}: {key:?}: write an array of strings, [\"…\"]")),
        }
    }
    lists
}
