//! The device grant (RFC 8628).

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, Parameters, Tokens};
use crate::{
    browser::Browser,
    program::{Ask, Program},
};

const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(client: &Client<'_>) -> Value {
    let fields = [
        ("client_id", client.id.clone()),
        ("scope", "User.Read".into()),
        ("resource", client.program.resource()),
    ];
    let answer = client.program.send(Ask::form("/device_authorization", fields)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn poll(client: &Client<'_>, begun: &Value) -> Parameters {
    vec![
        ("grant_type", DEVICE.into()),
        ("device_code", begun["device_code"].as_str().unwrap().into()),
        ("client_id", client.id.clone()),
        ("resource", client.program.resource()),
    ]
}

/// 32: VS Code registers for codes and for devices, our client for devices alone.
#[tokio::test]
async fn a_client_with_and_one_without_redirect_addresses_sign_in_on_another_device() {
    let program = Program::start();
    let device = json!({
        "redirect_uris": [],
        "response_types": [],
        "grant_types": [DEVICE, "refresh_token"],
        "token_endpoint_auth_method": "none",
    });
    let both = json!({
        "grant_types": ["authorization_code", "refresh_token", DEVICE],
        "token_endpoint_auth_method": "none",
    });
    for more in [device, both] {
        let client = Client::with(&program, &more).await;
        let begun = begin(&client).await;
        let fields = poll(&client, &begun);
        program.token(&fields).await.assert_error(400, "authorization_pending");
        program.token(&fields).await.assert_error(400, "slow_down");
        let path = format!("/device?user_code={}", begun["user_code"].as_str().unwrap());
        let page = Browser::new().open(&program, &path).await.page();
        assert_eq!(page.status, 200, "{page:?}");
        // `slow_down` has made the interval longer by five seconds, and it stays so.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let tokens = Tokens::of(&program.token(&fields).await);
        assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
        assert_eq!(tokens.claims()["aud"], program.resource());
    }
}

/// 32: a denial ends the polls.
#[tokio::test]
async fn a_denial_reaches_the_device() {
    let program = Program::start();
    let device = json!({
        "redirect_uris": [],
        "response_types": [],
        "grant_types": [DEVICE],
        "token_endpoint_auth_method": "none",
    });
    let client = Client::with(&program, &device).await;
    let begun = begin(&client).await;
    let mut browser = Browser::new();
    browser.allows = false;
    let path = format!("/device?user_code={}", begun["user_code"].as_str().unwrap());
    browser.open(&program, &path).await.page();
    program.token(&poll(&client, &begun)).await.assert_error(400, "access_denied");
}
