//! A server over HTTP behind the gateway.

use std::{sync::Arc, time::Duration};

use auth_core::OwnerTagKey;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::Service;
use upstream::{
    asks::parking::{Parking, ParkingLimits},
    catalog::{Catalog, Definition, Kind, Pins},
    credentials::Credentials,
    front::Front,
    gateway::{GatewayConfig, gateway},
    link::http::{HttpLinks, PooledHttpLinks},
    pool::{Bounds, BoundsConfig},
};

use super::{
    server::{Received, Server, Step, answer, chunk, stream_head},
    support::{caller, client, limits},
};

/// A server of the old generation whose tool asks its caller on the stream of the call.
fn asking(request: &Received) -> Vec<Step> {
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let id = &message["id"];
    let say = |member: &str, value: Value| {
        let mut body = json!({ "jsonrpc": "2.0", "id": id });
        body[member] = value;
        let headers = ["content-type: application/json", "mcp-session-id: s-1"];
        vec![Step::Say(answer("200 OK", &headers, &body.to_string()))]
    };
    match message["method"].as_str() {
        Some("initialize") => say(
            "result",
            json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "asking", "version": "1" },
                "instructions": "Ask first",
            }),
        ),
        Some("tools/list") => say("result", json!({ "tools": [{ "name": "t" }] })),
        Some("tools/call") => {
            let schema = json!({ "type": "object", "properties": {} });
            let params = json!({ "message": "?", "requestedSchema": schema });
            let ask = json!({
                "jsonrpc": "2.0", "id": format!("ask-{id}"), "method": "elicitation/create",
                "params": params,
            });
            vec![
                Step::Say(stream_head()),
                Step::Say(chunk(&format!("data: {ask}\n\n"))),
                Step::Hang,
            ]
        }
        _ if request.head.starts_with("GET") => {
            vec![Step::Say(answer("405 Method Not Allowed", &[], ""))]
        }
        _ if id.is_null() => vec![Step::Say(answer("202 Accepted", &[], ""))],
        _ => say("error", json!({ "code": -32601, "message": "no such method" })),
    }
}

fn front(server: &Server, catalog: Option<Arc<Catalog>>) -> Front {
    let links = HttpLinks::new(client(&server.url(), limits()), Credentials::none());
    let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
    gateway(
        PooledHttpLinks::new(links).unwrap(),
        GatewayConfig::new("asking"),
        &Bounds::new(BoundsConfig::default()),
        Parking::new(key, "asking", ParkingLimits::default()),
        catalog,
    )
}

/// A catalog in which this tool was accepted.
fn accepting(tool: &str) -> Arc<Catalog> {
    let tool = Definition::read(Kind::Tool, tool).unwrap();
    Arc::new(Catalog::new("asking", Pins::accepting(&[tool])))
}

async fn call(front: &Front) -> Value {
    let params = json!({ "name": "t", "arguments": {} });
    request(front, "tools/call", params, &[("mcp-name", "t")]).await
}

async fn request(
    front: &Front,
    method: &str,
    mut params: Value,
    headers: &[(&str, &str)],
) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": {} },
    });
    params["_meta"] = meta;
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = Request::post("/")
        .extension(caller(""))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(message.to_string()))).unwrap();
    let answer = front.clone().call(request).await.unwrap();
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_call_does_not_wait_for_another_one_that_is_asked() {
    let server = Server::start(asking).await;
    let front = front(&server, Some(accepting(r#"{"name":"t"}"#)));
    // The first shows that the server asks, and the second waits for its answer meanwhile.
    for _ in 0..3 {
        let said = timeout(Duration::from_secs(20), call(&front)).await.unwrap();
        assert_eq!(said["result"]["resultType"], "input_required", "{said}");
    }
}

#[tokio::test]
async fn what_has_changed_is_refused_before_any_client_lists_it() {
    let server = Server::start(asking).await;
    let front = front(&server, Some(accepting(r#"{"name":"t","title":"as accepted"}"#)));
    let said = call(&front).await;
    let text = said["error"]["message"].as_str().unwrap_or_default();
    assert!(text.contains("has not been accepted"), "{said}");
}

#[tokio::test]
async fn instructions_are_passed_on_if_they_were_accepted() {
    let server = Server::start(asking).await;
    let hello = r#"{"instructions":"Ask first"}"#;
    let accepted = Definition::instructions(hello).unwrap().unwrap();
    let accepted = Arc::new(Catalog::new("asking", Pins::accepting(&[accepted])));
    for (catalog, instructions) in
        [(accepted, json!("Ask first")), (accepting(r#"{"name":"t"}"#), Value::Null)]
    {
        let front = front(&server, Some(catalog));
        let said = request(&front, "server/discover", json!({}), &[]).await;
        assert_eq!(said["result"]["instructions"], instructions, "{said}");
        assert!(said["result"]["supportedVersions"].is_array(), "{said}");
    }
}
