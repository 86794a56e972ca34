//! Calls of the tools in every protocol revision, well formed and not, in process behind the guard.

mod faults;
mod world;

use http::StatusCode;

use self::{
    faults::{body_faults, header_faults},
    world::{Call, World, call, revisions, unknown_revisions},
};

const TOOLS: [&str; 2] = ["get_time", "whoami"];

#[tokio::test]
async fn a_call_is_answered_in_every_revision() {
    let world = World::new();
    for revision in revisions() {
        for tool in TOOLS {
            let answer = world.send(&call(revision, tool)).await;
            assert_eq!(answer.status, StatusCode::OK, "{revision:?} {tool}");
            let json = answer.json();
            assert_eq!(json["id"], 1, "{revision:?} {tool}");
            assert!(json["result"]["structuredContent"].is_object(), "{revision:?} {tool}: {json}");
        }
    }
}

#[tokio::test]
async fn each_of_two_callers_learns_its_own_name() {
    let world = World::new();
    for revision in revisions() {
        for (caller, name) in [(0, "one"), (1, "other"), (0, "one")] {
            let answer = world.send(&Call { caller, ..call(revision, "whoami") }).await;
            let json = answer.json();
            assert_eq!(json["result"]["structuredContent"]["subject"], name, "{revision:?}");
        }
    }
}

/// No fault of a request is a fault of the server, and every refusal says why in JSON.
#[tokio::test]
async fn a_faulty_call_gets_an_answer_and_never_a_server_error() {
    let world = World::new();
    let (mut called, mut refused) = (0, 0);
    let (header_faults, body_faults) = (header_faults(), body_faults());
    for revision in revisions().chain(unknown_revisions()) {
        for tool in TOOLS {
            let mut calls = Vec::new();
            for fault in &header_faults {
                let mut call = call(revision, tool);
                fault(&mut call.headers);
                calls.push(call);
            }
            for fault in &body_faults {
                let mut call = call(revision, tool);
                fault(&mut call.body);
                calls.push(call);
            }
            for call in calls {
                match world.check(&call).await {
                    StatusCode::OK => called += 1,
                    _ => refused += 1,
                }
            }
        }
    }
    assert!(called > 1000 && refused > 1000, "{called} {refused}");
}

/// Each byte of a call is removed, doubled, and replaced by characters with a meaning in JSON.
#[tokio::test]
async fn a_call_with_a_changed_byte_gets_an_answer_and_never_a_server_error() {
    let world = World::new();
    for revision in [Some("2025-11-25"), Some("2026-07-28")] {
        let call = call(revision, "get_time");
        for at in 0..call.body.len() {
            let (before, rest) = call.body.split_at(at);
            let (byte, after) = rest.split_at(1);
            for by in ["", "\"", "{", "}", ",", ":", "0", "\\", " ", "\u{1}", "\u{e9}"] {
                let body = format!("{before}{by}{after}");
                world.check(&Call { body, ..call.clone() }).await;
            }
            let body = format!("{before}{byte}{byte}{after}");
            world.check(&Call { body, ..call.clone() }).await;
        }
    }
}
