//! The catalog as people write it. What it may hold is in `docs/policy.md`; what it must not, in
//! [`PolicyFault`](super::PolicyFault).

use std::collections::BTreeMap;

use serde::Deserialize;

/// A whole policy file. Tables that are left out are empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// Every scope this server knows, with what it is for.
    #[serde(default)]
    pub scopes: BTreeMap<String, ScopeDocument>,
    /// What each role may hold.
    #[serde(default)]
    pub roles: BTreeMap<String, RoleDocument>,
    /// What each tool needs.
    #[serde(default)]
    pub tools: BTreeMap<String, RuleDocument>,
    /// What each resource needs: by URI, or by RFC 6570 template for all URIs that it matches.
    #[serde(default)]
    pub resources: BTreeMap<String, RuleDocument>,
    /// What each prompt needs.
    #[serde(default)]
    pub prompts: BTreeMap<String, RuleDocument>,
    /// What other methods need. The protocol's own (`initialize`, `ping`, lists …) need a valid
    /// token and nothing more, unless they are here.
    #[serde(default)]
    pub methods: BTreeMap<String, RuleDocument>,
    /// What lists say beside their entries.
    #[serde(default)]
    pub lists: ListsDocument,
    /// The arguments of each tool whose values are recorded in the audit log.
    #[serde(default)]
    pub record: BTreeMap<String, Vec<String>>,
    /// How often callers may ask, whatever it is that they ask for.
    #[serde(default)]
    pub limits: LimitsDocument,
}

/// How often callers may ask, whatever it is that they ask for. Each is a [`Rate`](super::Rate);
/// without one there is no limit.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsDocument {
    /// Each user, through all clients together.
    pub caller: Option<String>,
    /// Each client, for all its users together.
    pub client: Option<String>,
}

/// What lists say beside their entries.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListsDocument {
    /// Whether each entry names the scopes that it needs, in its `_meta`.
    #[serde(default)]
    pub show_scopes: bool,
}

/// `"what it is for"`, or `{ about = "…", implies = ["…"] }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a text, or { about = \"...\", implies = [\"...\"] }")]
pub enum ScopeDocument {
    /// What it is for.
    About(String),
    /// What it is for, and what it implies.
    Full(FullScopeDocument),
}

/// The long form of a scope.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullScopeDocument {
    /// What it is for.
    pub about: String,
    /// Scopes that its holder holds too.
    #[serde(default)]
    pub implies: Vec<String>,
}

/// `["scope", …]`, or `{ inherits = ["role"], scopes = ["scope"] }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a list of scopes, or { inherits = [\"role\"], scopes = [\"scope\"] }"
)]
pub enum RoleDocument {
    /// The scopes it may hold.
    Scopes(Vec<String>),
    /// The roles whose scopes it may hold too, and its own.
    Full(FullRoleDocument),
}

/// The long form of a role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullRoleDocument {
    /// Roles whose scopes it holds too.
    #[serde(default)]
    pub inherits: Vec<String>,
    /// Its own scopes.
    #[serde(default)]
    pub scopes: Vec<String>,
}

/// `"scope"`, `["all", "of", "these"]` (`[]`: any signed-in user), `{ all = […], any = […] }`, or
/// `{ public = true }`; the last two with a `rate` if each caller may do it only so often.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "a scope, a list of scopes, { all = [...], any = [...] }, or { public = true }"
)]
pub enum RuleDocument {
    /// One scope.
    One(String),
    /// All of these.
    All(Vec<String>),
    /// All of the one list and one of the other.
    Full(FullRuleDocument),
}

/// The long form of a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullRuleDocument {
    /// Every one of these is needed. An empty list: any signed-in user.
    pub all: Option<Vec<String>>,
    /// One of these is needed. A list must not be empty: it could never be met.
    pub any: Option<Vec<String>>,
    /// No token is needed. Excludes the others.
    #[serde(default)]
    pub public: bool,
    /// How often each caller may do it: a [`Rate`](super::Rate), `30/min`.
    pub rate: Option<String>,
}
