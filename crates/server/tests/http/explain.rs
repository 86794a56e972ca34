//! `/admin/explain`: who may ask, and that what it says is what the guard does.
//!
//! The other half is in the core: what `Explanation` says is what verifier, admission and policy
//! say.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use auth_core::{
    Account, Action, Algorithm, Claims, DirectoryLookup, Explanation, Finding, KeySet, Leeway,
    NumericDate, Policy, RoleName, TokenVerifier, TrustedIssuer,
};
use directory::{Directory, Edit, User};
use http::{StatusCode, header};
use serde_json::{Value, json};
use server::{BUILT_IN, McpServer, parse_policy};
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey, token_faults};

use crate::harness::{Answer, TestServer, call, request, send, stamp, user};

const EVERYTHING: &str = "User.Read User.Write Admin.Read Admin.Write";

async fn ask(server: &TestServer, token: Option<&str>, params: &Value) -> Answer {
    ask_for(server, token, "admin/explain", params).await
}

async fn ask_for(server: &TestServer, token: Option<&str>, method: &str, params: &Value) -> Answer {
    let url = format!("http://{}/admin/explain", server.address);
    let call = server
        .http()
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(request(method, params));
    send(token.into_iter().fold(call, reqwest::RequestBuilder::bearer_auth)).await
}

fn explanation(answer: &Answer) -> Explanation {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_value(answer.json()["result"].clone()).unwrap()
}

#[tokio::test]
async fn only_holders_of_admin_read_may_ask() {
    let server = TestServer::start().await;
    let params = json!({ "token": "x", "tool": "get_time" });
    let anonymous = ask(&server, None, &params).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert!(anonymous.challenge().is_some());
    for (subject, scopes, steps_up) in [
        ("admin", "User.Read", true),
        ("user", EVERYTHING, false),
        ("guest", EVERYTHING, false),
        ("disabled", EVERYTHING, false),
        ("unknown", EVERYTHING, false),
    ] {
        let answer = ask(&server, Some(&server.token(subject, scopes)), &params).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{subject}");
        assert_eq!(answer.challenge().is_some(), steps_up, "{subject}");
        let needed =
            answer.challenge().is_none_or(|it| it.contains(r#"scope="Admin.Read User.Read""#));
        assert!(needed, "{subject}");
    }
    let expired = server.sign(&server.forge().claim("exp", NOW - 3600));
    let answer = ask(&server, Some(&expired), &params).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    for scopes in ["Admin.Read", "Admin.Write"] {
        let answer = ask(&server, Some(&server.token("admin", scopes)), &params).await;
        assert_eq!(explanation(&answer).finding, Finding::InvalidToken, "{scopes}");
    }
}

#[tokio::test]
async fn without_the_scope_in_the_policy_nobody_may_ask() {
    let policy = BUILT_IN
        .replace("\"Admin.Read\" = \"Read anything\"\n", "")
        .replace("{ about = \"Change anything\", implies = [\"Admin.Read\"] }", "\"\"")
        .replace("\"Admin.Read\", ", "");
    let server = TestServer::start_with(TestKey::shared(Algorithm::Hs256), &policy).await;
    let token = server.token("admin", EVERYTHING);
    let params = json!({ "token": token, "tool": "get_time" });
    assert_eq!(ask(&server, Some(&token), &params).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_question_is_bounded_and_must_be_one() {
    let server = TestServer::start().await;
    let admin = server.token("admin", "Admin.Read");
    for params in [
        json!({}),
        json!({ "token": "x" }),
        json!({ "tool": "get_time" }),
        json!({ "token": "x", "tool": "a", "prompt": "b" }),
        json!({ "token": "x", "tool": "a", "more": 1 }),
        json!({ "token": 1, "tool": "a" }),
    ] {
        let answer = ask(&server, Some(&admin), &params).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{params}");
    }
    let other = ask_for(&server, Some(&admin), "tools/list", &json!({})).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    let unruled = ask_for(&server, Some(&admin), "admin/other", &json!({})).await;
    assert_eq!(unruled.status, StatusCode::FORBIDDEN);
    let long = json!({ "token": "x".repeat(65 * 1024), "tool": "get_time" });
    assert_eq!(ask(&server, Some(&admin), &long).await.status, StatusCode::PAYLOAD_TOO_LARGE);

    server.clock.advance(Duration::from_secs(1));
    let params = json!({ "token": "x", "tool": "get_time" });
    let mut refused = 0;
    for _ in 0..30 {
        let answer = ask(&server, Some(&admin), &params).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers[header::RETRY_AFTER], "1");
            refused += 1;
        }
    }
    assert_eq!(refused, 10);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(ask(&server, Some(&admin), &params).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_a_tool_needs_is_told() {
    let server = TestServer::start().await;
    let admin = server.token("admin", "Admin.Read");
    let needs = |tool: &'static str| {
        let (server, admin) = (&server, &admin);
        async move {
            let params = json!({ "tool": tool });
            ask_for(server, Some(admin), "admin/requirement", &params).await.json()["result"]
                .clone()
        }
    };
    assert_eq!(needs("get_time").await, json!({ "scopes": "Admin.Write" }));
    assert_eq!(needs("whoami").await, json!({ "scopes": "" }));
    assert_eq!(needs("nothing").await, json!({ "fault": "no rule" }));
}

/// What an HTTP answer says of a decision; `Explanation` says more.
fn class(finding: Finding) -> &'static str {
    match finding {
        Finding::Permitted => "permitted",
        Finding::InvalidToken | Finding::RevokedToken => "401",
        Finding::MissingScope => "403 step up",
        Finding::UnknownUser | Finding::DisabledUser | Finding::NoRule | Finding::BeyondCeiling => {
            "403"
        }
        Finding::Unavailable => "503",
    }
}

fn class_of(answer: &Answer) -> &'static str {
    match answer.status {
        StatusCode::UNAUTHORIZED => "401",
        StatusCode::FORBIDDEN if answer.challenge().is_some() => "403 step up",
        StatusCode::FORBIDDEN => "403",
        StatusCode::SERVICE_UNAVAILABLE => "503",
        _ => "permitted",
    }
}

/// The subjects of the harness, and one who is unknown.
const SUBJECTS: [&str; 5] = ["guest", "user", "admin", "disabled", "unknown"];
const SCOPES: [&str; 4] = ["", "User.Read", "User.Read Admin.Read", EVERYTHING];
const TOOLS: [&str; 3] = ["get_time", "whoami", "not_offered"];

fn policies() -> [String; 3] {
    let any = "{ all = [\"User.Read\"], any = [\"Admin.Read\", \"User.Write\"] }";
    [
        BUILT_IN.to_owned(),
        BUILT_IN.replace("get_time = \"Admin.Write\"", &format!("get_time = {any}")),
        BUILT_IN.replace("whoami = []", "whoami = \"User.Write\""),
    ]
}

/// Those of the subjects whom the directory knows, with their roles.
type Users = BTreeMap<String, (User, Arc<BTreeSet<RoleName>>)>;

async fn users(server: &TestServer) -> Users {
    let users = server.directory.list().await.unwrap().into_iter().map(|user| {
        let roles = Arc::new(user.roles().clone());
        (user.subject().to_string(), (user, roles))
    });
    users.collect()
}

/// The explanation that follows from the policy and the users, offline.
fn offline(
    users: &Users,
    verifier: &TokenVerifier,
    policy: &Policy,
    token: &str,
    tool: &str,
) -> Explanation {
    let standing = |claims: &Claims| {
        let account = users.get(claims.subject().as_str()).map(|(user, roles)| Account {
            is_active: user.is_active(),
            roles,
            tokens_valid_from: user.valid_from(),
        });
        DirectoryLookup::Directory { account, is_revoked: false }
    };
    let now = NumericDate::from_secs(NOW).unwrap();
    Explanation::of(token, verifier, now, standing, policy, &Action::CallTool(tool.into()))
}

/// Every fault of a token, and tokens without one for every user, scope and role, under every
/// policy and for every tool: what the server does over HTTP is what is explained offline, and (for
/// some of them, as it is slower) what the server itself explains.
#[tokio::test]
async fn a_token_is_admitted_if_and_only_if_it_is_explained_to_be() {
    let mut cases = 0;
    let mut explained = 0;
    for (algorithm, policy) in Algorithm::ALL.into_iter().cycle().zip(policies()) {
        let key = TestKey::shared(algorithm);
        let server = TestServer::start_with(key, &policy).await;
        let (policy, users) =
            (parse_policy(&policy, &McpServer::offers()).unwrap(), users(&server).await);
        let keys = KeySet::from_iter([key.verifying()]);
        let trusted = TrustedIssuer::new(ISSUER.parse().unwrap(), keys).trust_roles(true);
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(trusted);
        let mut tokens: Vec<String> = token_faults(key)
            .into_iter()
            // What is judged at another time, or cannot travel in a header, is none of this test's.
            .filter(|fault| fault.at == NOW && fault.token.is_ascii())
            .map(|fault| fault.token)
            .collect();
        for subject in SUBJECTS {
            for scopes in SCOPES {
                for roles in [&[][..], &["admin"], &["user", "strange"]] {
                    for late in [0, 31, 3600] {
                        let forge = Forge::valid(key).claim("sub", subject).claim("scope", scopes);
                        let forge = forge.claim("roles", roles.to_vec()).claim("nbf", NOW - 7200);
                        tokens.push(forge.claim("exp", NOW + 1 - late).sign(key));
                    }
                }
            }
        }
        for (place, token) in tokens.iter().enumerate() {
            for tool in TOOLS {
                let said = offline(&users, &verifier, &policy, token, tool);
                let header = http::HeaderValue::try_from(format!("Bearer {token}"));
                let Ok(header) = header else { continue };
                let asked = server.post(call(tool)).header(header::AUTHORIZATION, header);
                let answer = send(asked).await;
                // A token that is no b64token is refused before it is read, with a 400 or
                // 401.
                if answer.status == StatusCode::BAD_REQUEST && said.finding == Finding::InvalidToken
                {
                    continue;
                }
                let why = format!("{algorithm}, {tool}, {said:?}");
                assert_eq!(class_of(&answer), class(said.finding), "{why}: {}", answer.body);
                cases += 1;
                if place % 7 == 0 {
                    // Another second, as seen by the bound on questions; the tokens are as good as
                    // before.
                    let admin = server.token("user-userson", "Admin.Read");
                    let params = json!({ "token": token, "tool": tool });
                    let mut answer = ask(&server, Some(&admin), &params).await;
                    if answer.status == StatusCode::TOO_MANY_REQUESTS {
                        continue;
                    }
                    explained += 1;
                    let of_server = explanation(&answer);
                    assert!(!answer.body.contains(token.as_str()), "{why}");
                    answer.body.clear();
                    assert_eq!(of_server, said, "{why}");
                }
            }
        }
    }
    assert!(cases > 2000 && explained >= 60, "{cases} cases, {explained} explained by the server");
}

#[tokio::test]
async fn a_revoked_token_and_a_directory_that_is_away_are_explained() {
    let server = TestServer::start().await;
    let admin = server.token("user-userson", "Admin.Read");
    let token = server.token("user", "User.Read");
    let params = json!({ "token": token, "tool": "whoami" });
    let before = explanation(&ask(&server, Some(&admin), &params).await);
    assert_eq!(before.finding, Finding::Permitted);
    assert_eq!(before.subject.as_deref(), Some("user"));
    let revoke = Edit::RevokeTokens(user("user"), Leeway::default());
    let _ = server.directory.edit(revoke, &stamp(NOW + 5)).await.unwrap();
    let after = explanation(&ask(&server, Some(&admin), &params).await);
    assert_eq!(after.finding, Finding::RevokedToken);
    assert_eq!(after.failed().unwrap().name, "revocation");
}
