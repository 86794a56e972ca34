//! `explain`, at servers without and with faults.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    support::{Run, User},
    world::{Knobs, World},
};

fn verdict(run: &Run, check: &str) -> String {
    let json = run.json();
    let checks = json["checks"].as_array().unwrap();
    let found = checks.iter().find(|line| line["check"] == check);
    found.map(|line| line["verdict"].as_str().unwrap().to_owned()).unwrap_or_default()
}

async fn explain(user: &User, world: &World) -> Run {
    user.run(world, &["explain", "--output", "json"]).await
}

#[tokio::test]
async fn a_server_that_is_well_passes_throughout() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let run = explain(&user, &world).await.expect(0);
    let json = run.json();
    assert_eq!(json["verdict"], "pass", "{json:#}");
    let checks: Vec<&str> = json["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["check"].as_str().unwrap())
        .collect();
    for check in [
        "https",
        "reachable",
        "challenge",
        "protocol",
        "resource metadata",
        "resource",
        "issuers",
        "issuer metadata",
        "issuer",
        "endpoints",
        "PKCE",
        "mix-up",
        "registration",
        "sign-in",
        "clock",
        "token",
        "access",
    ] {
        assert!(checks.contains(&check), "{check}: {checks:?}");
    }
    let text = user.run(&world, &["explain", "--tool", "one"]).await.expect(0).stdout;
    assert!(text.contains("pass  tool"), "{text}");
    assert_eq!(world.log("authorize").len(), 1, "nothing but the login happened");
}

#[tokio::test]
async fn without_a_token_it_says_how_to_get_one() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    let run = explain(&user, &world).await.expect(0);
    assert_eq!(verdict(&run, "token"), "warn");
    let fix = format!("sign in with `just client login --url {}`", world.url());
    let json = run.json();
    let lines = json["checks"].as_array().unwrap();
    assert!(lines.iter().any(|line| line["fix"] == fix.as_str()), "{lines:#?}");
    let text = user.run(&world, &["explain"]).await.expect(0).stdout;
    assert!(text.contains(&format!(" hint: {fix}\n")), "{text}");
}

#[tokio::test]
async fn each_illness_has_its_line_its_cure_and_its_exit_code() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for (knobs, check, code) in [
        (
            Knobs { metadata: vec![("issuer", "https://evil.example".into())], ..Knobs::default() },
            "issuer",
            6,
        ),
        (
            Knobs {
                resource: vec![("resource", "https://evil.example".into())],
                ..Knobs::default()
            },
            "resource",
            6,
        ),
        (
            Knobs { resource: vec![("authorization_servers", Value::Null)], ..Knobs::default() },
            "issuers",
            6,
        ),
        (
            Knobs { resource: vec![("resource", Value::Null)], ..Knobs::default() },
            "resource metadata",
            6,
        ),
        (
            Knobs {
                metadata: vec![("token_endpoint", "http://as.example/".into())],
                ..Knobs::default()
            },
            "endpoints",
            6,
        ),
    ] {
        world.change(|old| *old = knobs);
        let run = explain(&user, &world).await.expect(code);
        assert_eq!(verdict(&run, check), "fail", "{check}: {run:#?}");
        let json = run.json();
        for line in json["checks"].as_array().unwrap() {
            assert_eq!(line["verdict"] == "pass", line["fix"].is_null(), "{line}");
        }
    }
}

#[tokio::test]
async fn an_issuer_that_cannot_be_asked_matters_less_to_who_was_given_a_token() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let [token, _] = world.current();
    let unreachable = serde_json::json!(["http://127.0.0.1:1"]);
    world.change(|knobs| knobs.resource = vec![("authorization_servers", unreachable)]);
    let run = explain(&user, &world).await.expect(6);
    assert_eq!(verdict(&run, "issuer metadata"), "fail");
    let mut command = user.command(&world.url(), &["explain", "--output", "json"]);
    let given = command.env("MCP_TOKEN", &token).output().await.unwrap();
    let run = Run::from(given).checked(&world).expect(0);
    assert_eq!(verdict(&run, "issuer metadata"), "warn");
    assert_eq!(verdict(&run, "access"), "pass");
}

#[tokio::test]
async fn metadata_that_is_looked_for_elsewhere_is_the_servers_wrong_name() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    for (pointer, words) in [
        ("http://127.0.0.1:1/resource", "must be configured with its public URL"),
        ("", "the server must publish it"),
    ] {
        world.change(|knobs| knobs.pointer = Some(pointer));
        let json = explain(&user, &world).await.expect(6).json();
        let lines = json["checks"].as_array().unwrap();
        let line = lines.iter().find(|line| line["check"] == "resource metadata").unwrap();
        assert_eq!(line["verdict"], "fail");
        assert!(line["fix"].as_str().unwrap().contains(words), "{line}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_and_a_tool_that_is_not_there_are_told() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    user.login(&world).await;
    let run = user.run(&world, &["explain", "--tool", "three", "--output", "json"]).await;
    assert_eq!(verdict(&run.expect(5), "tool"), "fail");
    world.forget_tokens();
    let run = explain(&user, &world).await.expect(4);
    assert_eq!(verdict(&run, "access"), "fail");
    assert_eq!(world.log("token refresh_token").len(), 0, "a doctor uses nothing up");
}

#[tokio::test]
async fn an_unreachable_server_is_reported_with_its_exit_code() {
    let user = User::new();
    let run = user.run_at("http://127.0.0.1:1/mcp", &["explain", "--output", "json"]).await;
    assert_eq!(verdict(&run.expect(3), "reachable"), "fail");
}

#[tokio::test]
async fn a_new_token_for_another_server_is_named_and_no_sign_in_is_suggested() {
    let (world, user) = (World::new(Knobs::default()).await, User::new());
    // The issuer ignores `resource`.
    let claims = serde_json::json!({
        "iss": world.origin(), "aud": "https://other.example/mcp", "exp": 9_999_999_999_u64,
    });
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let token = format!("e30.{payload}.c2ln");
    world.change(|knobs| knobs.tokens = vec![("access_token", token.clone().into())]);
    user.login(&world).await;
    let lines = |run: Run| run.json()["checks"].as_array().unwrap().clone();
    let line = |lines: &[Value], check: &str| {
        lines.iter().find(|line| line["check"] == check).unwrap().clone()
    };
    let resource = world.url();
    let words =
        format!("the token is for https://other.example/mcp, and this server is {resource}");

    let stored = lines(explain(&user, &world).await.expect(4));
    let audience = line(&stored, "token audience");
    assert_eq!(audience["text"], words.as_str());
    assert!(audience["fix"].as_str().unwrap().contains("another sign-in gives the same"));
    assert_eq!(line(&stored, "access")["fix"], "see `token audience`");
    let login = |line: &Value| line["fix"].as_str().is_some_and(|fix| fix.contains("client login"));
    let failed = stored.iter().filter(|line| line["verdict"] == "fail");
    assert!(failed.into_iter().all(|line| !login(line)), "{stored:#?}");

    // The same, given.
    let mut command = user.command(&resource, &["explain", "--output", "json"]);
    let given = command.env("MCP_TOKEN", &token).output().await.unwrap();
    let given = lines(Run::from(given).expect(4));
    let fix = line(&given, "token audience")["fix"].as_str().unwrap().to_owned();
    assert_eq!(
        fix,
        format!(
            "get a token for {resource}, or use this one where it belongs: \
             --url https://other.example/mcp"
        )
    );
}
