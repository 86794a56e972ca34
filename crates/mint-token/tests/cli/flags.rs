//! What a token says by default, and with each flag.

use std::process::Stdio;

use auth_core::{Clock, SigningKey, SystemClock};
use serde_json::{Value, json};

use crate::support::{Folder, ISSUER, RESOURCE, SECRET, verify};

fn claims(args: &[&str]) -> Value {
    Folder::ready().run(args).claims()
}

#[test]
fn without_arguments_it_is_an_hour_for_the_default_user() {
    let folder = Folder::ready();
    let before = SystemClock.now().as_secs();
    let run = folder.run(&[]);
    let after = SystemClock.now().as_secs();
    let (header, claims) = run.parts();
    assert_eq!(header, json!({"alg": "HS256", "typ": "at+jwt"}));
    let issued = claims["iat"].as_i64().unwrap();
    assert!((before..=after).contains(&issued));
    let id = claims["jti"].as_str().unwrap();
    assert_eq!(id.len(), 22);
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "sub": "alice",
            "aud": RESOURCE,
            "exp": issued + 3600,
            "iat": issued,
            "nbf": issued,
            "jti": id,
            "client_id": "mint-token",
            "scope": "Admin.Write User.Read",
            "name": "Alice",
        })
    );
    let key = SigningKey::from_secret(SECRET.as_bytes()).unwrap();
    let verified = verify(run.line(), &key).unwrap();
    assert_eq!(verified.name(), Some("Alice"));
    assert_ne!(id, folder.run(&["mint"]).claims()["jti"], "every token has an id of its own");
}

#[test]
fn the_summary_is_text() {
    let run = Folder::ready().run(&["--role", "admin", "--role", "auditor"]);
    assert!(run.err.starts_with(
        "Token   for alice (Alice) at http://localhost:8000/mcp\n\
         Scopes  Admin.Write User.Read\n\
         Roles   admin, auditor\n\
         Until   20"
    ));
    assert!(run.err.contains("Z, in 1 hour\n"));
    assert!(run.err.ends_with("Stored  nowhere; --save stores it for the client\n"));
}

#[test]
fn the_default_name_belongs_to_the_default_subject() {
    assert_eq!(claims(&["--sub", "alice"])["sub"], "alice");
    assert_eq!(claims(&["--sub", "alice"]).get("name"), None);
    assert_eq!(claims(&["mint", "--sub", "alice"]).get("name"), None);
    assert_eq!(claims(&["--sub", "alice", "--name", "Alice A."])["name"], "Alice A.");
    assert_eq!(claims(&["--name", "Somebody"])["name"], "Somebody");
    assert_eq!(claims(&["--name", ""]).get("name"), None);
}

#[test]
fn scopes_take_the_place_of_the_default() {
    assert_eq!(claims(&["--scope", "User.Read"])["scope"], "User.Read");
    let two = ["--scope", "User.Write User.Read", "--scope", "Admin.Read User.Read"];
    assert_eq!(claims(&two)["scope"], "Admin.Read User.Read User.Write");
    assert_eq!(claims(&["--scope", ""])["scope"], "");
    assert!(Folder::ready().run(&["--scope", ""]).err.contains("Scopes  none\n"));
}

#[test]
fn a_scope_that_grants_nothing_is_warned_about() {
    let folder = Folder::ready();
    let warned = |scope: &str| folder.run(&["--scope", scope]).err;
    assert!(warned("User.Raed").contains("no scope User.Raed (did you mean User.Read?)"));
    assert!(warned("User.Read,User.Write").contains("write a space between scopes"));
    assert!(!warned("User.Read User.Write").contains("warning"));
    // Another server has its own policy.
    let other = ["--scope", "X", "--aud", "https://a.example/mcp"];
    assert!(!folder.run(&other).err.contains("no scope"));
}

#[test]
fn a_server_that_is_not_known_here_is_named() {
    let run = Folder::ready().run(&["--for-tool", "notes/get_note"]);
    assert!(run.err.contains("there is no [upstreams.notes] in bartizan.toml"), "{}", run.err);
    assert!(run.err.contains("no notes.policy.toml in this folder"), "{}", run.err);
}

#[test]
fn roles_audience_issuer_and_client_are_put_in() {
    assert_eq!(claims(&["--role", "b", "--role", "a", "--role", "b"])["roles"], json!(["a", "b"]));
    assert_eq!(claims(&["--aud", "https://mcp.example"])["aud"], "https://mcp.example");
    assert_eq!(claims(&["--iss", "https://issuer.example/"])["iss"], "https://issuer.example/");
    assert_eq!(claims(&["--client-id", "notebook"])["client_id"], "notebook");
}

#[test]
fn the_lifetime_is_as_said_and_a_long_one_is_warned_about() {
    for (text, secs, warns) in
        [("90s", 90, false), ("24h", 86_400, false), ("7d", 604_800, true), ("86401", 86_401, true)]
    {
        let run = Folder::ready().run(&["--ttl", text]);
        let claims = run.claims();
        let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lives, secs);
        assert_eq!(run.err.contains("warning: a stolen token can be used for"), warns, "{text}");
    }
}

#[test]
fn other_claims_are_text_or_json() {
    let claims = claims(&["--claim", "tenant=acme", "--claim", "level:=3", "--claim", "x:=[null]"]);
    assert_eq!(
        (&claims["tenant"], &claims["level"], &claims["x"]),
        (&json!("acme"), &json!(3), &json!([null]))
    );
}

#[test]
fn json_says_everything_about_the_token() {
    let folder = Folder::ready();
    let args = ["--output", "json", "--role", "admin", "--ttl", "15m"];
    let run = folder.run(&args);
    let said: Value = serde_json::from_str(run.line()).unwrap();
    let key = SigningKey::from_secret(SECRET.as_bytes()).unwrap();
    let token = said["token"].as_str().unwrap();
    assert!(!run.err.contains(token));
    let claims = verify(token, &key).unwrap();
    let expires = said["expires"].as_str().unwrap();
    assert_eq!(expires.len(), "2027-01-15T08:00:00Z".len());
    assert!(expires.ends_with('Z') && run.err.contains(expires));
    assert_eq!(
        said,
        json!({
            "token": token,
            "issuer": ISSUER,
            "subject": "alice",
            "audience": RESOURCE,
            "scope": "Admin.Write User.Read",
            "roles": ["admin"],
            "expires_at": claims.expires_at().as_secs(),
            "expires": expires,
            "token_id": claims.token_id().unwrap().as_str(),
            "algorithm": "HS256",
            "saved_to": null,
        })
    );
    let saved: Value =
        serde_json::from_str(folder.run(&["--output=json", "--save"]).line()).unwrap();
    assert_eq!(saved["saved_to"], ".env");
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let folder = Folder::ready();
    let file = format!("JWT_SECRET={SECRET}\nJWT_ISSUER=https://file.example\n");
    folder.write(".env", &file);
    let variables = [("JWT_ISSUER", "https://environment.example")];
    let issuer = |args: &[&str], variables: &[(&str, &str)]| {
        folder.run_in(args, variables).claims()["iss"].clone()
    };
    assert_eq!(issuer(&["--iss", "https://flag.example"], &variables), "https://flag.example");
    assert_eq!(issuer(&[], &variables), "https://environment.example");
    assert_eq!(issuer(&[], &[("JWT_ISSUER", "")]), "https://file.example");
    assert_eq!(issuer(&[], &[]), "https://file.example");
    assert_eq!(Folder::ready().run(&[]).claims()["iss"], ISSUER);

    let resource = [("MCP_RESOURCE", "https://mcp.example/mcp")];
    assert_eq!(folder.run_in(&[], &resource).claims()["aud"], "https://mcp.example/mcp");
    let flag = ["--aud", "https://other.example/mcp"];
    assert_eq!(folder.run_in(&flag, &resource).claims()["aud"], "https://other.example/mcp");
}

#[test]
fn another_env_file_is_read() {
    let folder = Folder::ready();
    let file = format!("JWT_SECRET={SECRET}\nJWT_ISSUER=https://other.example\n");
    folder.write("other.env", &file);
    assert_eq!(folder.run(&["--env-file", "other.env"]).claims()["iss"], "https://other.example");
}

#[test]
fn help_goes_to_standard_output_and_names_the_exit_codes() {
    for args in [&["--help"][..], &["mint", "--help"], &["help"]] {
        let run = Folder::empty().run(args);
        assert_eq!((run.code, run.err.as_str()), (0, ""));
        for text in ["Exit codes:\n  0  done\n", "Examples:\n", "--env-file <FILE>"] {
            assert!(run.out.contains(text), "{text} in {}", run.out);
        }
        assert!(run.out.lines().all(|line| line.chars().count() <= 100));
    }
    assert!(Folder::empty().run(&["--version"]).out.starts_with("mint-token "));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let folder = Folder::ready();
    let run = |variables: &[(&str, &str)]| {
        let output = folder.command(&[], variables).output().unwrap();
        assert!(!output.stdout.contains(&0x1b));
        output.stderr.contains(&0x1b)
    };
    assert!(!run(&[]));
    assert!(run(&[("CLICOLOR_FORCE", "1")]));
    assert!(!run(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_reader_that_went_away_is_no_panic() {
    let folder = Folder::ready();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = folder.command(&[], &[]).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b""[..]));
}
