//! A server over HTTP behind the gateway.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::OwnerTagKey;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::Service;
use upstream::{
    CallContext,
    asks::parking::{Parking, ParkingLimits},
    catalog::{Catalog, Definition, Kind, Pins},
    credentials::Credentials,
    front::Front,
    gateway::{GatewayConfig, gateway},
    http::HttpLimits,
    link::http::{HttpLinks, PooledHttpLinks},
    pool::{Bounds, BoundsConfig, Instances},
};

use super::{
    server::{Received, Server, Step, answer, chunk, json as json_answer, stream_head},
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
    front_with(&server.url(), limits(), catalog)
}

/// A gateway to the server at `url`, of which nothing is pinned.
pub(crate) fn front_of(url: &str, limits: HttpLimits) -> Front {
    front_with(url, limits, None)
}

fn front_with(url: &str, limits: HttpLimits, catalog: Option<Arc<Catalog>>) -> Front {
    configured(GatewayConfig::new("asking"), url, limits, catalog)
}

/// The same, as it is configured.
pub(crate) fn configured(
    config: GatewayConfig,
    url: &str,
    limits: HttpLimits,
    catalog: Option<Arc<Catalog>>,
) -> Front {
    through(HttpLinks::new(client(url, limits), Credentials::none()), config, catalog)
}

/// A gateway to the server of these links.
pub(crate) fn through(
    links: HttpLinks,
    config: GatewayConfig,
    catalog: Option<Arc<Catalog>>,
) -> Front {
    let key = OwnerTagKey::from_secret(&[7; 32]).unwrap();
    gateway(
        PooledHttpLinks::new(links),
        config,
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

/// A request of a client of the new generation.
pub(crate) fn request(
    context: CallContext,
    method: &str,
    target: Option<&str>,
    params: Value,
) -> Request<Full<Bytes>> {
    let mut params = params;
    let meta = &mut params["_meta"];
    let mut set = |name: &str, value| meta[format!("io.modelcontextprotocol/{name}")] = value;
    set("protocolVersion", "2026-07-28".into());
    set("clientInfo", json!({ "name": "t", "version": "1" }));
    set("clientCapabilities", json!({ "elicitation": {} }));
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let mut request = Request::post("/")
        .extension(context)
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    if let Some(target) = target {
        request = request.header("mcp-name", target);
    }
    request.body(Full::new(Bytes::from(message.to_string()))).unwrap()
}

/// The last message of the answer to a request.
pub(crate) async fn answer_to(front: &Front, request: Request<Full<Bytes>>) -> Value {
    let answer = front.clone().call(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let text = std::str::from_utf8(&body).unwrap();
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(last.unwrap_or(text)).unwrap()
}

/// The answer to a call of `tool`.
pub(crate) async fn call_of(front: &Front, tool: &str) -> Value {
    let params = json!({ "name": tool, "arguments": {} });
    answer_to(front, request(caller(""), "tools/call", Some(tool), params)).await
}

#[tokio::test]
async fn a_call_does_not_wait_for_another_one_that_is_asked() {
    let server = Server::start(asking).await;
    let front = front(&server, Some(accepting(r#"{"name":"t"}"#)));
    // The first shows that the server asks, and the second waits for its answer meanwhile.
    for _ in 0..3 {
        let said = timeout(Duration::from_secs(20), call_of(&front, "t")).await.unwrap();
        assert_eq!(said["result"]["resultType"], "input_required", "{said}");
    }
}

#[tokio::test]
async fn what_has_changed_is_refused_before_any_client_lists_it() {
    let server = Server::start(asking).await;
    let front = front(&server, Some(accepting(r#"{"name":"t","title":"as accepted"}"#)));
    let said = call_of(&front, "t").await;
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
        let said = answer_to(&front, request(caller(""), "server/discover", None, json!({}))).await;
        assert_eq!(said["result"]["instructions"], instructions, "{said}");
        assert!(said["result"]["supportedVersions"].is_array(), "{said}");
    }
}

#[tokio::test]
async fn after_a_session_has_ended_the_next_call_begins_another() {
    let begun = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let name = request.header("mcp-session-id").unwrap_or_default().to_owned();
        let json = |body: Value, more: &str| {
            let headers = ["content-type: application/json", more];
            vec![Step::Say(answer("200 OK", &headers, &body.to_string()))]
        };
        match message["method"].as_str() {
            Some("initialize") => {
                let number = begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
                let result = json!({
                    "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                    "serverInfo": { "name": "ending", "version": "1" },
                });
                let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
                json(body, &format!("mcp-session-id: s-{number}"))
            }
            Some("tools/call") if name == "s-1" => {
                vec![Step::Say(answer("404 Not Found", &[], ""))]
            }
            Some("tools/call") => {
                let content = [json!({ "type": "text", "text": name })];
                let result = json!({ "content": content });
                let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
                json(body, "x-more: 1")
            }
            _ if message["id"].is_null() && request.head.starts_with("POST") => {
                vec![Step::Say(answer("202 Accepted", &[], ""))]
            }
            _ => vec![Step::Say(answer("405 Method Not Allowed", &[], ""))],
        }
    })
    .await;
    let front = front_of(&server.url(), limits());
    let said = call_of(&front, "t").await;
    assert_eq!(said["error"]["message"], "the server has ended the session");
    let said = call_of(&front, "t").await;
    assert_eq!(said["result"]["content"][0]["text"], "s-2", "{said}");
}

#[tokio::test]
async fn a_server_of_the_new_generation_alone_serves_clients_with_sessions() {
    let server = Server::start(|request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let body = if message["method"] == "server/discover" {
            let result = json!({
                "resultType": "complete", "supportedVersions": ["2026-07-28"],
                "capabilities": { "tools": {} }, "ttlMs": 0, "cacheScope": "private",
            });
            json!({ "jsonrpc": "2.0", "id": message["id"], "result": result })
        } else {
            let error = json!({ "code": -32022, "message": "unsupported" });
            json!({ "jsonrpc": "2.0", "id": message["id"], "error": error })
        };
        let headers = ["content-type: application/json"];
        vec![Step::Say(answer("200 OK", &headers, &body.to_string()))]
    })
    .await;
    let front = front_of(&server.url(), limits());
    let client = json!({ "name": "t", "version": "1" });
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let initialize = Request::post("/")
        .extension(caller(""))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(message.to_string())))
        .unwrap();
    let said = answer_to(&front, initialize).await;
    assert_eq!(said["result"]["protocolVersion"], "2025-11-25", "{said}");
}

/// The answer to a message of a client of the old generation.
pub(crate) async fn said(
    front: &Front,
    session: Option<&str>,
    message: Value,
) -> (http::response::Parts, Value) {
    let mut request = Request::post("/")
        .extension(caller(""))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream");
    if let Some(session) = session {
        request = request.header("mcp-session-id", session);
    }
    let request = request.body(Full::new(Bytes::from(message.to_string()))).unwrap();
    // What is passed on against the rules may never be answered.
    let answered = timeout(Duration::from_secs(20), front.clone().call(request)).await;
    let (head, body) = answered.unwrap().unwrap().into_parts();
    let body = timeout(Duration::from_secs(20), body.collect()).await;
    let body = body.unwrap().unwrap().to_bytes();
    (head, serde_json::from_slice::<Value>(&body).unwrap_or_default())
}

/// A session that has begun.
pub(crate) async fn session(front: &Front) -> String {
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let begin = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let (head, _) = said(front, None, begin).await;
    let id = head.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(said(front, Some(&id), ready).await.0.status, 202);
    id
}

/// A server of the old generation without sessions, whose tool has this title, if it has one, and
/// which counts the lists of tools.
async fn titled(port: u16, title: Arc<Mutex<Option<&'static str>>>) -> Server {
    Server::start_at(port, move |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let result = match message["method"].as_str() {
            Some("initialize") => json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "titled", "version": "1" },
            }),
            Some("tools/list") => match *title.lock().unwrap() {
                Some(title) => json!({ "tools": [{ "name": "t", "title": title }] }),
                None => json!({ "tools": [{ "name": "t" }] }),
            },
            Some("tools/call") => json!({ "content": [] }),
            _ if request.head.starts_with("GET") => {
                return vec![Step::Say(answer("405 Method Not Allowed", &[], ""))];
            }
            _ if message["id"].is_null() => {
                return vec![Step::Say(answer("202 Accepted", &[], ""))];
            }
            _ => {
                let error = json!({ "code": -32601, "message": "no such method" });
                let body = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error });
                return vec![Step::Say(json_answer(&body.to_string()))];
            }
        };
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": result });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await
}

/// Calls by clients of both generations.
struct Callers {
    front: Front,
    session: String,
}

impl Callers {
    async fn new(front: Front) -> Self {
        let session = session(&front).await;
        Self { front, session }
    }

    /// What a client of each generation gets for a call of the tool.
    async fn call(&self) -> [Value; 2] {
        let params = json!({ "name": "t", "arguments": {} });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        [call_of(&self.front, "t").await, said(&self.front, Some(&self.session), call).await.1]
    }

    async fn are_served(&self) {
        for said in self.call().await {
            assert!(said["result"]["content"].is_array(), "{said}");
        }
    }

    async fn are_refused(&self) {
        for said in self.call().await {
            let text = said["error"]["message"].as_str().unwrap_or_default();
            assert!(text.contains("has not been accepted"), "{said}");
        }
    }
}

/// How many requests of this method a server got.
fn received(server: &Server, method: &str) -> usize {
    let named = |it: &&Received| {
        let message: Value = serde_json::from_slice(&it.body).unwrap_or_default();
        message["method"] == method
    };
    server.received().iter().filter(named).count()
}

#[tokio::test]
async fn after_an_acceptance_a_connection_is_compared_again_before_its_next_call() {
    for is_list_read_first in [false, true] {
        let title = Arc::default();
        let server = titled(0, Arc::clone(&title)).await;
        let catalog = accepting(r#"{"name":"t"}"#);
        let callers = Callers::new(front(&server, Some(Arc::clone(&catalog)))).await;
        callers.are_served().await;
        let lists = received(&server, "tools/list");
        callers.are_served().await;
        assert_eq!(received(&server, "tools/list"), lists, "a comparison holds");
        // It has another definition, and does not say so.
        *title.lock().unwrap() = Some("other");
        if is_list_read_first {
            let list = request(caller(""), "tools/list", None, json!({}));
            let said = answer_to(&callers.front, list).await;
            assert_eq!(said["result"]["tools"], json!([]), "{said}");
            callers.are_refused().await;
        }
        let calls = received(&server, "tools/call");
        catalog.accept((*catalog.pins()).clone());
        callers.are_refused().await;
        assert_eq!(received(&server, "tools/call"), calls);
        // It is as it was accepted, and that is said.
        *title.lock().unwrap() = None;
        callers.are_refused().await;
        catalog.accept((*catalog.pins()).clone());
        callers.are_served().await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_compared_before_its_first_call() {
    let port = testkit::free_port().unwrap();
    let title = Arc::default();
    let server = titled(port, Arc::clone(&title)).await;
    let catalog = accepting(r#"{"name":"t"}"#);
    let callers = Callers::new(front(&server, Some(catalog))).await;
    callers.are_served().await;
    server.stop().await;
    for _ in 0..2 {
        for said in callers.call().await {
            assert!(said["error"].is_object(), "{said}");
        }
    }
    // As it was accepted.
    let server = titled(port, Arc::clone(&title)).await;
    callers.are_served().await;
    server.stop().await;
    for said in callers.call().await {
        assert!(said["error"].is_object(), "{said}");
    }
    *title.lock().unwrap() = Some("other");
    let server = titled(port, title).await;
    callers.are_refused().await;
    assert_eq!(received(&server, "tools/call"), 0);
}

#[tokio::test]
async fn a_session_with_a_server_of_its_own_is_compared_when_it_begins_and_not_before_or_again() {
    let server = Server::start(asking).await;
    let mut config = GatewayConfig::new("asking");
    config.pool.instances = Instances::PerSession;
    let catalog = accepting(r#"{"name":"t","title":"as accepted"}"#);
    let front = configured(config, &server.url(), limits(), Some(catalog));
    let post = async |session: Option<&str>, message| said(&front, session, message).await;
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let (head, said) =
        post(None, json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }))
            .await;
    assert!(said["result"]["instructions"].is_null(), "they were not accepted: {said}");
    let session = head.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "t", "arguments": {} }
    });
    let (_, said) = post(Some(&session), call.clone()).await;
    let text = said["error"]["message"].as_str().unwrap_or_default();
    assert!(text.contains("notifications/initialized"), "{said}");
    let begun = "notifications/initialized";
    for _ in 0..3 {
        let (head, _) = post(Some(&session), json!({ "jsonrpc": "2.0", "method": begun })).await;
        assert_eq!(head.status, 202);
    }
    let (_, said) = post(Some(&session), call).await;
    let text = said["error"]["message"].as_str().unwrap_or_default();
    assert!(text.contains("has not been accepted"), "{said}");
    let count = |method: &str| received(&server, method);
    assert_eq!((count(begun), count("tools/list"), count("tools/call")), (1, 1, 0));
}

/// The same server, which does not say what it offers.
fn silent(request: &Received) -> Vec<Step> {
    let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if message["method"] != "tools/list" {
        return asking(request);
    }
    let error = json!({ "code": -32603, "message": "later" });
    let body = json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }).to_string();
    vec![Step::Say(answer("200 OK", &["content-type: application/json"], &body))]
}

#[tokio::test]
async fn a_server_that_does_not_say_what_it_offers_is_not_used() {
    let server = Server::start(silent).await;
    let front = front(&server, Some(accepting(r#"{"name":"t"}"#)));
    let said = timeout(Duration::from_secs(20), call_of(&front, "t")).await.unwrap();
    assert_eq!(said["error"]["message"], "the server is unavailable", "{said}");
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let initialize = Request::post("/")
        .extension(caller(""))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Full::new(Bytes::from(message.to_string())))
        .unwrap();
    assert_eq!(front.clone().call(initialize).await.unwrap().status(), 503);
    let is_call = |it: &Received| String::from_utf8_lossy(&it.body).contains("tools/call");
    assert!(!server.received().iter().any(is_call));
}
