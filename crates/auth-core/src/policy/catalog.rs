//! From the document to the policy: everything is checked, and all faults are reported together.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
    sync::Arc,
};

use super::{
    Action, FullRuleDocument, FullScopeDocument, Policy, PolicyDocument, Rate, RateError,
    RateLimit, Requirement, RoleDocument, RuleDocument, ScopeDocument, TemplateError,
    template::{self, Template},
};
use crate::{RoleName, Scope, ScopeSet};

/// What every MCP client must be able to do to speak the protocol at all, and what shows nothing
/// that is not filtered for the caller: a valid token is enough, unless `[methods]` asks for more.
///
/// Lists show what the caller may use, `subscriptions/listen` needs a permit for each thing that it
/// asks for, and `tasks/…` answer their owner alone, who must still be allowed what started the
/// task.
const PROTOCOL_METHODS: [&str; 19] = [
    "initialize",
    "ping",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "skills/list",
    "subscriptions/listen",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
    // Not methods, but what a session needs: the answer to a question of the server's, the GET
    // stream, and the DELETE that ends it.
    "response",
    "session/stream",
    "session/end",
];

/// Methods with a table of their own: a rule under `[methods]` would open every target at once.
const TARGETED_METHODS: [&str; 8] = [
    "tools/call",
    "resources/read",
    "resources/directory/read",
    "skills/get",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/get",
    "completion/complete",
];

/// One thing that is wrong with a policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyFault {
    /// A name in `[scopes]` that is no scope (RFC 6749 §3.3).
    InvalidScope(String),
    /// A name in `[roles]` that is no role name.
    InvalidRole(String),
    /// A place that names a scope which `[scopes]` does not have.
    UnknownScope(String, String),
    /// A role that inherits from one which `[roles]` does not have.
    UnknownRole(String, String),
    /// A scope that implies itself, through others or not.
    ScopeCycle(String),
    /// A role that inherits from itself, through others or not.
    RoleCycle(String),
    /// A place whose `any` list is empty, and so can never be met.
    EmptyAny(String),
    /// A place with `{}`: `[]` is how any signed-in user is let in, so that none is by mistake.
    EmptyRule(String),
    /// A method under `[methods]` that has a table of its own.
    TargetedMethod(String),
    /// A resource with braces that is no template which could be a rule.
    Template(String, TemplateError),
    /// A place that says `public` and scopes.
    PublicWithScopes(String),
    /// A tool in `[record]` that has no rule.
    RecordOfUnknownTool(String),
    /// A place with a text in place of a rate.
    Rate(String, RateError),
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidScope(name) => {
                write!(f, "[scopes] {name:?} is no scope (RFC 6749 section 3.3)")
            }
            Self::InvalidRole(name) => write!(f, "[roles] {name:?} is no role name"),
            Self::UnknownScope(place, scope) => {
                write!(f, "{place} names the scope {scope:?}, which is not in [scopes]")
            }
            Self::UnknownRole(role, other) => {
                write!(f, "[roles] {role:?} inherits from {other:?}, which is not in [roles]")
            }
            Self::ScopeCycle(scope) => write!(f, "[scopes] {scope:?} implies itself"),
            Self::RoleCycle(role) => write!(f, "[roles] {role:?} inherits from itself"),
            Self::EmptyAny(place) => {
                write!(f, "{place} has an empty `any` list, which can never be met: leave it out")
            }
            Self::EmptyRule(place) => write!(
                f,
                "{place} has a rule that names no scope: if any signed-in user may, write [], or all = [] beside a rate"
            ),
            Self::Template(place, fault) => {
                write!(f, "{place} cannot be a rule: {fault} (RFC 6570)")
            }
            Self::PublicWithScopes(place) => {
                write!(f, "{place} is public and names scopes: keep one of the two")
            }
            Self::RecordOfUnknownTool(tool) => {
                write!(f, "[record] {tool:?} has no rule: write it as in [tools]")
            }
            Self::Rate(place, fault) => write!(f, "{place}: {fault}"),
            Self::TargetedMethod(method) => write!(
                f,
                "[methods] {method:?} is ruled per tool, resource or prompt: use [tools], [resources] or [prompts]"
            ),
        }
    }
}

/// All that is wrong with a policy document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(.0))]
pub struct PolicyError(pub Vec<PolicyFault>);

/// What the names in one table are rules for.
type ToAction = fn(String) -> Action;

impl TryFrom<PolicyDocument> for Policy {
    type Error = PolicyError;

    fn try_from(document: PolicyDocument) -> Result<Self, PolicyError> {
        let mut reader = Reader::default();
        let scopes = reader.scopes(&document.scopes);
        let about = document.scopes.iter().filter_map(|(name, entry)| {
            let (ScopeDocument::About(about)
            | ScopeDocument::Full(FullScopeDocument { about, .. })) = entry;
            Some((name.parse().ok()?, Arc::from(about.as_str())))
        });
        let about = about.collect();
        let roles = reader.roles(&document.roles, &scopes);

        let (mut templates, mut plain) = (Vec::new(), HashMap::<String, Vec<Requirement>>::new());
        let mut requirements: HashMap<Action, Requirement> = PROTOCOL_METHODS
            .iter()
            .map(|method| (Action::Method((*method).into()), Requirement::default()))
            .collect();
        for tool in document.record.keys().filter(|tool| !document.tools.contains_key(*tool)) {
            reader.faults.push(PolicyFault::RecordOfUnknownTool(tool.clone()));
        }
        let tables: [(&str, BTreeMap<String, RuleDocument>, ToAction); 4] = [
            ("tools", document.tools, Action::CallTool),
            ("resources", document.resources, Action::ReadResource),
            ("prompts", document.prompts, Action::GetPrompt),
            ("methods", document.methods, Action::Method),
        ];
        for (table, entries, to_action) in tables {
            for (name, rule) in entries {
                let place = format!("[{table}] {name:?}");
                let requirement = reader.rule(&place, rule, &scopes);
                let action = to_action(name);
                match &action {
                    Action::Method(method) if TARGETED_METHODS.contains(&method.as_str()) => {
                        reader.faults.push(PolicyFault::TargetedMethod(method.clone()));
                    }
                    Action::ReadResource(uri) if Template::is_one(uri) => {
                        match Template::parse(uri) {
                            Ok(template) => templates.push((template, requirement.clone())),
                            Err(fault) => reader.faults.push(PolicyFault::Template(place, fault)),
                        }
                    }
                    Action::ReadResource(uri) => {
                        plain.entry(template::plain(uri)).or_default().push(requirement.clone());
                    }
                    _ => {}
                }
                requirements.insert(action, requirement);
            }
        }
        let caller_rate = reader.rate("[limits] caller", document.limits.caller.as_deref());
        let client_rate = reader.rate("[limits] client", document.limits.client.as_deref());
        if reader.faults.is_empty() {
            let show_scopes = document.lists.show_scopes;
            let has_public_rules = requirements.values().any(Requirement::is_public);
            let has_rates = requirements.values().any(|it| it.limit().is_some());
            Ok(Self {
                scopes,
                about,
                roles,
                rules: requirements,
                templates,
                plain,
                show_scopes,
                has_public_rules,
                recorded: document.record,
                source: None,
                has_rates,
                caller_rate,
                client_rate,
            })
        } else {
            Err(PolicyError(reader.faults))
        }
    }
}

#[derive(Default)]
struct Reader {
    faults: Vec<PolicyFault>,
}

impl Reader {
    /// Every scope with everything it implies, itself included.
    fn scopes(&mut self, document: &BTreeMap<String, ScopeDocument>) -> BTreeMap<Scope, ScopeSet> {
        let mut direct: BTreeMap<Scope, &[String]> = BTreeMap::new();
        for (name, entry) in document {
            let implies = match entry {
                ScopeDocument::About(_) => &[][..],
                ScopeDocument::Full(full) => &full.implies,
            };
            match name.parse() {
                Ok(scope) => drop(direct.insert(scope, implies)),
                Err(_) => self.faults.push(PolicyFault::InvalidScope(name.clone())),
            }
        }
        let known = direct.keys().map(|scope| (scope.clone(), ScopeSet::empty())).collect();
        let edges: BTreeMap<Scope, Vec<Scope>> = direct
            .iter()
            .map(|(scope, implies)| {
                let place = format!("[scopes] {:?}", scope.as_str());
                (
                    scope.clone(),
                    self.known_scopes(&place, implies, &known).iter().cloned().collect(),
                )
            })
            .collect();
        edges
            .keys()
            .map(|scope| {
                let implied = closure(scope, &edges);
                if edges.get(scope).is_some_and(|next| reaches(next, scope, &edges)) {
                    self.faults.push(PolicyFault::ScopeCycle(scope.to_string()));
                }
                (scope.clone(), implied.into_iter().collect())
            })
            .collect()
    }

    /// Every role with the scopes that it holds in the end.
    fn roles(
        &mut self,
        document: &BTreeMap<String, RoleDocument>,
        scopes: &BTreeMap<Scope, ScopeSet>,
    ) -> BTreeMap<RoleName, ScopeSet> {
        let mut edges: BTreeMap<RoleName, Vec<RoleName>> = BTreeMap::new();
        let mut own: BTreeMap<RoleName, ScopeSet> = BTreeMap::new();
        for (name, entry) in document {
            let (inherits, held) = match entry {
                RoleDocument::Scopes(held) => (&[][..], held),
                RoleDocument::Full(full) => (&full.inherits[..], &full.scopes),
            };
            let Ok(role) = name.parse::<RoleName>() else {
                self.faults.push(PolicyFault::InvalidRole(name.clone()));
                continue;
            };
            let held = self.known_scopes(&format!("[roles] {name:?}"), held, scopes);
            let with_implied = held.iter().filter_map(|scope| scopes.get(scope));
            let with_implied = with_implied.flat_map(ScopeSet::iter).cloned().collect();
            let mut parents = Vec::new();
            for parent in inherits {
                match parent.parse() {
                    Ok(parent_role) if document.contains_key(parent) => parents.push(parent_role),
                    _ => self.faults.push(PolicyFault::UnknownRole(name.clone(), parent.clone())),
                }
            }
            edges.insert(role.clone(), parents);
            own.insert(role, with_implied);
        }
        for (role, parents) in &edges {
            if reaches(parents, role, &edges) {
                self.faults.push(PolicyFault::RoleCycle(role.to_string()));
            }
        }
        edges
            .keys()
            .map(|role| {
                let held = closure(role, &edges);
                let held = held.iter().filter_map(|role| own.get(role)).flat_map(ScopeSet::iter);
                (role.clone(), held.cloned().collect())
            })
            .collect()
    }

    fn rule(
        &mut self,
        place: &str,
        rule: RuleDocument,
        scopes: &BTreeMap<Scope, ScopeSet>,
    ) -> Requirement {
        let (all, any, public, rate) = match rule {
            RuleDocument::One(scope) => (vec![scope], Vec::new(), false, None),
            RuleDocument::All(all) => (all, Vec::new(), false, None),
            RuleDocument::Full(FullRuleDocument { all, any, public, rate }) => {
                match (public, &all, &any) {
                    (true, None, None) => {}
                    (true, ..) => self.faults.push(PolicyFault::PublicWithScopes(place.into())),
                    (false, _, Some(any)) if any.is_empty() => {
                        self.faults.push(PolicyFault::EmptyAny(place.into()));
                    }
                    (false, None, None) => self.faults.push(PolicyFault::EmptyRule(place.into())),
                    (false, ..) => {}
                }
                (all.unwrap_or_default(), any.unwrap_or_default(), public, rate)
            }
        };
        let rate = self.rate(place, rate.as_deref());
        Requirement {
            all: self.known_scopes(place, &all, scopes),
            any: self.known_scopes(place, &any, scopes),
            public,
            limit: rate.map(|rate| Arc::new(RateLimit { rule: place.into(), rate })),
        }
    }

    fn rate(&mut self, place: &str, text: Option<&str>) -> Option<Rate> {
        text?.parse().map_err(|fault| self.faults.push(PolicyFault::Rate(place.into(), fault))).ok()
    }

    fn known_scopes(
        &mut self,
        place: &str,
        names: &[String],
        known: &BTreeMap<Scope, ScopeSet>,
    ) -> ScopeSet {
        let mut scopes = ScopeSet::empty();
        for name in names {
            match known.get_key_value(name.as_str()) {
                Some((scope, _)) => drop(scopes.insert(scope.clone())),
                None => self.faults.push(PolicyFault::UnknownScope(place.into(), name.clone())),
            }
        }
        scopes
    }
}

/// `from` and everything that can be reached from it.
fn closure<T: Ord + Clone>(from: &T, edges: &BTreeMap<T, Vec<T>>) -> BTreeSet<T> {
    let mut reached = BTreeSet::from([from.clone()]);
    let mut open = vec![from.clone()];
    while let Some(node) = open.pop() {
        for next in edges.get(&node).into_iter().flatten() {
            if reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

fn reaches<T: Ord + Clone>(from: &[T], target: &T, edges: &BTreeMap<T, Vec<T>>) -> bool {
    from.iter().any(|node| closure(node, edges).contains(target))
}

fn list(faults: &[PolicyFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
