//! Every verb, in both generations of the protocol.

use std::{fs, time::Duration};

use serde_json::json;

use crate::{
    rich::Rich,
    servers::{Canned, Log, Mcp, logs_on_the_stream_of_a_call, serve_mcp},
    support::{Client, Run},
};

#[tokio::test(flavor = "multi_thread")]
async fn resources_are_listed_and_read() {
    for old in [false, true] {
        let (url, _) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["resources"]).run().await.expect(0);
        assert_eq!(
            run.stdout,
            "memo://note  note (text/plain)\npage://{id}  page\n             One page\n"
        );
        let run = Client::at(&url, &["resources", "--output=json"]).run().await.expect(0);
        assert_eq!(run.json()["resources"][0]["uri"], "memo://note");
        assert_eq!(run.json()["resourceTemplates"][0]["uriTemplate"], "page://{id}");

        let run = Client::at(&url, &["read", "memo://note"]).run().await.expect(0);
        assert_eq!(run.stdout, "two\nlines\n");
        let run = Client::at(&url, &["read", "page://1"]).run().await.expect(0);
        assert_eq!(run.stdout, "[resource page://1, 5 bytes]\n");
        // Of a template there may be any, and nothing similar is meant.
        for uri in ["memo://other", "page://2"] {
            let run = Client::at(&url, &["read", uri]).run().await.expect(6);
            let hint = format!("hint: `just client resources --url {url}` lists the resources\n");
            assert!(run.stderr.contains(&hint), "{run:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelt_resource_is_told_after_an_error_and_after_a_refusal() {
    let refused = || Canned::new(403).body(r#"{"error":{"data":{"request_id":"00ff"}}}"#);
    let meant = "hint: did you mean `memo://note`?\n";
    for old in [false, true] {
        for (instead, code) in [(None, 6), (Some(("resources/read", refused())), 5)] {
            let url = serve_mcp(Rich::new(old), Log::default(), instead).await;
            let read = |uri: &'static str| Client::at(&url, &["read", uri]).run();
            let run = read("memo://noet").await.expect(code);
            assert!(run.stderr.ends_with(meant), "{run:?}");
        }
        // A server that does not list them now listed them before.
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().to_str().unwrap();
        let log = Log::default();
        let url = serve_mcp(Rich::new(old), log.clone(), None).await;
        let client = |args: &[&str]| Client::at(&url, args).with("XDG_CACHE_HOME", folder);
        client(&["resources"]).run().await.expect(0);
        let run = client(&["read", "memo://noet"]).run().await.expect(6);
        assert!(run.stderr.ends_with(meant), "{run:?}");
        // Another scope would help: it is not misspelt.
        let challenge = r#"Bearer error="insufficient_scope", scope="Read""#;
        let instead = Some(("resources/read", Canned::new(403).challenge(challenge)));
        let url = serve_mcp(Rich::new(old), Log::default(), instead).await;
        let run = Client::at(&url, &["read", "memo://noet"]).run().await.expect(5);
        assert!(!run.stderr.contains("did you mean"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_are_listed_filled_in_and_completed() {
    for old in [false, true] {
        let (url, _) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["prompts"]).run().await.expect(0);
        assert_eq!(run.stdout, "trip  Plans a trip\n        city=TEXT: Where\n");
        let run = Client::at(&url, &["prompt", "trip", "city=Bern"]).run().await.expect(0);
        assert_eq!(run.stdout, "user: Plan a trip to Bern\n");
        let complete = ["complete", "prompt", "trip", "city=Be"];
        let run = Client::at(&url, &complete).run().await.expect(0);
        assert_eq!(run.stdout, "Berlin\nBern\n");
        let run = Client::at(&url, &complete).arg(&["country=CH"]).run().await.expect(0);
        assert_eq!(run.stdout, "Bern\n");
        let none = ["complete", "resource", "page://{id}", "id=x"];
        let run = Client::at(&url, &none).run().await.expect(0);
        assert_eq!(run.stderr, "no completions\n");
    }
    let client = Client::at("http://localhost:1/mcp", &["prompt", "trip", "city:=1"]);
    client.run().await.expect(2).says("error: `city` must be text: give it as city=text\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_prompt_requires_is_checked_before_it_is_asked_for() {
    for old in [false, true] {
        let (url, log) = Rich::new(old).serve().await;
        let begins =
            "error: the arguments are not what the prompt `trip` takes; nothing was sent\n";
        let hint = format!("hint: `just client prompts --url {url}` shows what the prompts take\n");
        let run = Client::at(&url, &["prompt", "trip"]).run().await.expect(2);
        run.says(&format!("{begins}  `city` is missing\n{hint}"));
        let run = Client::at(&url, &["prompt", "trip", "cty=x"]).run().await.expect(2);
        let meant = "  `city` is missing\n  `cty` is not known: did you mean `city`?\n";
        run.says(&format!("{begins}{meant}{hint}"));
        assert!(!log.lines().contains(&"prompts/get".to_owned()), "{:?}", log.lines());

        let more = ["prompt", "trip", "city=Bern", "by=train"];
        let run = Client::at(&url, &more).run().await.expect(0);
        assert_eq!(run.stdout, "user: Plan a trip to Bern\n");
        let warning = "warning: `trip` lists no argument `by`. It is sent unchanged\n";
        assert_eq!(run.stderr, warning);
    }
}

/// An answer that there is no such method, to the request of this number.
fn no_such_method(id: u32) -> Canned {
    let body = json!({
        "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no such method" },
    });
    Canned::new(200).header("content-type", "application/json").body(&body.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_does_not_offer_is_said_in_plain_words() {
    for (method, verb) in [("prompts/list", "prompts"), ("resources/list", "resources")] {
        let server = Mcp { old: false, instead: Some((method, no_such_method(1))) };
        let (url, _) = server.serve().await;
        let run = Client::at(&url, &[verb]).run().await.expect(0);
        run.says(&format!("the server offers no {verb}\n"));
        let run = Client::at(&url, &[verb, "--output=json"]).run().await.expect(0);
        assert_eq!(run.json()[verb], json!([]));
    }
    for (method, args, id, what) in [
        ("prompts/get", &["prompt", "trip"][..], 2, "prompts"),
        ("resources/read", &["read", "memo://x"], 1, "resources"),
        ("completion/complete", &["complete", "prompt", "trip", "city=B"], 1, "completions"),
        ("ping", &["listen"], 1, "notifications of changes"),
    ] {
        let server = Mcp { old: false, instead: Some((method, no_such_method(id))) };
        let (url, _) = server.serve().await;
        let hint = format!("hint: `just client info --url {url}` shows what the server can do\n");
        let run = Client::at(&url, args).run().await.expect(6);
        run.says(&format!("error: {url} offers no {what}\n{hint}"));
    }
    // It declares changes, and has no subscriptions.
    let instead = Some(("subscriptions/listen", no_such_method(1)));
    let url = serve_mcp(Rich::new(false), Log::default(), instead).await;
    let run = Client::at(&url, &["listen"]).run().await.expect(6);
    let error = format!("error: {url} offers no notifications of changes\n");
    assert!(run.stderr.starts_with(&error), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_the_servers_log_are_printed_on_stderr() {
    for old in [false, true] {
        let url = if old {
            logs_on_the_stream_of_a_call().await
        } else {
            Rich::new(false).serve().await.0
        };
        let run = Client::at(&url, &["call", "logs"]).run().await.expect(0);
        assert_eq!(run.stdout, "done\n");
        assert_eq!(
            run.stderr,
            "log: warning da\\u{202e}ta: the disk\\u{1b}[2J is full\n\
             log: info: {\"left\":0}\n"
        );
        let run = Client::at(&url, &["call", "logs", "--output=json"]).run().await.expect(0);
        assert_eq!(run.stderr, "", "a program gets none of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_tells_what_it_is() {
    for (old, version) in [(false, "2026-07-28"), (true, "2025-11-25")] {
        let (url, _) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["info"]).run().await.expect(0);
        let offers = "completions, logging, prompts, resources (subscribe), tools (listChanged)";
        assert_eq!(
            run.stdout,
            format!(
                "server        rich 1.2\nprotocol      {version}\noffers        {offers}\n\
                 instructions  Be kind\nyou           subject: alice\n"
            )
        );
        let info = Client::at(&url, &["info", "--output=json"]).run().await.expect(0).json();
        assert_eq!(info["server"]["protocolVersion"], version);
        assert_eq!(info["caller"]["structuredContent"], json!({ "subject": "alice" }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_is_timed() {
    for (old, method) in [(false, "server/discover"), (true, "ping")] {
        let (url, log) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["ping"]).run().await.expect(0);
        assert!(run.stdout.starts_with("answered in ") && run.stdout.ends_with(" ms\n"), "{run:?}");
        assert!(log.lines()[1..].contains(&method.to_owned()), "{:?}", log.lines());
        let run = Client::at(&url, &["ping", "--output=json"]).run().await.expect(0);
        assert!(run.json()["seconds"].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_saved() {
    let (url, _) = Rich::default().serve().await;
    let folder = tempfile::tempdir().unwrap();
    let album = folder.path().join("album/");
    let save = ["call", "album", "--save-to", album.to_str().unwrap()];
    let run = Client::at(&url, &save).run().await.expect(0);
    assert_eq!(run.stdout, "[image image/png, 5 bytes]\n[audio audio/wav, 6 bytes]\n");
    assert!(run.stderr.starts_with("saved image/png, 5 bytes: "), "{run:?}");
    assert_eq!(fs::read(album.join("1.png")).unwrap(), b"hello");
    assert_eq!(fs::read(album.join("1.wav")).unwrap(), b"hello!");

    let file = folder.path().join("page");
    let save = ["--save-to", file.to_str().unwrap()];
    Client::at(&url, &["read", "page://1"]).arg(&save).run().await.expect(0);
    assert_eq!(fs::read(&file).unwrap(), b"hello");
    let run = Client::at(&url, &["call", "album"]).arg(&save).run().await.expect(74);
    assert!(run.stderr.starts_with("error: there are 2 pieces, and --save-to "), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_printed_on_stderr() {
    for old in [false, true] {
        let (url, _) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["call", "steps"]).run().await.expect(0);
        assert_eq!(run.stdout, "arrived\n");
        let expected = "progress: 1/3 step 1\nprogress: 2/3 step 2\nprogress: 3/3 step 3\n";
        assert_eq!(run.stderr, expected);
        let run = Client::at(&url, &["call", "steps", "--output=json"]).run().await.expect(0);
        assert_eq!(run.stderr, "", "a program gets none of it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_without_a_terminal_is_a_failure() {
    for old in [false, true] {
        let (url, _) = Rich::new(old).serve().await;
        let client = Client::at(&url, &["call", "greet"]).with_stdin("y\n42\nAlice\n");
        client.run().await.expect(8).says(
            "error: the server asks for something, and there is no terminal\n\
             the server says: Who are you?\n\
             hint: run it in a terminal, with stdin and stderr not redirected\n",
        );
        let run = Client::at(&url, &["call", "visit", "--output=json"]).run().await.expect(8);
        assert_eq!(run.error()["code"], "input_required");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_has_to_be_opened_first_is_named() {
    let (url, _) = Rich::new(true).serve().await;
    Client::at(&url, &["call", "pay"]).run().await.expect(8).says(
        "error: the server wants a page to be opened first\n\
         the server says: Not yet\n  \
           https://pay.example/1\n\
         hint: if you trust it, open it, finish what it asks, and try again\n",
    );
    let run = Client::at(&url, &["call", "pay", "--output=json"]).run().await.expect(8);
    assert_eq!(run.error()["pages"], json!(["https://pay.example/1"]));
}

/// Waits for a line in the log.
pub(crate) async fn wait_for(log: &Log, line: &str) {
    for _ in 0..500 {
        if log.lines().iter().any(|found| found == line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {line} in {:?}", log.lines());
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_waits_for_is_cancelled_at_the_server() {
    for old in [false, true] {
        let (url, log) = Rich::new(old).serve().await;
        let client = Client::at(&url, &["call", "forever"]);
        let child = client.command().spawn().unwrap();
        wait_for(&log, "begun").await;
        let pid = child.id().to_string();
        let run = tokio::task::spawn_blocking(move || {
            let killed = std::process::Command::new("kill").args(["-INT", &pid]).status();
            assert!(killed.unwrap().success());
            Run::from(child.wait_with_output().unwrap())
        });
        run.await.unwrap().expect(130).says("error: cancelled\n");
        wait_for(&log, "cancelled").await;

        let (url, log) = Rich::new(old).serve().await;
        Client::at(&url, &["call", "forever", "--timeout=1"]).run().await.expect(7);
        wait_for(&log, "cancelled").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_printed_as_they_come() {
    let listen = ["listen", "--resource", "memo://note"];
    let (url, log) = Rich::new(false).serve().await;
    let run = Client::at(&url, &listen).arg(&["--count", "2"]).run().await.expect(0);
    let updated = "resources/updated  {\"uri\":\"memo://note\"}\n";
    assert_eq!(run.stdout, format!("tools/list_changed\n{updated}"));
    wait_for(&log, "unsubscribed").await;
    let run = Client::at(&url, &listen).arg(&["--count=1", "--output=json"]).run().await.expect(0);
    assert_eq!(run.json()["method"], "notifications/tools/list_changed");

    let (url, _) = Rich::new(true).serve().await;
    let run = Client::at(&url, &listen).arg(&["--count", "1"]).run().await.expect(0);
    assert_eq!(run.stdout, updated);
}

#[tokio::test]
async fn a_shell_and_a_reader_get_their_texts() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = Client::new(&["completions", shell]).run().await.expect(0);
        assert!(run.stdout.contains("COMPLETE"), "{run:?}");
    }
    let run = Client::new(&["man"]).run().await.expect(0);
    assert!(run.stdout.contains(".TH client 1"), "{run:?}");
    for verb in ["tools", "call", "read", "listen", "completions"] {
        assert!(run.stdout.contains(&format!("client {verb}")), "{verb}: {}", run.stdout);
    }
    assert!(run.stdout.contains("130"), "the exit codes are in it");
}
