//! Tasks across the generations.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    down::{down, with},
    fake::{answer, of_method},
};

fn client(of: Value) -> Value {
    let tasks = json!({ "io.modelcontextprotocol/tasks": {} });
    with(of, json!({ "elicitation": {}, "extensions": tasks }))
}

#[tokio::test(start_paused = true)]
async fn a_task_of_2025_11_25_for_a_client_of_the_extension() {
    let (down, _, received) = down().await;
    let created = answer(&down, "tools/call", client(json!({ "name": "long" }))).await;
    let result = &created["result"];
    assert_eq!(result["resultType"], "task");
    assert_eq!((&result["taskId"], &result["ttlMs"]), (&json!("t"), &json!(1000)));
    assert_eq!(result["pollIntervalMs"], 10);
    // Its question is in `tasks/get` once the server has asked.
    let mut asked = Value::Null;
    while asked.get("inputRequests").is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        asked =
            answer(&down, "tasks/get", client(json!({ "taskId": "t" }))).await["result"].clone();
        assert_eq!(asked["resultType"], "complete");
    }
    assert_eq!(asked["status"], "input_required");
    assert_eq!(asked["inputRequests"]["1"]["method"], "elicitation/create");
    assert_eq!(asked["inputRequests"]["1"]["params"], json!({ "message": "m" }));
    let responses = json!({ "1": { "action": "accept" }, "7": {} });
    let update = client(json!({ "taskId": "t", "inputResponses": responses }));
    let updated = answer(&down, "tasks/update", update).await;
    assert_eq!(updated["result"], json!({ "resultType": "complete" }));
    let mut got = Value::Null;
    while got["status"] != "completed" {
        tokio::time::sleep(Duration::from_millis(10)).await;
        got = answer(&down, "tasks/get", client(json!({ "taskId": "t" }))).await["result"].clone();
    }
    assert_eq!(got["result"]["said"], json!({ "action": "accept" }));
    assert!(got["result"]["_meta"].get("io.modelcontextprotocol/related-task").is_none());
    assert!(got.get("inputRequests").is_none());
    assert_eq!(of_method(&received, "tasks/result").len(), 1);
    let cancelled = answer(&down, "tasks/cancel", client(json!({ "taskId": "t" }))).await;
    assert_eq!(cancelled["result"], json!({ "resultType": "complete" }));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_knows_no_tasks_gets_none() {
    let (down, _, received) = down().await;
    let refused = answer(&down, "tools/call", with(json!({ "name": "long" }), json!({}))).await;
    assert_eq!(refused["error"]["code"], -32021);
    assert!(of_method(&received, "tools/call").is_empty());
    let plain = answer(&down, "tools/call", client(json!({ "name": "echo" }))).await;
    assert_eq!(plain["result"]["sent"], json!({ "name": "echo" }));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_no_one_started_does_not_exist() {
    let (down, _, received) = down().await;
    for method in ["tasks/get", "tasks/update", "tasks/cancel"] {
        let refused = answer(&down, method, client(json!({ "taskId": "t" }))).await;
        assert_eq!(refused["error"]["code"], -32602, "{method}");
        assert!(of_method(&received, method).is_empty());
    }
}
