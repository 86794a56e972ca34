//! A section `[assertions.NAME]`: a provider whose assertions are exchanged for access tokens.

use auth_core::{
    Issuer,
    openid::{AdmissionRules, RoleMapping},
};
use issuer::{AssertionKeys, AssertionKind, AssertionProvider};

use super::Context;
use crate::Section;

impl Context<'_> {
    pub(super) fn assertion_provider(
        &self,
        name: &str,
        section: &mut Section,
    ) -> Option<AssertionProvider> {
        let name = Self::name(name, section);
        let issuer = match section.text("issuer") {
            None => section.none("issuer: write the iss of its assertions"),
            Some(issuer) => section.parsed::<Issuer>("issuer", &issuer),
        };
        let kind = match section.text("kind").as_deref() {
            Some("id-jag") => Some(AssertionKind::IdJag),
            Some("workload") => Some(AssertionKind::Workload),
            _ => section.none("kind: write id-jag or workload"),
        };
        let keys = section.text("keys_url").map_or(AssertionKeys::Discover, AssertionKeys::Url);
        let is_reusable = section.flag("reusable").unwrap_or(false);
        let rules = Self::rules(section, AdmissionRules::default());
        let mapping = self.mapping(section, RoleMapping::default());
        let unknown_users = self.unknown_users(section, !mapping.map.is_empty());
        let provider = AssertionProvider::new(name?, issuer?, kind?);
        Some(AssertionProvider {
            keys,
            is_reusable,
            rules,
            roles: mapping,
            unknown_users,
            ..provider
        })
    }
}
