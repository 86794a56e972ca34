//! Tokens that expire or are refused.

use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_expiry_and_not_before() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 0);
    // A token that lives for a second is past half its life by the time of the next run.
    world.change(|knobs| knobs.life = Some(1));
    user.run(&world, &["logout"]).await.expect(0);
    user.login(&world).await;
    world.change(|knobs| knobs.life = None);
    // Real time: the client is a process.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    user.run(&world, &["call", "one"]).await.expect(0);
    let asked = [format!("token refresh_token {}", world.url())];
    assert_eq!(world.log("token refresh_token"), asked);
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(world.log("reuse").len(), 0);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);
}

#[tokio::test]
async fn a_refused_refresh_token_is_not_tried_again() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    world.forget_refresh_tokens();
    for _ in 0..2 {
        user.run(&world, &["call", "one"]).await.expect(4).says("client login");
    }
    assert_eq!(world.log("token refresh_token").len(), 1);
    // Who we are at the issuer is still known.
    user.browse(&world, &["call", "one", "--yes"]).await.expect(0);
    assert_eq!(world.log("register").len(), 1);
}

#[tokio::test]
async fn a_token_that_the_server_never_likes_is_renewed_once_only() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    // Whatever is issued from now on is not for this server's resource.
    let other = World::new(Knobs::default()).await;
    let text = std::fs::read_to_string(user.store()).unwrap();
    std::fs::write(user.store(), text.replace(&world.url(), &other.url())).unwrap();
    user.run(&other, &["call", "one"]).await.expect(4);
    assert_eq!(world.log("token refresh_token").len(), 1);
}

#[tokio::test]
async fn a_server_that_refuses_what_was_just_issued_ends_the_run() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.is_deaf = true);
    let call = user.browse(&world, &["call", "one", "--yes"]).await.expect(4);
    call.says("stopped: the server refuses the token that was just issued");
    assert_eq!(world.log("authorize").len(), 1);
}

#[tokio::test]
async fn a_refresh_token_goes_where_it_came_from() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    world.forget_tokens();
    let thief = World::new(Knobs::default()).await;
    let to = format!("{}/token", thief.origin());
    world.change(|knobs| {
        knobs.metadata = vec![("token_endpoint", to.into())];
        knobs.resource = vec![("authorization_servers", serde_json::json!([thief.origin()]))];
    });
    user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(world.log("token refresh_token").len(), 1);
    assert_eq!(thief.log(""), [] as [&str; 0]);
}

#[tokio::test]
async fn a_token_that_was_given_is_used_as_it_is() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let mut command = user.command(&world.url(), &["call", "one", "--yes"]);
    let output = command.env("MCP_TOKEN", "another-token").output().await.unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert_eq!(world.log("authorize").len(), 1, "the login's own");
    assert_eq!(world.log("token refresh_token").len(), 0);
}

#[tokio::test]
async fn any_error_code_of_the_issuer_means_to_sign_in_again() {
    for (status, body) in [
        (400, r#"{"error":"invalid_grant"}"#),
        (400, r#"{"error":"invalid_request"}"#),
        (403, r#"{"error":"access_denied","error_description":"the session is over"}"#),
        (200, r#"{"error":"bad_refresh_token"}"#),
    ] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        user.login(&world).await;
        world.forget_tokens();
        world.change(|knobs| knobs.instead = vec![(status, body)]);
        let call = user.run(&world, &["call", "one"]).await.expect(4);
        call.says(&format!("your sign-in at {} for {} has ended", world.origin(), world.url()))
            .says("sign in with `just client login --url");
        user.browse(&world, &["call", "one", "--yes"]).await.expect(0);
        assert_eq!(world.log("register").len(), 1, "the client is still known: {body}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_down_ends_no_sign_in() {
    for (status, body, words) in [
        (503, "", "answered 503 Service Unavailable"),
        (502, "<html>", "answered 502 Bad Gateway: text/html, not JSON"),
        (500, r#"{"error":"server_error"}"#, "answered 500 Internal Server Error: server_error"),
        (429, "", "the issuer is busy"),
    ] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        user.login(&world).await;
        world.forget_tokens();
        world.change(|knobs| knobs.instead = vec![(status, body)]);
        let call = user.run(&world, &["call", "one"]).await.expect(3);
        call.says("is not renewed").says(&format!("{}/token", world.origin())).says(words);
        user.run(&world, &["call", "one"]).await.expect(0);
        assert_eq!(world.log("token refresh_token").len(), 1);
    }
}

#[tokio::test]
async fn an_issuer_that_is_not_there_is_named_with_its_address() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let unreachable = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/token", unreachable.local_addr().unwrap());
    user.login(&world).await;
    world.forget_tokens();
    let text = std::fs::read_to_string(user.store()).unwrap();
    std::fs::write(user.store(), text.replace(&format!("{}/token", world.origin()), &address))
        .unwrap();
    drop(unreachable);
    let call = user.run(&world, &["call", "one"]).await.expect(3);
    call.says(&format!("the issuer is down: {address} cannot be reached: Connection refused"));
}

#[tokio::test]
async fn explain_says_that_the_issuer_is_down_and_not_to_sign_in() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.life = Some(1));
    user.login(&world).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    world.change(|knobs| knobs.instead = vec![(503, "")]);
    let explained = user.run(&world, &["explain", "--output", "json"]).await.expect(3).json();
    let checks = explained["checks"].as_array().unwrap();
    let stored = checks.iter().find(|line| line["check"] == "stored token").unwrap();
    assert!(stored["text"].as_str().unwrap().contains("the issuer is down"), "{stored}");
    assert_eq!(stored["fix"], "try again later");
}

#[tokio::test]
async fn a_sign_in_that_has_ended_is_called_that() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| {
        knobs.life = Some(1);
        knobs.no_refresh = true;
    });
    user.login(&world).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let call = user.run(&world, &["call", "one"]).await.expect(4);
    call.says("your sign-in at").says("has ended").says("client login --url");
}
