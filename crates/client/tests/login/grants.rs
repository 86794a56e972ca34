//! The ways to a token without a browser on this machine.

use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn a_program_signs_in_with_its_secret_and_again_when_the_token_is_refused() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let secret = user.folder().join("secret");
    std::fs::write(&secret, "machine-secret\n").unwrap();
    let secret = secret.display().to_string();
    let login = ["login", "--grant", "client-credentials", "--client-id", "machine"];
    let login = [login.as_slice(), &["--client-secret-file", &secret]].concat();
    user.run(&world, &login).await.expect(0);
    user.run(&world, &["call", "one"]).await.expect(0);
    world.forget_tokens();
    user.run(&world, &["call", "one"]).await.expect(0);
    let asked = format!("token client_credentials {}", world.url());
    assert_eq!(world.log("token"), [asked.clone(), asked]);
}

#[tokio::test]
async fn a_program_with_a_wrong_secret_is_refused_once() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    std::fs::write(user.folder().join("secret"), "wrong-secret\n").unwrap();
    let login = ["login", "--grant", "client-credentials", "--client-id", "machine"];
    let login = [login.as_slice(), &["--client-secret-file", "secret"]].concat();
    let run = user.run(&world, &login).await.expect(4).says("invalid_client");
    assert!(!run.stderr.contains("wrong-secret"), "{run:?}");
    assert_eq!(world.log("token").len(), 1);
}

#[tokio::test]
async fn a_person_signs_in_on_another_device() {
    let knobs = Knobs { pending: 2, ..Knobs::default() };
    let (world, user) = (World::new(knobs).await, User::new());
    let login = user.run(&world, &["login", "--device"]).await.expect(0);
    assert!(login.stderr.contains("ABCD-EFGH"), "{login:?}");
    assert_eq!(world.log("token device_code").len(), 3);
    user.run(&world, &["call", "one"]).await.expect(0);
    world.change(|knobs| knobs.refuses = true);
    user.run(&world, &["login", "--device"]).await.expect(4).says("access_denied");
}

#[tokio::test]
async fn a_client_for_another_device_registers_as_one_wherever_it_can() {
    for (no_scopes, pages_only, registered) in
        [(false, false, 1), (true, false, 1), (false, true, 3)]
    {
        let knobs = Knobs {
            registers_no_scopes: no_scopes,
            registers_pages_only: pages_only,
            ..Knobs::default()
        };
        let (world, user) = (World::new(knobs).await, User::new());
        user.run(&world, &["login", "--device"]).await.expect(0);
        user.run(&world, &["call", "one"]).await.expect(0);
        assert_eq!(world.log("register").len(), registered, "{no_scopes} {pages_only}");
    }
}

#[tokio::test]
async fn who_signed_in_with_a_browser_may_do_so_on_another_device_and_back() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    for registered in [2, 2] {
        user.run(&world, &["login", "--device"]).await.expect(0);
        assert_eq!(world.log("register").len(), registered, "a client of its own, once");
    }
    user.login(&world).await;
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn another_device_is_for_issuers_that_offer_it() {
    let knobs = Knobs {
        metadata: vec![("device_authorization_endpoint", serde_json::Value::Null)],
        ..Knobs::default()
    };
    let (world, user) = (World::new(knobs).await, User::new());
    user.run(&world, &["login", "--device"]).await.expect(4).says("does not offer");
}

#[tokio::test]
async fn a_workload_shows_the_jwt_of_its_platform() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let file = user.folder().join("jwt");
    std::fs::write(&file, "platform-jwt").unwrap();
    let login = ["login", "--grant", "workload", "--client-id", "w", "--assertion-file", "jwt"];
    user.run(&world, &login).await.expect(0);
    user.run(&world, &["call", "one"]).await.expect(0);
    // The platform renews the file; what is in it now is what counts.
    std::fs::write(&file, "stale-jwt").unwrap();
    world.forget_tokens();
    let call = user.run(&world, &["call", "one"]).await.expect(4).says("invalid_grant");
    assert!(!call.stderr.contains("stale-jwt"), "{call:?}");
    assert_eq!(world.log("token").len(), 2, "one try, one grant");
}

#[tokio::test]
async fn what_a_grant_needs_is_said() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for grant in ["client-credentials", "workload", "enterprise"] {
        let login = user.run(&world, &["login", "--grant", grant]).await.expect(2);
        login.says(&format!("--grant {grant} needs --client-id"));
    }
    assert_eq!(world.log("token"), [] as [&str; 0]);
}

#[tokio::test]
async fn a_busy_issuer_is_asked_again_while_the_person_types() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| {
        knobs.device = vec![("interval", 1.into())];
        knobs.instead = vec![(429, ""), (503, "<html>")];
        knobs.retry_after = Some("1");
    });
    user.run(&world, &["login", "--device"]).await.expect(0);
    assert_eq!(world.log("token instead").len(), 2);
    user.run(&world, &["call", "one"]).await.expect(0);
}

#[tokio::test]
async fn a_code_that_nobody_types_in_says_how_long_it_lived() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| {
        knobs.device = vec![("expires_in", "2".into())];
        knobs.pending = 100;
    });
    let login = user.run(&world, &["login", "--device"]).await.expect(7);
    login.says("no one signed in within 2 seconds");
}

#[tokio::test]
async fn a_device_code_that_is_none_is_named() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for (name, value, words) in [
        ("user_code", serde_json::Value::Null, "/device answered 200 OK: `user_code` is missing"),
        ("verification_uri", 7.into(), "`verification_uri` is not a text"),
        ("expires_in", "soon".into(), "`expires_in` is not a number of seconds"),
    ] {
        world.change(|knobs| knobs.device = vec![(name, value)]);
        user.run(&world, &["login", "--device"]).await.expect(4).says(words);
    }
}

#[tokio::test]
async fn an_issuer_that_refuses_an_exchange_is_named_with_its_status_and_error() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let provider = World::new(Knobs::default()).await;
    std::fs::write(user.folder().join("id-token"), "enterprise-id-token").unwrap();
    let endpoint = format!("{}/token", provider.origin());
    let login = ["login", "--grant", "enterprise", "--client-id", "c", "--idp-client-id", "i"];
    let idp = ["--idp-issuer", provider.origin(), "--idp-token-endpoint", &endpoint];
    let login = [login.as_slice(), &idp, &["--id-token-file", "id-token"]].concat();
    let refused = user.run(&world, &login).await.expect(4);
    refused.says(&format!(
        "{} refuses the exchange with 400 Bad Request: unsupported_grant_type",
        provider.origin()
    ));
}
