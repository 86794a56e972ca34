//! Codes for tokens.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Client, Parameters, Tokens, with};
use crate::program::{Answer, Ask, Program};

/// The client's request with its secret by Basic.
async fn by_basic(client: &Client<'_>, fields: &Parameters) -> Answer {
    let pair = format!("{}:{}", client.id, client.secret.as_ref().unwrap());
    let basic = format!("Basic {}", STANDARD.encode(pair));
    let ask = Ask::form("/token", fields.clone()).header("Authorization", basic);
    client.program.send(ask).await
}

/// 17: the Inspector, our client and Codex send Basic and VS Code and Gemini CLI the body, whatever
/// is registered; the Python SDKs send the id in both.
#[tokio::test]
async fn a_secret_is_accepted_by_basic_or_body_and_nothing_weaker() {
    let program = Program::start();
    for method in ["client_secret_basic", "client_secret_post"] {
        let client = Client::with(&program, &json!({ "token_endpoint_auth_method": method })).await;
        let secret = client.secret.clone().unwrap();
        let fields = client.exchange(&client.code().await);
        Tokens::of(&by_basic(&client, &with(fields, "client_id", None)).await);
        let fields = client.exchange(&client.code().await);
        Tokens::of(&by_basic(&client, &fields).await);
        let fields = client.exchange(&client.code().await);
        Tokens::of(&program.token(&with(fields, "client_secret", Some(&secret))).await);

        let fields = client.exchange(&client.code().await);
        program.token(&fields).await.assert_error(401, "invalid_client");
        let wrong = with(fields, "client_secret", Some("wrong"));
        program.token(&wrong).await.assert_error(401, "invalid_client");
    }
}

/// 20: TypeScript clients, the Inspector, Claude on the web and VS Code register anew at a 401
/// `invalid_client`, and at nothing else.
#[tokio::test]
async fn an_unknown_client_is_a_401_also_when_it_refreshes() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let tokens = client.tokens().await;
    let unknown = Some("never-registered");
    for fields in [client.exchange("a-code"), client.refresh(&tokens.refresh)] {
        let fields = with(fields, "client_id", unknown);
        program.token(&fields).await.assert_error(401, "invalid_client");
    }
}

/// 25: TypeScript clients without a resource document and older versions of Claude Code send no
/// resource.
#[tokio::test]
async fn the_resource_may_be_missing_and_tokens_are_for_ours() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let ours = program.resource();
    for (first, second) in
        [(None, None), (Some(ours.as_str()), None), (Some(ours.as_str()), Some(ours.as_str()))]
    {
        let code = client.code_for(&with(client.request(), "resource", first)).await;
        let fields = with(client.exchange(&code), "resource", second);
        let tokens = Tokens::of(&program.token(&fields).await);
        assert_eq!(tokens.claims()["aud"], ours, "{first:?} {second:?}");
        assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
    }
}

/// 25: mcp-remote, the Python SDK 1 and `LibreChat` add a slash to a bare origin, the AI
/// SDK cuts it.
#[tokio::test]
async fn a_resource_without_a_path_is_named_with_and_without_a_slash() {
    let program = Program::start_at("", &[]);
    let client = Client::public(&program).await;
    let (ours, slash) = (program.resource(), format!("{}/", program.origin));
    for (first, second) in [(&ours, &slash), (&slash, &ours), (&slash, &slash)] {
        let code = client.code_for(&with(client.request(), "resource", Some(first))).await;
        let fields = with(client.exchange(&code), "resource", Some(second));
        let tokens = Tokens::of(&program.token(&fields).await);
        assert_eq!(tokens.claims()["aud"], ours, "{first} {second}");
    }
}

/// 26: TypeScript clients send a code again at once when its exchange has failed.
#[tokio::test]
async fn a_code_that_failed_may_come_again_and_one_that_was_exchanged_ends_its_tokens() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let code = client.code().await;
    let wrong = "a-wrong-verifier-that-is-long-enough-to-be-one-0123";
    let wrong = with(client.exchange(&code), "code_verifier", Some(wrong));
    for _ in 0..2 {
        program.token(&wrong).await.assert_error(400, "invalid_grant");
    }

    let code = client.code().await;
    let tokens = Tokens::of(&program.token(&client.exchange(&code)).await);
    assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
    program.token(&client.exchange(&code)).await.assert_error(400, "invalid_grant");
    program.token(&client.refresh(&tokens.refresh)).await.assert_error(400, "invalid_grant");
    // The end of the access token reaches the server within a second.
    program.call_until("whoami", &tokens.access, |answer| answer.status == 401).await;
}

/// 23: Gemini CLI and VS Code refresh five minutes before the end; mcpc, Gemini CLI, the Python SDK
/// and FastMCP cannot refresh after a 401.
#[tokio::test]
async fn an_access_token_lives_for_15_minutes() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let answer = program.token(&client.exchange(&client.code().await)).await;
    assert_eq!(answer.json()["expires_in"], 900);
    let claims = Tokens::of(&answer).claims();
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
}

/// 13: Cline and TypeScript clients 1 show `error_description` and nothing else.
#[tokio::test]
async fn every_error_says_what_to_do() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let exchange = client.exchange("a-code");
    for (fields, error) in [
        (vec![("client_id", client.id.clone())], "invalid_request"),
        (with(exchange.clone(), "grant_type", Some("password")), "unsupported_grant_type"),
        (exchange, "invalid_grant"),
        (client.refresh("a-token"), "invalid_grant"),
    ] {
        program.token(&fields).await.assert_error(400, error);
    }
}
