//! What holds for every policy, every token and every text.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{
    AccessToken, Action, Algorithm, BearerError, Ceiling, Challenge, Decision, DenialReason, Jwk,
    Jwks, Policy, Principal, Query, ResourceUri, RoleName, Scope, ScopeSet, SigningKey, Subject,
    UnverifiedToken, VerifyingKey, parse_strict,
};
use proptest::{collection::vec, option, prelude::*, sample::select};
use serde_json::{Value, json};
use testkit::{Forge, NOW, TestKey};

use crate::support::{principal, read_policy, roles, secs, trusted, verifier};

const SCOPES: usize = 6;
const ROLES: usize = 5;
const TOOLS: usize = 5;

fn scope(index: usize) -> String {
    format!("s{index}")
}

fn role(index: usize) -> String {
    format!("r{index}")
}

/// A catalog by its numbers: what each scope implies, what each role inherits and has, and what
/// each tool needs. Only lower numbers are named, so that there is no cycle.
#[derive(Debug, Clone)]
struct Catalog {
    implies: Vec<Vec<usize>>,
    inherits: Vec<Vec<usize>>,
    has: Vec<Vec<usize>>,
    all: Vec<Vec<usize>>,
    any: Vec<Vec<usize>>,
}

/// A token and its user by their numbers. Scope 6 and role 5 are in no catalog.
#[derive(Debug, Clone)]
struct Caller {
    scopes: Vec<usize>,
    token_roles: Vec<usize>,
    ceiling: Option<Vec<usize>>,
}

fn lower(count: usize) -> impl Strategy<Value = Vec<Vec<usize>>> {
    vec(vec(0..count, 0..3), count).prop_map(|lists| {
        let keep =
            |(own, list): (usize, Vec<usize>)| list.into_iter().filter(|i| *i < own).collect();
        lists.into_iter().enumerate().map(keep).collect()
    })
}

fn catalog() -> impl Strategy<Value = Catalog> {
    (
        lower(SCOPES),
        lower(ROLES),
        vec(vec(0..SCOPES, 0..3), ROLES),
        vec(vec(0..SCOPES, 0..3), TOOLS),
        vec(vec(0..SCOPES, 0..3), TOOLS),
    )
        .prop_map(|(implies, inherits, has, all, any)| Catalog {
            implies,
            inherits,
            has,
            all,
            any,
        })
}

fn caller() -> impl Strategy<Value = Caller> {
    (vec(0..=SCOPES, 0..4), vec(0..=ROLES, 0..2), option::weighted(0.9, vec(0..=ROLES, 0..3)))
        .prop_map(|(scopes, token_roles, ceiling)| Caller { scopes, token_roles, ceiling })
}

impl Catalog {
    fn policy(&self) -> Policy {
        let names = |list: &[usize], name: fn(usize) -> String| -> Vec<String> {
            list.iter().map(|&index| name(index)).collect()
        };
        let mut document = json!({"scopes": {}, "roles": {}, "tools": {}});
        for (index, implies) in self.implies.iter().enumerate() {
            document["scopes"][scope(index)] =
                json!({"about": "", "implies": names(implies, scope)});
        }
        for (index, (inherits, has)) in self.inherits.iter().zip(&self.has).enumerate() {
            document["roles"][role(index)] =
                json!({"inherits": names(inherits, role), "scopes": names(has, scope)});
        }
        for (index, (all, any)) in self.all.iter().zip(&self.any).enumerate() {
            let mut rule = json!({"all": names(all, scope)});
            if !any.is_empty() {
                rule["any"] = json!(names(any, scope));
            }
            // What names no scope is written `[]`: the long form would be a fault.
            let open = all.is_empty() && any.is_empty();
            document["tools"][format!("t{index}")] = if open { json!([]) } else { rule };
        }
        read_policy(document).unwrap()
    }

    /// Everything that a holder of these holds, the slow and plain way.
    fn held(&self, scopes: &[usize], roles: &[usize]) -> BTreeSet<usize> {
        let mut all_roles: BTreeSet<usize> = roles.iter().copied().filter(|i| *i < ROLES).collect();
        for index in (0..ROLES).rev() {
            if all_roles.contains(&index) {
                all_roles.extend(&self.inherits[index]);
            }
        }
        let mut held: BTreeSet<usize> = scopes.iter().copied().filter(|i| *i < SCOPES).collect();
        held.extend(all_roles.iter().flat_map(|&index| &self.has[index]));
        for index in (0..SCOPES).rev() {
            if held.contains(&index) {
                held.extend(&self.implies[index]);
            }
        }
        held
    }

    /// What the decision must be: `None` is a permit.
    fn verdict(&self, caller: &Caller, tool: usize) -> Option<DenialReason> {
        let granted = self.held(&caller.scopes, &caller.token_roles);
        let ceiling = match &caller.ceiling {
            Some(roles) => self.held(&[], roles),
            None => (0..SCOPES).collect(),
        };
        let (all, any) = (&self.all[tool], &self.any[tool]);
        let met = |held: &BTreeSet<usize>| {
            all.iter().all(|scope| held.contains(scope))
                && (any.is_empty() || any.iter().any(|scope| held.contains(scope)))
        };
        if met(&granted.intersection(&ceiling).copied().collect()) {
            None
        } else if met(&ceiling) {
            Some(DenialReason::MissingScope)
        } else {
            Some(DenialReason::BeyondCeiling)
        }
    }
}

impl Caller {
    fn principal(&self) -> Arc<Principal> {
        let scopes: ScopeSet = self.scopes.iter().map(|&i| scope(i).parse().unwrap()).collect();
        let token_roles: Vec<_> = self.token_roles.iter().map(|&i| role(i)).collect();
        let token_roles: Vec<_> = token_roles.iter().map(String::as_str).collect();
        let ceiling = match &self.ceiling {
            None => Ceiling::IssuerDecides,
            Some(held) => {
                let names: Vec<_> = held.iter().map(|&i| role(i)).collect();
                Ceiling::Roles(roles(names.iter().map(String::as_str)).into())
            }
        };
        principal(&scopes.to_string(), &token_roles, ceiling)
    }
}

fn tool(index: usize) -> Action {
    Action::CallTool(format!("t{index}"))
}

proptest! {
    #[test]
    fn a_policy_decides_as_its_definition_says(catalog in catalog(), caller in caller()) {
        let (policy, principal) = (catalog.policy(), caller.principal());
        for index in 0..TOOLS {
            let decided = match policy.decide(&Query::new(Some(&principal), &tool(index))) {
                Decision::Permit(_) => None,
                Decision::Deny(denial) => Some(denial.reason()),
            };
            prop_assert_eq!(decided, catalog.verdict(&caller, index));
        }
    }

    #[test]
    fn a_permit_means_that_the_users_roles_hold_what_is_needed(
        catalog in catalog(),
        caller in caller(),
    ) {
        let Some(ceiling) = &caller.ceiling else { return Ok(()) };
        let (policy, principal) = (catalog.policy(), caller.principal());
        let ceiling: BTreeSet<RoleName> =
            ceiling.iter().map(|&index| role(index).parse().unwrap()).collect();
        let held = |scope: &Scope| {
            policy.roles().any(|(role, held)| ceiling.contains(role) && held.contains(scope))
        };
        for index in 0..TOOLS {
            if policy.permits(Some(&principal), &tool(index)) {
                let requirement = policy.requirements(&tool(index)).unwrap()[0];
                prop_assert!(requirement.all().iter().all(held));
                prop_assert!(requirement.any().is_empty() || requirement.any().iter().any(held));
            }
        }
    }

    #[test]
    fn more_scopes_in_the_token_never_turn_a_permit_into_a_denial(
        catalog in catalog(),
        caller in caller(),
        more in vec(0..=SCOPES, 0..4),
    ) {
        let policy = catalog.policy();
        let richer = Caller { scopes: [caller.scopes.clone(), more].concat(), ..caller.clone() };
        let (before, after) = (caller.principal(), richer.principal());
        for index in 0..TOOLS {
            let may = |who| policy.permits(Some(who), &tool(index));
            prop_assert!(!may(&before) || may(&after));
        }
    }

    #[test]
    fn more_roles_of_the_user_never_turn_a_permit_into_a_denial(
        catalog in catalog(),
        caller in caller(),
        more in vec(0..=ROLES, 0..3),
    ) {
        let policy = catalog.policy();
        let ceiling = caller.ceiling.clone().map(|roles| [roles, more].concat());
        let richer = Caller { ceiling, ..caller.clone() };
        let unbounded = Caller { ceiling: None, ..caller.clone() };
        let before = caller.principal();
        for after in [richer.principal(), unbounded.principal()] {
            for index in 0..TOOLS {
                let may = |who| policy.permits(Some(who), &tool(index));
                prop_assert!(!may(&before) || may(&after));
            }
        }
    }

    #[test]
    fn what_a_denial_asks_for_is_what_helps(catalog in catalog(), caller in caller()) {
        let (policy, principal) = (catalog.policy(), caller.principal());
        for index in 0..TOOLS {
            let decision = policy.decide(&Query::new(Some(&principal), &tool(index)));
            let Decision::Deny(denial) = decision else { continue };
            let asked = denial.required().iter().map(|scope| {
                (0..SCOPES).find(|&index| self::scope(index) == scope.as_str()).unwrap()
            });
            let stepped_up = Caller {
                scopes: caller.scopes.iter().copied().chain(asked).collect(),
                ..caller.clone()
            };
            prop_assert_eq!(
                policy.permits(Some(&stepped_up.principal()), &tool(index)),
                denial.reason() == DenialReason::MissingScope
            );
        }
    }

    #[test]
    fn an_action_without_a_rule_is_denied_to_everyone(
        catalog in catalog(),
        caller in caller(),
        name in "\\PC{0,12}",
    ) {
        let (policy, principal) = (catalog.policy(), caller.principal());
        let kinds = [Action::CallTool, Action::ReadResource, Action::GetPrompt, Action::Method];
        for action in kinds.map(|kind| kind(name.clone())) {
            if policy.requirements(&action).is_none() {
                let decision = policy.decide(&Query::new(Some(&principal), &action));
                let Decision::Deny(denial) = decision else {
                    panic!("{name:?} was permitted");
                };
                prop_assert_eq!(denial.reason(), DenialReason::NoRule);
            }
        }
    }
}

const NQCHARS: &str = "[!#-\\[\\]-~]{1,20}";

proptest! {
    #[test]
    fn scopes_print_as_they_are_read(texts in vec(NQCHARS, 0..6)) {
        for text in &texts {
            prop_assert_eq!(text.parse::<Scope>().unwrap().to_string(), text.clone());
        }
        let set: ScopeSet = texts.join(" ").parse().unwrap();
        prop_assert_eq!(set.to_string().parse::<ScopeSet>().unwrap(), set.clone());
        let sorted: BTreeSet<_> = texts.iter().map(String::as_str).collect();
        let sorted: Vec<_> = sorted.into_iter().collect();
        prop_assert_eq!(set.to_string(), sorted.join(" "));
        let json = serde_json::to_string(&set).unwrap();
        prop_assert_eq!(serde_json::from_str::<ScopeSet>(&json).unwrap(), set);
    }

    #[test]
    fn names_print_as_they_are_read(text in "\\PC{1,60}") {
        if text.len() <= 255 {
            prop_assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn only_the_four_names_are_algorithms(text in "[A-Za-z0-9]{0,6}") {
        let known = Algorithm::ALL.iter().any(|algorithm| algorithm.name() == text);
        prop_assert_eq!(text.parse::<Algorithm>().is_ok(), known);
    }

    #[test]
    fn challenges_print_as_they_are_read(
        error in option::of(select(vec![
            BearerError::InvalidRequest,
            BearerError::InvalidToken,
            BearerError::InsufficientScope,
        ])),
        error_description in option::of("[ !#-\\[\\]-~]{0,60}"),
        scopes in option::of(vec(NQCHARS, 0..5)),
        resource_metadata in option::of("https?://[a-z0-9.-]{1,20}(:[0-9]{1,5})?/[!#-\\[\\]-~]{0,40}"),
        around in select(vec![("", ""), ("Basic realm=\"a, b\", ", ""), ("", ", DPoP algs=\"ES256\""),
            ("Negotiate YII/a+b==,", " , Basic"), ("Negotiate , ", " ,, "), (" , ", "")]),
    ) {
        let scope = scopes.map(|scopes| scopes.join(" ").parse().unwrap());
        let challenge = Challenge { error, error_description, scope, resource_metadata };
        let header = format!("{}{challenge}{}", around.0, around.1);
        prop_assert_eq!(header.parse::<Challenge>(), Ok(challenge), "{}", header);
    }

    #[test]
    fn a_challenge_is_one_safe_line_whatever_it_is_told(text in any::<String>()) {
        let challenge = Challenge {
            error_description: Some(text.clone()),
            resource_metadata: Some(text),
            ..Challenge::default()
        };
        let header = challenge.to_string();
        prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        let read: Challenge = header.parse().unwrap();
        prop_assert_eq!((read.error, read.scope), (None, None));
        prop_assert!(read.error_description.is_some() && read.resource_metadata.is_some());
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        let known = ["alg", "typ", "kid", "iss", "aud", "exp", "sub", "kty", "keys", "x"];
        let member = prop_oneof![select(known.map(str::to_owned).to_vec()), "\\PC{0,4}"];
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((member, inner), 0..20).prop_map(|members| { members.into_iter().collect() }),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        if let Ok(token) = text.parse::<AccessToken>() {
            let _ = UnverifiedToken::parse(&token).map(drop);
        }
        let _ = text.parse::<Challenge>();
        let _ = format!("Bearer {text}").parse::<Challenge>();
        let _ = text.parse::<ScopeSet>();
        let _ = text.parse::<ResourceUri>();
        let _ = Jwks::parse(&text).map(drop);
        let _ = SigningKey::from_jwk(&text).map(drop);
        let _ = SigningKey::from_pem(&text).map(drop);
        let _ = VerifyingKey::from_pem(&text).map(drop);
    }

    #[test]
    fn no_challenge_like_text_makes_the_parser_panic(
        text in "(Bearer|Basic|,| |\t|=|\"|\\\\|[a-z]{1,3}|scope=|error=\"x\"|é){0,12}",
    ) {
        if let Ok(challenge) = text.parse::<Challenge>() {
            prop_assert!(text.to_ascii_lowercase().contains("bearer"), "{:?}", challenge);
        }
    }

    #[test]
    fn no_bytes_make_the_json_parser_panic(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(value) = parse_strict(&bytes) {
            prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn json_without_repeated_members_is_read_as_it_was_written(value in any_json()) {
        let text = value.to_string();
        let plain: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parse_strict(text.as_bytes()).unwrap(), plain);
    }

    #[test]
    fn no_shape_of_header_or_claims_makes_a_verifier_panic_or_accept(
        header in any_json(),
        claims in any_json(),
        signature in vec(any::<u8>(), 0..40),
    ) {
        let sign = |_: &[u8]| signature.clone();
        let text = testkit::compact(&header.to_string(), &claims.to_string(), sign);
        if let Ok(token) = text.parse() {
            let verifier = verifier(trusted(TestKey::shared(Algorithm::Hs256)));
            prop_assert!(verifier.verify(&token, secs(NOW)).is_err());
        }
        let _ = Jwk::parse(header).and_then(|jwk| jwk.verifying_key()).map(drop);
        let _ = SigningKey::from_jwk(&claims.to_string()).map(drop);
    }
}

/// Every position of the token, with one bit of it turned: bit `bits[position]`.
fn assert_no_flipped_bit_is_accepted(algorithm: Algorithm, bits: &[u32]) {
    let key = TestKey::shared(algorithm);
    let verifier = verifier(trusted(key));
    let text = Forge::valid(key).sign(key);
    assert!(verifier.verify(&text.parse().unwrap(), secs(NOW)).is_ok());
    for (position, bit) in (0..text.len()).zip(bits.iter().cycle()) {
        let mut bytes = text.clone().into_bytes();
        bytes[position] ^= 1 << bit;
        let Ok(token) = String::from_utf8(bytes).unwrap().parse::<AccessToken>() else { continue };
        let verdict = verifier.verify(&token, secs(NOW));
        assert!(verdict.is_err(), "{algorithm}: bit {bit} of byte {position}");
    }
}

proptest! {
    // Each case goes through all positions; a smaller one would say no more.
    #![proptest_config(ProptestConfig {
        cases: 4,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    // Seven bits: an eighth would leave ASCII, and no header value would carry it.
    #[test]
    fn no_token_with_a_flipped_bit_is_accepted(bits in vec(0..7_u32, 1024)) {
        for algorithm in Algorithm::ALL {
            assert_no_flipped_bit_is_accepted(algorithm, &bits);
        }
    }
}
