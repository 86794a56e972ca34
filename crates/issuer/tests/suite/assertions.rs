//! Assertions of other issuers: ID-JAGs of an identity provider, and JWTs of workloads.

use std::{collections::BTreeSet, time::Duration};

use auth_core::{
    Algorithm,
    oauth::ID_JAG_TYPE,
    openid::{AdmissionRules, RequiredClaim},
};
use directory::{Directory, Edit, UserStatus, authorization::GrantFilter};
use http::StatusCode;
use issuer::{
    AssertionKeys, AssertionKind, AssertionProvider, AssertionProviders, providers::UnknownUsers,
};
use outbound::CertificateAuthorities;
use serde_json::{Value, json};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestIssuer, TestKey, jwks};

use crate::{
    common::{Answer, World, server::SECRET},
    notes::Notes,
    programs::{add_client, add_user, name, other_node, stamp},
};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// A server that trusts a provider of this kind, named `idp`, and its user `idp|carol`.
async fn trusting(
    kind: AssertionKind,
    configure: impl FnOnce(&mut AssertionProvider),
) -> (World, TestIssuer, &'static TestKey) {
    let (idp, key) = (TestIssuer::start().await, TestKey::shared(Algorithm::Rs256));
    idp.serve_keys(&[key]);
    let issuer = idp.issuer().parse().unwrap();
    let mut provider = AssertionProvider::new("idp".parse().unwrap(), issuer, kind);
    configure(&mut provider);
    let authorities = CertificateAuthorities::default();
    let providers = AssertionProviders::new(vec![provider], &authorities).unwrap();
    let world = World::with(|config| config.assertion_providers = providers).await;
    let agent = json!({ "client_name": "Agent", "grant_types": [GRANT] });
    add_client(&world, "agent", &agent).await;
    let job = json!({ "grant_types": [GRANT], "token_endpoint_auth_method": "none" });
    add_client(&world, "job", &job).await;
    add_user(&world, "idp|carol", "user").await;
    (world, idp, key)
}

fn forge(idp: &TestIssuer, key: &TestKey) -> Forge {
    let subject = Forge::valid(key).claim("iss", idp.issuer()).claim("sub", "carol");
    subject.claim("aud", ISSUER).claim("exp", NOW + 300)
}

fn id_jag(idp: &TestIssuer, key: &TestKey) -> Forge {
    let jag = forge(idp, key).header("typ", ID_JAG_TYPE).claim("client_id", "agent");
    jag.claim("resource", RESOURCE).claim("scope", "User.Read")
}

fn workload(idp: &TestIssuer, key: &TestKey) -> Forge {
    forge(idp, key).header("typ", "JWT").without_claim("scope").without_claim("client_id")
}

async fn exchange(world: &World, assertion: &str, other: &[(&str, &str)]) -> Answer {
    let own = [("grant_type", GRANT), ("assertion", assertion)];
    let form: Vec<_> = own.into_iter().chain(other.iter().copied()).collect();
    world.post("/token", &form).await
}

async fn as_agent(world: &World, assertion: &str) -> Answer {
    exchange(world, assertion, &[("client_id", "agent"), ("client_secret", SECRET)]).await
}

async fn as_job(world: &World, assertion: &str) -> Answer {
    exchange(world, assertion, &[("client_id", "job")]).await
}

#[tokio::test]
async fn an_id_jag_becomes_a_token_of_its_user_within_its_scopes() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |_| {}).await;
    let answer = as_agent(&world, &id_jag(&idp, key).sign(key)).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["scope"], "User.Read");
    assert!(answer.json().get("refresh_token").is_none());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let claims = token.split('.').nth(1).unwrap();
    let claims = auth_core::base64url::decode(claims).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["sub"], &claims["aud"]), (&json!("idp|carol"), &json!(RESOURCE)));
    assert_eq!(claims["client_id"], "agent");
    // More than the provider permits, or than the roles allow, is not given.
    for (jag, asked, given) in [
        ("User.Read User.Write Admin.Write", "", "User.Read User.Write"),
        ("User.Read", "User.Read User.Write", "User.Read"),
        ("User.Read User.Write", "User.Write", "User.Write"),
    ] {
        let assertion = id_jag(&idp, key).claim("scope", jag).sign(key);
        let other = [("client_id", "agent"), ("client_secret", SECRET), ("scope", asked)];
        let answer = exchange(&world, &assertion, &other).await;
        assert_eq!(answer.json()["scope"], given, "{jag} {asked}");
    }
    let assertion = id_jag(&idp, key).claim("scope", "Admin.Write").sign(key);
    assert_eq!(as_agent(&world, &assertion).await.error(), "invalid_scope");
    // One grant ends all of them.
    let filter = GrantFilter { user: Some(name("idp|carol")), ..GrantFilter::default() };
    assert_eq!(world.store.grants(&filter).await.unwrap().len(), 1);
}

#[tokio::test]
async fn every_fault_of_an_id_jag_is_an_invalid_grant() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |_| {}).await;
    let other = TestKey::generate(Algorithm::Rs256);
    let kid = key.signing().id().unwrap().as_str().to_owned();
    let good = || id_jag(&idp, key);
    for (what, assertion) in [
        ("another key", good().header("kid", kid).sign(&other)),
        ("none", good().header("alg", "none").sign_with(|_| Vec::new())),
        ("another issuer", good().claim("iss", "https://other.example").sign(key)),
        ("another type", good().header("typ", "JWT").sign(key)),
        ("no type", good().without_header("typ").sign(key)),
        ("an access token", good().header("typ", "at+jwt").sign(key)),
        ("another client", good().claim("client_id", "job").sign(key)),
        ("no client", good().without_claim("client_id").sign(key)),
        ("the token endpoint", good().claim("aud", format!("{ISSUER}/token")).sign(key)),
        ("another server", good().claim("aud", "https://other.example").sign(key)),
        ("two servers", good().claim("aud", json!([ISSUER, "https://a.example"])).sign(key)),
        ("another resource", good().claim("resource", "https://other.example/mcp").sign(key)),
        ("no resource", good().without_claim("resource").sign(key)),
        ("no id", good().without_claim("jti").sign(key)),
        ("no end", good().without_claim("exp").sign(key)),
        ("expired", good().claim("exp", NOW - 31).sign(key)),
        ("a day", good().claim("exp", NOW + 86400).sign(key)),
        ("not yet valid", good().claim("nbf", NOW + 60).sign(key)),
        ("bound to a key", good().claim("cnf", json!({ "jkt": "x" })).sign(key)),
        ("an unknown user", good().claim("sub", "dave").sign(key)),
        ("a user's own name", good().claim("sub", "alice").sign(key)),
    ] {
        let answer = as_agent(&world, &assertion).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
        assert_eq!(answer.error(), "invalid_grant", "{what}");
    }
}

#[tokio::test]
async fn an_id_jag_needs_its_client_with_a_credential() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |_| {}).await;
    let good = id_jag(&idp, key).sign(key);
    let wrong = [("client_id", "agent"), ("client_secret", "wrong")];
    assert_eq!(exchange(&world, &good, &wrong).await.error(), "invalid_client");
    assert_eq!(exchange(&world, &good, &[("client_id", "agent")]).await.error(), "invalid_client");
    let of_job = id_jag(&idp, key).claim("client_id", "job").sign(key);
    assert_eq!(as_job(&world, &of_job).await.error(), "unauthorized_client");
    let other = [("client_id", "confidential"), ("client_secret", SECRET)];
    assert_eq!(exchange(&world, &good, &other).await.error(), "unauthorized_client");
    // None of that has used it.
    assert_eq!(as_agent(&world, &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_assertion_of_a_provider_is_used_once_on_whichever_node() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |_| {}).await;
    let node = other_node(&world);
    let good = id_jag(&idp, key).sign(key);
    assert_eq!(as_agent(&node, &good).await.status, StatusCode::OK);
    for world in [&world, &node] {
        assert_eq!(as_agent(world, &good).await.error(), "invalid_grant");
    }
}

#[tokio::test]
async fn a_disabled_user_stays_out() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |_| {}).await;
    let disable = Edit::SetStatus(name("idp|carol"), UserStatus::Disabled);
    let _ = world.store.users().edit(disable, &stamp()).await.unwrap();
    assert_eq!(as_agent(&world, &id_jag(&idp, key).sign(key)).await.error(), "invalid_grant");
}

#[tokio::test]
async fn users_are_added_only_as_configured() {
    let (world, idp, key) = trusting(AssertionKind::IdJag, |provider| {
        let roles = BTreeSet::from(["guest".parse().unwrap()]);
        provider.unknown_users = UnknownUsers::Provision { roles };
        let values = BTreeSet::from(["engineering".to_owned()]);
        let required = vec![RequiredClaim { path: "department".into(), values }];
        provider.rules = AdmissionRules { required, ..AdmissionRules::default() };
    })
    .await;
    let dave = id_jag(&idp, key).claim("sub", "dave");
    assert_eq!(as_agent(&world, &dave.sign(key)).await.error(), "invalid_grant");
    let dave = dave.claim("department", "engineering").claim("scope", "User.Read User.Write");
    let notes = Notes::of(&world.server);
    let answer = as_agent(&world, &dave.sign(key)).await;
    assert_eq!(answer.json()["scope"], "User.Read", "{answer:?}");
    let user = name("idp|dave");
    let found = world.store.users().find(&user.issuer, &user.subject).await.unwrap().unwrap();
    assert_eq!(found.display_name().as_ref(), "User Userson");
    let [added, issued] = <[_; 2]>::try_from(notes.take()).unwrap();
    assert_eq!(added, "provider idp: users add | idp|dave | guest");
    assert!(issued.starts_with("client agent: token issue | "), "{issued}");
}

#[tokio::test]
async fn a_workload_gets_a_token_for_itself() {
    let (world, idp, key) = trusting(AssertionKind::Workload, |_| {}).await;
    for audience in [ISSUER.to_owned(), format!("{ISSUER}/token")] {
        let assertion = workload(&idp, key).claim("aud", audience).sign(key);
        let answer = as_job(&world, &assertion).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        assert_eq!(answer.json()["scope"], "User.Read User.Write");
        assert_eq!(as_job(&world, &assertion).await.error(), "invalid_grant");
    }
    for (what, assertion) in [
        ("an ID-JAG", id_jag(&idp, key).claim("client_id", "job").sign(key)),
        ("another server", workload(&idp, key).claim("aud", "https://a.example").sign(key)),
        ("the resource", workload(&idp, key).claim("aud", RESOURCE).sign(key)),
        ("no id", workload(&idp, key).without_claim("jti").sign(key)),
        ("expired", workload(&idp, key).claim("exp", NOW - 31).sign(key)),
        ("an unknown workload", workload(&idp, key).claim("sub", "dave").sign(key)),
    ] {
        let answer = as_job(&world, &assertion).await;
        assert_eq!(answer.error(), "invalid_grant", "{what}: {answer:?}");
    }
    let resource = [("client_id", "job"), ("resource", "https://other.example/mcp")];
    let answer = exchange(&world, &workload(&idp, key).sign(key), &resource).await;
    assert_eq!(answer.error(), "invalid_target");
}

#[tokio::test]
async fn a_jwt_of_a_workload_may_be_reused_where_the_operator_says_so() {
    let reusable = |provider: &mut AssertionProvider| provider.is_reusable = true;
    let (world, idp, key) = trusting(AssertionKind::Workload, reusable).await;
    let assertion = workload(&idp, key).without_claim("jti").sign(key);
    for _ in 0..3 {
        assert_eq!(as_job(&world, &assertion).await.status, StatusCode::OK);
    }
    world.clock.advance(Duration::from_mins(6));
    assert_eq!(as_job(&world, &assertion).await.error(), "invalid_grant");
}

#[tokio::test]
async fn keys_of_a_provider_are_fetched_when_they_are_needed() {
    let (world, idp, key) = trusting(AssertionKind::Workload, |_| {}).await;
    let rotated = TestKey::generate(Algorithm::Es256);
    assert_eq!(as_job(&world, &workload(&idp, key).sign(key)).await.status, StatusCode::OK);
    idp.serve("/keys", testkit::Reply::json(&jwks(&[&rotated])));
    let new = workload(&idp, &rotated).sign(&rotated);
    // A key that was fetched a moment ago is not fetched again for every forged assertion.
    assert_eq!(as_job(&world, &new).await.error(), "invalid_grant");
    assert_eq!(idp.count("/keys"), 1);
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(as_job(&world, &new).await.status, StatusCode::OK);
    assert_eq!(idp.count("/keys"), 2);
}

#[tokio::test]
async fn a_provider_without_keys_is_unavailable_and_not_a_refusal() {
    let (world, mut idp, key) = trusting(AssertionKind::Workload, |_| {}).await;
    idp.stop().await;
    let answer = as_job(&world, &workload(&idp, key).sign(key)).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.error(), "temporarily_unavailable");
    assert!(!answer.header("retry-after").is_empty());
}

#[tokio::test]
async fn the_address_of_keys_may_be_configured() {
    let (idp, key) = (TestIssuer::start().await, TestKey::shared(Algorithm::Rs256));
    idp.serve("/elsewhere", testkit::Reply::json(&jwks(&[key])));
    let mut provider = AssertionProvider::new(
        "ci".parse().unwrap(),
        idp.issuer().parse().unwrap(),
        AssertionKind::Workload,
    );
    provider.keys = AssertionKeys::Url(idp.url("/elsewhere"));
    let authorities = CertificateAuthorities::default();
    let providers = AssertionProviders::new(vec![provider], &authorities).unwrap();
    let world = World::with(|config| config.assertion_providers = providers).await;
    let job = json!({ "grant_types": [GRANT], "token_endpoint_auth_method": "none" });
    add_client(&world, "job", &job).await;
    add_user(&world, "ci|carol", "guest").await;
    let answer = as_job(&world, &workload(&idp, key).sign(key)).await;
    assert_eq!(answer.json()["scope"], "User.Read", "{answer:?}");
}

#[tokio::test]
async fn what_is_configured_is_announced() {
    let metadata = "/.well-known/oauth-authorization-server";
    let profiles = "authorization_grant_profiles_supported";
    let grants = |answer: &Value| answer["grant_types_supported"].to_string();
    let without = World::new().await.get(metadata).await.json();
    assert!(!grants(&without).contains(GRANT) && without.get(profiles).is_none());
    let (world, ..) = trusting(AssertionKind::Workload, |_| {}).await;
    let workloads = world.get(metadata).await.json();
    assert!(grants(&workloads).contains(GRANT) && workloads.get(profiles).is_none());
    let (world, ..) = trusting(AssertionKind::IdJag, |_| {}).await;
    let id_jags = world.get(metadata).await.json();
    assert!(grants(&id_jags).contains(GRANT));
    assert_eq!(id_jags[profiles], json!(["urn:ietf:params:oauth:grant-profile:id-jag"]));
    for grant in ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"] {
        assert!(grants(&id_jags).contains(grant));
    }
}
