//! Folders of a client that are withheld from a server.

use http::Method;
use serde_json::{Value, json};
use upstream::{calls::CallLimits, front::FrontLimits};

use super::fake::{Client, value};

fn client(roots: bool) -> Client {
    Client::with_calls(FrontLimits::default(), CallLimits { roots, ..CallLimits::default() })
}

/// What the server is sent of a client's beginning, of a notification and of a call that asks.
async fn old(roots: bool) -> (Value, bool, Value) {
    let mut client = client(roots);
    let capabilities = json!({ "roots": { "listChanged": true }, "sampling": {} });
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {}
    });
    let initialize = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let answer = client.post(&initialize).await;
    let session = answer.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    client.session = Some(session);
    let begun = client.seen(|message| message["method"] == "initialize").await;
    let changed = "notifications/roots/list_changed";
    let note = json!({ "jsonrpc": "2.0", "method": changed });
    assert_eq!(client.post(&note).await.status(), 202);
    let said = if roots {
        Value::Null
    } else {
        value(client.call(7, "roots").await).await["result"].clone()
    };
    // It comes after the notification.
    value(client.call(8, "echo").await).await;
    let is_noted = client.seen.lock().unwrap().iter().any(|it| it["method"] == changed);
    (begun["params"]["capabilities"].clone(), is_noted, said)
}

#[tokio::test]
async fn a_server_with_sessions_does_not_know_of_them_and_gets_none() {
    let (capabilities, is_noted, _) = old(true).await;
    assert!(capabilities["roots"].is_object() && is_noted, "{capabilities}");
    let (capabilities, is_noted, said) = old(false).await;
    assert_eq!(capabilities, json!({ "sampling": {} }));
    assert!(!is_noted);
    assert!(said["error"].is_object() && said["said"].is_null(), "{said}");
}

#[tokio::test]
async fn a_server_without_sessions_does_not_know_of_them_and_gets_none() {
    for roots in [true, false] {
        let client = client(roots);
        let call = async |tool: &str| {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientInfo": {},
                "io.modelcontextprotocol/clientCapabilities": { "roots": {}, "sampling": {} },
            });
            let params = json!({ "name": tool, "_meta": meta });
            let body =
                json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
            let headers = [
                ("mcp-protocol-version", "2026-07-28"),
                ("mcp-method", "tools/call"),
                ("mcp-name", tool),
            ];
            value(client.send(Method::POST, &headers, &body.to_string()).await).await
        };
        let said = call("echo").await;
        let capabilities =
            &said["result"]["echo"]["_meta"]["io.modelcontextprotocol/clientCapabilities"];
        assert_eq!(capabilities["roots"].is_object(), roots, "{said}");
        assert!(capabilities["sampling"].is_object(), "{said}");
        let said = call("roots of 2026-07-28").await;
        assert_eq!(said["result"]["inputRequests"].is_object(), roots, "{said}");
        assert_eq!(said["error"].is_object(), !roots, "{said}");
    }
}
