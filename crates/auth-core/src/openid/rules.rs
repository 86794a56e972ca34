//! Who may sign in, and with which roles.
//!
//! 1. Where domains are listed, the address must be verified by the provider and be in one of them.
//!    Where the provider has a claim for the organization besides (Google's `hd`), that must be in
//!    the list too: a private account can have any address.
//! 2. Each required claim must have one of its values.
//! 3. A claim that decides something and is missing admits no one.
//! 4. A role comes from a value that the mapping names, and from no other.
//!
//! Names and addresses may pass to other people: a user is known by the provider and the subject
//! alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{ProviderName, UserClaims};
use crate::{InvalidNameError, RoleName, Subject, VerifyError};

/// Who may sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AdmissionRules {
    /// The domains of addresses, in lower case; empty: any, also unverified.
    pub domains: BTreeSet<String>,
    /// A claim that must be one of the domains besides, if there are any.
    pub domain_claim: Option<String>,
    /// Claims that must have one of their values.
    pub required: Vec<RequiredClaim>,
}

/// A claim that must have one of these values, or a list that has one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredClaim {
    /// The claim, or the path to it: `hd`, `groups`, `realm_access.roles`.
    pub path: String,
    /// The values, any one of which will do.
    pub values: BTreeSet<String>,
}

/// Which roles the provider's users get for their groups or roles there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMapping {
    /// Where groups or roles are: as `roles_from` of a trusted issuer.
    pub from: Vec<String>,
    /// What each means here.
    pub map: BTreeMap<String, BTreeSet<RoleName>>,
}

/// A user of a provider who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderIdentity {
    provider: ProviderName,
    subject: Subject,
    local_subject: Subject,
    display_name: Option<String>,
    email: Option<String>,
    roles: BTreeSet<RoleName>,
}

/// Why a user may not sign in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmittedError {
    /// Rule 1: no address.
    #[error("the provider names no email address, and the domain of it must be known")]
    EmailMissing,
    /// Rule 1: not verified.
    #[error("the provider has not verified the email address")]
    EmailNotVerified,
    /// Rule 1: another domain.
    #[error("the email address or the organization is not in one of the permitted domains")]
    Domain,
    /// Rule 2.
    #[error("the claim {0:?} has none of the required values")]
    Claim(String),
    /// The claim that names the user is missing or malformed.
    #[error("the claim {0:?}, which names the user, is missing or malformed")]
    Subject(String),
    /// The name of the user here would not be one.
    #[error("the user cannot be named here")]
    LocalName(#[source] InvalidNameError),
    /// Rule 4.
    #[error(transparent)]
    Roles(#[from] RoleMappingError),
}

/// A claim that should have groups or roles is something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the claim with groups or roles cannot be read")]
pub struct RoleMappingError(#[source] VerifyError);

impl AdmissionRules {
    /// Judges a user.
    pub fn check(&self, claims: &UserClaims) -> Result<(), NotAdmittedError> {
        if !self.domains.is_empty() {
            self.check_domain(claims)?;
        }
        for RequiredClaim { path, values } in &self.required {
            if !claims.texts_at(path).iter().any(|value| values.contains(&**value)) {
                return Err(NotAdmittedError::Claim(path.clone()));
            }
        }
        Ok(())
    }

    fn check_domain(&self, claims: &UserClaims) -> Result<(), NotAdmittedError> {
        let email = claims.email().ok_or(NotAdmittedError::EmailMissing)?;
        if !claims.is_email_verified() {
            return Err(NotAdmittedError::EmailNotVerified);
        }
        let is_listed = |domain: &str| self.domains.contains(&domain.to_ascii_lowercase());
        let (_, domain) = email.rsplit_once('@').ok_or(NotAdmittedError::Domain)?;
        let organization = self.domain_claim.as_ref().map(|claim| claims.texts_at(claim));
        let is_in_it = organization.is_none_or(|it| it.iter().any(|domain| is_listed(domain)));
        if is_listed(domain) && is_in_it { Ok(()) } else { Err(NotAdmittedError::Domain) }
    }

    /// The claims that decide something.
    pub fn claims(&self) -> impl Iterator<Item = &str> {
        let email = (!self.domains.is_empty()).then_some(["email", "email_verified"]);
        let organization = self.domain_claim.as_deref().filter(|_| !self.domains.is_empty());
        let required = self.required.iter().map(|claim| claim.path.as_str());
        email.into_iter().flatten().chain(organization).chain(required)
    }
}

impl RoleMapping {
    /// The roles of a user.
    pub fn roles(&self, claims: &UserClaims) -> Result<BTreeSet<RoleName>, RoleMappingError> {
        let named = claims.roles_at(&self.from).map_err(RoleMappingError)?;
        let roles = named.iter().filter_map(|name| self.map.get(name.as_str()));
        Ok(roles.flatten().cloned().collect())
    }

    /// Every role that the mapping may give, and so may take.
    #[must_use]
    pub fn managed(&self) -> BTreeSet<RoleName> {
        self.map.values().flatten().cloned().collect()
    }
}

impl ProviderIdentity {
    /// The provider.
    #[must_use]
    pub const fn provider(&self) -> &ProviderName {
        &self.provider
    }

    /// What the provider calls the user.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What the user is called here.
    #[must_use]
    pub const fn local_subject(&self) -> &Subject {
        &self.local_subject
    }

    /// What to call the user, for display only.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// The address, for display only.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The roles that the mapping gives.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }
}

/// The user whom these claims are about, if the rules admit them. `subject_claim` names the user;
/// it is `sub` unless the operator says otherwise.
pub fn admit(
    provider: &ProviderName,
    claims: &UserClaims,
    subject_claim: &str,
    rules: &AdmissionRules,
    mapping: &RoleMapping,
) -> Result<ProviderIdentity, NotAdmittedError> {
    rules.check(claims)?;
    let subject = if subject_claim == "sub" {
        claims.subject().clone()
    } else {
        let malformed = || NotAdmittedError::Subject(subject_claim.to_owned());
        match claims.texts_at(subject_claim).as_slice() {
            [only] => only.parse().map_err(|_| malformed())?,
            _ => return Err(malformed()),
        }
    };
    let local_subject = provider.local_subject(&subject).map_err(NotAdmittedError::LocalName)?;
    Ok(ProviderIdentity {
        provider: provider.clone(),
        local_subject,
        display_name: claims.display_name().map(str::to_owned),
        email: claims.email().map(str::to_owned),
        roles: mapping.roles(claims)?,
        subject,
    })
}

#[cfg(test)]
mod tests {
    use super::{super::claims::tests::claims, *};

    fn set<T: std::str::FromStr + Ord>(texts: &[&str]) -> BTreeSet<T>
    where
        T::Err: std::fmt::Debug,
    {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn an_address_counts_if_it_is_verified_and_in_a_domain() {
        let rules = AdmissionRules { domains: set(&["example.com"]), ..AdmissionRules::default() };
        let check = |text: &str| rules.check(&claims(text));
        for good in [
            r#"{"email":"a@example.com","email_verified":true}"#,
            r#"{"email":"a@EXAMPLE.com","email_verified":"true"}"#,
            r#"{"email":"\"b@evil.example\"@example.com","email_verified":true}"#,
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, expected) in [
            ("{}", NotAdmittedError::EmailMissing),
            (r#"{"email":7,"email_verified":true}"#, NotAdmittedError::EmailMissing),
            (r#"{"email":"a@example.com"}"#, NotAdmittedError::EmailNotVerified),
            (
                r#"{"email":"a@example.com","email_verified":false}"#,
                NotAdmittedError::EmailNotVerified,
            ),
            (r#"{"email":"a@evil.example","email_verified":true}"#, NotAdmittedError::Domain),
            (r#"{"email":"a@sub.example.com","email_verified":true}"#, NotAdmittedError::Domain),
            (r#"{"email":"a@notexample.com","email_verified":true}"#, NotAdmittedError::Domain),
            (
                r#"{"email":"a@example.com@evil.example","email_verified":true}"#,
                NotAdmittedError::Domain,
            ),
            (r#"{"email":"example.com","email_verified":true}"#, NotAdmittedError::Domain),
        ] {
            assert_eq!(check(bad), Err(expected), "{bad}");
        }
        assert_eq!(AdmissionRules::default().check(&claims("{}")), Ok(()));
    }

    #[test]
    fn the_organization_must_be_in_the_list_too() {
        let rules = AdmissionRules {
            domains: set(&["example.com"]),
            domain_claim: Some("hd".into()),
            ..AdmissionRules::default()
        };
        let check = |more: &str| {
            let text = format!(r#"{{"email":"a@example.com","email_verified":true{more}}}"#);
            rules.check(&claims(&text))
        };
        assert_eq!(check(r#","hd":"example.com""#), Ok(()));
        for bad in ["", r#","hd":"evil.example""#, r#","hd":null"#] {
            assert_eq!(check(bad), Err(NotAdmittedError::Domain), "{bad}");
        }
        let decisive: Vec<_> = rules.claims().collect();
        assert_eq!(decisive, ["email", "email_verified", "hd"]);
    }

    #[test]
    fn each_required_claim_needs_one_of_its_values() {
        let required =
            |path: &str, values: &[&str]| RequiredClaim { path: path.into(), values: set(values) };
        let rules = AdmissionRules {
            required: vec![required("groups", &["dev", "ops"]), required("a.b", &["true"])],
            ..AdmissionRules::default()
        };
        let check = |text: &str| rules.check(&claims(text));
        assert_eq!(check(r#"{"groups":["x","ops"],"a":{"b":true}}"#), Ok(()));
        assert_eq!(check(r#"{"groups":"dev","a.b":"true"}"#), Ok(()));
        for bad in [r#"{"a":{"b":true}}"#, r#"{"groups":["devs"],"a":{"b":true}}"#] {
            assert_eq!(check(bad), Err(NotAdmittedError::Claim("groups".into())), "{bad}");
        }
        for bad in [r#"{"groups":["dev"]}"#, r#"{"groups":["dev"],"a":{"b":false}}"#] {
            assert_eq!(check(bad), Err(NotAdmittedError::Claim("a.b".into())), "{bad}");
        }
    }

    #[test]
    fn roles_are_those_of_the_mapping_and_no_others() {
        let mapping = RoleMapping {
            from: vec!["groups".into(), "realm_access.roles".into()],
            map: [
                ("dev".to_owned(), set(&["user", "admin"])),
                ("ops".to_owned(), set(&["operator"])),
            ]
            .into(),
        };
        let roles = |text: &str| mapping.roles(&claims(text));
        let both = r#"{"groups":["dev","root"],"realm_access":{"roles":["ops"]}}"#;
        assert_eq!(roles(both), Ok(set(&["user", "admin", "operator"])));
        // A role of the same name is not taken over.
        assert_eq!(roles(r#"{"groups":["admin"]}"#), Ok(set(&[])));
        assert_eq!(roles("{}"), Ok(set(&[])));
        assert!(roles(r#"{"groups":7}"#).is_err());
        assert_eq!(mapping.managed(), set(&["user", "admin", "operator"]));
    }

    #[test]
    fn a_user_is_named_by_one_claim() {
        let (rules, mapping) = (AdmissionRules::default(), RoleMapping::default());
        let name = "entra".parse().unwrap();
        let admit = |text: &str, claim: &str| admit(&name, &claims(text), claim, &rules, &mapping);
        let identity = admit(r#"{"sub":"alice","name":"Alice"}"#, "sub").unwrap();
        assert_eq!(identity.local_subject().as_str(), "entra|alice");
        assert_eq!(identity.display_name(), Some("Alice"));
        let identity = admit(r#"{"oid":"o1"}"#, "oid").unwrap();
        assert_eq!(identity.local_subject().as_str(), "entra|o1");
        for bad in ["{}", r#"{"oid":["a","b"]}"#, r#"{"oid":""}"#, r#"{"oid":"a\nb"}"#] {
            let expected = NotAdmittedError::Subject("oid".into());
            assert_eq!(admit(bad, "oid"), Err(expected), "{bad}");
        }
        let refused = AdmissionRules { domains: set(&["x"]), ..AdmissionRules::default() };
        let refused = super::admit(&name, &claims("{}"), "sub", &refused, &mapping);
        assert_eq!(refused, Err(NotAdmittedError::EmailMissing));
    }
}
