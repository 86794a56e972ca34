//! The golden table: who may do what, as it is, in one file that is reviewed as a diff.
//!
//! Each caller has a token with every scope that its role may hold; whatever the MCP server behind
//! the guard answers to a request that got through counts as `allow`. When the table is meant to
//! change, put in what the failing test prints.

use std::fmt::Write;

use auth_core::Action;
use http::StatusCode;
use serde_json::json;
use server::{BUILT_IN, McpServer, parse_policy};

use crate::harness::{TestServer, request, send};

const GOLDEN: &str = include_str!("../authz_matrix.txt");
const CALLERS: [(&str, Option<&str>); 6] = [
    ("anonymous", None),
    ("guest", Some("User.Read")),
    ("user", Some("User.Read User.Write")),
    ("admin", Some("User.Read User.Write Admin.Read Admin.Write")),
    ("disabled", Some("User.Read User.Write Admin.Read Admin.Write")),
    ("unknown", Some("User.Read User.Write Admin.Read Admin.Write")),
];

/// Every action of the policy, and some that no rule covers.
fn actions() -> Vec<Action> {
    let policy = parse_policy(BUILT_IN, &McpServer::offers()).unwrap();
    let mut actions: Vec<Action> = policy.actions().into_iter().cloned().collect();
    actions.extend([
        Action::CallTool("not_offered".into()),
        Action::ReadResource("server://other".into()),
        Action::GetPrompt("not_offered".into()),
        Action::Method("completion/complete".into()),
        Action::Method("custom/method".into()),
        Action::Method("logging/setLevel".into()),
        Action::Method("resources/directory/read".into()),
        Action::Method("skills/get".into()),
        Action::Method("subscriptions/listen to something new".into()),
    ]);
    actions
}

/// The verdict as a word.
async fn verdict(server: &TestServer, token: Option<&str>, action: &Action) -> &'static str {
    let params = match action {
        Action::CallTool(name) => json!({ "name": name, "arguments": {} }),
        Action::GetPrompt(name) => json!({ "name": name }),
        Action::ReadResource(uri) => json!({ "uri": uri }),
        Action::Method(method) if method == "initialize" => json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": { "name": "test", "version": "1" },
        }),
        Action::Method(method) if method == "completion/complete" => {
            json!({ "ref": { "type": "ref/prompt", "name": "not_offered" } })
        }
        Action::Method(method)
            if ["resources/directory/read", "skills/get"].contains(&method.as_str()) =>
        {
            json!({ "uri": "server://other" })
        }
        Action::Method(method) if method.starts_with("tasks/") => json!({ "taskId": "another's" }),
        Action::Method(method) if method.ends_with("new") => {
            json!({ "notifications": { "new": true } })
        }
        Action::Method(_) => json!({}),
    };
    let call = match action.method() {
        "session/stream" => server.http().get(server.url()),
        "session/end" => server.http().delete(server.url()),
        "response" => server.post(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
        method if method.starts_with("notifications/") => {
            server.post(json!({ "jsonrpc": "2.0", "method": method }).to_string())
        }
        // What comes after the method's name is for the reader of the table.
        method => server.post(request(method.split(' ').next().unwrap(), &params)),
    };
    let answer = send(token.into_iter().fold(call, reqwest::RequestBuilder::bearer_auth)).await;
    match answer.status {
        StatusCode::UNAUTHORIZED => "401",
        StatusCode::FORBIDDEN if answer.challenge().is_some() => "403 step up",
        StatusCode::FORBIDDEN => "403",
        _ if answer.body.contains("no such task") => "no task",
        _ => "allow",
    }
}

#[tokio::test]
async fn the_matrix_is_as_it_was_reviewed() {
    let server = TestServer::start().await;
    let mut table = format!("{:<42}", "ACTION");
    for (caller, _) in CALLERS {
        write!(table, "{caller:<10}").unwrap();
    }
    table = table.trim_end().to_owned() + "\n";
    for action in actions() {
        let mut line = format!("{action:<42}", action = action.to_string());
        for (caller, scopes) in CALLERS {
            let token = scopes.map(|scopes| server.token(caller, scopes));
            write!(line, "{:<10}", verdict(&server, token.as_deref(), &action).await).unwrap();
        }
        table += line.trim_end();
        table += "\n";
    }
    assert!(table == GOLDEN, "tests/authz_matrix.txt is not what is enforced, which is:\n{table}");
}

#[test]
fn everything_that_is_offered_has_a_row() {
    for offered in McpServer::offers() {
        let row = GOLDEN.lines().any(|line| line.starts_with(&format!("{offered} ")));
        assert!(row, "no row for {offered}");
    }
}
