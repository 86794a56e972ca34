//! Input that is wrong: what is said, and the exit code.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::world::World;

#[test]
fn a_value_of_a_flag_is_named_by_the_flag() {
    let world = World::new();
    let host = "there is no host: write 127.0.0.1:8001 for this machine alone, or 0.0.0.0:8001";
    for port in ["8001", ":8001"] {
        for command in [&["run"][..], &["config", "check"]] {
            let said = world.run(&[command, &["--bind", port]].concat()).expect(2);
            said.has(&[&format!("--bind {port:?}: {host}")]);
        }
    }
    world.run(&["config", "check", "--bind", "here"]).expect(2).has(&["--bind", "write host:port"]);
    let said = world.run(&["config", "check", "--issuer", "foo"]).expect(2);
    said.has(&["--issuer \"foo\": this is not a URL", "http://localhost:8000"]);
    let said = world.run(&["config", "check", "--resource", "foo"]).expect(2);
    said.has(&["--resource \"foo\": "]);
    world.run(&["config", "check"]).expect(0);
    std::fs::write(world.path("wrong.env"), "BIND_ADDR=8001\nJWT_ISSUER=foo\n").unwrap();
    let said = world.run(&["--env-file", "wrong.env", "config", "check"]).expect(2);
    let said = said.has(&["BIND_ADDR \"8001\"", "JWT_ISSUER \"foo\": this is not a URL"]);
    assert!(!said.err.contains("neither"), "{}", said.err);
    let check = ["--env-file", "none.env", "config", "check", "--bind", "x"];
    let without = "as there is neither none.env nor a bartizan.toml beside it: name the file with";
    world.run(&check).expect(2).has(&["--bind", without]);
    std::fs::write(world.path("bartizan.toml"), "").unwrap();
    let said = world.run(&check).expect(2);
    assert!(!said.err.contains("neither"), "{}", said.err);
}

#[test]
fn a_check_says_what_the_start_would_warn_of() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    let path = world.path(".env");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text + "MAX_CONECTIONS=7\n").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    world.run(&["config", "check"]).expect(0).has(&[
        "warning: other users can read .env, which may hold secrets: `chmod 600 .env`",
        "warning: no program reads MAX_CONECTIONS in .env: did you mean MAX_CONNECTIONS?",
    ]);
}

#[test]
fn a_name_that_cannot_be_shown_is_an_error_of_the_command_line() {
    let world = World::new();
    let said = world.run(&["users", "add", "carol", "--name", "x\u{1b}[31m"]).expect(2);
    said.has(&["error: --name: a display name has at most 255 bytes and no control characters"]);
    world.run(&["users", "show", "carol"]).expect(5);
}

#[test]
fn a_line_of_a_policy_that_is_wrong_is_shown_and_pointed_at() {
    let world = World::new();
    for (policy, at, shown) in [
        ("[scopes]\n[roles\nuser = []\n", "line 2, column 7", "2 | [roles\n  |       ^\n"),
        ("[roles]\nnope = 3\n", "line 2, column 8", "2 | nope = 3\n  |        ^\n"),
    ] {
        std::fs::write(world.path("bad.toml"), policy).unwrap();
        for command in [&["policy", "check"][..], &["run"], &["config", "check"]] {
            let said = world.run(&[command, &["--policy", "bad.toml"]].concat()).expect(2);
            said.has(&["the policy is not well formed", at, shown]);
        }
    }
}

#[test]
fn an_issuer_elsewhere_may_have_a_name_that_is_no_url() {
    let world = World::new();
    world.run(&["users", "add", "carol", "--issuer", "accounts.example"]).expect(0);
    world.run(&["users", "show", "carol", "--issuer", "accounts.example"]).expect(0);
}

#[test]
fn tokens_of_keys_in_a_file_are_refused_for_the_leeway_of_other_clocks() {
    let world = World::new();
    world.run(&["users", "show", "bob"]).expect(0);
    let revoke = ["tokens", "revoke", "--user", "bob", "--issuer"];
    // The keys here are not those of that issuer.
    world.run(&["users", "add", "bob", "--issuer", "https://login.example"]).expect(0);
    let said = world.run(&[&revoke[..], &["https://login.example"]].concat()).expect(0);
    said.has(&["is issued at 2", "clocks may differ by 30 s", "before you make one or sign in"]);
    let file = std::fs::read_to_string(world.path(".env")).unwrap();
    std::fs::write(world.path(".env"), file.replace("JWT_SECRET=", "JWT_KEY_FILE=")).unwrap();
    let said = world.run(&["tokens", "revoke", "--user", "bob"]).expect(0);
    said.has(&["clocks may differ by 30 s"]);
}

#[test]
fn a_reader_that_has_closed_the_output_ends_the_command_without_an_error() {
    let world = World::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(["policy", "show"]).current_dir(world.path("")).env_clear().stdout(writer);
    let said = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(said.status.code(), Some(0));
    assert_eq!(String::from_utf8(said.stderr).unwrap(), "");
}

#[test]
fn a_url_of_the_directory_that_cannot_be_used_is_an_error_of_the_configuration() {
    let world = World::new();
    for url in [
        "mysql://x",
        "postgres://h:99999/x",
        "sqlite:",
        "sqlite://",
        "sqlite:///tmp/x.db?mode=ro",
        "postgres://h/x?sslmode=wrong",
        "postgres://h/x?sslmod=verify-full",
    ] {
        for command in [&["config", "check"][..], &["run"], &["users", "list"], &["init"]] {
            let said = world.run(&[command, &["--database-url", url]].concat()).expect(2);
            said.has(&["--database-url: "]);
        }
        let check = ["config", "check", "--bind", "here", "--database-url", url];
        world.run(&check).expect(2).has(&["--bind", "--database-url: "]);
    }
    let file = std::fs::read_to_string(world.path(".env")).unwrap();
    let url = "postgres://app@db.example/x?sslmode=require&pasword=hunter2";
    let key = "AUDIT_FILE=audit.jsonl\nAUDIT_KEY_FILE=none.pem";
    for name in ["DATABASE_URL", "AUDIT_DATABASE_URL"] {
        let text = format!("{file}\n{key}\n{name}={url}\n");
        std::fs::write(world.path("wrong.env"), text).unwrap();
        for command in [&["config", "check"][..], &["run"]] {
            let said = world.run(&[&["--env-file", "wrong.env"], command].concat()).expect(2);
            let said = said.has(&[&format!("{name}: "), "its parameter pasword is unknown"]);
            assert!(!said.err.contains("hunter2") && !said.out.contains("hunter2"), "{}", said.err);
        }
    }
}

#[test]
fn a_copy_of_the_audit_log_that_cannot_be_reached_is_named_with_the_reason_once() {
    let world = World::new();
    let file = std::fs::read_to_string(world.path(".env")).unwrap();
    // A port on which nothing listens.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://app@127.0.0.1:{port}/audit?sslmode=disable");
    let text = format!("{file}\nAUDIT_DATABASE_URL={url}\n");
    std::fs::write(world.path("copy.env"), text).unwrap();
    let show = ["--env-file", "copy.env", "audit", "verify", "--database"];
    let said = world.run(&show).expect(4);
    assert_eq!(said.err.matches("refused").count(), 1, "{}", said.err);
    assert!(!said.err.contains("pool timed out"), "{}", said.err);
}

#[test]
fn a_word_that_is_no_level_of_the_log_is_an_error() {
    let world = World::new();
    let file = std::fs::read_to_string(world.path(".env")).unwrap();
    for word in ["WARNING", "loud", "of", "9"] {
        let text = format!("{file}\nRUST_LOG={word}\n");
        std::fs::write(world.path("wrong.env"), text).unwrap();
        for command in [&["config", "check"][..], &["run"]] {
            let said = world.run(&[&["--env-file", "wrong.env"], command].concat()).expect(2);
            let said = said.has(&[&format!("RUST_LOG {word:?}: write off, error, warn, info")]);
            assert!(said.out.is_empty(), "{}", said.out);
        }
    }
}

#[test]
fn a_file_or_another_text_in_the_place_of_a_token_id_revokes_nothing() {
    let world = World::new();
    std::fs::write(world.path("alice.jwt"), "a.b.c").unwrap();
    std::fs::write(world.path("my.token.jwt"), "a.b.c").unwrap();
    for format in ["text", "json"] {
        let revoke = |id| world.run(&["tokens", "revoke", id, "--output", format]);
        for file in ["alice.jwt", "my.token.jwt"] {
            revoke(file).expect(2).has(&[file, "is a file", "tokens revoke - < FILE"]);
        }
        revoke("an-id").expect(2).has(&["22 characters", "jti", "--issuer"]);
        revoke("5yPq0Zr1Q2mXn8sV3kWbT!").expect(2).has(&["22 characters"]);
    }
    assert_eq!(world.json(&["tokens", "list"]), serde_json::json!([]));
    world.run(&["tokens", "revoke", "5yPq0Zr1Q2mXn8sV3kWbTA"]).expect(0);
    let elsewhere = ["tokens", "revoke", "an-id", "--issuer", "https://login.example"];
    world.run(&elsewhere).expect(0).has(&["an-id of https://login.example is revoked"]);
}

#[test]
fn a_setting_is_shown_with_the_file_that_was_named() {
    let world = World::new();
    std::fs::copy(world.path(".env"), world.path("other.env")).unwrap();
    let show = ["--env-file", "other.env", "config", "show"];
    let said = world.run(&show).expect(0);
    let line = said.out.lines().find(|line| line.starts_with("JWT_SECRET ")).unwrap();
    assert!(line.trim_end().ends_with(" other.env"), "{line}");
}

/// In a pseudo-terminal, which `script` (util-linux) makes.
#[cfg(target_os = "linux")]
#[test]
fn a_question_that_is_answered_with_no_ends_without_an_error() {
    let world = World::new();
    let line = format!("exec {} users remove alice", env!("CARGO_BIN_EXE_server"));
    let mut child = Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .current_dir(world.path(""))
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("TERM", "xterm")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(b"n\n").unwrap();
    let said = child.wait_with_output().unwrap();
    let shown = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.status.code(), Some(2), "{shown}");
    assert!(shown.contains("alice was not removed") && !shown.contains("error"), "{shown}");
    world.run(&["users", "show", "alice"]).expect(0);
}
