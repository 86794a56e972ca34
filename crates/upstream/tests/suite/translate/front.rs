//! Both translations behind the front, as clients see them over HTTP.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use serde_json::{Value, json};
use tower::Service;
use upstream::{
    CallContext,
    asks::parking::Parking,
    era::Wanted,
    front::{Front, FrontLimits, Unpinned},
    port::{OpenError, Opened, Server, Servers, Waiting},
    translate::{Down, DownOptions, Parked, Up},
    wire::Message,
};

use super::{
    down::{parking, with},
    fake::{anonymous, start},
    new_server::NewServer,
    old_server::OldServer,
};

/// An old server for clients of the new generation, a new one for those of the old.
struct Crossed(Parking<Parked>);

impl Servers for Crossed {
    fn open<'a>(
        &'a self,
        _: &'a CallContext,
        initialize: Message,
    ) -> Waiting<'a, Result<Opened, OpenError>> {
        Box::pin(async move {
            let (connection, _) = start(NewServer::default(), Wanted::New).await;
            let (up, answer) = Up::open(connection, &initialize, "name").unwrap();
            Ok(Opened { server: Arc::new(up), answer })
        })
    }

    fn stateless<'a>(
        &'a self,
        _: &'a CallContext,
    ) -> Waiting<'a, Result<Arc<dyn Server>, OpenError>> {
        Box::pin(async move {
            // Another connection each time: what is parked does not depend on it.
            let (connection, _) = start(OldServer::default(), Wanted::Old).await;
            let down = Down::new(connection, "one", &self.0, DownOptions::default()).unwrap();
            Ok(Arc::new(down) as Arc<dyn Server>)
        })
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn post(front: &Front, headers: &[(&str, &str)], message: &Value) -> Answer {
    let mut request = Request::post("/").extension(anonymous());
    request = request.header("content-type", "application/json");
    request = request.header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(message.to_string()))).unwrap();
    front.clone().call(request).await.unwrap()
}

fn front() -> Front {
    Front::new(Arc::new(Crossed(parking())), Arc::new(Unpinned), FrontLimits::default())
}

async fn tool(front: &Front, name: &str, mut params: Value, capabilities: Value) -> Answer {
    params["name"] = name.into();
    let params = with(params, capabilities);
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let revision = ("mcp-protocol-version", "2026-07-28");
    post(front, &[revision, ("mcp-method", "tools/call"), ("mcp-name", name)], &message).await
}

async fn value(answer: Answer) -> Value {
    serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_new_client_answers_an_old_server() {
    let (front, can) = (front(), json!({ "elicitation": {} }));
    let asked = value(tool(&front, "ask", json!({}), can.clone()).await).await;
    let state = &asked["result"]["requestState"];
    let again = json!({ "requestState": state, "inputResponses": { "1": { "action": "cancel" } } });
    let done = value(tool(&front, "ask", again, can).await).await;
    assert_eq!(done["result"]["said"], json!({ "action": "cancel" }));
    let refused = tool(&front, "long", json!({}), json!({})).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    assert_eq!(value(refused).await["error"]["code"], -32021);
}

#[tokio::test]
async fn an_old_client_answers_a_new_server() {
    let front = front();
    let params = json!({ "protocolVersion": "2025-06-18", "clientInfo": { "name": "c" },
        "capabilities": { "elicitation": { "form": {}, "url": {} } } });
    let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let begun = post(&front, &[], &message).await;
    let session = begun.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let headers = [("mcp-session-id", &*session)];
    let initialized = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    post(&front, &headers, &initialized).await;

    let params = json!({ "name": "ask" });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let mut stream = post(&front, &headers, &message).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let mut answered = 0;
    let done = loop {
        let frame = stream.body_mut().frame().await.expect("an answer").unwrap();
        text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        let events: Vec<Value> =
            data.filter_map(|event| serde_json::from_str(event.trim()).ok()).collect();
        if let Some(done) = events.iter().find(|event| event.get("result").is_some()) {
            break done.clone();
        }
        for ask in events.iter().skip(answered) {
            let result = json!({ "action": "accept" });
            let reply = json!({ "jsonrpc": "2.0", "id": ask["id"], "result": result });
            assert_eq!(post(&front, &headers, &reply).await.status(), StatusCode::ACCEPTED);
        }
        answered = events.len();
    };
    let said = &done["result"]["said"];
    assert_eq!(*said, json!({ "a": { "action": "accept" }, "b": { "action": "accept" } }));
}
