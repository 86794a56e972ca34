//! What is explained is what is decided: for every fault of a token, every user and many policies.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{
    Account, AccountError, Action, Algorithm, Check, Decision, DenialReason, DirectoryLookup,
    Explanation, Finding, Hypothetical, Outcome, Policy, PolicyDocument, Query, RoleName, ScopeSet,
    Verdict, check_account, trace,
};
use proptest::prelude::*;
use testkit::{Forge, NOW, TestKey, accepted_variants, token_faults};

use crate::support::{secs, trusted, verifier};

/// Which check names a fault, by its row; the few that are named elsewhere stand below.
fn check_of(row: u8, name: &str) -> Check {
    match name {
        "typ number" | "typ a list" => return Check::Form,
        "aud a list within a list" => return Check::Audience,
        _ if name.starts_with("HS256 signed with") || name.starts_with("alg of another family") => {
            return Check::Key;
        }
        _ if name.starts_with("kid ")
            && ["kid a number", "kid with a line break", "kid too long"].contains(&name) =>
        {
            return Check::Form;
        }
        _ => {}
    }
    if name.starts_with("scope ") || name.starts_with("jti ") || name.starts_with("client_id ") {
        return Check::Claims;
    }
    match row {
        4 | 5 => Check::Form,
        6 => Check::Key,
        7 => Check::Signature,
        8 => Check::Issuer,
        9 => Check::Audience,
        10 | 15 => Check::Expiry,
        11 => Check::Begin,
        12 => Check::Subject,
        13 => Check::Type,
        14 => Check::Binding,
        _ => panic!("no row {row}"),
    }
}

#[test]
fn every_fault_is_named_by_its_check_and_in_the_words_of_the_verifier() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let verifier = verifier(trusted(key));
        for fault in token_faults(key) {
            let at = secs(fault.at);
            let (steps, verdict) = trace(&fault.token, &verifier, at);
            let reason = match fault.access_token() {
                Err(error) => error.to_string(),
                Ok(token) => verifier.verify(&token, at).unwrap_err().to_string(),
            };
            let place = format!("{algorithm}, row {}: {}", fault.row, fault.name);
            assert_eq!(verdict.unwrap_err(), reason, "{place}");
            let failed: Vec<_> = steps.iter().filter(|it| it.outcome == Outcome::Failed).collect();
            assert_eq!(failed.len(), 1, "{place}");
            assert_eq!(failed[0].name, check_of(fault.row, fault.name).name(), "{place}");
            assert!(failed[0].found.starts_with(&reason), "{place}: {}", failed[0].found);
            assert!(!failed[0].expected.is_empty(), "{place}");
            let names: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
            assert_eq!(names, Check::ORDER.map(Check::name), "{place}");
            let place_of_fault = steps.iter().position(|it| it.outcome == Outcome::Failed).unwrap();
            for (index, step) in steps.iter().enumerate() {
                let expected = match index.cmp(&place_of_fault) {
                    std::cmp::Ordering::Less => Outcome::Passed,
                    std::cmp::Ordering::Equal => Outcome::Failed,
                    std::cmp::Ordering::Greater => Outcome::NotReached,
                };
                assert_eq!(step.outcome, expected, "{place}: {}", step.name);
            }
            let text = serde_json::to_string(&steps).unwrap();
            assert!(!text.contains(&fault.token), "{place}");
        }
    }
}

#[test]
fn every_good_token_passes_every_check() {
    for algorithm in Algorithm::ALL {
        let key = TestKey::shared(algorithm);
        let verifier = verifier(trusted(key));
        for (name, token, at) in accepted_variants(key) {
            let (steps, verdict) = trace(&token, &verifier, secs(at));
            assert!(verdict.is_ok(), "{algorithm}: {name}");
            assert!(
                steps.iter().all(|step| step.outcome == Outcome::Passed),
                "{algorithm}: {name}"
            );
        }
    }
}

fn policy() -> Policy {
    let document: PolicyDocument = serde_json::from_value(serde_json::json!({
        "scopes": { "a": "", "b": "", "c": { "about": "", "implies": ["a"] } },
        "roles": { "low": ["a"], "mid": ["a", "b"], "top": { "inherits": ["mid"], "scopes": ["c"] } },
        "tools": {
            "free": [], "one": "a", "two": ["a", "b"], "high": "c",
            "mixed": { "all": ["a"], "any": ["b", "c"] }, "open": { "public": true }
        },
        "resources": { "x://{id}": "a", "x://y": "b" },
    }))
    .unwrap();
    Policy::try_from(document).unwrap()
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        prop::sample::select(vec!["free", "one", "two", "high", "mixed", "open", "none"])
            .prop_map(|name| Action::CallTool(name.into())),
        prop::sample::select(vec!["x://y", "x://z", "z://"])
            .prop_map(|uri| Action::ReadResource(uri.into())),
        Just(Action::Method("tools/list".into())),
    ]
}

fn roles() -> impl Strategy<Value = BTreeSet<RoleName>> {
    let names = prop::sample::subsequence(vec!["low", "mid", "top", "strange"], 0..=3);
    names.prop_map(|names| names.into_iter().map(|name| name.parse().unwrap()).collect())
}

fn scopes() -> impl Strategy<Value = ScopeSet> {
    let names = prop::sample::subsequence(vec!["a", "b", "c", "strange"], 0..=4);
    names.prop_map(|names| names.join(" ").parse().unwrap())
}

/// A user as a directory may know it.
#[derive(Debug, Clone)]
struct User {
    is_active: bool,
    roles: Arc<BTreeSet<RoleName>>,
    tokens_valid_from: Option<i64>,
}

fn users() -> impl Strategy<Value = Option<User>> {
    let tokens_valid_from = prop::option::weighted(0.3, NOW - 1..=NOW + 1);
    let user = (prop::bool::weighted(0.8), roles().prop_map(Arc::new), tokens_valid_from).prop_map(
        |(is_active, roles, tokens_valid_from)| User { is_active, roles, tokens_valid_from },
    );
    prop::option::weighted(0.9, user)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_is_explained_is_what_admission_and_policy_say(
        action in actions(), user in users(), granted in scopes(), carried in roles(),
        is_revoked in prop::bool::weighted(0.2), expired in prop::bool::weighted(0.1),
    ) {
        let key = TestKey::shared(Algorithm::EdDsa);
        let verifier = verifier(trusted(key).trust_roles(true));
        let carried: Vec<_> = carried.iter().map(RoleName::as_str).collect();
        let mut forge = Forge::valid(key).claim("scope", granted.to_string());
        forge = forge.claim("roles", serde_json::json!(carried));
        if expired {
            forge = forge.claim("exp", NOW - 60);
        }
        let text = forge.sign(key);
        let account = user.as_ref().map(|user| Account {
            is_active: user.is_active,
            roles: &user.roles,
            tokens_valid_from: user.tokens_valid_from.map(secs),
        });
        let policy = policy();
        let explained = Explanation::of(
            &text, &verifier, secs(NOW), |_| DirectoryLookup::Directory { account, is_revoked },
            &policy, &action,
        );

        let finding = match verifier.verify(&text.parse().unwrap(), secs(NOW)) {
            Err(_) => Finding::InvalidToken,
            Ok(claims) => match check_account(&claims, account, is_revoked) {
                Err(AccountError::UnknownUser) => Finding::UnknownUser,
                Err(AccountError::DisabledUser) => Finding::DisabledUser,
                Err(AccountError::RevokedToken) => Finding::RevokedToken,
                Ok(it) => match policy.decide(&Query::new(Some(&Arc::new(it)), &action)) {
                    Decision::Permit(_) => Finding::Permitted,
                    Decision::Deny(denial) => match denial.reason() {
                        DenialReason::NoRule | DenialReason::NoToken => Finding::NoRule,
                        DenialReason::MissingScope => Finding::MissingScope,
                        DenialReason::BeyondCeiling => Finding::BeyondCeiling,
                    },
                },
            },
        };
        prop_assert_eq!(explained.finding, finding);
        prop_assert_eq!(explained.is_permitted(), explained.failed().is_none());
        prop_assert_eq!(explained.steps.len(), 17);
        let json = serde_json::to_string(&explained).unwrap();
        prop_assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), explained);
    }

    #[test]
    fn whoever_is_supposed_is_decided_about_like_anybody(
        action in actions(), ceiling in roles(), granted in scopes(), carried in roles(),
    ) {
        let key = TestKey::shared(Algorithm::EdDsa);
        let verifier = verifier(trusted(key).trust_roles(true));
        let names: Vec<_> = carried.iter().map(RoleName::as_str).collect();
        let forge = Forge::valid(key).claim("scope", granted.to_string());
        let token = forge.claim("roles", serde_json::json!(names)).sign(key);
        let claims = verifier.verify(&token.parse().unwrap(), secs(NOW)).unwrap();
        let ceiling = auth_core::Ceiling::Roles(Arc::new(ceiling));
        let principal = Arc::new(auth_core::Principal::new(&claims, ceiling.clone()));
        let supposed = Hypothetical { scopes: granted, roles: carried, ceiling };
        let verdict = match policy().decide(&Query::new(Some(&principal), &action)) {
            Decision::Permit(_) => Verdict::Permit,
            Decision::Deny(denial) => Verdict::Deny(denial.reason(), denial.required().clone()),
        };
        prop_assert_eq!(policy().evaluate(Some(&supposed), &action), verdict);
    }
}

#[test]
fn who_may_and_what_nobody_can_is_told() {
    let policy = policy();
    let roles = |name: &str| -> Vec<String> {
        let action = Action::CallTool(name.into());
        policy.roles_that_may(&action).into_iter().map(ToString::to_string).collect()
    };
    assert_eq!(roles("one"), ["low", "mid", "top"]);
    assert_eq!(roles("mixed"), ["mid", "top"]);
    assert_eq!(roles("none"), Vec::<String>::new());
    assert!(policy.unreachable().is_empty());
    assert_eq!(policy.evaluate(None, &Action::CallTool("open".into())), Verdict::Permit);
    assert_eq!(policy.evaluate(None, &Action::CallTool("one".into())), Verdict::NoToken);

    let lonely: PolicyDocument = serde_json::from_value(serde_json::json!({
        "scopes": { "a": "", "b": "" }, "roles": { "r": ["a"] },
        "tools": { "one": "a", "never": ["a", "b"] },
    }))
    .unwrap();
    let lonely = Policy::try_from(lonely).unwrap();
    assert_eq!(lonely.unreachable(), [&Action::CallTool("never".into())]);
}

#[test]
fn without_a_directory_the_token_alone_counts_and_it_says_so() {
    let key = TestKey::shared(Algorithm::Hs256);
    let verifier = verifier(trusted(key));
    let token = Forge::valid(key).claim("scope", "c").sign(key);
    let action = Action::CallTool("high".into());
    let explained = Explanation::of(
        &token,
        &verifier,
        secs(NOW),
        |_| DirectoryLookup::Skipped,
        &policy(),
        &action,
    );
    assert!(explained.is_permitted());
    let user = explained.steps.iter().find(|step| step.name == "user").unwrap();
    assert_eq!(user.outcome, Outcome::Noted);
    assert_eq!(user.found, "user-userson: no directory was asked");
}

#[test]
fn the_rates_of_an_action_are_named_with_what_each_counts() {
    let document: PolicyDocument = serde_json::from_value(serde_json::json!({
        "tools": { "rated": { "all": [], "rate": "30/min" }, "free": [] },
        "limits": { "caller": "600/min", "client": "6000/min" },
    }))
    .unwrap();
    let limited = Policy::try_from(document).unwrap();
    let key = TestKey::shared(Algorithm::EdDsa);
    let (text, verifier) = (Forge::valid(key).sign(key), verifier(trusted(key)));
    let rates = |policy: &Policy, tool: &str| {
        let action = Action::CallTool(tool.into());
        let explained = Explanation::of(
            &text,
            &verifier,
            secs(NOW),
            |_| DirectoryLookup::Skipped,
            policy,
            &action,
        );
        let step = explained.steps.into_iter().find(|step| step.name == "rates");
        step.map(|step| (step.outcome, step.found))
    };
    let all = "[limits] allows each caller 600/min, whatever is asked for; \
               [limits] allows all users of one client together 6000/min, whatever is asked for";
    let rule = "[tools] \"rated\" allows each caller 30/min; ";
    assert_eq!(rates(&limited, "rated"), Some((Outcome::Noted, format!("{rule}{all}"))));
    assert_eq!(rates(&limited, "free"), Some((Outcome::Noted, all.to_owned())));
    assert_eq!(rates(&policy(), "free"), None, "without a limit nothing is said");
}
