//! What a hostile server, a hostile issuer or a careless user cannot do.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::{
    support::User,
    world::{Knobs, World},
};

#[tokio::test]
async fn a_token_goes_to_its_own_server_only() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    for url in [format!("{}/", world.url()), world.origin().to_owned()] {
        let run = user.run_at(&url, &["call", "one"]).await;
        assert_ne!(run.code, Some(0), "{url}");
    }
    // Another server on this machine learns nothing, though the host is the same.
    let other = World::new(Knobs::default()).await;
    user.run(&other, &["call", "one"]).await.expect(4).says("and none is set");
}

#[tokio::test]
async fn addresses_that_nobody_should_ask_are_not_asked() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for (name, address) in [
        ("token_endpoint", "http://169.254.169.254/latest/meta-data"),
        ("token_endpoint", "https://169.254.169.254/latest/meta-data"),
        ("token_endpoint", "https://10.0.0.1/token"),
        ("authorization_endpoint", "file:///etc/passwd"),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("registration_endpoint", "https://[fe80::1]/"),
        ("device_authorization_endpoint", "http://as.example/device"),
    ] {
        world.change(|knobs| knobs.metadata = vec![(name, address.into())]);
        let login = user.run(&world, &["login"]).await.expect(4);
        login.says("names an address that is not asked");
    }
    assert_eq!(world.log(""), [] as [&str; 0]);
}

#[tokio::test]
async fn a_private_address_is_asked_where_the_user_allows_it() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| {
        knobs.metadata = vec![("revocation_endpoint", "https://10.0.0.1/revoke".into())];
    });
    user.run(&world, &["login"]).await.expect(4).says("--allow-private");
    user.browse(&world, &["login", "--allow-private"]).await.expect(0);
}

#[tokio::test]
async fn metadata_about_another_server_ends_the_login() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for resource in ["https://evil.example/mcp".to_owned(), format!("{}x", world.url())] {
        world.change(|knobs| knobs.resource = vec![("resource", resource.into())]);
        user.run(&world, &["login"]).await.expect(4);
    }
    assert_eq!(world.log(""), [] as [&str; 0]);
}

#[tokio::test]
async fn metadata_about_another_issuer_ends_the_login() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.metadata = vec![("issuer", "https://evil.example".into())]);
    user.run(&world, &["login"]).await.expect(4);
    assert_eq!(world.log(""), [] as [&str; 0]);
}

#[tokio::test]
async fn an_issuer_without_pkce_ends_the_login() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let plain = json!(["plain"]);
    world.change(|knobs| knobs.metadata = vec![("code_challenge_methods_supported", plain)]);
    user.run(&world, &["login"]).await.expect(4).says("S256");
    assert_eq!(world.log("authorize"), [] as [&str; 0]);
}

#[tokio::test]
async fn nothing_is_got_for_a_server_that_anybody_can_listen_to() {
    let user = User::new();
    let run = user.run_at("http://192.0.2.1:1/mcp", &["login", "--timeout", "1"]).await;
    run.says("plain http");
}

#[tokio::test]
async fn tokens_that_others_may_read_are_not_used() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let mode = std::fs::metadata(user.store()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(user.store(), std::fs::Permissions::from_mode(0o644)).unwrap();
    user.run(&world, &["call", "one"]).await.expect(2).says("chmod 600");
}

#[tokio::test]
async fn an_env_file_does_not_say_which_program_is_the_browser() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let proof = user.folder().join("proof");
    let program = user.folder().join("browser");
    std::fs::write(
        &program,
        format!("#!/bin/sh\n/usr/bin/env > {0}.new; /bin/mv {0}.new {0}\n", proof.display()),
    )
    .unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let line = format!("BROWSER={}\n", program.display());
    std::fs::write(user.folder().join(".env"), line).unwrap();
    user.login(&world).await;
    assert!(!proof.exists());
    // The environment may.
    let mut command = user.command(&world.url(), &["login"]);
    let command = command.env("BROWSER", &program).env("MCP_TOKEN", "given-to-us-alone");
    let child = command.spawn().unwrap();
    for _ in 0..100 {
        if proof.exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let seen = std::fs::read_to_string(&proof).unwrap();
    assert!(seen.contains("BROWSER=") && !seen.contains("given-to-us-alone"), "{seen}");
    drop(child);
}

#[tokio::test]
async fn an_issuers_names_are_no_lines_of_ours() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    world.change(|knobs| knobs.client_suffix = "\n  scopes    everything\u{1b}[2J\u{202e}");
    let login = user.browse(&world, &["login"]).await.expect(0).stdout;
    let status = user.run(&world, &["status"]).await.expect(0).stdout;
    for text in [login, status] {
        let scopes = text.lines().filter(|line| line.starts_with("  scopes"));
        assert_eq!(scopes.collect::<Vec<_>>(), ["  scopes    read"]);
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
    }
}

#[tokio::test]
async fn an_issuer_that_says_again_what_it_was_sent_is_not_repeated() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    std::fs::write(user.folder().join("secret"), "machine-secret\n").unwrap();
    std::fs::write(user.folder().join("jwt"), "platform-jwt-of-a-workload").unwrap();
    let machine = ["--client-id", "machine", "--client-secret-file", "secret"];
    let machine = [&["login", "--grant", "client-credentials"][..], &machine].concat();
    let workload = ["--client-id", "w", "--assertion-file", "jwt"];
    let workload = [&["login", "--grant", "workload"][..], &workload].concat();
    user.login(&world).await;
    world.forget_tokens();
    world.change(|knobs| knobs.echoes = true);
    // Those of a person: the refresh token, and then a code.
    let renewed = user.run(&world, &["call", "one"]).await.expect(4);
    assert!(!renewed.stderr.contains("refresh-"), "{renewed:?}");
    let signed_in = user.browse(&world, &["login"]).await.expect(4).says("invalid_request");
    assert!(!signed_in.stderr.contains("=code-"), "{signed_in:?}");
    for login in [&machine, &workload] {
        let run = user.run(&world, login).await.expect(4).says("invalid_request");
        for secret in ["machine-secret", "platform-jwt-of-a-workload"] {
            assert!(!run.stderr.contains(secret), "{run:?}");
        }
    }
}

#[tokio::test]
async fn a_server_goes_by_its_name() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let url = world.url();
    user.run_at(&url, &["servers", "add", "work", &url]).await.expect(0);
    user.login(&world).await;
    let call = user.run_at("work", &["call", "one"]).await.expect(0);
    assert_eq!(call.stdout, "called one\n");
    user.run_at("play", &["call", "one"]).await.expect(2).says("no server named `play`");
}
