//! A new server for a session of the old generation.

use std::time::Duration;

use serde_json::{Value, json};
use upstream::{
    era::Wanted,
    port::{AskId, Call, Event, Server},
    translate::Up,
    wire::Message,
};

use super::{
    fake::{Received, anonymous, answer, begin, call, next, of_method, parsed, start, until},
    new_server::NewServer,
};

async fn up() -> (Up, Value, Received) {
    let capabilities = json!({ "elicitation": { "form": {}, "url": {} }, "roots": {} });
    up_with(capabilities, "2025-06-18").await
}

async fn up_with(capabilities: Value, version: &str) -> (Up, Value, Received) {
    let (connection, received) = start(NewServer::default(), Wanted::New).await;
    let params = json!({ "protocolVersion": version, "capabilities": capabilities,
        "clientInfo": { "name": "client", "version": "1" } });
    let initialize = Message::request("0", "initialize", Some(&params.to_string())).unwrap();
    let (up, answer) = Up::open(connection, &initialize, "name").unwrap();
    (up, parsed(&answer), received)
}

fn tool(name: &str) -> Value {
    json!({ "name": name })
}

async fn reply(up: &Up, ask: &Value, result: Value) {
    let id = AskId(ask["id"].as_u64().unwrap());
    let answer = json!({ "jsonrpc": "2.0", "id": id.0, "result": result });
    let answer = Message::parse(answer.to_string().into()).unwrap();
    up.answer(&anonymous(), id, answer).await;
}

#[tokio::test(start_paused = true)]
async fn initialize_is_answered_from_discover() {
    for (asked, agreed) in
        [("2024-11-05", "2024-11-05"), ("2025-11-25", "2025-11-25"), ("2026-07-28", "2025-11-25")]
    {
        let (_, answer, _) = up_with(json!({}), asked).await;
        let result = &answer["result"];
        assert_eq!(result["protocolVersion"], agreed);
        assert_eq!(result["serverInfo"], json!({ "name": "new" }));
        assert!(result["capabilities"].get("extensions").is_none());
        assert!(result.get("resultType").is_none() && result.get("ttlMs").is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_says_what_the_session_said() {
    let (up, _, _) = up().await;
    let level = json!({ "level": "notice" });
    assert_eq!(answer(&up, "logging/setLevel", level).await["result"], json!({}));
    let done = answer(&up, "tools/call", tool("echo")).await;
    let result = &done["result"];
    assert!(result.get("resultType").is_none());
    assert!(result.get("structuredContent").is_none(), "it is no object");
    let meta = &result["sent"]["_meta"];
    assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "client");
    assert_eq!(meta["io.modelcontextprotocol/logLevel"], "notice");
    let capabilities = &meta["io.modelcontextprotocol/clientCapabilities"];
    assert_eq!(capabilities["elicitation"], json!({ "form": {}, "url": {} }));
    let missing = answer(&up, "resources/read", json!({ "uri": "a:b" })).await;
    assert_eq!(missing["error"]["code"], -32002);
    let unknown = answer(&up, "tools/call", tool("later")).await;
    assert_eq!(unknown["error"]["code"], -32603);
}

#[tokio::test(start_paused = true)]
async fn what_the_gateway_answers_itself() {
    let (up, _, received) = up().await;
    assert_eq!(answer(&up, "ping", json!({})).await["result"], json!({}));
    let wrong = answer(&up, "logging/setLevel", json!({ "level": "loud" })).await;
    assert_eq!(wrong["error"]["code"], -32602);
    for method in ["server/discover", "subscriptions/listen", "tasks/get", "tasks/list"] {
        let refused = answer(&up, method, json!({ "taskId": "t" })).await;
        assert_eq!(refused["error"]["code"], -32601, "{method}");
    }
    assert_eq!(received.lock().unwrap().len(), 1, "the server was asked for discover alone");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_is_answered_and_called_again() {
    let (up, _, received) = up().await;
    let mut call = begin(&up, "tools/call", &tool("ask"));
    let form = next(&mut *call).await.unwrap();
    assert_eq!(
        (&form["method"], &form["params"]["message"]),
        (&json!("elicitation/create"), &json!("m"))
    );
    let url = next(&mut *call).await.unwrap();
    assert_eq!(url["params"]["mode"], "url");
    assert!(url["params"]["elicitationId"].is_string(), "old clients need one");
    // In any order.
    reply(&up, &url, json!({ "action": "accept" })).await;
    reply(&up, &form, json!({ "action": "accept", "content": {} })).await;
    let done = next(&mut *call).await.unwrap();
    let said = json!({ "a": { "action": "accept", "content": {} }, "b": { "action": "accept" } });
    assert_eq!(done["result"]["said"], said);
    assert_eq!(done["result"]["state"], "s");
    assert!(next(&mut *call).await.is_none());
    let calls = of_method(&received, "tools/call");
    assert_eq!(calls.len(), 2);
    assert_ne!(calls[0]["id"], calls[1]["id"]);
}

#[tokio::test(start_paused = true)]
async fn rounds_are_bounded_and_end_with_the_call() {
    let (up, _, received) = up().await;
    let mut asking = begin(&up, "tools/call", &tool("ask_always"));
    let mut rounds = 0;
    let end = loop {
        let event = next(&mut *asking).await.unwrap();
        if event.get("method").is_none() {
            break event;
        }
        rounds += 1;
        reply(&up, &event, json!({ "action": "accept" })).await;
    };
    assert_eq!((rounds, &end["error"]["code"]), (10, &json!(-32603)));

    let before = of_method(&received, "tools/call").len();
    let mut dropped = begin(&up, "tools/call", &tool("ask_always"));
    let ask = next(&mut *dropped).await.unwrap();
    drop(dropped);
    reply(&up, &ask, json!({ "action": "accept" })).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(of_method(&received, "tools/call").len(), before + 1);
    // It may ask for time, and asks no one then.
    assert!(answer(&up, "tools/call", tool("wait")).await["result"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_question_that_the_client_cannot_or_will_not_answer_ends_the_call() {
    let (up, _, _) = up().await;
    let events = call(&up, "tools/call", tool("sample")).await;
    assert_eq!(events.len(), 1, "the client is not asked");
    assert_eq!(events[0]["error"]["code"], -32603);

    let mut refused = begin(&up, "tools/call", &tool("ask_always"));
    let ask = next(&mut *refused).await.unwrap();
    let id = AskId(ask["id"].as_u64().unwrap());
    let error = json!({ "code": -1, "message": "no" });
    let answer = json!({ "jsonrpc": "2.0", "id": id.0, "error": error });
    let answer = Message::parse(answer.to_string().into()).unwrap();
    up.answer(&anonymous(), id, answer).await;
    assert_eq!(next(&mut *refused).await.unwrap()["error"], error);

    let mut late = begin(&up, "tools/call", &tool("ask_always"));
    next(&mut *late).await.unwrap();
    assert_eq!(next(&mut *late).await.unwrap()["error"]["code"], -32603, "after a while");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_waited_for() {
    let (up, _, received) = up().await;
    let mut call = begin(&up, "tools/call", &tool("long"));
    let ask = next(&mut *call).await.unwrap();
    assert_eq!(ask["method"], "elicitation/create");
    reply(&up, &ask, json!({ "action": "accept" })).await;
    let done = next(&mut *call).await.unwrap();
    assert_eq!(done["result"], json!({ "content": [], "from": "task" }));
    let update = of_method(&received, "tasks/update").remove(0);
    assert_eq!(update["params"]["inputResponses"], json!({ "k": { "action": "accept" } }));
    assert!(of_method(&received, "tasks/cancel").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_task_is_cancelled_with_its_call() {
    let (up, _, received) = up().await;
    let mut call: Box<dyn Call> = begin(&up, "tools/call", &tool("long"));
    next(&mut *call).await.unwrap();
    call.cancel(None);
    until(|| of_method(&received, "tasks/cancel").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn one_stream_for_the_session_which_is_renewed() {
    let (up, _, received) = up().await;
    let mut unsolicited = up.unsolicited();
    until(|| of_method(&received, "subscriptions/listen").len() == 1).await;
    let listen = of_method(&received, "subscriptions/listen").remove(0);
    assert_eq!(listen["params"]["notifications"], json!({ "toolsListChanged": true }));

    let subscribed = answer(&up, "resources/subscribe", json!({ "uri": "a:b" })).await;
    assert_eq!(subscribed["result"], json!({}));
    let refused = answer(&up, "resources/subscribe", json!({ "uri": "no:no" })).await;
    assert_eq!(refused["error"]["code"], -32602);
    tokio::time::sleep(Duration::from_secs(1)).await;

    let emit = json!({ "method": "notifications/resources/updated", "uri": "a:b" });
    let connected = json!({}).to_string();
    request(&up, &emit).await;
    let Some(Event::Notification(note)) = unsolicited.recv().await else { panic!("no note") };
    assert_eq!(parsed(&note)["params"], json!({ "uri": "a:b" }), "{connected}");

    // The server ends the stream: it is opened again, with the same.
    let before = of_method(&received, "subscriptions/listen").len();
    request(&up, &json!({})).await;
    until(|| of_method(&received, "subscriptions/listen").len() > before).await;
    let last = of_method(&received, "subscriptions/listen").pop().unwrap();
    let wanted = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] });
    assert_eq!(last["params"]["notifications"], wanted);

    answer(&up, "resources/unsubscribe", json!({ "uri": "a:b" })).await;
    until(|| {
        let last = of_method(&received, "subscriptions/listen").pop().unwrap();
        last["params"]["notifications"] == json!({ "toolsListChanged": true })
    })
    .await;
    let before = of_method(&received, "notifications/cancelled").len();
    drop(up);
    until(|| of_method(&received, "notifications/cancelled").len() > before).await;
}

async fn request(up: &Up, params: &Value) {
    answer(up, "emit", params.clone()).await;
}
