//! What is printed when the server answers, in both generations of the protocol.

use std::{fs::File, process::Stdio};

use serde_json::json;

use crate::{
    rich::Rich,
    servers::{Canned, Mcp, the_time},
    support::{Client, Run},
};

const TIME: &str = "\
current_time  2026-08-01T12:00:00+02:00
formatted     Saturday, 1 August 2026
timestamp     1785578400
timezone      Europe/Berlin
";

#[tokio::test(flavor = "multi_thread")]
async fn without_a_command_it_tells_the_time() {
    let (url, log) = Mcp::default().serve().await;
    let run = Client::at(&url, &[]).with_token().run().await.expect(0);
    assert_eq!(run.stdout, TIME);
    assert_eq!(run.stderr, "");
    assert_eq!(log.lines(), ["server/discover", "tools/call"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_that_names_its_versions_is_spoken_to() {
    let server = Mcp { old: true, ..Mcp::default() };
    let (url, log) = server.serve().await;
    let run = Client::at(&url, &[]).run().await.expect(0);
    assert_eq!(run.stdout, TIME);
    assert!(log.lines().contains(&"initialize".to_owned()));
    assert!(log.lines().contains(&"DELETE".to_owned()), "the session is ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_that_knows_no_discover_is_spoken_to() {
    for answer in [
        Canned::new(400).body("what?"),
        Canned::new(404),
        Canned::new(400)
            .header("content-type", "application/json")
            .body(r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32601,"message":"no"}}"#),
    ] {
        let server = Mcp { old: true, instead: Some(("server/discover", answer)) };
        let (url, log) = server.serve().await;
        let run = Client::at(&url, &["tools"]).run().await.expect(0);
        assert!(run.stdout.starts_with("get_time  Tells the time\n"));
        assert_eq!(
            log.lines()[..3],
            ["server/discover", "initialize", "notifications/initialized"]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_listed_over_all_pages() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["tools"]).run().await.expect(0);
    let wild = "wild      \\u{1b}[2J\\u{1b}]0;owned\\u{7}beware\nregional\n";
    assert_eq!(run.stdout, format!("get_time  Tells the time\n{wild}"));

    let run = Client::at(&url, &["tools", "--output", "json"]).run().await;
    let list = run.expect(0).json();
    assert_eq!(list["tools"][0]["name"], "get_time");
    assert_eq!(list["tools"][1]["name"], "wild");
    assert_eq!(list["tools"][0]["inputSchema"], json!({"type": "object"}));
    assert_eq!(list.get("nextCursor"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_is_listed_with_the_first_sentence_about_it() {
    let (url, _) = Rich::default().serve().await;
    let run = Client::at(&url, &["tools"]).run().await.expect(0);
    let think = "\nthink      Thinks step by step, e.g. about a plan, in a sentence which is wider \
                 than a whole terminal is.\n";
    assert!(run.stdout.contains(think), "{run:?}");
    let run = Client::at(&url, &["call", "think", "--help"]).run().await.expect(0);
    assert!(run.stdout.contains("Then it goes on."), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn arguments_reach_the_tool() {
    let (url, _) = Mcp::default().serve().await;
    let args = ["call", "echo", "a=1", "b:=[1, null]", "--output=json"];
    let result = Client::at(&url, &args).run().await.expect(0).json();
    let given = json!({"given": {"a": "1", "b": [1, null]}});
    assert_eq!(result["structuredContent"], given);
    assert_eq!(result["isError"], false);

    let run = Client::at(&url, &args[..4]).run().await.expect(0);
    assert_eq!(run.stdout, "given  {\"a\":\"1\",\"b\":[1,null]}\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_wants_arguments_in_headers_gets_them() {
    let (url, log) = Mcp::default().serve().await;
    let args = ["call", "regional", "region=north"];
    let run = Client::at(&url, &args).run().await.expect(0);
    assert_eq!(run.stdout, "north\n");
    assert_eq!(log.lines(), ["server/discover", "tools/list", "tools/list", "tools/call"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_has_the_whole_result() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["--output", "json"]).run().await;
    let result = run.expect(0).json();
    assert_eq!(result["structuredContent"], the_time());
    assert_eq!(result["content"][0]["type"], "text");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_blocks_are_printed_and_cleaned() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["call", "blocks"]).run().await.expect(0);
    let notes = "[image image/png, 5 bytes]\n[audio audio/wav, 6 bytes]\n";
    assert_eq!(run.stdout, format!("one\ntwo\n{notes}[resource file:///x, 5 bytes]\n"));
    let run = Client::at(&url, &["call", "wild"]).run().await.expect(0);
    assert_eq!(
        run.stdout,
        "a\\u{1b}]0;owned\\u{7}b\\u{9b}31mc\td\ne\\u{202e}f\\u{2028}\\u{200b}\\u{e0041}\n"
    );
    let run = Client::at(&url, &["call", "wild", "--output=json"]).run().await;
    let text = run.expect(0).json()["content"][0]["text"].clone();
    assert_eq!(text, "a\u{1b}]0;owned\u{7}b\u{9b}31mc\td\r\ne\u{202e}f\u{2028}\u{200b}\u{e0041}");
}

#[tokio::test(flavor = "multi_thread")]
async fn content_is_shown_unless_it_repeats_the_structure() {
    let (url, _) = Rich::default().serve().await;
    for (tool, shown) in [
        ("picture", "[image image/png, 5 bytes]\n"),
        ("file", "a\n  b\n\n"),
        ("wrapped", "a\\u{1b}[2J\n2\n"),
    ] {
        let run = Client::at(&url, &["call", tool]).run().await.expect(0);
        assert_eq!(run.stdout, shown, "{tool}");
        assert_eq!(run.stderr, "", "{tool}");
    }
    let run = Client::at(&url, &["call", "summary"]).run().await.expect(0);
    assert_eq!(run.stdout, "2 found\n");
    let note = "note: the result has structured content, too: --output json prints it\n";
    assert_eq!(run.stderr, note);
    let run = Client::at(&url, &["call", "summary", "--output=json"]).run().await.expect(0);
    assert_eq!(run.json()["structuredContent"], json!({ "found": ["x", "y"] }));
    assert_eq!(run.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_text_is_elided_in_a_row_and_complete_in_a_pipe() {
    let (url, _) = Rich::default().serve().await;
    let run = Client::at(&url, &["call", "long"]).run().await.expect(0);
    assert_eq!(run.stdout, format!("{}\n", "x".repeat(5000)));
    let run = Client::at(&url, &["call", "long_row"]).run().await.expect(0);
    let (begin, rest) = run.stdout.split_once('\n').unwrap();
    assert_eq!(begin, format!("a  {}", "x".repeat(4000)));
    let word = "[the first 4000 of 5000 characters; --output json prints all, \
                --save-to FILE stores a text]";
    assert_eq!(rest, format!("   {word}\nb  1\n"));
    let client = Client::at(&url, &["call", "long", "--save-to", "it"]);
    let file = client.folder().join("it");
    let ended = tokio::task::spawn_blocking(move || {
        let ended = client.command().output().unwrap();
        (Run::from(ended), std::fs::read_to_string(file).unwrap())
    });
    let (run, saved) = ended.await.unwrap();
    run.expect(0);
    assert_eq!(saved, "x".repeat(5000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_fails_is_told_apart() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["call", "fail"]).run().await.expect(1);
    run.says("error: the tool `fail` answered with an error\nout\\u{1b}[0m of order\n");

    let run = Client::at(&url, &["call", "fail", "--output=json"]).run().await.expect(1);
    assert_eq!(run.json()["isError"], true);
    assert_eq!(run.error()["code"], "tool_error");
    assert_eq!(run.error()["exit_code"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_echoed_token_is_blotted_out() {
    let (url, _) = Mcp::default().serve().await;
    let client = || Client::at(&url, &["call", "leak"]).with_token();
    assert_eq!(client().run().await.expect(0).stdout, "Bearer [token]\n");
    let run = client().arg(&["--output=json"]).run().await.expect(0);
    assert_eq!(run.json()["content"][0]["text"], "Bearer [token]");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_goes_away_is_no_error() {
    let (url, _) = Mcp::default().serve().await;
    let run = tokio::task::spawn_blocking(move || {
        let client = Client::at(&url, &["call", "large"]);
        let mut child = client.command().spawn().unwrap();
        drop(child.stdout.take());
        Run::from(child.wait_with_output().unwrap())
    });
    let run = run.await.unwrap().expect(0);
    assert_eq!(run.stderr, "");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_cannot_be_written_is_an_error() {
    let (url, _) = Mcp::default().serve().await;
    let run = tokio::task::spawn_blocking(move || {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let client = Client::at(&url, &[]);
        let child = client.command().stdout(Stdio::from(full)).spawn().unwrap();
        Run::from(child.wait_with_output().unwrap())
    });
    let run = run.await.unwrap().expect(74);
    assert_eq!(run.stderr, "error: the answer could not be written\n");
}
