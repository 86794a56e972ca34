//! Arguments: what they become, what is refused before anything is sent, and what is kept for that.

use std::{fs, path::Path};

use serde_json::json;

use crate::{
    rich::Rich,
    servers::{Canned, Log, Mcp},
    support::Client,
};

fn calls(log: &Log) -> usize {
    log.lines().iter().filter(|line| *line == "tools/call").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_becomes_what_the_schema_says() {
    let (url, _) = Rich::default().serve().await;
    let sum = |args: &'static [&'static str]| {
        let client = Client::at(&url, &["call", "add"]).arg(args).with_file("two", "{\"b\": 40}");
        async move { client.with_stdin("{\"a\": 1, \"b\": 41}").run().await.expect(0).stdout }
    };
    assert_eq!(sum(&["a=40", "b=2"]).await, "sum  42\n");
    assert_eq!(sum(&["a:=40", "b:=2", "note=7"]).await, "sum  42\n");
    assert_eq!(sum(&["--json", "{\"a\": 40}", "b=2"]).await, "sum  42\n");
    assert_eq!(sum(&["a=2", "--json", "@two"]).await, "sum  42\n");
    assert_eq!(sum(&["--json", "-"]).await, "sum  42\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_named_and_not_sent() {
    let (url, log) = Rich::default().serve().await;
    let hint = format!("hint: `just client call add --help --url {url}` shows what it takes\n");
    let begins = "error: the arguments are not what `add` takes; nothing was sent\n";
    for (args, fields) in [
        (&["a=1"][..], "  `b` is missing\n"),
        (&["a=hushhush", "b=1"], "  `a` must be an integer\n"),
        (&["a=1", "b=-1"], "  `b` is less than the minimum of 0\n"),
        (&["a=1", "b=1", "c=hushhush"], "  `c` is not known\n"),
        (&["a:=\"x\"", "b:=\"y\""], "  `a` must be an integer\n  `b` must be an integer\n"),
    ] {
        let run = Client::at(&url, &["call", "add"]).arg(args).run().await.expect(2);
        run.says(&format!("{begins}{fields}{hint}"));
    }
    assert_eq!(calls(&log), 0);

    let client = Client::at(&url, &["call", "add", "a=1", "--output=json"]);
    let error = client.run().await.expect(2).error();
    assert_eq!(error["fields"], json!([{ "field": "b", "problem": "is missing" }]));
    assert_eq!(error["code"], "usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_takes_for_ever_costs_the_timeout_and_no_more() {
    let (url, log) = Rich::default().serve().await;
    let begun = std::time::Instant::now();
    Client::at(&url, &["call", "heavy", "a:=1", "--timeout=1"]).run().await.expect(7);
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
    assert_eq!(calls(&log), 0);
    Client::at(&url, &["call", "heavy", "--help"]).run().await.expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_tells_what_it_takes() {
    let (url, log) = Rich::default().serve().await;
    let run = Client::at(&url, &["call", "add", "--help"]).run().await.expect(0);
    assert_eq!(
        run.stdout,
        "Adds two numbers\n\n\
         Usage: just client call add a=INTEGER b=INTEGER [note=TEXT]\n\n\
         a     an integer, required\n      The first\n\
         b     an integer, required, at least 0\n\
         note  text, default \"none\"\n"
    );
    let run = Client::at(&url, &["call", "steps", "-h"]).run().await.expect(0);
    assert!(
        run.stdout.ends_with("Usage: just client call steps\n\nIt takes nothing.\n"),
        "{run:?}"
    );
    let run = Client::at(&url, &["call", "nope", "--help"]).run().await.expect(2);
    assert!(run.stderr.starts_with("error: the server lists no tool `nope`\n"), "{run:?}");
    let run = Client::at(&url, &["call", "stesp", "--help"]).run().await.expect(2);
    assert!(run.stderr.contains("hint: did you mean `steps`?"), "{run:?}");
    assert_eq!(calls(&log), 0);

    let run = Client::new(&["call", "--help"]).run().await.expect(0);
    assert!(run.stdout.contains("KEY:=JSON"), "{run:?}");
    let run = Client::new(&["call"]).run().await.expect(2);
    assert!(run.stderr.contains("<TOOL>"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_that_is_not_known_is_named() {
    let (url, log) = Rich::default().serve().await;
    let edit = |args: &'static [&'static str]| {
        Client::at(&url, &["call", "edit_file", "edits:=[]"]).arg(args)
    };
    let run = edit(&["path=x", "bogus=1", "mode=1"]).run().await.expect(0);
    assert_eq!(run.stdout, "edited\n");
    assert_eq!(
        run.stderr,
        "warning: `edit_file` lists no argument `bogus`. It is sent unchanged\n\
         warning: `edit_file` lists no argument `mode`: did you mean `modes`? \
         It is sent unchanged\n"
    );
    let run = edit(&["path=x", "bogus=1", "--output=json"]).run().await.expect(0);
    assert_eq!(run.stderr, "", "a program gets none of it");
    assert_eq!(calls(&log), 2);

    let run = edit(&["pth=x"]).run().await.expect(2);
    let faults = "  `path` is missing\n  `pth` is not known: did you mean `path`?\n";
    assert!(run.stderr.contains(faults), "{run:?}");
    // Here the schema permits no others.
    let run = Client::at(&url, &["call", "add", "a=1", "b=1", "nte=x"]).run().await.expect(2);
    assert!(run.stderr.contains("  `nte` is not known: did you mean `note`?\n"), "{run:?}");
    assert_eq!(calls(&log), 2);

    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["call", "get_time", "timezone=x"]).run().await.expect(0);
    let warning = "warning: `get_time` lists no argument `timezone`. It is sent unchanged\n";
    assert_eq!(run.stderr, warning);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_that_was_meant_is_named_after_a_refusal() {
    for old in [false, true] {
        let (url, log) = Rich::new(old).serve().await;
        let run = Client::at(&url, &["call", "stesp"]).run().await.expect(6);
        assert!(run.stderr.ends_with("hint: did you mean `steps`?\n"), "{run:?}");
        assert_eq!(calls(&log), 1, "the server decided");
        let run = Client::at(&url, &["call", "another"]).run().await.expect(6);
        assert!(!run.stderr.contains("did you mean"), "{run:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_of_a_tool_opens_arrays_and_objects() {
    let (url, log) = Rich::default().serve().await;
    let run = Client::at(&url, &["call", "edit_file", "--help"]).run().await.expect(0);
    assert_eq!(
        run.stdout,
        r#"Edits a file

Usage: just client call edit_file edits:=JSON path=TEXT [modes:=JSON]

edits                a JSON array (each a JSON object), required
edits[].oldText      text, required
                     What to\u{1b}[2J find
edits[].where        a JSON object or null
edits[].where.first  an integer, at least 1
edits[].where.unit   a JSON object
path                 text, required
modes                a JSON array (each one of ["dry","it\u001b's"])

As JSON, for example:
  'edits:=[{"oldText":"TEXT"}]'
  'modes:=["dry"]'
"#
    );
    // What is shown can be given.
    let edit = ["call", "edit_file", "path=x", "edits:=[{\"oldText\":\"TEXT\"}]"];
    Client::at(&url, &edit).run().await.expect(0);
    assert_eq!(calls(&log), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_is_not_listed_is_called_all_the_same() {
    let (url, log) = Mcp::default().serve().await;
    Client::at(&url, &["call", "echo", "a=1"]).run().await.expect(0);
    assert_eq!(calls(&log), 1);
    let forbidden = Canned::new(403).challenge(r#"Bearer error="insufficient_scope""#);
    for instead in [
        forbidden,
        Canned::new(200)
            .header("content-type", "application/json")
            .body(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}"#),
    ] {
        let server = Mcp { old: false, instead: Some(("tools/list", instead)) };
        let (url, _) = server.serve().await;
        let run = Client::at(&url, &["call", "echo", "a=1"]).run().await.expect(0);
        assert_eq!(run.stdout, "given  {\"a\":\"1\"}\n");
    }
}

/// A client that has a cache folder.
pub(crate) fn caching(url: &str, cache: &Path, args: &[&str]) -> Client {
    Client::at(url, args).with("XDG_CACHE_HOME", cache.to_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_are_kept_and_listed_again_where_it_matters() {
    let cache = tempfile::tempdir().unwrap();
    let (url, log) = Rich::default().serve().await;
    let lists = || log.lines().iter().filter(|line| *line == "tools/list").count();
    let add = ["call", "add", "a=1", "b=2"];
    caching(&url, cache.path(), &add).run().await.expect(0);
    assert_eq!(lists(), 1);
    caching(&url, cache.path(), &add).run().await.expect(0);
    assert_eq!(lists(), 1, "the second time it is known");
    caching(&url, cache.path(), &add[..3]).run().await.expect(2);
    assert_eq!(lists(), 2, "what is refused is refused by what the server says now");

    let folder = cache.path().join("bartizan");
    let file = fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The server has become kinder since.
    let text = fs::read_to_string(file.path()).unwrap();
    fs::write(file.path(), text.replace("\"minimum\":0", "\"minimum\":100")).unwrap();
    caching(&url, cache.path(), &add).run().await.expect(0);
    assert_eq!(lists(), 3);
}
