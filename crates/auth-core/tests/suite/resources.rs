//! Rules for resources by template, rules that call something public, and actions that need others
//! too.

use std::sync::Arc;

use auth_core::{
    Action, Ceiling, Decision, DenialReason, Policy, PolicyFault, Principal, Query, RateError,
};
use serde_json::{Value, json};

use crate::support::{principal, read_policy};

fn read(uri: &str) -> Action {
    Action::ReadResource(uri.into())
}

fn policy() -> Policy {
    read_policy(json!({
        "scopes": {"Own": "", "Any": "", "Secret": "", "Files": ""},
        "resources": {
            "db://users/{id}": "Own",
            "db://users/admin": "Secret",
            "db://users/{id}/{part}": "Any",
            "db://{+path}/audit": "Secret",
            "file:///{name}": "Files",
            "file:///a%20b": "Any",
            "db://find{?q}": "Any",
            "db://open": {"public": true},
        },
        "tools": {"open": {"public": true}, "closed": "Own"},
        "methods": {"tools/list": {"public": true}},
    }))
    .unwrap()
}

fn caller(scopes: &str) -> Arc<Principal> {
    principal(scopes, &[], Ceiling::IssuerDecides)
}

fn verdict(scopes: &str, uri: &str) -> Result<(), (DenialReason, String)> {
    match policy().decide(&Query::new(Some(&caller(scopes)), &read(uri))) {
        Decision::Permit(_) => Ok(()),
        Decision::Deny(denial) => Err((denial.reason(), denial.required().to_string())),
    }
}

fn needs(scopes: &str) -> Result<(), (DenialReason, String)> {
    Err((DenialReason::MissingScope, scopes.into()))
}

const NO_RULE: Result<(), (DenialReason, String)> = Err((DenialReason::NoRule, String::new()));

#[test]
fn a_template_is_the_rule_of_its_expansions_and_of_itself() {
    for uri in ["db://users/1", "db://users/a%20b", "db://users/{id}", "db://users/%C3%A9"] {
        assert_eq!(verdict("Own", uri), Ok(()), "{uri}");
        assert_eq!(verdict("Any", uri), needs("Own"), "{uri}");
    }
    assert_eq!(verdict("Any", "db://find"), Ok(()));
    assert_eq!(verdict("Any", "db://find?q=1"), Ok(()));
    for uri in ["db://users/", "db://users", "db://Users/1", "db://users/1#x", "other://users/1"] {
        assert_eq!(verdict("Own Any Secret Files", uri), NO_RULE, "{uri}");
    }
}

#[test]
fn an_expansion_does_not_reach_what_its_own_rule_refuses() {
    assert_eq!(verdict("Own", "db://users/admin"), needs("Secret"));
    // The same in other spellings: both the template's rule and the URI's own must be met.
    for uri in
        ["db://users/%61dmin", "db://users/adm%69n", "db://users/%2561dmin", "db://users/%61%64min"]
    {
        assert_eq!(verdict("Own", uri), needs("Own Secret"), "{uri}");
        assert_eq!(verdict("Own Secret", uri), Ok(()), "{uri}");
    }
    // What some servers take for the same as well.
    for uri in [
        "db://users/ADMIN",
        "db://users/admin ",
        "db://users/admin%20",
        "db://users/admin;a",
        "db://Users/admin",
    ] {
        if uri == "db://Users/admin" {
            assert_eq!(verdict("Own Secret", uri), NO_RULE, "{uri}");
        } else {
            assert_eq!(verdict("Own", uri), needs("Own Secret"), "{uri}");
        }
    }
    // Dots that some drop, alternate data streams, compatibility and ignorable characters, letter
    // case.
    for uri in [
        "db://users/admin.",
        "db://users/admin. .",
        "db://users/admin%2E",
        "db://users/admin::$DATA",
        "db://users/admin:x",
        "db://users/admin%3Ax",
        "db://users/ａｄｍｉｎ",
        "db://users/%EF%BD%81dmin",
        "db://users/ad\u{200b}min",
        "db://users/ad%C2%ADmin",
        "db://users/ad\u{e0041}min",
        "db://users/adm\u{131}n",
    ] {
        assert_eq!(verdict("Own", uri), needs("Own Secret"), "{uri}");
        assert_eq!(verdict("Own Secret", uri), Ok(()), "{uri}");
    }
    // The same where the stricter rule is a template.
    assert_eq!(verdict("Own Any", "db://users/1/audit."), needs("Any Secret"));
    assert_eq!(verdict("Own Any", "db://users/1/AUDIT::$DATA"), needs("Any Secret"));
    assert_eq!(verdict("Own Any", "db://users/1/aud\u{200b}it"), needs("Any Secret"));
    assert_eq!(verdict("Own Any", "db://users/1／audit"), needs("Any Own Secret"));
    for uri in ["db://x//audit", "db://find?x", "db://find?"] {
        assert_eq!(verdict("Any Secret", uri), Ok(()), "{uri}");
    }
    // What a slash makes of one segment is ruled as two.
    assert_eq!(verdict("Own", "db://users/1%2Fmail"), needs("Any Own"));
    // Where a way out of the folder is hidden, nobody has a rule.
    for uri in [
        "file:///..",
        "file:///%2e%2e",
        "file:///%2E%2e%2Fetc",
        "file:///..%2fetc",
        "file:///%252e%252e",
        "file:///a%00",
        "file:///a%5Cb",
        "file:///a\\b",
        "file:///a%2Fb",
        "file:///%",
        "file:///%f",
        "file:///%ff",
        "file:///%25252525",
        "file:///．．",
        "file:///‥",
        "file:///.\u{ad}.",
        "file:///a＼b",
        "file:///a／b",
        "file:///%EF%BC%8E%EF%BC%8E",
    ] {
        assert_eq!(verdict("Files Own Any Secret", uri), NO_RULE, "{uri}");
    }
    assert_eq!(verdict("Files", "file:///..."), Ok(()));
    // A rule for exactly this URI is meant for it.
    assert_eq!(verdict("Any", "file:///a%20b"), Ok(()));
}

#[test]
fn where_several_templates_fit_all_of_them_must_be_met() {
    assert_eq!(verdict("Any", "db://users/1/audit"), needs("Any Secret"));
    assert_eq!(verdict("Any Secret", "db://users/1/audit"), Ok(()));
    let requirements = policy().requirements(&read("db://users/1/audit")).unwrap().len();
    assert_eq!(requirements, 2);
}

#[test]
fn a_text_with_braces_that_is_no_template_is_a_fault() {
    for bad in ["a://{", "a://}", "a://{/x}", "a://{a}{b}", "a://{}"] {
        let faults = read_policy(json!({"resources": {bad: []}})).unwrap_err();
        assert!(matches!(faults.0.as_slice(), [PolicyFault::Template(..)]), "{bad}");
        assert!(faults.to_string().contains("RFC 6570"), "{faults}");
    }
}

#[test]
fn anonymous_may_do_what_is_public_and_nothing_else() {
    let policy = policy();
    let decide = |action: &Action, also: &[Action]| {
        policy.decide(&Query { also, ..Query::new(None, action) })
    };
    let may = |action: &Action| matches!(decide(action, &[]), Decision::Permit(_));
    assert!(policy.has_public_rules());
    for action in
        [Action::CallTool("open".into()), read("db://open"), Action::Method("tools/list".into())]
    {
        assert!(may(&action) && policy.permits(None, &action), "{action}");
        // A token takes nothing away.
        assert!(policy.permits(Some(&caller("")), &action));
    }
    for action in [
        Action::CallTool("closed".into()),
        Action::CallTool("unheard".into()),
        read("db://users/1"),
        Action::Method("initialize".into()),
        Action::Method("session/stream".into()),
    ] {
        assert!(!may(&action) && !policy.permits(None, &action), "{action}");
    }
    let lists = [Action::Method("tools/list".into())];
    let Decision::Permit(permit) = decide(&read("db://open"), &lists) else { panic!("denied") };
    assert_eq!(permit.principal(), None);
    for (action, also) in [("db://open", "ping"), ("db://open", "no/rule"), ("other://x", "ping")] {
        let decision = decide(&read(action), &[Action::Method(also.into())]);
        let Decision::Deny(denial) = decision else { panic!("{action} with {also} was permitted") };
        assert_eq!(denial.reason(), DenialReason::NoToken);
        assert_eq!(denial.granted().to_string(), "");
    }
    let without = read_policy(json!({"tools": {"t": []}})).unwrap();
    assert!(!without.has_public_rules() && !without.shows_scopes());
}

#[test]
fn public_stands_alone() {
    for with in [
        json!({"public": true, "all": ["S"]}),
        json!({"public": true, "any": ["S"]}),
        json!({"public": true, "any": []}),
    ] {
        let document = json!({"scopes": {"S": ""}, "tools": {"t": with}});
        let faults = read_policy(document).unwrap_err();
        assert_eq!(faults.0, [PolicyFault::PublicWithScopes(r#"[tools] "t""#.into())]);
    }
    // `{ public = false }` says nothing, and so lets nobody in by mistake.
    let faults = read_policy(json!({"tools": {"t": {"public": false}}})).unwrap_err();
    assert_eq!(faults.0, [PolicyFault::EmptyRule(r#"[tools] "t""#.into())]);
}

#[test]
fn a_rate_is_read_wherever_it_is_and_one_that_is_none_is_a_fault() {
    let policy = read_policy(json!({
        "tools": {"t": {"all": [], "rate": "2/min"}, "free": []},
        "limits": {"caller": "600/min", "client": "10/s"},
    }));
    let policy = policy.unwrap();
    let rates = |tool: &str| {
        let limits = policy.rate_limits(&Action::CallTool(tool.into()));
        limits.into_iter().map(|it| it.rate.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((rates("t"), rates("free")), (vec!["2/min".to_owned()], Vec::new()));
    let all = [policy.caller_rate(), policy.client_rate()].map(|it| it.unwrap().to_string());
    assert_eq!(all, ["600/min", "10/s"]);

    for (document, place) in [
        (json!({"tools": {"t": {"all": [], "rate": "often"}}}), r#"[tools] "t""#),
        (json!({"tools": {"t": {"public": true, "rate": "0/s"}}}), r#"[tools] "t""#),
        (json!({"limits": {"caller": "30"}}), "[limits] caller"),
        (json!({"limits": {"client": "30/m"}}), "[limits] client"),
    ] {
        let faults = read_policy(document).unwrap_err();
        assert_eq!(faults.0, [PolicyFault::Rate(place.into(), RateError)]);
    }
    // A rate alone says nothing about who may.
    let faults = read_policy(json!({"tools": {"t": {"rate": "1/s"}}})).unwrap_err();
    assert_eq!(faults.0, [PolicyFault::EmptyRule(r#"[tools] "t""#.into())]);
}

#[test]
fn what_needs_others_too_is_denied_with_all_that_they_need() {
    let (policy, listen) = (policy(), Action::Method("subscriptions/listen".into()));
    let also = [read("db://users/1"), read("db://users/admin")];
    let decide = |scopes| {
        policy.decide(&Query { also: &also, ..Query::new(Some(&caller(scopes)), &listen) })
    };
    let Decision::Deny(denial) = decide("Own") else { panic!("permitted") };
    assert_eq!((denial.reason(), denial.action()), (DenialReason::MissingScope, &listen));
    assert_eq!(denial.required().to_string(), "Own Secret");
    assert!(matches!(decide("Own Secret"), Decision::Permit(permit) if *permit.action() == listen));
    let with_unruled = [read("db://users/1"), read("other://x")];
    let own = caller("Own");
    let unruled = policy.decide(&Query { also: &with_unruled, ..Query::new(Some(&own), &listen) });
    let Decision::Deny(denial) = unruled else { panic!("permitted") };
    assert_eq!(denial.reason(), DenialReason::NoRule);
}

#[test]
fn lists_show_scopes_where_the_policy_says_so() {
    let read = |lists: Value| read_policy(json!({"lists": lists})).unwrap();
    assert!(read(json!({"show_scopes": true})).shows_scopes());
    assert!(!read(json!({})).shows_scopes());
}

#[test]
fn the_ways_to_meet_a_rule_are_told_apart() {
    let policy = read_policy(json!({
        "scopes": {"A": "", "B": "", "C": ""},
        "tools": {"t": {"all": ["A"], "any": ["B", "C"]}, "u": ["A", "B"], "v": []},
    }))
    .unwrap();
    let ways = |tool: &str| {
        let requirements = policy.requirements(&Action::CallTool(tool.into())).unwrap();
        requirements[0].alternatives().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(ways("t"), ["A B", "A C"]);
    assert_eq!(ways("u"), ["A B"]);
    assert_eq!(ways("v"), [""]);
}
