//! Refreshing.

use std::time::Duration;

use http::header;

use super::{Client, Tokens, with};
use crate::{documents::Documents, program::Program};

/// 21: Gemini CLI and mcporter register anew after a 401, and send the refresh token under the new
/// id.
#[tokio::test]
async fn a_refresh_token_of_another_client_is_refused_and_stays_valid() {
    let program = Program::start();
    let (client, other) = (Client::public(&program).await, Client::public(&program).await);
    let tokens = client.tokens().await;
    for _ in 0..2 {
        let fields = other.refresh(&tokens.refresh);
        program.token(&fields).await.assert_error(400, "invalid_grant");
    }
    let tokens = Tokens::of(&program.token(&client.refresh(&tokens.refresh)).await);
    assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
}

/// 22: processes that share a refresh token use it at the same time: Gemini CLI, mcpc, TypeScript
/// clients, the Inspector. Codex and mcp-remote go on with the access tokens of before.
#[tokio::test]
async fn nine_processes_may_refresh_with_one_token_and_all_stay_signed_in() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let first = client.tokens().await;
    let fields = client.refresh(&first.refresh);
    let mut racing = Vec::new();
    for _ in 0..9 {
        racing.push(program.token(&fields));
    }
    let mut last = None;
    for answer in futures_util::future::join_all(racing).await {
        let tokens = Tokens::of(&answer);
        assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
        last = Some(tokens);
    }
    assert_eq!(program.call("whoami", &first.access).await.status, 200);
    let last = last.unwrap();
    let next = Tokens::of(&program.token(&client.refresh(&last.refresh)).await);
    assert_eq!(program.call("whoami", &next.access).await.status, 200);
}

/// 22: once the successor has been used, the old token is a replay and ends the family.
#[tokio::test]
async fn an_old_refresh_token_ends_the_family_once_its_successor_was_used() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let first = client.tokens().await;
    let second = Tokens::of(&program.token(&client.refresh(&first.refresh)).await);
    let third = Tokens::of(&program.token(&client.refresh(&second.refresh)).await);
    program.token(&client.refresh(&first.refresh)).await.assert_error(400, "invalid_grant");
    program.token(&client.refresh(&third.refresh)).await.assert_error(400, "invalid_grant");
}

/// 24: mcpc sends neither resource nor scope, Codex and mcp-remote both.
#[tokio::test]
async fn a_refresh_without_resource_and_scope_is_for_those_of_the_grant() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let ours = program.resource();
    let mut tokens = client.tokens().await;
    for (resource, scope) in [
        (None, None),
        (Some(ours.as_str()), Some("Admin.Write User.Read")),
        (Some(ours.as_str()), Some("User.Read Admin.Write")),
    ] {
        let fields = with(client.refresh(&tokens.refresh), "resource", resource);
        let fields = with(fields, "scope", scope);
        tokens = Tokens::of(&program.token(&fields).await);
        let mut scopes: Vec<_> = tokens.scope.split(' ').filter(|it| it.contains('.')).collect();
        scopes.sort_unstable();
        assert_eq!(scopes, ["Admin.Write", "User.Read"], "{resource:?} {scope:?}");
        assert_eq!(tokens.claims()["aud"], ours);
    }
}

/// 27: Codex and mcp-remote refresh up to seven times for one call, goose at every start.
#[tokio::test]
async fn refreshes_in_bursts_are_no_flood() {
    let program = Program::start();
    let client = Client::public(&program).await;
    let mut tokens = client.tokens().await;
    for _ in 0..20 {
        tokens = Tokens::of(&program.token(&client.refresh(&tokens.refresh)).await);
    }
}

/// 33: goose and Gemini CLI drop what they have at a 503, and everyone does at `invalid_grant`.
/// What fails here is the host of the client's document, after a restart has forgotten the
/// document.
#[tokio::test]
async fn a_failure_that_passes_is_a_503_and_the_refresh_token_lives() {
    let documents = Documents::serve().await;
    let mut program = documents.program();
    let id = "https://zed.dev/oauth/client-metadata.json".to_owned();
    let refresh = {
        let client = Client { program: &program, id: id.clone(), secret: None };
        client.tokens().await.refresh
    };
    documents.set_down(true);
    program.restart();
    let client = Client { program: &program, id, secret: None };
    let answer = program.token(&client.refresh(&refresh)).await;
    answer.assert_error(503, "temporarily_unavailable");
    assert!(answer.header(&header::RETRY_AFTER).is_some(), "{answer:?}");
    documents.set_down(false);
    // A failure is remembered for ten seconds.
    tokio::time::sleep(Duration::from_secs(11)).await;
    let tokens = Tokens::of(&program.token(&client.refresh(&refresh)).await);
    assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
}

/// A restart signs no one out.
#[tokio::test]
async fn a_refresh_token_survives_a_restart() {
    let mut program = Program::start();
    let (id, tokens) = {
        let client = Client::public(&program).await;
        let tokens = client.tokens().await;
        (client.id, tokens)
    };
    program.restart();
    assert_eq!(program.call("whoami", &tokens.access).await.status, 200);
    let client = Client { program: &program, id, secret: None };
    Tokens::of(&program.token(&client.refresh(&tokens.refresh)).await);
}
