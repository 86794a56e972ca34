//! The documents, the challenges, the paths.

use http::{Method, header};
use serde_json::json;

use super::{Client, with};
use crate::program::{Answer, Ask, Program};

const AS: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = "/.well-known/oauth-protected-resource";

/// 1: mcpc, Gemini CLI, Codex and TypeScript clients look for documents at all these addresses, and
/// take a page or a challenge at one of them for an answer.
#[tokio::test]
async fn documents_are_where_clients_look_and_what_is_missing_is_a_plain_404() {
    let program = Program::start();
    let document = program.send(Ask::get(AS)).await.json();
    for path in [format!("{AS}/mcp"), format!("/mcp{AS}")] {
        let answer = program.send(Ask::get(&path)).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, document.clone()), "{path}");
    }
    let resource = program.send(Ask::get(RESOURCE)).await.json();
    assert_eq!(program.send(Ask::get(format!("{RESOURCE}/mcp"))).await.json(), resource);
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/openid-configuration/mcp",
        "/mcp/.well-known/openid-configuration",
        "/mcp/.well-known/none",
        "/.well-known/none",
    ] {
        let answer = program.send(Ask::get(path)).await;
        assert_eq!(answer.status, 404, "{path}: {answer:?}");
        assert!(answer.headers.get(header::WWW_AUTHENTICATE).is_none(), "{path}");
        assert!(!answer.body.contains("<html"), "{path}");
    }
}

/// 2: Gemini CLI sends HEAD, Codex and mcp-remote GET, to learn whether they must sign in.
#[tokio::test]
async fn head_and_get_without_a_token_have_the_challenge_of_post() {
    let program = Program::start();
    let post = program.send(Ask::json("/mcp", &json!({}))).await;
    let challenge = post.header(&header::WWW_AUTHENTICATE).unwrap();
    for method in [Method::HEAD, Method::GET] {
        let answer = program.send(Ask::new(method.clone(), "/mcp")).await;
        assert_eq!(answer.status, 401, "{method}");
        assert_eq!(answer.header(&header::WWW_AUTHENTICATE), Some(challenge), "{method}");
    }
}

/// 3: Codex, opencode and Claude want `none` beside the flag, Zed and the AI SDK `S256`, `ChatGPT`
/// `private_key_jwt` and the announcement of `iss`.
#[tokio::test]
async fn the_metadata_announces_what_clients_decide_by() {
    let program = Program::start();
    let document = program.send(Ask::get(AS)).await.json();
    let has = |member: &str, value: &str| {
        let list = document[member].as_array().unwrap_or_else(|| panic!("no {member}"));
        assert!(list.contains(&json!(value)), "{member} has no {value}: {document}");
    };
    for method in ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"] {
        has("token_endpoint_auth_methods_supported", method);
    }
    for grant in [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
    ] {
        has("grant_types_supported", grant);
    }
    has("code_challenge_methods_supported", "S256");
    has("scopes_supported", "offline_access");
    has("scopes_supported", "Admin.Write");
    has("response_types_supported", "code");
    for flag in
        ["client_id_metadata_document_supported", "authorization_response_iss_parameter_supported"]
    {
        assert_eq!(document[flag], true, "{flag}");
    }
    for endpoint in ["device_authorization_endpoint", "revocation_endpoint", "jwks_uri"] {
        assert!(document[endpoint].is_string(), "{endpoint}");
    }
}

/// 4: Gemini CLI and VS Code compare the resource of the document with the address that was typed.
#[tokio::test]
async fn the_resource_is_the_address_that_people_type() {
    let program = Program::start();
    for path in [RESOURCE.to_owned(), format!("{RESOURCE}/mcp")] {
        let document = program.send(Ask::get(&path)).await.json();
        assert_eq!(document["resource"], program.resource(), "{path}");
        assert_eq!(document["authorization_servers"], json!([program.origin]), "{path}");
    }
}

/// 5: half of the clients ask for what the challenge or the document names, and never for more.
#[tokio::test]
async fn the_challenge_and_the_document_name_all_useful_scopes() {
    let program = Program::start();
    let answer = program.send(Ask::get("/mcp")).await;
    let challenge = answer.header(&header::WWW_AUTHENTICATE).unwrap();
    assert!(challenge.contains("scope=\"Admin.Write User.Read\""), "{challenge}");
    let document = program.send(Ask::get(format!("{RESOURCE}/mcp"))).await.json();
    for scope in ["Admin.Write", "User.Read"] {
        assert!(document["scopes_supported"].as_array().unwrap().contains(&json!(scope)));
    }
}

/// 6: VS Code and the Python SDK 1 ask for what the 403 names, and for nothing else.
#[tokio::test]
async fn the_403_names_what_is_held_and_what_is_missing() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let tokens = client.tokens_for(&with(client.request(), "scope", Some("User.Read"))).await;
    let answer = program.call("get_time", &tokens.access).await;
    assert_eq!(answer.status, 403);
    let challenge = answer.header(&header::WWW_AUTHENTICATE).unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    assert!(challenge.contains("scope=\"Admin.Write User.Read\""), "{challenge}");
}

/// 7: VS Code registers anew and others open a browser at each `insufficient_scope`, in vain where
/// the user's roles do not allow the scope.
#[tokio::test]
async fn a_403_that_no_scope_can_fix_names_none() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let tokens = client.tokens().await;
    program.run(&["users", "revoke-role", "alice", "admin"]);
    program.run(&["users", "grant", "alice", "guest"]);
    // The change reaches the server within a second.
    let is_changed = |answer: &Answer| answer.status != 200;
    let answer = program.call_until("get_time", &tokens.access, is_changed).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let challenge = answer.header(&header::WWW_AUTHENTICATE).unwrap_or_default();
    assert!(!challenge.contains("scope=") && !challenge.contains("insufficient"), "{challenge}");
}

/// 34: clients that find no document use these paths of the MCP server's origin.
#[tokio::test]
async fn the_endpoints_have_the_default_paths() {
    let program = Program::start();
    let document = program.send(Ask::get(AS)).await.json();
    for (member, path) in [
        ("authorization_endpoint", "/authorize"),
        ("token_endpoint", "/token"),
        ("registration_endpoint", "/register"),
    ] {
        assert_eq!(document[member], format!("{}{path}", program.origin));
    }
}
