//! GitHub, whose REST API says who the user is.

use std::collections::BTreeSet;

use auth_core::openid::RequiredClaim;
use http::StatusCode;
use issuer::providers::{ProviderKind, ProviderPreset, SignInProvider, UnknownUsers};
use serde_json::{Value, json};
use testkit::{Reply, TestIssuer};

use crate::world::{CLIENT, SECRET, World, roles};

fn github(idp: &TestIssuer) -> SignInProvider {
    let (name, client_id) = ("github".parse().unwrap(), CLIENT.parse().unwrap());
    let mut provider = ProviderPreset::GitHub.provider(name, None, client_id).unwrap();
    provider.kind = ProviderKind::GitHub {
        site: idp.url("").parse().unwrap(),
        api: idp.url("/api").parse().unwrap(),
    };
    provider.client_secret = Some(SECRET.into());
    provider.unknown_users = UnknownUsers::Provision { roles: roles(&["user"]) };
    provider
}

async fn world(change: impl Fn(&mut SignInProvider)) -> World {
    let world = World::with_all(|idp| {
        let mut provider = github(idp);
        change(&mut provider);
        vec![provider]
    })
    .await;
    let tokens = json!({ "access_token": "gho_x", "token_type": "bearer", "scope": "" });
    world.idp.serve("/login/oauth/access_token", Reply::json(&tokens));
    world.idp.serve("/api/user", Reply::json(&user(583_231)));
    world
}

fn user(id: u64) -> Value {
    json!({ "id": id, "login": "Octo", "type": "User", "name": "The Octocat", "email": "x@y" })
}

async fn sign_in(world: &World) -> (StatusCode, bool) {
    let mut browser = world.browser();
    let begun = browser.begin("github").await;
    let answer = browser.come_back("github", &begun).await;
    (answer.status, browser.is_signed_in())
}

#[tokio::test]
async fn a_user_of_github_signs_in_by_its_number() {
    let world = world(|_| {}).await;
    let mut browser = world.browser();
    let begun = browser.begin("github").await;
    assert!(begun.url.starts_with(&world.idp.url("/login/oauth/authorize?")), "{}", begun.url);
    // No scope is needed to learn who it is, and there is no ID token that a nonce could bind.
    assert!(!begun.url.contains("scope=") && !begun.url.contains("nonce="), "{}", begun.url);
    assert!(begun.url.contains("code_challenge_method=S256"));
    let answer = browser.come_back("github", &begun).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    assert!(browser.is_signed_in());
    let user = world.user("github|583231").await.unwrap();
    assert_eq!(&**user.display_name(), "The Octocat");
    let asked = world.idp.asked();
    let exchange = asked.iter().find(|it| it.path == "/login/oauth/access_token").unwrap();
    assert!(exchange.authorization.is_none());
    assert!(exchange.body.contains("client_secret=s3cret"), "{}", exchange.body);
    let user = asked.iter().find(|it| it.path == "/api/user").unwrap();
    assert_eq!(user.authorization.as_deref(), Some("Bearer gho_x"));
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn what_github_refuses_or_garbles_signs_no_one_in() {
    let world = world(|_| {}).await;
    let token = "/login/oauth/access_token";
    let good = Reply::json(&json!({ "access_token": "gho_x", "token_type": "bearer" }));
    for (path, reply, status) in [
        // Errors come with 200.
        (token, Reply::json(&json!({ "error": "bad_verification_code" })), 502),
        (token, Reply::json(&json!({ "access_token": "gho_x" })), 502),
        (token, Reply::text("access_token=gho_x&token_type=bearer"), 502),
        ("/api/user", Reply::json(&json!({ "id": 1, "login": "bot", "type": "Bot" })), 502),
        ("/api/user", Reply::json(&json!({ "id": "1", "login": "a", "type": "User" })), 502),
        ("/api/user", Reply::json(&user(1)).status(401), 502),
        ("/api/user", Reply::json(&user(1)).status(503), 503),
        ("/api/user", Reply::text("{").status(200), 502),
    ] {
        world.idp.serve(token, good.clone());
        world.idp.serve("/api/user", Reply::json(&user(583_231)));
        world.idp.serve(path, reply.clone());
        let (found, is_signed_in) = sign_in(&world).await;
        assert_eq!((found.as_u16(), is_signed_in), (status, false), "{path} {reply:?}");
    }
    assert!(world.directory_is_empty().await);
}

#[tokio::test]
async fn an_answer_for_github_has_no_issuer() {
    let world = world(|_| {}).await;
    let mut browser = world.browser();
    let begun = browser.begin("github").await;
    let path = format!("/sign-in/callback/github?code=c&state={}&iss=x", begun.state);
    assert_eq!(browser.get(&path).await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn members_of_an_organization_sign_in_with_the_roles_of_their_teams() {
    let world = world(|it| {
        let values: BTreeSet<_> = ["17".to_owned()].into();
        it.rules.required.push(RequiredClaim { path: "org_ids".into(), values });
        it.roles.map = [("acme/ops".to_owned(), roles(&["admin"]))].into();
    })
    .await;
    let begun = world.browser().begin("github").await;
    assert!(begun.url.contains("&scope=read%3Aorg&"), "{}", begun.url);
    let page =
        |page: u32| format!("/api/user/memberships/orgs?state=active&per_page=100&page={page}");
    let membership = |state: &str, id: u64| json!([{ "state": state, "organization": { "login": "Acme", "id": id } }]);
    let next = ("link", "<https://api.github.com/x?page=2>; rel=\"next\"");
    world.idp.serve(&page(1), Reply::json(&membership("active", 3)).header(next.0, next.1));
    world.idp.serve(&page(2), Reply::json(&membership("pending", 17)));
    let teams = json!([{ "slug": "ops", "organization": { "login": "Acme" } }]);
    world.idp.serve("/api/user/teams?per_page=100&page=1", Reply::json(&teams));
    assert_eq!(sign_in(&world).await, (StatusCode::FORBIDDEN, false));
    world.idp.serve(&page(2), Reply::json(&membership("active", 17)));
    assert_eq!(sign_in(&world).await, (StatusCode::SEE_OTHER, true));
    let user = world.user("github|583231").await.unwrap();
    assert_eq!(*user.roles(), roles(&["admin", "user"]));
    // An organization that cannot be asked about admits no one.
    world.idp.serve(&page(1), Reply::text("x").status(403));
    assert_eq!(sign_in(&world).await, (StatusCode::BAD_GATEWAY, false));
}

#[tokio::test]
async fn only_a_verified_primary_address_counts() {
    let world = world(|it| {
        it.rules.domains.insert("example.com".into());
    })
    .await;
    let begun = world.browser().begin("github").await;
    assert!(begun.url.contains("&scope=user%3Aemail&"), "{}", begun.url);
    let emails = |email: &str, primary: bool, verified: bool| json!([{ "email": email, "primary": primary, "verified": verified }]);
    for (body, expected) in [
        (emails("a@example.com", true, true), StatusCode::SEE_OTHER),
        (emails("a@example.com", true, false), StatusCode::FORBIDDEN),
        (emails("a@example.com", false, true), StatusCode::FORBIDDEN),
        (emails("a@evil.example", true, true), StatusCode::FORBIDDEN),
        (json!([]), StatusCode::FORBIDDEN),
        (json!({}), StatusCode::BAD_GATEWAY),
    ] {
        world.idp.serve("/api/user/emails?per_page=100", Reply::json(&body));
        assert_eq!(sign_in(&world).await.0, expected, "{body}");
    }
}
