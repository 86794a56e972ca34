//! Servers that are not there, or are not what they should be.

use std::time::{Duration, Instant};

use crate::{
    servers::{Canned, Mcp, long_answer, silent},
    support::{Client, Run},
};

async fn dead_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there() {
    let url = format!("http://127.0.0.1:{}/mcp", dead_port().await);
    let start = Instant::now();
    let run = Client::at(&format!("{url}?key=hushhush"), &[]).with_token();
    let run = run.run().await.expect(3);
    assert!(start.elapsed() < Duration::from_secs(5));
    let (first, hint) = run.stderr.split_once('\n').unwrap();
    assert!(first.starts_with(&format!("error: cannot reach {url}: Connection refused")));
    assert_eq!(hint, "hint: is the server running? start it with `just server`\n");
    assert!(!run.stderr.contains("hushhush"));

    let client = Client::at(&url, &["tools", "--output", "json"]).with_token();
    let error = client.run().await.expect(3).error();
    assert_eq!(error["code"], "unreachable");
    assert_eq!(error["exit_code"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_tls_there() {
    let (url, _) = Canned::new(200).serve().await;
    let https = url.replace("http:", "https:");
    let run = Client::at(&https, &[]).with_token().run().await.expect(3);
    assert!(run.stderr.starts_with(&format!("error: cannot reach {https}: ")));
    assert!(run.stderr.contains(&format!("does not use TLS: try {url}")), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_in_the_environment_does_not_get_the_token() {
    let (url, _) = Mcp::default().serve().await;
    let (proxy, log) = Canned::new(502).serve().await;
    let client = Client::at(&url, &[]).with_token();
    client
        .with("HTTP_PROXY", &proxy)
        .with("ALL_PROXY", &proxy)
        .with("http_proxy", &proxy)
        .run()
        .await
        .expect(0);
    assert!(log.lines().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_named_and_not_followed() {
    let (target, log) = Canned::new(200).serve().await;
    for status in [301, 302, 303, 307, 308] {
        let (url, _) = Canned::new(status).header("location", &target).serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(6);
        run.says(&format!(
            "error: {url} redirects to {target} ({status}), and redirects are not followed\n\
             hint: if you trust that place, give it as --url or MCP_URL\n"
        ));
        let here = Canned::new(status).header("location", "/elsewhere");
        let (url, own) = here.serve().await;
        Client::at(&url, &[]).with_token().run().await.expect(6);
        assert_eq!(own.lines().len(), 1);
    }
    assert!(log.lines().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unexpected_status_is_named() {
    for (status, words) in [(500, "500"), (503, "503"), (404, "404 Not Found")] {
        let (url, _) = Canned::new(status).body("$AUTHORIZATION").serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(6);
        let message = format!("error: {url} answered with HTTP {words}\n");
        assert!(run.stderr.starts_with(&message), "{run:#?}");
    }
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    for (after, hint) in [
        ("7", "try again in 7 s\n".to_owned()),
        (date, format!("try again later (Retry-After: {date})\n")),
    ] {
        let (url, _) = Canned::new(503).header("retry-after", after).serve().await;
        let run = Client::at(&url, &[]).run().await.expect(6);
        assert!(run.stderr.ends_with(&format!("\nhint: {hint}")), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_is_named_with_the_time_to_wait() {
    for (after, hint) in [(None, "later, or less often"), (Some("20"), "in 20 s")] {
        let canned = Canned::new(429).body("$AUTHORIZATION");
        let canned = match after {
            Some(after) => canned.header("retry-after", after),
            None => canned,
        };
        let (url, _) = canned.serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(6);
        run.says(&format!(
            "error: {url} limits how often you may ask (HTTP 429)\nhint: try again {hint}\n"
        ));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_mcp_is_said_to_be_none() {
    for (kind, body) in [
        ("text/html", "<html>$AUTHORIZATION</html>"),
        ("application/json", "{$AUTHORIZATION"),
        ("application/json", r#"{"hello":"$AUTHORIZATION"}"#),
        ("application/json", r#"{"jsonrpc":"2.0","id":0,"result":{"x":"$AUTHORIZATION"}}"#),
        ("application/json", ""),
        ("text/event-stream", "data: $AUTHORIZATION\n\n"),
        ("text/event-stream", ""),
    ] {
        let canned = Canned::new(200).header("content-type", kind).body(body);
        let (url, _) = canned.serve().await;
        let run = Client::at(&url, &[]).with_token().run().await.expect(6);
        let message = format!("error: {url} did not answer the way an MCP server does");
        assert!(run.stderr.starts_with(&message), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_tool_is_a_protocol_error() {
    let (url, _) = Mcp::default().serve().await;
    let run = Client::at(&url, &["call", "nope"]).with_token().run().await;
    run.expect(6).says(&format!(
        "error: {url} answered with JSON-RPC error -32602\n\
         the server says: Unknown tool\n\
         hint: `just client tools --url {url}` lists the tools that you may use\n"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_with_the_timeout() {
    let (url, _connections) = silent().await;
    let start = Instant::now();
    let client = Client::at(&url, &["--timeout", "0.3"]).with_token();
    client.run().await.expect(7).says(&format!(
        "error: no answer from {url} within 0.3 s\nhint: --timeout DURATION waits longer\n"
    ));
    assert!(start.elapsed() < Duration::from_secs(5));
    let client = Client::at(&url, &["--timeout=0.3", "--output=json"]).with_token();
    assert_eq!(client.run().await.expect(7).error()["code"], "timeout");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn control_c_ends_it_at_once() {
    let (url, mut connections) = silent().await;
    let client = Client::at(&url, &[]).with_token();
    let child = client.command().spawn().unwrap();
    connections.recv().await.unwrap();
    let pid = child.id().to_string();
    let run = tokio::task::spawn_blocking(move || {
        let killed = std::process::Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.unwrap().success());
        Run::from(child.wait_with_output().unwrap())
    });
    run.await.unwrap().expect(130).says("error: cancelled\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_with_a_slash_at_its_end_is_another_path() {
    let (url, _) = Canned::new(404).serve().await;
    let run = Client::at(&format!("{url}/"), &[]).run().await.expect(6);
    assert!(
        run.stderr.contains(&format!("Without the slash at its end it is {url}\n")),
        "{run:#?}"
    );
    let origin = url.strip_suffix("mcp").unwrap();
    let run = Client::at(origin, &[]).run().await.expect(6);
    assert!(run.stderr.contains(&format!("Many servers are at {url}\n")), "{run:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_old_transport_is_called_that() {
    for status in [404, 405] {
        let url = crate::servers::sse_only(status).await;
        let run = Client::at(&url, &["tools"]).with_token().run().await.expect(6);
        let words = "speaks the HTTP+SSE transport of 2024-11-05, which this client does not";
        assert!(run.stderr.contains(words), "{run:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_without_an_end_is_given_up() {
    let start = Instant::now();
    for (entries, bytes, words) in
        [(2000, 1, "has more than 10000 entries"), (1, 9 << 20, "has more than 64 MiB")]
    {
        let url = crate::servers::endless_list(entries, bytes).await;
        let run = Client::at(&url, &["tools"]).run().await.expect(6);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    assert!(start.elapsed() < Duration::from_mins(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_without_waiting_for_answers_ends_the_run() {
    let start = Instant::now();
    let url = crate::servers::asks_without_end().await;
    let run = Client::at(&url, &["tools", "--timeout", "50"]).run().await.expect(6);
    assert!(
        run.stderr.contains("sent more than 100 requests that are still unanswered"),
        "{}",
        run.stderr
    );
    assert!(start.elapsed() < Duration::from_secs(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_authorities_that_is_none_is_named() {
    let client = Client::new(&["tools"]).with_file("ca.pem", "nothing");
    let run = client.arg(&["--ca-file", "ca.pem"]).run().await.expect(2);
    assert!(run.stderr.starts_with("error: --ca-file ca.pem: "), "{run:#?}");
    let run = Client::new(&["tools"]).with("CA_FILE", "/nowhere").run().await.expect(2);
    assert!(run.stderr.starts_with("error: CA_FILE /nowhere: "), "{run:#?}");
    // A file in the current folder names no authority to trust.
    let (url, _) = Mcp::default().serve().await;
    let client = Client::at(&url, &["tools"]).with_file(".env", "CA_FILE=/nowhere\n");
    client.run().await.expect(0);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_env_file_does_not_say_where_things_are_kept() {
    let (url, _) = Mcp::default().serve().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let line = format!("XDG_CACHE_HOME={}\n", elsewhere.path().display());
    Client::at(&url, &["tools"]).with_file(".env", &line).run().await.expect(0);
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_of_ones_own_is_trusted_once_it_is_named() {
    let url = crate::servers::https().await;
    let client = || Client::at(&url, &["tools"]).with_file("ca.pem", crate::servers::AUTHORITY);
    let run = client().run().await.expect(3);
    assert!(
        run.stderr.contains("UnknownIssuer") && run.stderr.contains("--ca-file FILE"),
        "{run:#?}"
    );
    let trusting = |run: Run| {
        assert!(
            run.stderr.starts_with(&format!("error: {url} answered with HTTP 410")),
            "{run:#?}"
        );
    };
    trusting(client().arg(&["--ca-file", "ca.pem"]).run().await.expect(6));
    trusting(client().with("CA_FILE", "ca.pem").run().await.expect(6));
    trusting(client().with("SSL_CERT_FILE", "ca.pem").run().await.expect(6));
    // A file in the current folder names no authority to trust.
    client().with_file(".env", "CA_FILE=ca.pem\n").run().await.expect(3);
    let named = client().with_file("mine.env", "CA_FILE=ca.pem\n");
    trusting(named.arg(&["--env-file", "mine.env"]).run().await.expect(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_where_no_one_answers_is_one_line_and_what_to_do() {
    // Port 1 has no server; the name of the second is one that there never is (RFC 6761).
    for (url, hint) in [
        ("http://localhost:1/mcp", "is the server running?"),
        ("https://x.invalid/mcp", "is the URL right?"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let client = Client::at(url, &["login"]);
        let client = client.with("XDG_STATE_HOME", folder.path().to_str().unwrap());
        let run = client.run().await.expect(3);
        let lines: Vec<_> = run.stderr.lines().collect();
        let [error, hinted] = lines.as_slice() else { panic!("{run:?}") };
        assert!(error.starts_with(&format!("error: cannot reach {url}: ")), "{run:?}");
        assert!(hinted.starts_with(&format!("hint: {hint}")), "{run:?}");
    }
}

/// What `explain` says of a check, and what to do.
fn told(run: &Run, check: &str) -> (String, String) {
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let checks = json["checks"].as_array().unwrap();
    let found = checks.iter().find(|line| line["check"] == check);
    let found = found.unwrap_or_else(|| panic!("no {check}: {json:#}"));
    let text = |member: &str| found[member].as_str().unwrap_or_default().to_owned();
    (found.to_string(), text("fix"))
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_leads_to_the_check_that_says_more() {
    let (url, _) = Canned::new(401).challenge("Bearer").serve().await;
    let explain = || Client::at(&url, &["explain", "--output", "json"]);
    let run = explain().run().await;
    assert_eq!(told(&run, "protocol").1, "see `token`");
    let run = explain().with_token().run().await;
    let fix = "the token that is sent is not enough: see `access`";
    assert_eq!(told(&run, "protocol").1, fix);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_says_how_to_trust_the_authority_of_an_issuer() {
    let issuer = crate::servers::https().await;
    let issuer: &'static str = Box::leak(issuer.replace("/mcp", "").into_boxed_str());
    let (url, _) = Canned::new(401).challenge("Bearer").naming_issuer(issuer).serve().await;
    let run = Client::at(&url, &["explain", "--output", "json", "--allow-private"]).run().await;
    let (found, fix) = told(&run, "issuer metadata");
    assert!(found.contains("UnknownIssuer"), "{found}");
    assert!(fix.contains("--ca-file FILE"), "{fix}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_long_is_refused_with_the_bound() {
    let hint = "hint: an answer has at most that much: request less, such as one page or part of a \
                file\n";
    for is_stream in [false, true] {
        let url = long_answer(is_stream, 17 << 20).await;
        let run = Client::at(&url, &["tools"]).run().await.expect(6);
        if is_stream {
            // rmcp ends the connection, and does not say why.
            let error = "ended the connection without an answer\n";
            let hint = "hint: did the server stop, or was the answer longer than 16 MiB?\n";
            assert!(run.stderr.ends_with(&format!("{error}{hint}")), "{run:?}");
        } else {
            run.says(&format!("error: the answer is longer than 16 MiB\n{hint}"));
        }
        let url = long_answer(is_stream, 15 << 20).await;
        Client::at(&url, &["tools"]).run().await.expect(0);
    }
}
