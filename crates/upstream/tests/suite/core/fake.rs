//! A server in memory, and a client.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::Service;
use upstream::{
    CallContext,
    calls::CallLimits,
    era::{Wanted, connect},
    front::{Definitions, Front, FrontLimits, Unpinned},
    link::{ClosedError, Incoming, Link, LinkFault},
    port::{OpenError, Opened, Server, Servers, Waiting},
    wire::Message,
};

/// What the fake servers were sent, in order.
pub(super) type Seen = Arc<Mutex<Vec<Value>>>;

/// Each session, and all requests without one together, have a fake server.
pub(super) struct Fakes {
    seen: Seen,
    limits: CallLimits,
}

fn fake(seen: Seen) -> Link {
    let (sender, mut outgoing) = mpsc::channel::<upstream::link::Outgoing>(64);
    let (incoming, receiver) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut asking = HashMap::new();
        while let Some(sent) = outgoing.recv().await {
            let message: Value = serde_json::from_slice(&sent.message).unwrap();
            seen.lock().unwrap().push(message.clone());
            if message["params"]["name"] == "fault" {
                let fault = LinkFault::TooLong { limit: 5, call: sent.call };
                let _ = incoming.send(Incoming::Fault(fault)).await;
                continue;
            }
            for answer in answers(&message, &mut asking) {
                let Some(answer) = answer else {
                    let closed = Incoming::Closed(ClosedError::Ended("as the client asked"));
                    let _ = incoming.send(closed).await;
                    return;
                };
                let message = Bytes::from(answer.to_string());
                let _ = incoming.send(Incoming::Message { message, during: None }).await;
            }
        }
    });
    Link { sender, receiver }
}

/// What the server says to a message; `None` is its end.
fn answers(message: &Value, asking: &mut HashMap<String, Value>) -> Vec<Option<Value>> {
    let id = &message["id"];
    let params = &message["params"];
    let result = |result: Value| Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }));
    let note = |method: &str, params: Value| {
        Some(json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    };
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => vec![result(json!({
            "protocolVersion": params["protocolVersion"], "capabilities": {}, "serverInfo": {}
        }))],
        "server/discover" => vec![result(json!({
            "resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {}
        }))],
        "tools/list" => vec![result(json!({ "tools": [
            { "name": "echo", "inputSchema": { "properties": {
                "region": { "type": "string", "x-mcp-header": "Region" } } } },
        ] }))],
        "subscriptions/listen" => {
            let meta = json!({ "io.modelcontextprotocol/subscriptionId": id });
            let acknowledged = "notifications/subscriptions/acknowledged";
            vec![
                note(acknowledged, json!({ "_meta": meta, "notifications": {} })),
                note("notifications/tools/list_changed", json!({ "_meta": meta })),
            ]
        }
        "tools/call" => match params["name"].as_str().unwrap_or_default() {
            "progress" => {
                let token = &params["_meta"]["progressToken"];
                let report = |n| {
                    note("notifications/progress", json!({ "progressToken": token, "progress": n }))
                };
                (0..50).map(report).chain([result(json!({ "content": [] }))]).collect()
            }
            "hang" => vec![],
            "log" => vec![note("notifications/message", json!({ "level": "info", "data": "x" }))],
            "ask" => {
                asking.insert("q1".into(), id.clone());
                let params = json!({ "message": "Who?" });
                vec![Some(json!({
                    "jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": params
                }))]
            }
            "roots" => {
                asking.insert("r1".into(), id.clone());
                vec![Some(json!({ "jsonrpc": "2.0", "id": "r1", "method": "roots/list" }))]
            }
            "roots of 2026-07-28" => vec![result(json!({
                "resultType": "input_required", "inputRequests": { "k": { "method": "roots/list" } }
            }))],
            "die" => vec![None],
            _ => vec![result(json!({ "content": [], "echo": params, "x-unknown": 1 }))],
        },
        "unknown/method" => vec![Some(json!({
            "jsonrpc": "2.0", "id": id, "error": { "code": -32601, "message": "no" }
        }))],
        "" => match id.as_str().and_then(|id| asking.remove(id)) {
            Some(call) => vec![Some(json!({
                "jsonrpc": "2.0", "id": call, "result": { "said": message["result"], "error": message["error"] }
            }))],
            None => vec![],
        },
        _ => vec![],
    }
}

impl Servers for Fakes {
    fn open<'a>(
        &'a self,
        _: &'a CallContext,
        initialize: Message,
    ) -> Waiting<'a, Result<Opened, OpenError>> {
        Box::pin(async move {
            let link = fake(Arc::clone(&self.seen));
            let wanted = Wanted::Client(initialize);
            let (connection, answer) =
                connect(link, wanted, self.limits, Duration::from_secs(5)).await.unwrap();
            Ok(Opened { server: Arc::new(connection), answer })
        })
    }

    fn stateless<'a>(
        &'a self,
        _: &'a CallContext,
    ) -> Waiting<'a, Result<Arc<dyn Server>, OpenError>> {
        Box::pin(async move {
            let link = fake(Arc::clone(&self.seen));
            let timeout = Duration::from_secs(5);
            let (connection, _) = connect(link, Wanted::Probe, self.limits, timeout).await.unwrap();
            Ok(Arc::new(connection) as Arc<dyn Server>)
        })
    }
}

/// A client of a front.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) front: Front,
    pub(super) seen: Seen,
    pub(super) session: Option<String>,
    context: CallContext,
}

pub(super) type Body = BoxBody<Bytes, std::convert::Infallible>;

impl Client {
    pub(super) fn new(limits: FrontLimits) -> Self {
        Self::with_calls(limits, CallLimits::default())
    }

    /// With these bounds of the connections.
    pub(super) fn with_calls(limits: FrontLimits, calls: CallLimits) -> Self {
        Self::of(|fakes| fakes, Arc::new(Unpinned), limits, calls)
    }

    /// Of what `servers` makes of the fake ones.
    pub(super) fn of<S: Servers>(
        servers: impl FnOnce(Fakes) -> S,
        definitions: Arc<dyn Definitions>,
        limits: FrontLimits,
        calls: CallLimits,
    ) -> Self {
        let seen = Seen::default();
        let fakes = Fakes { seen: Arc::clone(&seen), limits: calls };
        let front = Front::new(Arc::new(servers(fakes)), definitions, limits);
        let context = CallContext::new(None, auth_core::ScopeSet::empty());
        Self { front, seen, session: None, context }
    }

    /// With a session.
    pub(super) async fn begun(limits: FrontLimits, revision: &str) -> Self {
        let mut client = Self::new(limits);
        client.begin(revision).await;
        client
    }

    pub(super) async fn begin(&mut self, revision: &str) {
        let params = json!({ "protocolVersion": revision, "capabilities": {}, "clientInfo": {} });
        let initialize = json!({
            "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params
        });
        let answer = self.post(&initialize).await;
        assert_eq!(answer.status(), 200);
        let session = answer.headers().get("mcp-session-id").unwrap().to_str().unwrap();
        self.session = Some(session.to_owned());
    }

    pub(super) async fn send(
        &self,
        method: Method,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).extension(self.context.clone());
        request = request.header("content-type", "application/json");
        request = request.header("accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("mcp-session-id", session);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        self.front.clone().call(request).await.unwrap()
    }

    pub(super) async fn post(&self, message: &Value) -> Response<Body> {
        self.send(Method::POST, &[], &message.to_string()).await
    }

    pub(super) async fn call(&self, id: u64, tool: &str) -> Response<Body> {
        self.post(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {
            "name": tool, "_meta": { "progressToken": format!("p{id}") }
        } }))
        .await
    }

    /// A request without a session, with the headers that it needs.
    pub(super) async fn new_request(
        &self,
        method: &str,
        mut params: Value,
        headers: &[(&str, &str)],
    ) -> Response<Body> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {},
            "io.modelcontextprotocol/clientCapabilities": {},
            "progressToken": "p",
        });
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let body = json!({ "jsonrpc": "2.0", "id": "r", "method": method, "params": params });
        let mut all = vec![("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)];
        if !name.is_empty() {
            all.push(("mcp-name", &name));
        }
        all.extend(headers);
        self.send(Method::POST, &all, &body.to_string()).await
    }

    /// Waits until the servers were sent something like this.
    pub(super) async fn seen(&self, is: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..500 {
            let found = self.seen.lock().unwrap().iter().find(|message| is(message)).cloned();
            if let Some(found) = found {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it was not sent: {:?}", self.seen.lock().unwrap());
    }
}

/// The JSON of a response.
pub(super) async fn value(response: Response<Body>) -> Value {
    assert_eq!(response.headers()["content-type"], "application/json");
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// An event: its id and its message.
pub(super) type Event = (Option<String>, Option<Value>);

/// The events of a response, until there are `count` or the end.
pub(super) async fn events(response: &mut Response<Body>, count: usize) -> Vec<Event> {
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        let Some(frame) = response.body_mut().frame().await else { break };
        text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
    }
    let event = |event: &str| {
        let field = |name: &str| {
            let line = event.lines().find_map(|line| line.strip_prefix(name));
            line.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        (field("id:"), field("data:").map(|data| serde_json::from_str(&data).unwrap()))
    };
    text.split("\n\n").filter(|text| !text.is_empty()).map(event).collect()
}
