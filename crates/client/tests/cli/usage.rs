//! Command line and configuration: nothing is sent unless they are right.

use std::path::Path;

use crate::{
    servers::{Canned, Mcp},
    support::{Client, TOKEN},
};

#[tokio::test]
async fn help_is_a_result_and_names_the_exit_codes() {
    let run = Client::new(&["--help"]).run().await.expect(0);
    assert_eq!(run.stderr, "");
    for code in [0, 1, 2, 3, 4, 5, 6, 7, 8, 74, 130] {
        assert!(run.stdout.contains(&format!("{code:>5}  ")), "{code}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_a_usage_error() {
    for args in [
        &["--nonsense"][..],
        &["nonsense"],
        &["call"],
        &["call", "t", "x"],
        &["call", "t", "=1"],
        &["call", "t", "a=1", "a=2"],
        &["call", "t", "a:={"],
        &["call", "t", "--json", "[]"],
        &["call", "t", "--json", "@none.json"],
        &["read"],
        &["complete", "tool", "t", "a=1"],
        &["complete", "prompt", "p", "a:=1"],
        &["listen", "--count", "0"],
        &["completions", "tcsh"],
        &["--timeout", "0"],
        &["--timeout", "soon"],
        &["--output", "xml"],
        &["--url", "localhost"],
        &["--url", "ftp://localhost/"],
        &["--env-file", "none.env"],
        &["--token-file", "none"],
        &["--token", "opaque-value"],
    ] {
        let run = Client::new(args).run().await.expect(2);
        assert!(run.stderr.starts_with("error: "), "{run:#?}");
        assert_eq!(run.stdout, "");
        assert!(!run.stderr.contains("opaque-value"));

        let client = Client::new(&["--output", "json"]).arg(args);
        if args != ["--output", "xml"] {
            let error = client.run().await.expect(2).error();
            assert_eq!(error["code"], "usage", "{args:?}");
            let message = error["message"].as_str().unwrap();
            assert!(!message.starts_with("error") && !message.contains("--help'"), "{message}");
        }
    }
}

#[tokio::test]
async fn a_token_is_not_sent_where_others_can_read_it() {
    let client = Client::at("http://mcp.invalid/mcp", &[]).with_token();
    client.run().await.expect(2).says(
        "error: the token is not sent over plain http to mcp.invalid: others on the network could read it\n\
         hint: use an https URL\n",
    );
    let url = "https://alice:hushhush@mcp.invalid/mcp";
    let run = Client::at(url, &[]).run().await.expect(2);
    run.says("error: --url must not hold a user name or a password\n");
}

/// Nobody answers at that address: what is sent is not of interest, but whether anything would be.
#[tokio::test]
async fn a_file_that_lies_about_does_not_collect_a_token() {
    const URL: &str = "https://mcp.invalid/mcp";
    let env = |lines: &str| format!("MCP_URL={URL}\n{lines}");
    let refused = "error: the token is not sent to mcp.invalid, which nothing but .env in this folder names\n\
         hint: if that server may have it, name it: --url URL, MCP_URL in the environment, or --env-file .env\n";
    for lines in ["", "MCP_TOKEN=another\n"] {
        let client = Client::new(&[]).with_file(".env", &env(lines)).with_token();
        client.run().await.expect(2).says(refused);
    }
    for lines in ["", "MCP_TOKEN=another\n"] {
        let client = Client::new(&["--token-file", "token"]).with_file(".env", &env(lines));
        client.with_file("token", TOKEN).run().await.expect(2).says(refused);
    }

    // A user who names it may have it so, and the file's own token goes where the file says.
    let own = env(&format!("MCP_TOKEN={TOKEN}\n"));
    for client in [
        Client::new(&[]).with_file(".env", &own),
        Client::new(&["--env-file", ".env"]).with_file(".env", &env("")).with_token(),
        Client::new(&["--url", URL]).with_file(".env", &env("")).with_token(),
        Client::new(&[]).with_file(".env", &env("")).with("MCP_URL", URL).with_token(),
    ] {
        client.run().await.expect(3);
    }

    // A name is the user's own, and what is on this machine too.
    let state = tempfile::tempdir().unwrap();
    let state = state.path().to_str().unwrap();
    let add = Client::new(&["servers", "add", "mine", URL]).with("XDG_STATE_HOME", state);
    add.run().await.expect(0);
    let client = Client::new(&[]).with_file(".env", "MCP_URL=mine\n").with_token();
    client.with("XDG_STATE_HOME", state).run().await.expect(3);
    let (url, _) = Mcp::default().serve().await;
    let client = Client::new(&[]).with_file(".env", &format!("MCP_URL={url}\n")).with_token();
    client.run().await.expect(0);
}

#[tokio::test]
async fn a_text_that_is_no_token_is_not_shown() {
    for bad in [format!("Bearer {TOKEN}"), format!("\"{TOKEN}\""), format!("{TOKEN}\n")] {
        let run = Client::new(&[]).with("MCP_TOKEN", &bad).run().await.expect(2);
        run.says(
            "error: MCP_TOKEN: the token has a character that is not allowed in a bearer token\n\
             hint: give the token alone, without `Bearer` or quotes; `just token` makes one\n",
        );
    }
    let run = Client::new(&[]).with("MCP_TOKEN", &TOKEN.repeat(200));
    let run = run.run().await.expect(2);
    assert!(run.stderr.starts_with("error: MCP_TOKEN: the token is longer than 8192 bytes\n"));
}

#[tokio::test]
async fn a_broken_env_file_is_named_but_not_shown() {
    let client = Client::new(&[]).with_file(".env", &format!("MCP_TOKEN=a {TOKEN}\n"));
    let run = client.run().await.expect(2);
    assert!(run.stderr.starts_with("error: .env: line 1 is not NAME=value"), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_env_file_gives_url_and_token() {
    let (url, _) = Mcp::default().serve().await;
    let lines = format!("MCP_URL={url}\nMCP_TOKEN={TOKEN}\n");
    let leak = || Client::new(&["call", "leak"]);
    let run = leak().with_file(".env", &lines).run().await.expect(0);
    assert_eq!(run.stdout, "Bearer [token]\n");

    let client = leak().with_file("other.env", &lines);
    assert!(Path::exists(&client.folder().join("other.env")));
    let run = client.arg(&["--env-file", "other.env"]).run().await.expect(0);
    assert_eq!(run.stdout, "Bearer [token]\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn flag_beats_environment_beats_env_file() {
    let (right, _) = Mcp::default().serve().await;
    let (wrong, log) = Canned::new(500).serve().await;
    let wrong_file = format!("MCP_URL={wrong}\n");
    let client = Client::new(&[]).with("MCP_URL", &right);
    client.with_file(".env", &wrong_file).run().await.expect(0);
    let client = Client::at(&right, &[]).with("MCP_URL", &wrong);
    client.with_file(".env", &wrong_file).run().await.expect(0);
    assert!(log.lines().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_comes_from_a_file_or_stdin() {
    let (url, _) = Mcp::default().serve().await;
    let text = format!("{TOKEN}\n");
    let leak = |file| Client::at(&url, &["call", "leak", "--token-file", file]);
    let run = leak("token").with_file("token", &text).run().await.expect(0);
    assert_eq!(run.stdout, "Bearer [token]\n");
    let run = leak("-").with_stdin(&text).run().await.expect(0);
    assert_eq!(run.stdout, "Bearer [token]\n");
}
