//! Rows 20 to 23: what a caller may do.

use auth_core::Algorithm;
use http::StatusCode;
use serde_json::json;
use server::{BUILT_IN, McpServer, parse_policy};
use testkit::TestKey;

use crate::harness::{TestServer, call, request, send};

#[tokio::test]
async fn admin_without_the_scope_in_the_token_is_told_every_scope_it_needs() {
    let policy = BUILT_IN.replace(
        r#"get_time = "Admin.Write""#,
        r#"get_time = { all = ["User.Read", "User.Write"], any = ["Admin.Read", "Admin.Write"] }"#,
    );
    let server = TestServer::start_with(TestKey::shared(Algorithm::Hs256), &policy).await;
    let answer = server.get_time(&server.token("admin", "User.Read")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        answer.challenge().unwrap(),
        r#"Bearer error="insufficient_scope", error_description="this needs the scopes Admin.Read User.Read User.Write; the token has User.Read", scope="Admin.Read User.Read User.Write", resource_metadata="http://localhost:8000/.well-known/oauth-protected-resource/mcp""#
    );
    let body = answer.json();
    assert_eq!(body["id"], 1);
    let error = &body["error"];
    assert_eq!(
        error["message"],
        "this needs the scopes Admin.Read User.Read User.Write; the token has User.Read"
    );
    assert_eq!(error["data"]["error"], "insufficient_scope");
    assert_eq!(error["data"]["required"], json!(["Admin.Read", "User.Read", "User.Write"]));
    assert_eq!(error["data"]["granted"], json!(["User.Read"]));
    assert_eq!(error["data"]["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    let token = server.token("admin", "Admin.Write User.Read User.Write");
    server.get_time(&token).await.assert_called("all and one of any");
}

#[tokio::test]
async fn a_token_without_any_scope_is_granted_none() {
    let server = TestServer::start().await;
    let token = server.sign(&server.forge().without_claim("scope"));
    let challenge = server.get_time(&token).await.challenge().unwrap();
    assert!(
        challenge.contains(r#""this needs the scope Admin.Write; the token has none""#),
        "{challenge}"
    );
}

#[tokio::test]
async fn user_whose_roles_forbid_it_is_not_told_to_step_up() {
    let server = TestServer::start().await;
    for scope in ["Admin.Write", "User.Read", ""] {
        let answer = server.get_time(&server.token("user", scope)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{scope}");
        assert_eq!(answer.challenge(), None, "{scope}");
        let data = &answer.json()["error"]["data"];
        assert_eq!(data["error"], "access_denied", "{scope}");
        assert_eq!(data["required"], json!(["Admin.Write"]), "{scope}");
        let granted: Vec<&str> = scope.split_terminator(' ').collect();
        assert_eq!(data["granted"], json!(granted), "{scope}");
    }
}

#[tokio::test]
async fn admin_with_a_broader_scope_may_do_what_it_implies() {
    let policy = BUILT_IN.replace(r#"get_time = "Admin.Write""#, r#"get_time = "Admin.Read""#);
    let server = TestServer::start_with(TestKey::shared(Algorithm::Hs256), &policy).await;
    let token = server.token("admin", "Admin.Write");
    server.get_time(&token).await.assert_called("Admin.Write implies Admin.Read");
}

#[tokio::test]
async fn admin_whose_token_carries_the_role_needs_no_scope_in_it() {
    let server = TestServer::start().await;
    let with_role = |subject: &str| {
        let forge = server.forge().claim("sub", subject).claim("roles", json!(["admin"]));
        server.sign(&forge.without_claim("scope"))
    };
    server.get_time(&with_role("admin")).await.assert_called("role in token and directory");
    let answer = server.get_time(&with_role("user")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "a role in the token alone is not enough");
}

#[tokio::test]
async fn admin_is_refused_what_has_no_rule() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write Admin.Read User.Read User.Write");
    for (method, params) in [
        ("tools/call", json!({ "name": "delete_everything" })),
        ("tools/call", json!({ "name": "GET_TIME" })),
        ("tools/call", json!({ "name": "get_time " })),
        ("resources/read", json!({ "uri": "server://other" })),
        ("resources/read", json!({ "uri": "server://info/" })),
        ("prompts/get", json!({ "name": "any" })),
        ("resources/subscribe", json!({ "uri": "server://other" })),
        ("resources/directory/read", json!({ "uri": "server://" })),
        ("completion/complete", json!({ "ref": { "type": "ref/prompt", "name": "any" } })),
        ("logging/setLevel", json!({ "level": "debug" })),
        (
            "subscriptions/listen",
            json!({ "notifications": { "resourceSubscriptions": ["server://other"] } }),
        ),
        ("subscriptions/listen", json!({ "notifications": { "unheard": true } })),
        ("skills/get", json!({ "uri": "skill://x/SKILL.md" })),
        ("sampling/createMessage", json!({})),
        ("custom/method", json!({})),
        ("", json!({})),
    ] {
        let answer = send(server.post(request(method, &params)).bearer_auth(&token)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {params}");
        assert_eq!(answer.challenge(), None, "{method} {params}");
    }
}

#[test]
fn a_server_does_not_start_while_an_offer_has_no_rule() {
    for (rule, name) in [
        ("get_time = \"Admin.Write\"\n", "tools/call get_time"),
        ("whoami = [] # any signed-in user\n", "tools/call whoami"),
        ("\"server://info\" = \"User.Read\"\n", "resources/read server://info"),
    ] {
        assert!(BUILT_IN.contains(rule), "{rule}");
        let fault = parse_policy(&BUILT_IN.replace(rule, ""), &McpServer::offers())
            .unwrap_err()
            .to_string();
        assert!(fault.contains(name), "{fault}");
    }
}

#[tokio::test]
async fn user_reads_the_resource_and_learns_who_it_is() {
    let server = TestServer::start().await;
    let token = server.token("guest", "User.Read");
    let read = request("resources/read", &json!({ "uri": "server://info" }));
    let answer = send(server.post(read).bearer_auth(&token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let contents = &answer.json()["result"]["contents"][0];
    assert_eq!(
        (&contents["uri"], &contents["mimeType"]),
        (&json!("server://info"), &json!("application/json"))
    );

    let answer = send(server.post(call("whoami")).bearer_auth(&token)).await;
    let me = &answer.json()["result"]["structuredContent"];
    assert_eq!(me["subject"], "guest");
    assert_eq!(me["roles"], json!(["guest"]));
    assert_eq!(me["scopes"], json!(["User.Read"]));
}
