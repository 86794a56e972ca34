//! Sessions.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use upstream::{calls::CallLimits, front::FrontLimits};

use super::fake::{Client, events, value};

fn soon() -> FrontLimits {
    FrontLimits { stream_after: Duration::from_millis(50), ..FrontLimits::default() }
}

#[tokio::test]
async fn a_call_is_answered_as_the_server_answers_it() {
    let client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    let answer = value(client.call(7, "echo").await).await;
    assert_eq!(answer["id"], 7);
    assert_eq!(answer["result"]["x-unknown"], 1);
    let sent = client.seen(|message| message["method"] == "tools/call").await;
    assert_eq!(sent["id"], sent["params"]["_meta"]["progressToken"], "our own token");
}

#[tokio::test]
async fn progress_comes_in_its_order_with_the_callers_token_and_can_be_replayed() {
    let client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    let mut response = client.call(7, "progress").await;
    let all = events(&mut response, usize::MAX).await;
    assert_eq!(all[0].1, None, "a stream begins with an event without data");
    let progress: Vec<_> = all[1..51].iter().map(|(_, data)| data.clone().unwrap()).collect();
    for (n, message) in progress.iter().enumerate() {
        assert_eq!(message["params"], json!({ "progressToken": "p7", "progress": n }));
    }
    assert_eq!(all[51].1.as_ref().unwrap()["id"], 7);
    let id = all[10].0.clone().unwrap();
    let mut again = client.send(Method::GET, &[("last-event-id", &id)], "").await;
    assert_eq!(events(&mut again, usize::MAX).await, all[11..]);
    let unknown = client.send(Method::GET, &[("last-event-id", "99-1")], "").await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test]
async fn older_revisions_get_no_event_without_data() {
    let client = Client::begun(FrontLimits::default(), "2025-06-18").await;
    let mut response = client.call(7, "progress").await;
    assert!(events(&mut response, 1).await[0].1.is_some());
}

#[tokio::test]
async fn a_question_is_answered_by_another_request() {
    let client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    let mut response = client.call(7, "ask").await;
    let begun = events(&mut response, 2).await;
    let ask = begun[1].1.clone().unwrap();
    assert_eq!(ask["method"], "elicitation/create");
    let answer = json!({ "jsonrpc": "2.0", "id": ask["id"], "result": { "action": "accept" } });
    assert_eq!(client.post(&answer).await.status(), 202);
    let rest = events(&mut response, usize::MAX).await;
    assert_eq!(rest[0].1.as_ref().unwrap()["result"]["said"], json!({ "action": "accept" }));
    let count = |client: &Client| {
        client.seen.lock().unwrap().iter().filter(|message| message["id"] == "q1").count()
    };
    assert_eq!(client.post(&answer).await.status(), 202);
    assert_eq!(count(&client), 1, "a question is answered once");
}

#[tokio::test]
async fn a_session_answers_its_own_questions_alone() {
    let mut client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    let mut response = client.call(7, "ask").await;
    let ask = events(&mut response, 2).await[1].1.clone().unwrap();
    client.begin("2025-11-25").await;
    client.post(&json!({ "jsonrpc": "2.0", "id": ask["id"], "result": {} })).await;
    assert!(client.seen.lock().unwrap().iter().all(|message| message["id"] != "q1"));
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_id_with_the_reason() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let mut response = client.call(7, "hang").await;
    let params = json!({ "requestId": 7, "reason": "enough" });
    let note = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params
    });
    assert_eq!(client.post(&note).await.status(), 202);
    assert!(events(&mut response, usize::MAX).await.iter().all(|(_, data)| data.is_none()));
    let call = client.seen(|message| message["method"] == "tools/call").await;
    let sent = client.seen(|message| message["method"] == "notifications/cancelled").await;
    assert_eq!(sent["params"], json!({ "requestId": call["id"], "reason": "enough" }));
}

#[tokio::test]
async fn a_connection_that_ends_does_not_end_the_call() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let mut response = client.call(7, "hang").await;
    let primed = events(&mut response, 1).await[0].0.clone().unwrap();
    drop(response);
    client.call(8, "echo").await;
    assert!(client.seen.lock().unwrap().iter().all(|m| m["method"] != "notifications/cancelled"));
    let mut again = client.send(Method::GET, &[("last-event-id", &primed)], "").await;
    client.call(9, "die").await;
    let rest = events(&mut again, usize::MAX).await;
    assert_eq!(rest[0].1.as_ref().unwrap()["id"], 7);
    assert_eq!(rest[0].1.as_ref().unwrap()["error"]["code"], -32603);
}

#[tokio::test]
async fn a_server_that_ends_answers_the_calls_in_flight_and_ends_its_session() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let mut waiting = client.call(7, "hang").await;
    let dead = value(client.call(8, "die").await).await;
    assert_eq!(dead["error"]["code"], -32603);
    assert_eq!(dead["id"], 8);
    let rest = events(&mut waiting, usize::MAX).await;
    assert_eq!(rest.last().unwrap().1.as_ref().unwrap()["id"], 7);
    for _ in 0..200 {
        if client.call(9, "echo").await.status() == 404 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the session is still there");
}

#[tokio::test]
async fn a_session_ends_with_delete_and_has_one_standalone_stream() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let mut first = client.send(Method::GET, &[], "").await;
    let mut second = client.send(Method::GET, &[], "").await;
    assert!(events(&mut first, 1).await.is_empty(), "the last one that came reads");
    assert_eq!(client.send(Method::DELETE, &[], "").await.status(), 204);
    assert!(events(&mut second, 1).await.is_empty());
    assert_eq!(client.call(7, "echo").await.status(), 404);
    assert_eq!(client.send(Method::GET, &[], "").await.status(), 404);
}

#[tokio::test]
async fn what_belongs_to_no_call_comes_on_the_standalone_stream() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let mut stream = client.send(Method::GET, &[], "").await;
    // Two calls are in flight: it is not known whose the line is.
    let _first = client.call(7, "hang").await;
    let _second = client.call(8, "log").await;
    let event = events(&mut stream, 1).await;
    assert_eq!(event[0].1.as_ref().unwrap()["method"], "notifications/message");
}

#[tokio::test]
async fn sessions_and_calls_are_bounded() {
    let limits = FrontLimits { sessions_each: 2, calls_each: 1, ..soon() };
    let mut client = Client::begun(limits, "2025-11-25").await;
    let first = client.session.clone();
    client.begin("2025-11-25").await;
    client.begin("2025-11-25").await;
    let third = client.session.clone();
    client.session = first;
    assert_eq!(client.call(7, "echo").await.status(), 404, "the oldest has ended");
    client.session = third;
    let response = client.call(7, "hang").await;
    assert_eq!(client.call(8, "echo").await.status(), 429);
    let cancel = json!({ "requestId": 7 });
    client
        .post(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel }))
        .await;
    drop(response);
    for _ in 0..200 {
        if client.call(8, "echo").await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place was not given back");
}

/// The client of a call whose events have no room, since nobody reads them: it takes the only
/// place.
async fn stuck() -> Client {
    let limits = FrontLimits { calls_each: 1, replay_bytes: 256, ..soon() };
    let client = Client::begun(limits, "2025-11-25").await;
    drop(client.call(7, "progress").await);
    client.seen(|message| message["method"] == "tools/call").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(client.call(8, "echo").await.status(), 429);
    client
}

async fn has_place(client: &Client) {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    for _ in 0..200 {
        if client.post(&initialize).await.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place was not given back");
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_reader_is_gone_ends_with_its_session() {
    let client = stuck().await;
    assert_eq!(client.send(Method::DELETE, &[], "").await.status(), 204);
    has_place(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_reader_is_gone_can_be_cancelled() {
    let client = stuck().await;
    let cancel = json!({ "requestId": 7 });
    client
        .post(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel }))
        .await;
    has_place(&client).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_reads_is_cancelled_when_a_session_would_be_idle() {
    let limits = FrontLimits { calls_each: 2, ..soon() };
    let idle = limits.session_idle;
    let calls = CallLimits { silence: 10 * idle, ..CallLimits::default() };
    let mut client = Client::with_calls(limits, calls);
    client.begin("2025-11-25").await;
    let is_cancel = |message: &Value| message["method"] == "notifications/cancelled";
    let cancels = || client.seen.lock().unwrap().iter().filter(|it| is_cancel(it)).count();
    let read = client.call(7, "hang").await;
    drop(client.call(8, "hang").await);
    tokio::time::sleep(idle / 2).await;
    assert_eq!(cancels(), 0, "it may come back");
    tokio::time::sleep(idle).await;
    assert_eq!(cancels(), 1, "the one that is read goes on");
    // A request whose client is gone before its stream has begun.
    let waiting = tokio::time::timeout(Duration::from_millis(10), client.call(9, "hang")).await;
    assert!(waiting.is_err());
    drop(read);
    tokio::time::sleep(idle * 2).await;
    assert_eq!(cancels(), 3);
    tokio::time::sleep(idle * 2).await;
    assert_eq!(client.call(10, "echo").await.status(), 404, "the session was swept");
}

#[tokio::test]
async fn sessions_that_begin_at_once_are_bounded() {
    let limits = FrontLimits { sessions_each: 2, ..soon() };
    let client = Client::new(limits);
    let begun = futures_util::future::join_all((0..8).map(|_| async {
        let mut client = client.clone();
        client.begin("2025-11-25").await;
        client
    }));
    let mut open = 0;
    for client in begun.await {
        open += usize::from(client.call(7, "echo").await.status() == 200);
    }
    assert_eq!(open, 2);
}

#[tokio::test(start_paused = true)]
async fn one_task_looks_for_idle_sessions() {
    let mut client = Client::begun(soon(), "2025-11-25").await;
    let tasks = async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        tokio::runtime::Handle::current().metrics().num_alive_tasks()
    };
    let before = tasks().await;
    for _ in 0..10 {
        assert_eq!(client.send(Method::DELETE, &[], "").await.status(), 204);
        client.session = None;
        client.begin("2025-11-25").await;
    }
    assert_eq!(tasks().await, before);
}

#[tokio::test]
async fn a_progress_token_is_short() {
    let client = Client::begun(soon(), "2025-11-25").await;
    let call = async |token: String| {
        let params = json!({ "name": "echo", "_meta": { "progressToken": token } });
        let call = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
        client.post(&call).await
    };
    assert_eq!(call("x".repeat(253)).await.status(), 200);
    let refused = call("x".repeat(254)).await;
    assert_eq!(refused.status(), 400);
    let refused = value(refused).await;
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32602)));
}

#[tokio::test]
async fn what_a_server_repeats_can_be_read() {
    let client = Client::begun(soon(), "2025-11-25").await;
    // The message, its parameters and the arguments are three levels.
    let call = async |levels: usize| {
        let arguments = format!("{}{}", "[".repeat(levels - 2), "]".repeat(levels - 2));
        let call = format!(
            r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"echo","x":{arguments}}}}}"#
        );
        client.send(Method::POST, &[], &call).await
    };
    let answer = value(call(64).await).await;
    assert!(answer["result"]["echo"]["x"].is_array(), "{answer}");
    let refused = call(65).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(value(refused).await["id"], json!(7));
}

#[tokio::test]
async fn faults_of_one_call_do_not_end_the_others() {
    let client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    for id in 0..u64::try_from(CallLimits::default().faults).unwrap() + 5 {
        let answer = value(client.call(id, "fault").await).await;
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains("more than 5 bytes"), "{answer}");
    }
    let answer = value(client.call(1, "echo").await).await;
    assert!(answer["result"].is_object(), "{answer}");
}

#[tokio::test]
async fn what_does_not_fit_the_transport_is_refused() {
    let client = Client::begun(FrontLimits::default(), "2025-11-25").await;
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let status = async |method: Method, headers: &[(&str, &str)], body: &str| {
        client.send(method, headers, body).await.status().as_u16()
    };
    assert_eq!(status(Method::PUT, &[], &ping).await, 405);
    assert_eq!(status(Method::POST, &[], "[]").await, 400);
    assert_eq!(status(Method::POST, &[], "{").await, 400);
    assert_eq!(status(Method::POST, &[("mcp-protocol-version", "1999-01-01")], &ping).await, 400);
    assert_eq!(status(Method::GET, &[("mcp-protocol-version", "2026-07-28")], "").await, 405);
    let mut without = client.clone();
    without.session = None;
    assert_eq!(without.call(7, "echo").await.status(), 400);
    without.session = Some("0123".into());
    assert_eq!(without.call(7, "echo").await.status(), 404);
    let _waiting = {
        let limits = soon();
        let client = Client::begun(limits, "2025-11-25").await;
        let waiting = client.call(7, "hang").await;
        assert_eq!(client.call(7, "echo").await.status(), 400, "an id is used once at a time");
        waiting
    };
    let _: Value = value(client.call(7, "echo").await).await;
}
