//! A person signs in, looks at what is stored, and leaves.

use serde_json::json;

use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn a_person_signs_in_calls_looks_and_leaves() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let login = user.browse(&world, &["login"]).await.expect(0);
    assert!(login.stdout.starts_with("signed in at "), "{login:?}");
    assert_eq!(world.log("register").len(), 1);
    assert_eq!(world.log("authorize"), [format!("authorize read {}", world.url())]);
    assert_eq!(world.log("token"), [format!("token authorization_code {}", world.url())]);

    let call = user.run(&world, &["call", "one"]).await.expect(0);
    assert_eq!(call.stdout, "called one\n");

    let status = user.run(&world, &["status", "--output", "json"]).await.expect(0).json();
    let token = &status["tokens"][0];
    assert_eq!(token["server"], world.url());
    assert_eq!(token["issuer"], world.origin());
    assert_eq!(token["scopes"], json!(["read"]));
    assert_eq!(token["kept_in"], "file");
    let text = user.run(&world, &["status"]).await.expect(0).stdout;
    assert!(text.contains(world.origin()) && text.contains("until     20"), "{text}");

    let logout = user.run(&world, &["logout"]).await.expect(0);
    assert!(
        logout.stdout.starts_with("forgotten, revoked (refresh_token, access_token)"),
        "{logout:?}"
    );
    assert_eq!(world.log("revoke"), ["revoke refresh_token", "revoke access_token"]);
    user.run(&world, &["call", "one"]).await.expect(4).says("client login --url");
    let status = user.run(&world, &["status"]).await.expect(0);
    assert_eq!(status.stdout, "no tokens are stored\n");
}

#[tokio::test]
async fn a_person_is_told_who_they_are_where_the_token_says_it() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let login = user.browse(&world, &["login"]).await.expect(0);
    assert!(!login.stdout.contains("user "), "only its issuer can read the token: {login:?}");
    let claims = auth_core::base64url::encode(r#"{"sub":"al\u001bice"}"#);
    let token = json!(format!("e30.{claims}.c2ln"));
    world.change(|knobs| knobs.tokens = vec![("access_token", token)]);
    let login = user.browse(&world, &["login"]).await.expect(0);
    assert!(login.stdout.contains("\n  user      al\\u{1b}ice\n"), "{login:?}");
    let explain = user.run(&world, &["explain"]).await;
    assert!(explain.stdout.contains("from the store; a JWT of user al\\u{1b}ice\n"), "{explain:?}");
}

#[tokio::test]
async fn a_token_that_no_issuer_revokes_is_said_to_be_forgotten_alone() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.metadata = vec![("revocation_endpoint", json!(null))]);
    user.login(&world).await;
    let logout = user.run(&world, &["logout"]).await.expect(0);
    let words = "forgotten here, not revoked at its issuer: the token of ";
    assert!(logout.stdout.starts_with(words), "{logout:?}");
}

#[tokio::test]
async fn a_person_who_says_yes_signs_in_on_the_way() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let call = user.browse(&world, &["call", "one", "--yes"]).await.expect(0);
    assert_eq!(call.stdout, "called one\n");
    user.run(&world, &["call", "two"]).await.expect(0);
    assert_eq!(world.log("authorize").len(), 1);
}

#[tokio::test]
async fn a_script_without_a_yes_is_told_what_to_do_and_nobody_is_sent_anywhere() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let hint = format!("sign in with `just client login --url {}`", world.url());
    user.run(&world, &["call", "one"]).await.expect(4).says(&hint);
    assert_eq!(world.log(""), [] as [&str; 0]);
}

#[tokio::test]
async fn a_person_without_a_browser_pastes_where_it_ended() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.paste(&world, &["login"], |to| to).await.expect(0);
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn an_answer_to_another_question_is_not_taken() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let wrong = |to: String| to.replace("state=", "state=x");
    user.paste(&world, &["login"], wrong).await.expect(4).says("not the address");
    user.paste(&world, &["login"], |_| "what?".to_owned()).await.expect(4);
    assert_eq!(world.log("token"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_person_who_declines_is_not_signed_in() {
    let knobs = Knobs { refuses: true, ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    let login = user.browse(&world, &["login"]).await.expect(4);
    login.says("the issuer refuses: access_denied: not today");
    assert_eq!(world.log("token"), [] as [&str; 0]);
}

#[tokio::test]
async fn an_answer_that_names_another_issuer_is_not_taken() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for iss in ["https://evil.example".to_owned(), format!("{}/", world.origin())] {
        world.change(|knobs| knobs.iss = Some(iss));
        user.browse(&world, &["login"]).await.expect(4).says("issuer mismatch");
    }
    assert_eq!(world.log("token"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_client_that_is_registered_does_not_register() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.browse(&world, &["login", "--client-id", "known"]).await.expect(0);
    assert_eq!(world.log("register"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_document_is_for_issuers_that_read_such() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let document = ["login", "--client-metadata-url", "https://client.example/me.json"];
    user.browse(&world, &document).await.expect(0);
    assert_eq!(world.log("register").len(), 1);
    world.change(|knobs| {
        knobs.metadata = vec![("client_id_metadata_document_supported", true.into())];
    });
    user.run(&world, &["logout"]).await.expect(0);
    user.browse(&world, &document).await.expect(0);
    assert_eq!(world.log("register").len(), 1);
}

#[tokio::test]
async fn who_we_were_at_another_issuer_does_not_count() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let other = World::new(Knobs::default()).await;
    world.change(|knobs| {
        knobs.resource = vec![("authorization_servers", json!([other.origin()]))];
    });
    world.forget_tokens();
    world.forget_refresh_tokens();
    let mut child = user.command(&world.url(), &["call", "one", "--yes"]);
    let output = tokio::time::timeout(std::time::Duration::from_secs(4), child.output()).await;
    assert!(output.is_err(), "it waits for the browser");
    assert_eq!(other.log("register").len(), 1, "a new client for a new issuer");
}

#[tokio::test]
async fn an_issuer_that_registers_no_scopes_is_asked_without() {
    let knobs = Knobs { registers_no_scopes: true, ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    user.login(&world).await;
    assert_eq!(world.log("register").len(), 1);
    assert_eq!(world.log("authorize"), [format!("authorize read {}", world.url())]);
}
