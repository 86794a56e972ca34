//! An old server for callers of the new generation.

use std::time::Duration;

use auth_core::OwnerTagKey;
use serde_json::{Value, json};
use upstream::{
    asks::parking::{Parking, ParkingLimits},
    era::Wanted,
    port::Call,
    translate::{Down, DownOptions, Parked},
};

use super::{
    fake::{Received, answer, begin, call, next, of_method, start, until},
    old_server::OldServer,
};

pub(super) fn parking() -> Parking<Parked> {
    let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
    Parking::new(key, "node", ParkingLimits::default())
}

pub(super) async fn down() -> (Down, Parking<Parked>, Received) {
    let (connection, received) = start(OldServer::default(), Wanted::Old).await;
    let parking = parking();
    let down = Down::new(connection, "one", &parking, DownOptions::default()).unwrap();
    (down, parking, received)
}

/// Parameters of a client that can be asked everything.
pub(super) fn params(of: Value) -> Value {
    with(of, json!({ "elicitation": { "form": {}, "url": {} }, "roots": {}, "sampling": {} }))
}

pub(super) fn with(mut of: Value, capabilities: Value) -> Value {
    of["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    of["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities;
    of
}

fn tool(name: &str) -> Value {
    params(json!({ "name": name }))
}

#[tokio::test(start_paused = true)]
async fn discover_is_answered_from_initialize() {
    let (down, _, received) = down().await;
    let answer = answer(&down, "server/discover", params(json!({}))).await;
    let result = &answer["result"];
    assert_eq!(result["supportedVersions"], json!(["2026-07-28"]));
    assert_eq!(result["instructions"], "i");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "old");
    let extensions = &result["capabilities"]["extensions"];
    assert_eq!(*extensions, json!({ "io.modelcontextprotocol/tasks": {} }));
    assert!(of_method(&received, "server/discover").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_and_its_answer() {
    let (down, _, _) = down().await;
    let answer = answer(&down, "tools/call", tool("echo")).await;
    let result = &answer["result"];
    assert_eq!(result["resultType"], "complete");
    assert_eq!(result["later"], 1);
    assert_eq!(result["sent"], json!({ "name": "echo" }), "nothing new reaches the server");
    let list = super::fake::answer(&down, "tools/list", params(json!({}))).await;
    assert_eq!(list["result"]["ttlMs"], 0);
    assert_eq!(list["result"]["cacheScope"], "private");
    let missing = super::fake::answer(&down, "resources/read", params(json!({}))).await;
    assert_eq!(missing["error"]["code"], -32602);
}

#[tokio::test(start_paused = true)]
async fn methods_of_the_old_generation_do_not_exist() {
    let (down, _, received) = down().await;
    for method in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/result"]
    {
        let answer = answer(&down, method, params(json!({}))).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}");
    }
    assert_eq!(of_method(&received, "initialize").len(), 1);
    // What no one knows is the server's to answer.
    assert!(answer(&down, "later/method", params(json!({}))).await["result"].is_object());
}

#[tokio::test(start_paused = true)]
async fn progress_has_the_token_of_the_caller_in_order() {
    let (down, _, _) = down().await;
    let mut params = tool("progress");
    params["_meta"]["progressToken"] = "mine".into();
    let events = call(&down, "tools/call", params).await;
    let seen: Vec<_> = events.iter().map(|event| &event["params"]).collect();
    assert_eq!(
        seen[..3],
        [1, 2, 3].map(|n| json!({ "progressToken": "mine", "progress": n })).each_ref()
    );
    assert_eq!(events.len(), 4);
    let events = call(&down, "tools/call", tool("progress")).await;
    assert_eq!(events.len(), 1, "no one asked for it");
}

#[tokio::test(start_paused = true)]
async fn log_messages_reach_whom_asked_for_their_level() {
    let (down, _, received) = down().await;
    assert_eq!(call(&down, "tools/call", tool("log")).await.len(), 1);
    assert!(of_method(&received, "logging/setLevel").is_empty());
    for (level, count, sets) in [("warning", 2, 1), ("error", 1, 1), ("debug", 3, 2)] {
        let mut params = tool("log");
        params["_meta"]["io.modelcontextprotocol/logLevel"] = level.into();
        let events = call(&down, "tools/call", params).await;
        assert_eq!(events.len(), count + 1, "{level}");
        assert_eq!(of_method(&received, "logging/setLevel").len(), sets, "it never goes up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_parks_the_call_and_the_repetition_goes_on_with_it() {
    let (down, parking, received) = down().await;
    let asked = answer(&down, "tools/call", tool("ask")).await;
    let result = &asked["result"];
    assert_eq!(result["resultType"], "input_required");
    let request = &result["inputRequests"]["1"];
    assert_eq!(request["method"], "elicitation/create");
    assert_eq!(request["params"], json!({ "message": "m", "requestedSchema": {} }));
    assert_eq!(parking.len(), 1);

    let mut again = tool("ask");
    again["requestState"] = result["requestState"].clone();
    again["inputResponses"] = json!({ "1": { "action": "accept", "content": { "x": 1 } } });
    let done = answer(&down, "tools/call", again.clone()).await;
    let said = &done["result"]["said"];
    assert_eq!(*said, json!({ "action": "accept", "content": { "x": 1 } }));
    assert_eq!(done["result"]["resultType"], "complete");
    assert_eq!(of_method(&received, "tools/call").len(), 1, "a call is sent once");
    assert!(parking.is_empty());
    // Once.
    let repeated = answer(&down, "tools/call", again).await;
    assert_eq!(repeated["error"]["code"], -32602);
    assert_eq!(of_method(&received, "tools/call").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_opens_the_same_request_only() {
    let (down, parking, received) = down().await;
    let asked = answer(&down, "tools/call", tool("ask")).await;
    for name in ["echo", "ask_always"] {
        let mut other = tool(name);
        other["requestState"] = asked["result"]["requestState"].clone();
        let refused = answer(&down, "tools/call", other).await;
        assert_eq!(refused["error"]["code"], -32602, "{name}");
    }
    let mut forged = tool("ask");
    forged["requestState"] = "x.y".into();
    assert_eq!(answer(&down, "tools/call", forged).await["error"]["code"], -32602);
    assert_eq!(parking.len(), 1);
    assert_eq!(of_method(&received, "tools/call").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_state_opens_nothing_at_another_upstream() {
    let (one, parking, _) = down().await;
    let asked = answer(&one, "tools/call", tool("ask")).await;
    let mut again = tool("ask");
    again["requestState"] = asked["result"]["requestState"].clone();
    again["inputResponses"] = json!({ "1": { "action": "accept" } });
    let (connection, received) = start(OldServer::default(), Wanted::Old).await;
    let other = Down::new(connection, "two", &parking, DownOptions::default()).unwrap();
    assert_eq!(answer(&other, "tools/call", again.clone()).await["error"]["code"], -32602);
    assert!(of_method(&received, "tools/call").is_empty());
    // Another connection to the same upstream goes on with it.
    let (connection, _) = start(OldServer::default(), Wanted::Old).await;
    let same = Down::new(connection, "one", &parking, DownOptions::default()).unwrap();
    let done = answer(&same, "tools/call", again).await;
    assert_eq!(done["result"]["said"], json!({ "action": "accept" }));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_is_asked_again() {
    let (down, _, _) = down().await;
    let asked = answer(&down, "tools/call", tool("ask_twice")).await;
    let mut again = tool("ask_twice");
    again["requestState"] = asked["result"]["requestState"].clone();
    again["inputResponses"] = json!({ "1": "not an object", "9": {} });
    let asked = answer(&down, "tools/call", again.clone()).await;
    assert!(asked["result"]["inputRequests"]["1"].is_object(), "{asked}");
    again["requestState"] = asked["result"]["requestState"].clone();
    again["inputResponses"] = json!({ "1": { "action": "decline" } });
    // The second question was there meanwhile.
    let asked = answer(&down, "tools/call", again.clone()).await;
    let requests = asked["result"]["inputRequests"].as_object().unwrap();
    let (key, request) = requests.iter().next().unwrap();
    assert_eq!((requests.len(), &request["method"]), (1, &json!("roots/list")));
    again["requestState"] = asked["result"]["requestState"].clone();
    again["inputResponses"] = json!({ key: { "roots": [] } });
    let done = answer(&down, "tools/call", again).await;
    assert_eq!(done["result"]["said"], json!({ "roots": [] }));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_answer_is_not_asked_and_its_call_goes_on() {
    let (down, parking, _) = down().await;
    for (capabilities, code) in
        [(json!({}), -32601), (json!({ "elicitation": { "url": {} } }), -32602)]
    {
        let params = with(json!({ "name": "ask" }), capabilities);
        let done = answer(&down, "tools/call", params).await;
        assert_eq!(done["result"]["said"]["code"], code, "the server was refused");
        assert_eq!(done["result"]["resultType"], "complete");
    }
    assert!(parking.is_empty());
}

#[tokio::test(start_paused = true)]
async fn rounds_are_bounded() {
    let (down, _, received) = down().await;
    let mut params = tool("ask_always");
    let mut rounds = 0;
    let done = loop {
        let asked = answer(&down, "tools/call", params.clone()).await;
        let Some(state) = asked["result"].get("requestState") else { break asked };
        rounds += 1;
        params["requestState"] = state.clone();
        let key = asked["result"]["inputRequests"].as_object().unwrap().keys().next().unwrap();
        params["inputResponses"] = json!({ key: { "action": "accept" } });
    };
    assert_eq!(rounds, 10);
    assert_eq!(done["result"]["said"]["code"], -32603);
    assert_eq!(of_method(&received, "tools/call").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_no_one_comes_back_for_is_cancelled() {
    let (down, parking, received) = down().await;
    answer(&down, "tools/call", tool("ask")).await;
    tokio::time::sleep(Duration::from_mins(6)).await;
    assert!(parking.is_empty());
    until(|| of_method(&received, "notifications/cancelled").len() == 1).await;
    let refused = |message: &Value| message["id"] == "q1" && message["error"].is_object();
    until(|| received.lock().unwrap().iter().any(refused)).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_cancelled_with_its_reason() {
    let (down, _, received) = down().await;
    let mut call: Box<dyn Call> = begin(&down, "tools/call", &tool("never"));
    assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut *call)).await.is_err());
    call.cancel(Some("why"));
    until(|| of_method(&received, "notifications/cancelled").len() == 1).await;
    let note = of_method(&received, "notifications/cancelled").remove(0);
    assert_eq!(note["params"]["reason"], "why");
}

#[tokio::test(start_paused = true)]
async fn urls_are_visited_first() {
    for (action, calls) in [("accept", 2), ("decline", 1)] {
        let (down, _, received) = down().await;
        let asked = answer(&down, "tools/call", tool("url")).await;
        let request = &asked["result"]["inputRequests"]["1.1"];
        assert_eq!(request["params"], json!({ "mode": "url", "url": "https://a/" }));
        let mut again = tool("url");
        again["requestState"] = asked["result"]["requestState"].clone();
        again["inputResponses"] = json!({ "1.1": { "action": action } });
        let done = answer(&down, "tools/call", again).await;
        assert_eq!(done["result"].is_object(), action == "accept", "{done}");
        assert_eq!(of_method(&received, "tools/call").len(), calls);
    }
    let (down, _, _) = down().await;
    let params = with(json!({ "name": "url" }), json!({ "elicitation": {} }));
    let refused = answer(&down, "tools/call", params).await;
    assert_eq!(refused["error"]["code"], -32021);
    let required = &refused["error"]["data"]["requiredCapabilities"];
    assert_eq!(*required, json!({ "elicitation": { "url": {} } }));
}

#[tokio::test(start_paused = true)]
async fn a_question_in_between_is_of_the_call_that_can_be_asked() {
    let (down, _, received) = down().await;
    // Two calls, of which one can be asked.
    let silent = with(json!({ "name": "never" }), json!({}));
    let mut silent = begin(&down, "tools/call", &silent);
    let mut asked = begin(&down, "tools/call", &tool("never"));
    for call in [&mut silent, &mut asked] {
        assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut **call)).await.is_err());
    }
    let emit = json!({ "method": "elicitation/create", "id": "q", "params": { "message": "m" } });
    down.connection().request("emit", &emit.to_string()).await.unwrap();
    let answer = next(&mut *asked).await.unwrap();
    assert_eq!(answer["result"]["resultType"], "input_required");
    assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut *silent)).await.is_err());
    let is_answered = received.lock().unwrap().iter().any(|message| message["id"] == "q");
    assert!(!is_answered);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_no_ones_is_refused_and_no_call_is_harmed() {
    let (down, _, received) = down().await;
    let mut calls =
        [begin(&down, "tools/call", &tool("never")), begin(&down, "tools/call", &tool("never"))];
    for call in &mut calls {
        assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut **call)).await.is_err());
    }
    let emit = json!({ "method": "elicitation/create", "id": "q", "params": { "message": "m" } });
    down.connection().request("emit", &emit.to_string()).await.unwrap();
    until(|| received.lock().unwrap().iter().any(|m| m["id"] == "q" && m["error"].is_object()))
        .await;
    for call in &mut calls {
        assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut **call)).await.is_err());
    }
    // From now on they wait for each other.
    let mut first = begin(&down, "tools/call", &tool("never"));
    assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut *first)).await.is_err());
    let busy = answer(&down, "tools/call", tool("echo")).await;
    assert_eq!(busy["error"]["code"], -32603);
    drop(first);
    assert!(answer(&down, "tools/call", tool("echo")).await["result"].is_object());
}

#[tokio::test(start_paused = true)]
async fn a_stream_gets_what_the_server_agreed_to() {
    let (down, _, received) = down().await;
    let wanted = json!({ "toolsListChanged": true, "promptsListChanged": true,
        "resourceSubscriptions": ["a:b", "no:no", "a:b"] });
    let params = params(json!({ "notifications": wanted }));
    let mut one = begin(&down, "subscriptions/listen", &params);
    let acknowledged = next(&mut *one).await.unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    let agreed = json!({ "toolsListChanged": true, "resourceSubscriptions": ["a:b"] });
    assert_eq!(acknowledged["params"]["notifications"], agreed);
    let tag = json!({ "io.modelcontextprotocol/subscriptionId": "own" });
    assert_eq!(acknowledged["params"]["_meta"], tag);
    let mut two = begin(&down, "subscriptions/listen", &params);
    next(&mut *two).await.unwrap();
    let subscribed = of_method(&received, "resources/subscribe");
    assert_eq!(subscribed.iter().filter(|m| m["params"]["uri"] == "a:b").count(), 1);

    for (method, params) in [
        ("notifications/prompts/list_changed", json!({})),
        ("notifications/resources/updated", json!({ "uri": "other:b" })),
        ("notifications/resources/updated", json!({ "uri": "a:b" })),
    ] {
        let emit = json!({ "method": method, "params": params }).to_string();
        down.connection().request("emit", &emit).await.unwrap();
    }
    for stream in [&mut one, &mut two] {
        let note = next(&mut **stream).await.unwrap();
        assert_eq!(note["params"], json!({ "uri": "a:b", "_meta": tag }));
    }
    drop(one);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(of_method(&received, "resources/unsubscribe").is_empty(), "another one listens");
    drop(two);
    until(|| of_method(&received, "resources/unsubscribe").len() == 1).await;
}

#[tokio::test(start_paused = true)]
async fn streams_and_calls_end_with_the_server() {
    let (down, _, _) = down().await;
    let listen = params(json!({ "notifications": {} }));
    let mut stream = begin(&down, "subscriptions/listen", &listen);
    next(&mut *stream).await.unwrap();
    let mut call = begin(&down, "tools/call", &tool("never"));
    assert!(tokio::time::timeout(Duration::from_secs(1), next(&mut *call)).await.is_err());
    down.connection().close("test");
    assert_eq!(next(&mut *call).await.unwrap()["error"]["code"], -32603);
    let ended = next(&mut *stream).await.unwrap();
    let tag = json!({ "io.modelcontextprotocol/subscriptionId": "own" });
    assert_eq!(ended["result"], json!({ "resultType": "complete", "_meta": tag }));
}
