//! What a caller may see: the entries of lists, and the notifications of changes.
//!
//! 1. An entry is shown if using it would be permitted: a tool by its name, a resource and a skill
//!    by their URI, a template by itself, a prompt by its name. What has no name is not shown.
//! 2. The order is the server's own.
//! 3. A list is the caller's own: where the revision knows `cacheScope`, it says `private`.
//! 4. Where the policy says so, `_meta.securitySchemes` names what each entry needs: one member for
//!    each set of scopes that is enough, `oauth2` with its scopes, or `noauth`.
//! 5. A list that cannot be read is not passed on.

use std::sync::Arc;

use auth_core::{Action, Policy, Principal, ScopeSet};
use serde_json::{Map, Value, json};

/// Who looks, and by which policy.
#[derive(Debug, Clone)]
pub(crate) struct Viewer {
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) policy: Arc<Policy>,
}

impl Viewer {
    pub(crate) fn may(&self, action: &Action) -> bool {
        self.policy.permits(self.principal.as_ref(), action)
    }
}

/// A list that methods answer with.
#[derive(Clone, Copy)]
struct List {
    /// The member of the result.
    member: &'static str,
    /// The member of an entry that it goes by.
    key: &'static str,
    /// What using the entry is.
    action: fn(String) -> Action,
}

const LISTS: [List; 5] = [
    List { member: "tools", key: "name", action: Action::CallTool },
    List { member: "prompts", key: "name", action: Action::GetPrompt },
    List { member: "resources", key: "uri", action: Action::ReadResource },
    List { member: "resourceTemplates", key: "uriTemplate", action: Action::ReadResource },
    List { member: "skills", key: "uri", action: Action::ReadResource },
];

/// Whether `method` is answered with a list.
pub(crate) fn is_list(method: &str) -> bool {
    matches!(
        method,
        "tools/list"
            | "prompts/list"
            | "resources/list"
            | "resources/templates/list"
            | "resources/directory/read"
            | "skills/list"
    )
}

/// Takes out of a message with a list's result what the viewer may not see; `false` if it was
/// none. `is_stateless` says whether the revision knows `cacheScope`.
pub(crate) fn filter(message: &mut Value, viewer: &Viewer, is_stateless: bool) -> bool {
    let Some(result) = message.get_mut("result").and_then(Value::as_object_mut) else {
        return false;
    };
    let mut is_list = false;
    for list in LISTS {
        let Some(entries) = result.get_mut(list.member) else { continue };
        is_list = true;
        let entries = std::mem::take(entries);
        let Value::Array(mut entries) = entries else { continue };
        entries.retain_mut(|entry| list.shows(entry, viewer));
        result.insert(list.member.into(), entries.into());
    }
    if is_list && (is_stateless || result.contains_key("cacheScope")) {
        result.insert("cacheScope".into(), "private".into());
    }
    is_list
}

/// Whether the viewer may learn of this change; any other message is theirs.
pub(crate) fn may_be_told(message: &Value, viewer: &Viewer) -> bool {
    let list = |method: &str| viewer.may(&Action::Method(method.into()));
    match message.get("method").and_then(Value::as_str) {
        Some("notifications/tools/list_changed") => list("tools/list"),
        Some("notifications/prompts/list_changed") => list("prompts/list"),
        Some("notifications/resources/list_changed") => list("resources/list"),
        Some("notifications/resources/updated") => message
            .pointer("/params/uri")
            .and_then(Value::as_str)
            .is_some_and(|uri| viewer.may(&Action::ReadResource(uri.into()))),
        _ => true,
    }
}

impl List {
    /// Whether `entry` is shown; if it is, with what it needs, where the policy says so.
    fn shows(&self, entry: &mut Value, viewer: &Viewer) -> bool {
        let Some(entry) = entry.as_object_mut() else { return false };
        let Some(name) = entry.get(self.key).and_then(Value::as_str) else { return false };
        let action = (self.action)(name.to_owned());
        if !viewer.may(&action) {
            return false;
        }
        if viewer.policy.shows_scopes() {
            let meta = entry.entry("_meta").or_insert_with(|| Map::new().into());
            if let Some(meta) = meta.as_object_mut() {
                meta.insert("securitySchemes".into(), schemes(&viewer.policy, &action));
            }
        }
        true
    }
}

/// The most alternatives that are listed.
const MAX_WAYS: usize = 64;

/// The sets of scopes each of which is enough. Where there are very many, one set of all scopes.
fn schemes(policy: &Policy, action: &Action) -> Value {
    let requirements = policy.requirements(action).unwrap_or_default();
    let public = requirements.iter().all(|requirement| requirement.is_public());
    let mut ways = vec![ScopeSet::empty()];
    for requirement in &requirements {
        let mut more = Vec::new();
        for alternative in requirement.alternatives() {
            for way in ways.iter().map(|way| way.union(&alternative)) {
                if !more.contains(&way) {
                    more.push(way);
                }
            }
        }
        if more.len() > MAX_WAYS {
            let scopes = requirements.iter().flat_map(|requirement| requirement.scopes());
            ways = vec![scopes.cloned().collect()];
            break;
        }
        ways = more;
    }
    let scopes = |way: &ScopeSet| way.iter().map(ToString::to_string).collect::<Vec<_>>();
    let noauth = public.then(|| json!({ "type": "noauth" }));
    let oauth = ways.iter().map(|way| json!({ "type": "oauth2", "scopes": scopes(way) }));
    noauth.into_iter().chain(oauth).collect()
}

#[cfg(test)]
mod tests {
    use auth_core::PolicyDocument;

    use super::*;

    fn policy(document: Value) -> Policy {
        Policy::try_from(serde_json::from_value::<PolicyDocument>(document).unwrap()).unwrap()
    }

    #[test]
    fn ways_to_be_let_in_are_told_apart_while_they_are_few() {
        let any = json!({ "any": ["a", "b", "c"] });
        let policy = policy(json!({
            "scopes": { "a": "", "b": "", "c": "" },
            "tools": { "t": any, "p": { "public": true } },
            "resources": { "n://{+x}": any, "n://u/{+x}": any, "n://u/f/{x}": any },
        }));
        let ways = |action| schemes(&policy, &action).as_array().unwrap().len();
        assert_eq!(ways(Action::CallTool("t".into())), 3);
        // No token is needed, and one does no harm.
        assert_eq!(ways(Action::CallTool("p".into())), 2);
        // Twelve rules with three ways each: few sets come out of it, and few are held meanwhile.
        let many = schemes(&policy, &Action::ReadResource("n://u/f/%252561".into()));
        assert_eq!(many.as_array().unwrap().len(), 7);
    }

    #[test]
    fn beyond_what_can_be_told_apart_there_is_one_way_which_is_enough() {
        let names: Vec<String> = (0..65).map(|n| format!("s{n}")).collect();
        let scopes: Map<String, Value> = names.iter().map(|n| (n.clone(), "".into())).collect();
        let tools = json!({ "t": { "any": names } });
        let policy = policy(json!({ "scopes": scopes, "tools": tools }));
        let ways = schemes(&policy, &Action::CallTool("t".into()));
        assert_eq!(ways.as_array().unwrap().len(), 1);
        assert_eq!(ways.pointer("/0/scopes").unwrap().as_array().unwrap().len(), 65);
    }

    #[test]
    fn what_is_no_list_of_entries_is_shown_to_nobody() {
        let viewer = Viewer { principal: None, policy: Arc::new(policy(json!({}))) };
        for tools in [json!("t"), json!({ "name": "t" }), json!(null), json!(["t", 1, {}])] {
            let mut message = json!({ "result": { "tools": tools } });
            assert!(filter(&mut message, &viewer, true));
            let left = message.pointer("/result/tools").unwrap();
            assert!(left.is_null() || left.as_array().is_some_and(Vec::is_empty), "{message}");
        }
        let mut other = json!({ "result": { "content": [] } });
        assert!(!filter(&mut other, &viewer, true));
        assert_eq!(other, json!({ "result": { "content": [] } }));
    }
}
