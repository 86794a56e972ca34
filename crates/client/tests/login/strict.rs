//! What an issuer or a server must say, and what is said where it does not.

use serde_json::{Value, json};

use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn an_issuer_that_does_not_name_pkce_is_refused_unless_the_user_knows_better() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.metadata = vec![("code_challenge_methods_supported", Value::Null)]);
    let login = user.run(&world, &["login"]).await.expect(4);
    login.says("does not say that it has PKCE").says("--assume-pkce");
    let explained = user.run(&world, &["explain"]).await.expect(6);
    assert!(explained.stdout.contains("--assume-pkce"), "{explained:?}");
    assert_eq!(world.log("register"), [] as [&str; 0]);
    user.browse(&world, &["login", "--assume-pkce"]).await.expect(0);
    user.run(&world, &["call", "one"]).await.expect(0);
    for methods in [json!(["plain"]), json!([])] {
        world.change(|knobs| {
            knobs.metadata = vec![("code_challenge_methods_supported", methods)];
        });
        let login = user.run(&world, &["login", "--assume-pkce"]).await.expect(4);
        login.says("does not offer PKCE with S256");
    }
}

#[tokio::test]
async fn a_hostile_server_writes_no_command() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for (text, quoted) in [
        ("$(touch x);`y`", "$(touch x);`y`"),
        ("\"; touch x; \"", "\"; touch x; \""),
        ("a b&touch x", "a b&touch x"),
        ("';touch x;'", "'\\'';touch x;'\\''"),
    ] {
        let resource = format!("{}/{text}", world.origin());
        world.change(|knobs| knobs.resource = vec![("resource", resource.clone().into())]);
        let run = user.run(&world, &["explain"]).await;
        let shown = format!("use --url '{}/{quoted}', or ", world.origin());
        assert!(run.stdout.contains(&shown), "{shown}: {run:?}");
    }
}

#[tokio::test]
async fn a_token_for_a_whole_host_is_obtained_only_if_the_user_names_it() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let host = format!("{}/", world.origin());
    world.change(|knobs| knobs.resource = vec![("resource", host.clone().into())]);
    let login = user.run(&world, &["login"]).await.expect(4);
    login.says("is about").says(&format!("--accept-resource {host}"));
    let other = format!("{}x", world.url());
    user.run(&world, &["login", "--accept-resource", &other]).await.expect(4);
    assert_eq!(world.log(""), [] as [&str; 0]);
    user.browse(&world, &["login", "--accept-resource", &host]).await.expect(0);
    assert_eq!(world.log("authorize"), [format!("authorize read {host}")]);
    // What was accepted once is accepted when the token is widened or renewed.
    world.change(|knobs| knobs.needs = [("two", vec!["write"])].into());
    user.browse(&world, &["call", "two", "--yes"]).await.expect(0);
    world.forget_tokens();
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn a_server_that_names_no_issuer_is_called_that() {
    for issuers in [json!([]), json!("https://as.example"), Value::Null] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        world.change(|knobs| {
            knobs.resource = vec![("authorization_servers", issuers)];
            knobs.publishes_nothing = true;
        });
        user.run(&world, &["login"]).await.expect(4).says("the server names no issuer");
        assert_eq!(world.log("register"), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn each_answer_that_is_none_is_named_with_its_status_and_its_sender() {
    for (status, body, code, words) in [
        (200, r#"{"error":"bad_code","error_description":"x"}"#, 4, "refuses: bad_code: x"),
        (200, "<html>", 4, "/token answered 200 OK: text/html, not JSON"),
        (502, "<html>", 3, "the issuer is down: http"),
        (503, "", 3, "/token answered 503 Service Unavailable"),
        (429, "", 3, "the issuer is busy"),
        (400, "{}", 4, "an error without an error code"),
        (200, r#"{"access_token":"abc"}"#, 4, "`token_type` is missing"),
    ] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        world.change(|knobs| knobs.instead = vec![(status, body)]);
        user.browse(&world, &["login"]).await.expect(code).says(words);
    }
}

#[tokio::test]
async fn only_bearer_tokens_are_kept() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    std::fs::write(user.folder().join("secret"), "machine-secret\n").unwrap();
    let machine = ["--client-id", "machine", "--client-secret-file", "secret"];
    let machine = [&["login", "--grant", "client-credentials"][..], &machine].concat();
    for kind in [json!("DPoP"), json!("N_A"), Value::Null, json!(7)] {
        world.change(|knobs| knobs.tokens = vec![("token_type", kind)]);
        for run in [
            user.browse(&world, &["login"]).await,
            user.run(&world, &["login", "--device"]).await,
            user.run(&world, &machine).await,
        ] {
            run.expect(4).says("`token_type`");
        }
        let status = user.run(&world, &["status"]).await.expect(0);
        assert_eq!(status.stdout, "no tokens are stored\n");
    }
}

#[tokio::test]
async fn a_life_in_digits_is_a_life() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.tokens = vec![("expires_in", json!("5250"))]);
    let login = user.browse(&world, &["login"]).await.expect(0);
    assert!(login.stdout.contains("in 1 hour 27 minutes"), "{login:?}");
    world.change(|knobs| knobs.tokens = vec![("expires_in", json!("soon"))]);
    user.browse(&world, &["login"]).await.expect(4).says("`expires_in` is not a number");
}

#[tokio::test]
async fn the_registrations_answer_says_how_the_client_shows_who_it_is() {
    let (basic, post) = ("client_secret_basic", "client_secret_post");
    for (listed, answered, seen) in [
        (json!(null), json!(post), "post"),
        (json!([basic, post]), json!(post), "post"),
        (json!([basic]), json!(post), "post"),
        (json!(["none", post]), json!(basic), "basic"),
        (json!(null), json!(null), "basic"),
        (json!([post]), json!(null), "post"),
        (json!([basic]), json!("none"), "none"),
    ] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        world.change(|knobs| {
            knobs.metadata = vec![("token_endpoint_auth_methods_supported", listed)];
            knobs.registered = vec![
                ("client_secret", json!("hush hush:%")),
                ("token_endpoint_auth_method", answered.clone()),
            ];
        });
        user.login(&world).await;
        world.forget_tokens();
        user.run(&world, &["call", "one"]).await.expect(0);
        assert_eq!(world.log("by"), [format!("by {seen}"), format!("by {seen}")], "{answered}");
    }
}

#[tokio::test]
async fn a_registration_that_is_not_what_was_asked_for_is_refused_in_words() {
    for (name, value, words) in [
        ("redirect_uris", json!(["https://x.example/"]), "`redirect_uris` is https://x.example/"),
        ("token_endpoint_auth_method", json!("private_key_jwt"), "`private_key_jwt`"),
        ("client_id", Value::Null, "`client_id` is missing"),
    ] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        world.change(|knobs| knobs.registered = vec![(name, value)]);
        let login = user.run(&world, &["login"]).await.expect(4);
        login.says("could not be registered").says(words).says("--client-id");
    }
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.registered = vec![("redirect_uris", Value::Null)]);
    user.browse(&world, &["login"]).await.expect(0);
}

#[tokio::test]
async fn an_issuer_that_compares_gets_the_name_that_it_knows() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let login = user.browse(&world, &["login", "--redirect-host", "localhost"]).await.expect(0);
    assert!(login.stderr.contains("redirect_uri=http%3A%2F%2Flocalhost%3A"), "{login:?}");
    // A client that registered with another address is another client.
    user.login(&world).await;
    assert_eq!(world.log("register").len(), 2);
}

#[tokio::test]
async fn the_next_authorization_server_is_tried_when_one_does_not_answer() {
    for login in [&["login"][..], &["login", "--allow-private"]] {
        let (world, user) = (World::new(Knobs::default()).await, User::new());
        let servers = json!(["http://127.0.0.1:1", world.origin()]);
        world.change(|knobs| knobs.resource = vec![("authorization_servers", servers)]);
        let login = user.browse(&world, login).await.expect(0);
        assert!(login.stdout.contains(&format!("signed in at {}", world.origin())), "{login:?}");
        user.run(&world, &["call", "one"]).await.expect(0);
    }
}

#[tokio::test]
async fn authorization_servers_that_do_not_answer_are_named_each_with_its_fault() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let servers = json!(["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    world.change(|knobs| knobs.resource = vec![("authorization_servers", servers)]);
    for login in [&["login"][..], &["login", "--allow-private"]] {
        let login = user.run(&world, login).await.expect(3);
        login
            .says("http://127.0.0.1:1: Connection refused")
            .says("http://127.0.0.1:2: Connection refused")
            .says("is the authorization server running? If there is none, ask those who run");
    }
}
