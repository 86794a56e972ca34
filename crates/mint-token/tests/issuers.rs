//! `verify` with the keys of an issuer that runs: by the address of its key set, or discovered.

#![expect(clippy::unwrap_used, reason = "a function of a test fails with it")]

use std::{io, path::Path};

use auth_core::{Algorithm, Clock, NumericDate};
use mint_token::{Exit, World, run};
use serde_json::json;
use settings::{EnvFileError, Environment};
use terminal::{Invocation, Program};
use testkit::{Forge, NOW, Reply, TestIssuer, TestKey};

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> NumericDate {
        NumericDate::from_secs(NOW).unwrap()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the signature is that of the world")]
fn environment(_: &Path) -> Result<Environment, EnvFileError> {
    Ok(Environment::from_pairs([]))
}

/// Verifies `token` with `args`: how it ended, and all that was said.
async fn verify(args: &[&str], token: &str) -> (Exit, String) {
    let args: Vec<String> =
        ["mint-token", "verify", "-"].iter().chain(args).map(ToString::to_string).collect();
    let token = token.to_owned();
    let run = tokio::task::spawn_blocking(move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut world = World {
            invocation: Invocation::workspace(Program::MintToken),
            environment: &environment,
            clock: &FixedClock,
            random: &mut |buffer| {
                buffer.fill(7);
                Ok(())
            },
            stdin: &mut io::Cursor::new(token),
            ask: None,
            fetch: &mint_token::fetch,
            out: &mut anstream::StripStream::new(&mut out),
            out_columns: None,
            err: &mut anstream::StripStream::new(&mut err),
        };
        let exit = run(args.into_iter().map(Into::into), &mut world);
        (exit, String::from_utf8([out, err].concat()).unwrap())
    });
    run.await.unwrap()
}

fn token(issuer: &TestIssuer, key: &TestKey) -> String {
    Forge::valid(key).claim("iss", issuer.issuer()).sign(key)
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_taken_from_the_address_of_a_key_set() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256, Algorithm::EdDsa] {
        let (key, other) = (TestKey::shared(algorithm), TestKey::generate(algorithm));
        let issuer = TestIssuer::start().await;
        issuer.serve("/keys", Reply::json(&testkit::jwks(&[key])));
        let (url, iss) = (issuer.url("/keys"), issuer.issuer());
        let args = ["--jwks-url", url.as_str(), "--iss", iss.as_str()];
        let (exit, said) = verify(&args, &token(&issuer, key)).await;
        assert_eq!(exit, Exit::Done, "{algorithm:?}: {said}");
        let (exit, said) = verify(&args, &token(&issuer, &other)).await;
        assert_ne!(exit, Exit::Done, "{algorithm:?}: {said}");
        assert_eq!(issuer.count("/keys"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_is_discovered_and_must_name_itself() {
    let key = TestKey::shared(Algorithm::Es256);
    let issuer = TestIssuer::start().await;
    issuer.serve("/keys", Reply::json(&testkit::jwks(&[key])));
    let iss = issuer.issuer();
    let args = ["--discover", iss.as_str()];
    let (exit, said) = verify(&args, &token(&issuer, key)).await;
    assert_ne!(exit, Exit::Done, "without a document: {said}");
    // Each is asked before the one above it.
    for place in [
        "/realms/a/.well-known/openid-configuration",
        "/.well-known/openid-configuration/realms/a",
        "/.well-known/oauth-authorization-server/realms/a",
    ] {
        let document = json!({ "issuer": iss, "jwks_uri": issuer.url("/keys") });
        issuer.serve(place, Reply::json(&document));
        let (exit, said) = verify(&args, &token(&issuer, key)).await;
        assert_eq!(exit, Exit::Done, "{place}: {said}");
        let other = json!({ "issuer": format!("{iss}/"), "jwks_uri": issuer.url("/keys") });
        issuer.serve(place, Reply::json(&other));
        let (exit, said) = verify(&args, &token(&issuer, key)).await;
        assert_ne!(exit, Exit::Done, "{place}: {said}");
        assert!(said.contains("another issuer"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_key_set_is_said_and_no_redirect_is_followed() {
    let key = TestKey::shared(Algorithm::Es256);
    let issuer = TestIssuer::start().await;
    issuer.serve("/good", Reply::json(&testkit::jwks(&[key])));
    issuer.serve("/text", Reply::text("no keys"));
    issuer.serve("/none", Reply::json(&json!({ "keys": [] })));
    let redirect = Reply::text("").status(302).header("location", issuer.url("/good"));
    issuer.serve("/moved", redirect);
    issuer.serve("/long", Reply::text("x".repeat(1024 * 1024)));
    let iss = issuer.issuer();
    for path in ["/text", "/none", "/moved", "/long", "/missing"] {
        let url = issuer.url(path);
        let args = ["--jwks-url", url.as_str(), "--iss", iss.as_str()];
        let (exit, said) = verify(&args, &token(&issuer, key)).await;
        assert_ne!(exit, Exit::Done, "{path}: {said}");
        assert!(said.contains(path), "{path}: {said}");
    }
    assert_eq!(issuer.count("/good"), 0);
}
