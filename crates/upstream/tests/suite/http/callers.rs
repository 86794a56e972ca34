//! On whose behalf a server over HTTP is called: what it sees with each message.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower::Service;
use upstream::{
    CallContext,
    credentials::{Credentials, MintToken, MintedTokens},
    front::Front,
    gateway::GatewayConfig,
    link::http::HttpLinks,
    pool::{Instances, PoolConfig},
};

use super::{
    credentials::Mint,
    gateway::through,
    server::{Received, Server, Step, answer, json as json_answer},
    support::{caller, caller_with, client, limits},
};

/// A server of one generation that answers everything.
pub(crate) fn any(is_new: bool) -> impl Fn(&Received) -> Vec<Step> + Send + Sync + 'static {
    move |request| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let id = &message["id"];
        let result = match message["method"].as_str() {
            _ if id.is_null() && request.head.starts_with("POST") => {
                return vec![Step::Say(answer("202 Accepted", &[], ""))];
            }
            _ if !request.head.starts_with("POST") => {
                return vec![Step::Say(answer("405 Method Not Allowed", &[], ""))];
            }
            Some("initialize") if !is_new => json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "any", "version": "1" },
            }),
            Some("server/discover") if is_new => json!({
                "supportedVersions": ["2026-07-28"], "capabilities": { "tools": {} },
                "serverInfo": { "name": "any", "version": "1" }, "resultType": "complete",
            }),
            Some("tools/call") => json!({ "content": [], "resultType": "complete" }),
            _ => {
                let error = json!({ "code": -32601, "message": "no such method" });
                let body = json!({ "jsonrpc": "2.0", "id": id, "error": error });
                return vec![Step::Say(json_answer(&body.to_string()))];
            }
        };
        let body = json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string();
        let headers: &[&str] = &["content-type: application/json", "mcp-session-id: s-1"];
        vec![Step::Say(answer("200 OK", if is_new { &headers[..1] } else { headers }, &body))]
    }
}

fn front(server: &Server, instances: Instances) -> Front {
    let audience = "https://up.example/mcp".parse().unwrap();
    let mint = Arc::new(Mint::default()) as Arc<dyn MintToken>;
    let credentials = Credentials::minted(MintedTokens::new(mint, audience));
    let links = HttpLinks::new(client(&server.url(), limits()), credentials);
    let pool = PoolConfig { instances, ..PoolConfig::default() };
    through(links, GatewayConfig { pool, ..GatewayConfig::new("any") }, None)
}

async fn post(
    front: &Front,
    who: CallContext,
    message: &Value,
    headers: &[(&str, &str)],
) -> (Response<()>, Value) {
    let accepted = ("accept", "application/json, text/event-stream");
    let headers = [&[("content-type", "application/json"), accepted][..], headers].concat();
    send(front, who, Method::POST, &message.to_string(), &headers).await
}

/// The answer to a request with these headers.
pub(crate) async fn send(
    front: &Front,
    who: CallContext,
    method: Method,
    body: &str,
    headers: &[(&str, &str)],
) -> (Response<()>, Value) {
    let request = Request::builder().method(method).extension(who);
    let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
    let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
    let (head, body) = front.clone().call(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    let json = text.lines().find_map(|line| line.strip_prefix("data: ").filter(|it| it.len() > 2));
    let said = serde_json::from_str(json.unwrap_or(&text)).unwrap_or_default();
    (Response::from_parts(head, ()), said)
}

/// A call of a client of the new generation, which is answered with a result.
async fn call_new(front: &Front, who: CallContext) {
    let said = answer_to(front, who).await;
    assert!(said["result"].is_object(), "{said}");
}

/// What a call of a client of the new generation is answered with.
pub(crate) async fn answer_to(front: &Front, who: CallContext) -> Value {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "t", "arguments": {}, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "t")];
    post(front, who, &message, &headers).await.1
}

/// A session of a client of the old generation.
async fn begin(front: &Front, who: CallContext) -> String {
    let params = json!({
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": { "name": "t", "version": "1" },
    });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
    let (head, said) = post(front, who.clone(), &message, &[]).await;
    assert!(said["result"].is_object(), "{said}");
    let session = head.headers()["mcp-session-id"].to_str().unwrap().to_owned();
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    post(front, who, &message, &[("mcp-session-id", &session)]).await;
    session
}

async fn call_old(front: &Front, session: &str, who: CallContext) {
    let params = json!({ "name": "t", "arguments": {} });
    let message = json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": params });
    let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
    let (_, said) = post(front, who, &message, &headers).await;
    assert!(said["result"].is_object(), "{said}");
}

/// Method and token of each request, in their order; the token without its number.
pub(crate) fn seen(server: &Server) -> Vec<(String, String)> {
    let shown = |request: &Received| {
        let message: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let method = message["method"].as_str().unwrap_or("GET").to_owned();
        let token = request.header("authorization").unwrap_or_default();
        let token = token.strip_prefix("Bearer ").unwrap_or_default();
        (method, token.rsplit_once('.').unwrap_or_default().0.to_owned())
    };
    server.received().iter().map(shown).collect()
}

/// Whom the calls were for, and what else was sent on whose behalf.
fn calls(server: &Server) -> (Vec<String>, Vec<String>) {
    let (calls, others): (Vec<_>, Vec<_>) =
        seen(server).into_iter().partition(|(method, _)| method == "tools/call");
    let mut others: Vec<_> = others.into_iter().map(|(_, token)| token).collect();
    others.sort();
    others.dedup();
    (calls.into_iter().map(|(_, token)| token).collect(), others)
}

#[tokio::test]
async fn each_call_has_the_scopes_of_its_action_and_everything_else_has_none() {
    for is_new in [false, true] {
        let server = Server::start(any(is_new)).await;
        let front = front(&server, Instances::PerOwner);
        call_new(&front, caller("a:b")).await;
        call_new(&front, caller("c")).await;
        call_new(&front, caller_with("mallory", "c")).await;
        let session = begin(&front, caller("")).await;
        call_old(&front, &session, caller("d")).await;
        call_old(&front, &session, caller("a:b")).await;
        let (calls, others) = calls(&server);
        let expected = [
            "user-userson.a-b",
            "user-userson.c",
            "mallory.c",
            "user-userson.d",
            "user-userson.a-b",
        ];
        assert_eq!(calls, expected, "{is_new}");
        assert_eq!(others, ["mallory.", "user-userson."], "{is_new}: {:?}", seen(&server));
    }
}

#[tokio::test]
async fn a_connection_on_behalf_of_a_caller_is_never_shared() {
    let server = Server::start(any(false)).await;
    let front = front(&server, Instances::Shared);
    call_new(&front, caller("c")).await;
    call_new(&front, caller_with("mallory", "c")).await;
    let began = seen(&server).into_iter().filter(|(method, _)| method == "initialize");
    let began: Vec<_> = began.map(|(_, token)| token).collect();
    assert_eq!(began, ["user-userson.", "mallory."]);
}

#[tokio::test]
async fn a_call_whose_token_is_refused_is_sent_once_more_with_another() {
    // The first token of each caller and scopes is not accepted any more after its first use.
    let server = Server::start(|request| {
        let token = request.header("authorization").unwrap_or_default();
        let is_used = token.ends_with(".0");
        let message: Value = serde_json::from_slice(&request.body).unwrap();
        if is_used && message["id"] == 2 {
            return vec![Step::Say(answer("401 Unauthorized", &[], ""))];
        }
        let body = json!({ "jsonrpc": "2.0", "id": message["id"], "result": {} });
        vec![Step::Say(json_answer(&body.to_string()))]
    })
    .await;
    let audience = "https://up.example/mcp".parse().unwrap();
    let mint = Arc::new(Mint::default()) as Arc<dyn MintToken>;
    let credentials = Credentials::minted(MintedTokens::new(mint, audience));
    let links = HttpLinks::new(client(&server.url(), limits()), credentials);
    let mut link = links.open(caller("a"));
    let call = |id: u64| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": "t" } });
    super::links::say(&link, call(1)).await;
    super::links::message(&mut link).await;
    // A token that is new is not replaced: the next one would be refused too.
    super::links::say(&link, call(2)).await;
    let (id, error) = super::links::no_answer(&mut link).await;
    assert_eq!(id, 2);
    assert!(error.contains("refuses the gateway's credentials"), "{error}");
    assert_eq!(server.received().len(), 2);

    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    super::links::say(&link, call(2)).await;
    let (message, during) = super::links::message(&mut link).await;
    assert_eq!((&message["id"], during), (&json!(2), Some(2)));
    let tokens: Vec<_> =
        server.received().iter().map(|it| it.header("authorization").unwrap().to_owned()).collect();
    let (first, second) = ("Bearer user-userson..0", "Bearer user-userson..1");
    assert_eq!(tokens, [first, first, first, second]);
}
