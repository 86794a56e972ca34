//! `server status` at a running server.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::{metrics::called, program::World};

/// How many lines are waited for at most.
const LINES: usize = 2000;

/// `server status --watch`, which ends when it is dropped.
struct Watch {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Watch {
    fn start(world: &World, args: &[&str]) -> Self {
        let mut child = world.command(args).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    fn next_json(&mut self) -> Value {
        serde_json::from_str(&self.next()).unwrap()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's place, as `--admin` takes it.
fn place(admin: &str) -> &str {
    admin.strip_prefix("http://").unwrap_or(admin)
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_sees_what_was_called_and_why_requests_were_refused() {
    let (world, server, issuer, expected) = called().await;
    let args = ["status", "--admin", place(&server.admin)];
    let json: Value =
        serde_json::from_str(&world.run(&[&args[..], &["--output", "json"]].concat())).unwrap();

    let sum = |is_counted: &dyn Fn(&str) -> bool| -> f64 {
        expected
            .iter()
            .filter(|((outcome, _), _)| is_counted(outcome))
            .map(|(_, count)| count)
            .sum()
    };
    let (all, refused) = (sum(&|_| true), sum(&|outcome| outcome != "permitted"));
    for traffic in [&json["total"], &json["resources"]["http://localhost:8000/mcp"]] {
        assert_eq!(traffic["requests"].as_f64(), Some(all), "{json}");
        assert_eq!(traffic["refused"].as_f64(), Some(refused), "{json}");
        assert!(traffic["p50_seconds"].is_number() && traffic["p99_seconds"].is_number(), "{json}");
        assert_eq!(traffic["streams"]["used"], 0, "{json}");
        assert_eq!(traffic["calls"]["used"], 0, "{json}");
    }
    let refusals = json["refusals"].as_array().unwrap();
    assert_eq!(refusals[0]["reason"], "no_rule", "the most first: {json}");
    assert_eq!((&refusals[0]["outcome"], &refusals[0]["count"]), (&"denied".into(), &2.into()));
    assert_eq!(refusals.len(), expected.len() - 1, "all but those that were permitted: {json}");
    assert_eq!((&json["ready"], &json["is_since_start"]), (&true.into(), &true.into()));
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(json["directory"]["reachable"], true);
    assert_eq!(json["upstreams"]["notes"]["is_up"], true);
    assert_eq!(json["connections"]["limit"], 1024);
    assert_eq!(json["total"]["calls"]["limit"], 77);
    assert_eq!(json["is_limits_store_reachable"], false);

    let text = world.run(&args);
    assert!(text.starts_with("Ready, version "), "{text}");
    for part in [
        "NOT REACHABLE: rates are of this node",
        "http://localhost:8000/mcp",
        "denied: no_rule",
        "Directory",
        &issuer.issuer(),
        "Upstream notes",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watching_shows_each_request_in_one_interval_and_that_the_server_is_gone() {
    let world = World::new();
    let server = world.start(&[], "127.0.0.1:0");
    let token = world.token("alice", "Admin.Write");
    assert_eq!(server.call("get_time", &token).await, 200, "{}", server.log());
    let admin = place(&server.admin).to_owned();
    let mut watch =
        Watch::start(&world, &["status", "--admin", &admin, "--watch=20ms", "--output", "json"]);
    assert_eq!(watch.next_json()["total"]["requests"], 1, "the first line is since the start");
    for _ in 0..3 {
        assert_eq!(server.call("get_time", &token).await, 200);
    }
    let mut requests = 0;
    for _ in 0..LINES {
        let json = watch.next_json();
        assert_eq!(json["is_since_start"], false);
        requests += json["total"]["requests"].as_u64().unwrap();
        if requests >= 3 {
            break;
        }
    }
    assert_eq!(requests, 3);

    let mut lines = Watch::start(&world, &["status", "--admin", &admin, "--watch=20ms"]);
    let line = lines.next();
    assert!(line.contains("Z ready=true failing=0 requests="), "{line}");
    server.terminate();
    let is_gone = |line: &String| line.contains(" error=\"the admin listener at ");
    assert!((0..LINES).map(|_| lines.next()).any(|line| is_gone(&line)));
    assert!((0..LINES).any(|_| watch.next_json()["error"].is_string()));
}

#[test]
fn the_setting_says_where_to_ask_and_a_unix_socket_can_be_asked() {
    let world = World::new();
    let bind = format!("unix:{}", world.path("admin.sock").display());
    let server = world.start(&[], &bind);
    let output = world.command(&["status"]).env("ADMIN_BIND", &bind).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("Ready, version "), "{text}");
    server.terminate();
}

#[test]
fn without_an_admin_listener_the_error_says_what_to_set() {
    let world = World::new();
    let nowhere = format!("unix:{}", world.path("nothing.sock").display());
    for (args, code, part) in [
        (&["status"][..], 2, "set ADMIN_BIND"),
        (&["status", "--admin", &nowhere], 6, "no connection to it"),
        (&["status", "--admin", "localhost"], 2, "write an IP address and a port"),
    ] {
        let output = world.command(args).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        assert!(text.contains(part), "{text}");
    }
}
