//! Registrations (RFC 7591).

use serde_json::json;

use super::{CALLBACK, Client, register, with};
use crate::{
    browser::{Browser, authorize},
    program::{Program, parameter},
};

/// 15: Cursor registers an address of each kind at once, VS Code four. Gemini CLI sends a
/// registration without any, and goes on with whatever it gets.
#[tokio::test]
async fn several_redirect_addresses_are_registered_at_once_and_none_only_for_devices() {
    let program = Program::start();
    let uris = json!([
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "https://www.cursor.com/agents/mcp/oauth/callback",
        "http://localhost:8787/callback",
    ]);
    let more = json!({ "redirect_uris": uris, "token_endpoint_auth_method": "none" });
    assert_eq!(register(&program, &more).await.json()["redirect_uris"], uris);
    let client = Client::with(&program, &more).await;
    for uri in uris.as_array().unwrap() {
        let request = with(client.request(), "redirect_uri", uri.as_str());
        let sent = Browser::new().open(&program, &authorize(request)).await.sent();
        assert!(sent.starts_with(&format!("{}?", uri.as_str().unwrap())), "{sent}");
    }

    // One that no client may have is left out, and the answer says what is left (RFC 7591 §3.2.1).
    let bad = ["http://cursor.example/callback", "javascript:alert(1)"];
    for bad in bad {
        let mixed = json!({
            "redirect_uris": [uris[0], bad, uris[2]], "token_endpoint_auth_method": "none",
        });
        let answer = register(&program, &mixed).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.json()["redirect_uris"], json!([uris[0], uris[2]]), "{bad}");
        let client = Client::with(&program, &mixed).await;
        let request = with(client.request(), "redirect_uri", Some(bad));
        let page = Browser::new().open(&program, &authorize(request)).await.page();
        assert_eq!(page.status, 400, "{bad}: {page:?}");
        let request = with(client.request(), "redirect_uri", uris[2].as_str());
        let sent = Browser::new().open(&program, &authorize(request)).await.sent();
        assert!(parameter(&sent, "code").is_some(), "{sent}");
    }
    let only_bad = json!({ "redirect_uris": bad, "token_endpoint_auth_method": "none" });
    register(&program, &only_bad).await.assert_error(400, "invalid_redirect_uri");

    let none = json!({ "redirect_uris": [], "token_endpoint_auth_method": "none" });
    register(&program, &none).await.assert_error(400, "invalid_redirect_uri");
    let device = json!({
        "redirect_uris": [],
        "response_types": [],
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
        "token_endpoint_auth_method": "none",
    });
    let answer = register(&program, &device).await;
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// 16: Codex loses a secret that it did not ask for. The Python SDKs name no method, and want a
/// secret.
#[tokio::test]
async fn a_secret_is_for_those_who_ask_for_one() {
    let program = Program::start();
    for (asked, method, has_secret) in [
        (json!({ "token_endpoint_auth_method": "none" }), "none", false),
        (json!({}), "client_secret_basic", true),
        (json!({ "token_endpoint_auth_method": "client_secret_post" }), "client_secret_post", true),
        (json!({ "token_endpoint_auth_method": "none", "unknown": { "a": 1 } }), "none", false),
    ] {
        let answer = register(&program, &asked).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let registered = answer.json();
        assert_eq!(registered["token_endpoint_auth_method"], method, "{asked}");
        assert_eq!(registered.get("client_secret").is_some(), has_secret, "{asked}");
        assert!(registered.get("unknown").is_none(), "{registered}");
        if has_secret {
            assert_eq!(registered["client_secret_expires_at"], 0, "{registered}");
        }
    }
}

/// 28: opencode registers twice for each log-in, mcporter at each expiry, others for each sign-in.
#[tokio::test]
async fn twenty_registrations_in_a_minute_are_no_flood() {
    let program = Program::start();
    for _ in 0..20 {
        Client::public(&program).await;
    }
    let answer = register(&program, &json!({})).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header(&http::header::RETRY_AFTER).is_some(), "{answer:?}");
}

/// 8: the Inspector and TypeScript clients register the scopes of the first request, and then ask
/// for others; Codex registers an empty text.
#[tokio::test]
async fn the_scope_of_a_registration_is_no_ceiling() {
    let program = Program::start();
    for scope in ["User.Read", "", "claudeai"] {
        let more = json!({ "scope": scope, "token_endpoint_auth_method": "none" });
        let client = Client::with(&program, &more).await;
        let tokens = client.tokens().await;
        assert!(tokens.scope.split(' ').any(|it| it == "Admin.Write"), "{scope}: {}", tokens.scope);
    }
}

/// 14: the port of a callback on this computer is another one in each run: Copilot CLI registers
/// one and uses another, Claude Code and VS Code register none.
#[tokio::test]
async fn a_loopback_callback_may_have_any_port_and_each_name_its_own() {
    let program = Program::start();
    for (registered, used, is_good) in [
        ("http://127.0.0.1:33418/", "http://127.0.0.1:50000/", true),
        ("http://127.0.0.1/", "http://127.0.0.1:50000/", true),
        ("http://localhost/callback", "http://localhost:50000/callback", true),
        ("http://[::1]/callback", "http://[::1]:50000/callback", true),
        ("http://localhost/callback", "http://127.0.0.1:50000/callback", false),
        ("http://127.0.0.1/callback", "http://localhost:50000/callback", false),
        ("http://127.0.0.1/callback", "http://[::1]:50000/callback", false),
        ("http://127.0.0.1/callback", "http://127.0.0.1:50000/mcp/oauth/callback", false),
        ("https://client.example/callback", "https://client.example:8443/callback", false),
    ] {
        let more = json!({ "redirect_uris": [registered], "token_endpoint_auth_method": "none" });
        let client = Client::with(&program, &more).await;
        let request = with(client.request(), "redirect_uri", Some(used));
        let end = Browser::new().open(&program, &authorize(request)).await;
        if is_good {
            assert!(parameter(&end.sent(), "code").is_some(), "{registered} {used}");
        } else {
            let page = end.page();
            assert_eq!(page.status, 400, "{registered} {used}: {page:?}");
            assert!(!page.body.contains(CALLBACK));
        }
    }
}
