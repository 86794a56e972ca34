//! Who may do what, and what is said to those who may not.

use std::sync::Arc;

use auth_core::{
    Action, Ceiling, Decision, Denial, DenialReason, Hypothetical, Policy, PolicyFault, Principal,
    Query, ScopeSet,
};
use serde_json::{Value, json};

use crate::support::{principal, read_policy, roles};

fn policy() -> Policy {
    read_policy(json!({
        "scopes": {
            "Data.Read": "Read",
            "Data.Write": {"about": "Change", "implies": ["Data.Read"]},
            "Data.Own": {"about": "Everything", "implies": ["Data.Write"]},
            "Audit": "Look at the books",
            "Idle": {"about": "Named by no rule"},
        },
        "roles": {
            "guest": [],
            "reader": ["Data.Read"],
            "left": {"inherits": ["reader"], "scopes": ["Audit"]},
            "right": {"inherits": ["reader"], "scopes": ["Data.Write"]},
            "admin": {"inherits": ["left", "right"]},
            "owner": ["Data.Own"],
        },
        "tools": {
            "open": [],
            "read": "Data.Read",
            "write": "Data.Write",
            "read_and_audit": ["Data.Read", "Audit"],
            "either": {"any": ["Data.Write", "Audit"]},
            "mixed": {"all": ["Data.Read"], "any": ["Audit", "Data.Own"]},
            "kept": {"all": ["Audit"], "any": ["Data.Own", "Data.Write"]},
        },
        "resources": {"a://b": "Audit"},
        "prompts": {"ask": "Data.Read"},
        "methods": {"logging/setLevel": "Audit", "resources/list": "Data.Read"},
    }))
    .unwrap()
}

/// A caller with this token whose user has these roles.
fn user(scopes: &str, ceiling: &[&str]) -> Arc<Principal> {
    principal(scopes, &[], Ceiling::Roles(roles(ceiling.iter().copied()).into()))
}

fn tool(name: &str) -> Action {
    Action::CallTool(name.into())
}

fn method(name: &str) -> Action {
    Action::Method(name.into())
}

fn denial(policy: &Policy, principal: &Arc<Principal>, action: &Action) -> Denial {
    assert!(!policy.permits(Some(principal), action));
    match policy.decide(&Query::new(Some(principal), action)) {
        Decision::Deny(denial) => denial,
        Decision::Permit(permit) => panic!("{} was permitted", permit.action()),
    }
}

fn assert_permitted(policy: &Policy, principal: &Arc<Principal>, action: &Action) {
    match policy.decide(&Query::new(Some(principal), action)) {
        Decision::Permit(permit) => {
            assert_eq!((permit.principal(), permit.action()), (Some(principal), action));
        }
        Decision::Deny(denial) => panic!("{action}: {denial}"),
    }
    assert!(policy.permits(Some(principal), action));
}

fn scopes(text: &str) -> ScopeSet {
    text.parse().unwrap()
}

#[test]
fn admin_with_every_role_may_not_do_what_has_no_rule() {
    let everything = "Data.Own Audit Idle";
    let admin = user(everything, &["admin", "owner"]);
    for action in [
        tool("delete"),
        tool("READ"),
        tool(""),
        Action::ReadResource("a://c".into()),
        Action::GetPrompt("tell".into()),
        // A rule for one kind is none for another.
        Action::ReadResource("read".into()),
        Action::GetPrompt("read".into()),
        method("read"),
        method("tools/call"),
        method("resources/subscribe"),
        method("skills/get"),
        method("logging/level"),
        method("Ping"),
        method(""),
    ] {
        let denial = denial(&policy(), &admin, &action);
        assert_eq!(denial.reason(), DenialReason::NoRule, "{action}");
        assert_eq!(denial.action(), &action);
        assert!(denial.required().is_empty());
        assert_eq!(denial.granted(), &scopes(everything));
        assert_eq!(denial.to_string(), "no rule permits this action to anyone");
        assert_eq!(policy().requirements(&action), None);
    }
}

#[test]
fn reader_may_read_and_no_more() {
    let reader = user("Data.Read", &["reader"]);
    for name in ["open", "read"] {
        assert_permitted(&policy(), &reader, &tool(name));
    }
    assert_permitted(&policy(), &reader, &Action::GetPrompt("ask".into()));
    assert_permitted(&policy(), &reader, &method("resources/list"));
    for action in [
        tool("write"),
        tool("read_and_audit"),
        tool("either"),
        tool("mixed"),
        Action::ReadResource("a://b".into()),
        method("logging/setLevel"),
    ] {
        let denial = denial(&policy(), &reader, &action);
        assert_eq!(denial.reason(), DenialReason::BeyondCeiling);
    }
}

#[test]
fn admin_without_the_scope_in_the_token_is_told_to_ask_for_it() {
    let admin = user("Data.Read", &["admin"]);
    let denial = denial(&policy(), &admin, &tool("read_and_audit"));
    assert_eq!(denial.reason(), DenialReason::MissingScope);
    // All that is needed, also what is held.
    assert_eq!(denial.required(), &scopes("Audit Data.Read"));
    assert_eq!(denial.granted(), &scopes("Data.Read"));
    assert_eq!(
        denial.to_string(),
        "this needs the scopes Audit Data.Read; the token has Data.Read"
    );
    assert_permitted(&policy(), &user("Audit Data.Read", &["admin"]), &tool("read_and_audit"));
}

#[test]
fn admin_with_an_empty_token_is_told_that_nothing_is_granted() {
    let denial = denial(&policy(), &user("", &["admin"]), &tool("read"));
    assert_eq!(denial.to_string(), "this needs the scope Data.Read; the token has none");
}

#[test]
fn reader_with_an_overgrown_token_is_bounded_by_the_directory() {
    let reader = user("Data.Own Audit", &["reader"]);
    assert_permitted(&policy(), &reader, &tool("read"));
    let denial = denial(&policy(), &reader, &tool("write"));
    assert_eq!(denial.reason(), DenialReason::BeyondCeiling);
    assert_eq!(
        denial.to_string(),
        "this needs the scope Data.Write; the user's roles do not allow it, so a new token would not help"
    );
}

#[test]
fn guest_and_a_user_without_or_with_unknown_roles_hold_nothing() {
    for ceiling in [&["guest"][..], &[], &["unheard-of"]] {
        let caller = user("Data.Own Audit", ceiling);
        assert_permitted(&policy(), &caller, &tool("open"));
        let denial = denial(&policy(), &caller, &tool("read"));
        assert_eq!(denial.reason(), DenialReason::BeyondCeiling);
    }
}

#[test]
fn a_broader_scope_implies_the_narrower_one_through_others_and_not_the_other_way() {
    let policy = policy();
    assert_permitted(&policy, &user("Data.Own", &["owner"]), &tool("read"));
    assert_permitted(&policy, &user("Data.Own", &["owner"]), &tool("write"));
    assert_permitted(&policy, &user("Data.Write", &["owner"]), &tool("read"));
    let narrow = denial(&policy, &user("Data.Read", &["owner"]), &tool("write"));
    assert_eq!(narrow.reason(), DenialReason::MissingScope);
    // Implied by the token, but not held by the user as it stands there: enough.
    assert_permitted(&policy, &user("Data.Own", &["reader"]), &tool("read"));
}

#[test]
fn a_role_inherits_through_others_and_from_both_sides_of_a_diamond() {
    let policy = policy();
    let held = |role: &str| {
        let mut found = policy.roles().filter(|(name, _)| name.as_str() == role);
        found.next().map(|(_, scopes)| scopes.to_string())
    };
    assert_eq!(held("guest").unwrap(), "");
    assert_eq!(held("left").unwrap(), "Audit Data.Read");
    assert_eq!(held("right").unwrap(), "Data.Read Data.Write");
    assert_eq!(held("admin").unwrap(), "Audit Data.Read Data.Write");
    assert_eq!(held("owner").unwrap(), "Data.Own Data.Read Data.Write");
    assert_eq!(policy.roles().count(), 6);
    assert!(policy.has_role(&"admin".parse().unwrap()));
    assert!(!policy.has_role(&"Admin".parse().unwrap()));
}

#[test]
fn of_an_any_list_the_first_that_the_user_may_hold_is_asked_for() {
    let policy = policy();
    let asked = |ceiling: &[&str], name: &str| {
        let denial = denial(&policy, &user("", ceiling), &tool(name));
        (denial.reason(), denial.required().to_string())
    };
    let (missing, beyond) = (DenialReason::MissingScope, DenialReason::BeyondCeiling);
    assert_eq!(asked(&["admin"], "either"), (missing, "Audit".into()));
    assert_eq!(asked(&["right"], "either"), (missing, "Data.Write".into()));
    assert_eq!(asked(&["reader"], "either"), (beyond, "Audit".into()));
    assert_eq!(asked(&["owner"], "mixed"), (missing, "Data.Own Data.Read".into()));
    assert_eq!(asked(&["left"], "mixed"), (missing, "Audit Data.Read".into()));
    assert_eq!(asked(&["guest"], "mixed"), (beyond, "Audit Data.Read".into()));
    // `all` alone or `any` alone is not enough.
    for half in ["Data.Read", "Audit"] {
        let denial = denial(&policy, &user(half, &["left"]), &tool("mixed"));
        assert_eq!(denial.reason(), missing);
    }
    assert_permitted(&policy, &user("Data.Read Audit", &["left"]), &tool("mixed"));
    assert_permitted(&policy, &user("Audit", &["left"]), &tool("either"));
}

#[test]
fn of_an_any_list_what_the_caller_holds_is_asked_for_again_and_nothing_broader() {
    let asked = |scopes, ceiling: &[&str]| {
        let denial = denial(&policy(), &user(scopes, ceiling), &tool("kept"));
        (denial.reason(), denial.required().to_string())
    };
    let missing = DenialReason::MissingScope;
    assert_eq!(asked("Data.Write", &["admin", "owner"]), (missing, "Audit Data.Write".into()));
    assert_eq!(asked("Data.Read", &["admin", "owner"]), (missing, "Audit Data.Own".into()));
    // What stands in the token alone is not held.
    assert_eq!(asked("Data.Own", &["admin"]), (missing, "Audit Data.Write".into()));
}

#[test]
fn roles_in_the_token_grant_their_scopes_below_the_ceiling() {
    let policy = policy();
    let with = |token_roles: &[&str], ceiling: &[&str]| {
        principal("", token_roles, Ceiling::Roles(roles(ceiling.iter().copied()).into()))
    };
    assert_permitted(&policy, &with(&["admin"], &["admin"]), &tool("write"));
    assert_permitted(&policy, &with(&["guest", "right"], &["admin"]), &tool("write"));
    let bounded = denial(&policy, &with(&["admin"], &["reader"]), &tool("write"));
    assert_eq!(bounded.reason(), DenialReason::BeyondCeiling);
    let lacking = denial(&policy, &with(&["reader", "unheard-of"], &["admin"]), &tool("write"));
    assert_eq!(lacking.reason(), DenialReason::MissingScope);
}

#[test]
fn without_a_directory_the_issuers_word_is_the_only_bound() {
    let policy = policy();
    let caller = |scopes| principal(scopes, &[], Ceiling::IssuerDecides);
    assert_permitted(&policy, &caller("Data.Own"), &tool("write"));
    let denied = denial(&policy, &caller("Data.Read"), &tool("write"));
    assert_eq!(denied.reason(), DenialReason::MissingScope);
    let denied = denial(&policy, &caller(""), &tool("either"));
    assert_eq!(denied.required(), &scopes("Audit"));
    let denied = denial(&policy, &caller("Data.Own"), &tool("unruled"));
    assert_eq!(denied.reason(), DenialReason::NoRule);
}

#[test]
fn scopes_that_the_catalog_does_not_know_grant_nothing() {
    let denied =
        denial(&policy(), &user("data.read Data * Data.Read.All", &["admin"]), &tool("read"));
    assert_eq!(denied.reason(), DenialReason::MissingScope);
}

#[test]
fn anyone_with_a_valid_token_may_speak_the_protocol() {
    let nobody = user("", &[]);
    let bare = read_policy(json!({})).unwrap();
    let protocol = [
        "initialize",
        "notifications/cancelled",
        "notifications/initialized",
        "notifications/progress",
        "notifications/roots/list_changed",
        "ping",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
        "response",
        "server/discover",
        "session/end",
        "session/stream",
        "skills/list",
        "subscriptions/listen",
        "tasks/cancel",
        "tasks/get",
        "tasks/update",
        "tools/list",
    ];
    for name in protocol {
        assert_permitted(&bare, &nobody, &method(name));
    }
    let ruled: Vec<_> = bare.actions().into_iter().map(Action::method).collect();
    assert_eq!(ruled, protocol);
    assert!(bare.scopes().is_empty() && bare.requestable_scopes().is_empty());
}

#[test]
fn a_rule_under_methods_takes_the_place_of_the_protocols_own() {
    let guest = user("", &["guest"]);
    let denied = denial(&policy(), &guest, &method("resources/list"));
    assert_eq!(denied.reason(), DenialReason::BeyondCeiling);
    assert_permitted(&policy(), &guest, &method("tools/list"));
}

#[test]
fn a_policy_tells_what_it_rules() {
    let policy = policy();
    assert_eq!(policy.scopes(), scopes("Audit Data.Own Data.Read Data.Write Idle"));
    assert_eq!(policy.requestable_scopes(), scopes("Audit Data.Own Data.Read Data.Write"));
    let requirement = policy.requirements(&tool("mixed")).unwrap()[0];
    assert_eq!(requirement.all(), &scopes("Data.Read"));
    assert_eq!(requirement.any(), &scopes("Audit Data.Own"));
    assert_eq!(requirement.scopes().count(), 3);
    let (ruled, unruled) = (tool("read"), tool("delete"));
    assert_eq!(policy.without_rule([&unruled, &ruled]), [&unruled]);
    assert_eq!(policy.without_rule([&ruled]), [] as [&Action; 0]);
    let actions = policy.actions();
    assert!(actions.is_sorted() && actions.contains(&&ruled));
    let protocol = read_policy(json!({})).unwrap().actions().len();
    assert_eq!(actions.len(), protocol + 7 + 1 + 1 + 1);
}

#[test]
fn a_policy_tells_what_a_scope_is_for_implies_and_opens() {
    let policy = policy();
    let about = |scope: &str| policy.about(&scope.parse().unwrap()).map(str::to_owned);
    assert_eq!(about("Data.Read").as_deref(), Some("Read"));
    assert_eq!(about("Data.Write").as_deref(), Some("Change"));
    assert_eq!(about("Other"), None);
    let implied = policy.with_implied(&scopes("Data.Own Audit Other"));
    assert_eq!(implied, scopes("Audit Data.Own Data.Read Data.Write"));

    let held = |names: &[&str]| policy.held_by_roles(&roles(names.iter().copied()));
    assert_eq!(held(&["right"]), scopes("Data.Read Data.Write"));
    assert_eq!(held(&["left", "right", "unknown"]), scopes("Audit Data.Read Data.Write"));
    assert_eq!(held(&["guest"]), ScopeSet::empty());

    let may = |token: &str, ceiling: &[&str]| -> Vec<String> {
        let who = Hypothetical {
            scopes: scopes(token),
            roles: [].into(),
            ceiling: Ceiling::Roles(roles(ceiling.iter().copied()).into()),
        };
        let permitted = policy.permitted_to(&who);
        let targets = permitted.into_iter().filter_map(Action::target);
        targets.map(str::to_owned).collect()
    };
    assert_eq!(may("Data.Read", &["reader"]), ["open", "read", "ask"]);
    assert_eq!(may("Data.Read Audit", &["reader"]), ["open", "read", "ask"]);
    assert_eq!(may("", &["owner"]), ["open"]);
    assert_eq!(may("Audit", &["left"]), ["either", "open", "a://b"]);
}

#[test]
fn every_fault_of_a_document_is_told_and_all_together() {
    let faults = read_policy(json!({
        "scopes": {
            "a": "fine",
            "two words": "no scope",
            "lost": {"about": "", "implies": ["a", "ghost"]},
            "self": {"about": "", "implies": ["self"]},
            "egg": {"about": "", "implies": ["hen"]},
            "hen": {"about": "", "implies": ["egg"]},
            "coop": {"about": "not in the cycle itself", "implies": ["hen"]},
        },
        "roles": {
            "": ["a"],
            "orphan": {"inherits": ["nobody", ""]},
            "narcissus": {"inherits": ["narcissus"]},
            "chick": {"inherits": ["cock"], "scopes": ["ghost"]},
            "cock": {"inherits": ["chick"]},
            "farmer": {"inherits": ["chick"]},
        },
        "tools": {
            "blank": {},
            "empty": {"any": []},
            "full": {"all": ["ghost"], "any": ["a", "spectre"]},
            "one": "ghost",
            "list": ["a", "ghost"],
        },
        "resources": {"a://b": "ghost"},
        "prompts": {"p": "ghost"},
        "methods": {"m": "ghost", "tools/call": [], "ping": "a"},
    }))
    .unwrap_err();
    let unknown = |place: &str, scope: &str| PolicyFault::UnknownScope(place.into(), scope.into());
    assert_eq!(
        faults.0,
        [
            PolicyFault::InvalidScope("two words".into()),
            unknown(r#"[scopes] "lost""#, "ghost"),
            PolicyFault::ScopeCycle("egg".into()),
            PolicyFault::ScopeCycle("hen".into()),
            PolicyFault::ScopeCycle("self".into()),
            PolicyFault::InvalidRole(String::new()),
            unknown(r#"[roles] "chick""#, "ghost"),
            PolicyFault::UnknownRole("orphan".into(), "nobody".into()),
            PolicyFault::UnknownRole("orphan".into(), String::new()),
            PolicyFault::RoleCycle("chick".into()),
            PolicyFault::RoleCycle("cock".into()),
            PolicyFault::RoleCycle("narcissus".into()),
            PolicyFault::EmptyRule(r#"[tools] "blank""#.into()),
            PolicyFault::EmptyAny(r#"[tools] "empty""#.into()),
            unknown(r#"[tools] "full""#, "ghost"),
            unknown(r#"[tools] "full""#, "spectre"),
            unknown(r#"[tools] "list""#, "ghost"),
            unknown(r#"[tools] "one""#, "ghost"),
            unknown(r#"[resources] "a://b""#, "ghost"),
            unknown(r#"[prompts] "p""#, "ghost"),
            unknown(r#"[methods] "m""#, "ghost"),
            PolicyFault::TargetedMethod("tools/call".into()),
        ]
    );
    let text = faults.to_string();
    assert_eq!(text.lines().count(), faults.0.len());
    for line in [
        r#"[scopes] "two words" is no scope (RFC 6749 section 3.3)"#,
        r#"[scopes] "egg" implies itself"#,
        r#"[roles] "" is no role name"#,
        r#"[roles] "orphan" inherits from "nobody", which is not in [roles]"#,
        r#"[roles] "cock" inherits from itself"#,
        r#"[tools] "one" names the scope "ghost", which is not in [scopes]"#,
        r#"[tools] "empty" has an empty `any` list, which can never be met: leave it out"#,
        r#"[methods] "tools/call" is ruled per tool, resource or prompt: use [tools], [resources] or [prompts]"#,
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\nnot in\n{text}");
    }
}

#[test]
fn a_method_with_targets_cannot_be_opened_for_all_of_them() {
    for name in [
        "tools/call",
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "prompts/get",
        "completion/complete",
    ] {
        let faults = read_policy(json!({"methods": {name: []}})).unwrap_err().0;
        assert_eq!(faults, [PolicyFault::TargetedMethod(name.into())]);
    }
}

#[test]
fn a_document_with_unknown_members_is_no_document() {
    let read = serde_json::from_value::<auth_core::PolicyDocument>;
    for bad in [
        json!({"tool": {}}),
        json!({"tools": {"t": {"all": [], "some": []}}}),
        json!({"tools": {"t": 1}}),
        json!({"roles": {"r": {"inherit": []}}}),
        json!({"scopes": {"s": {"about": "", "imply": []}}}),
        json!({"scopes": {"s": {"implies": []}}}),
        Value::Null,
    ] {
        assert!(read(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_principal_is_who_the_token_says_under_the_name_the_directory_knows() {
    let caller = user("Data.Read", &["reader"]);
    assert_eq!(caller.issuer().as_str(), testkit::ISSUER);
    assert_eq!(caller.subject().as_str(), "user-userson");
    assert_eq!(caller.client_id().unwrap().as_str(), "testkit");
    assert!(caller.token_id().unwrap().as_str().starts_with("jti-"));
    assert_eq!(caller.expires_at().as_secs(), testkit::NOW + 3600);
    assert_eq!(caller.scopes(), &scopes("Data.Read"));
    assert_eq!(caller.ceiling(), &Ceiling::Roles(roles(["reader"]).into()));
    assert_eq!(caller.display_name(), Some("User Userson"));
    let known = Principal::clone(&caller).with_display_name("Userson, U.");
    assert_eq!(known.display_name(), Some("Userson, U."));
    assert_eq!(principal("", &["left"], Ceiling::IssuerDecides).roles(), &roles(["left"]));
}
