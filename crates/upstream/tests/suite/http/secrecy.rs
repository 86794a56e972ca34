//! **Invariant:** the caller's token never reaches an upstream. No header of a caller's request
//! does.

use http::Method;
use serde_json::{Value, json};
use upstream::{
    CallContext,
    credentials::{Credentials, IdentityHeaders},
    front::Front,
    gateway::GatewayConfig,
    link::http::HttpLinks,
};

use super::{
    callers::{any, send},
    gateway::through,
    links::method,
    server::Server,
    support::{caller, client, limits},
};

const TOKEN: &str = "eyJhbGciOiJub25lIn0.c2VjcmV0.dG9rZW4";

/// The headers in which a caller may send a token, with `{}` in its place.
const WITH_TOKEN: [(&str, &str); 35] = [
    ("accept", "application/json, text/event-stream, x/{}"),
    ("content-type", "application/json; charset={}"),
    ("authorization", "Bearer {}"),
    ("authorization", "bearer {}"),
    ("authorization", "DPoP {}"),
    ("proxy-authorization", "Bearer {}"),
    ("x-forwarded-access-token", "{}"),
    ("x-auth-request-access-token", "{}"),
    ("x-access-token", "{}"),
    ("x-api-key", "{}"),
    ("dpop", "{}"),
    ("cookie", "session={}"),
    ("cookie2", "{}"),
    ("referer", "https://a.example/?access_token={}"),
    ("origin", "https://{}.example"),
    ("forwarded", "for={}"),
    ("x-forwarded-for", "{}"),
    ("x-original-url", "/?access_token={}"),
    ("user-agent", "{}"),
    ("via", "{}"),
    ("from", "{}"),
    ("if-none-match", "\"{}\""),
    ("accept-encoding", "{}"),
    ("accept-language", "{}"),
    ("traceparent", "{}"),
    ("tracestate", "a={}"),
    ("baggage", "token={}"),
    ("sec-websocket-protocol", "{}"),
    ("last-event-id", "{}"),
    ("mcp-param-region", "{}"),
    ("mcp-secret", "{}"),
    ("x-user", "{}"),
    ("x-client", "{}"),
    ("x-issuer", "{}"),
    ("x-scopes", "{}"),
];

/// A gateway that says to `server` who calls.
fn front(server: &Server) -> Front {
    let identity = IdentityHeaders::none().subject("x-user").unwrap().client("x-client").unwrap();
    let identity = identity.scopes("x-scopes").unwrap().issuer("x-issuer").unwrap();
    let own = "https://own.example".parse().unwrap();
    let credentials = Credentials::none().with_identity(identity, own);
    let links = HttpLinks::new(client(&server.url(), limits()), credentials);
    through(links, GatewayConfig::new("any"), None)
}

/// Sends a request with all these headers and `more`. Returns the session that it has begun.
async fn sent(
    front: &Front,
    who: &CallContext,
    method: Method,
    body: &str,
    more: &[(&str, &str)],
) -> Option<String> {
    let headers: Vec<_> =
        WITH_TOKEN.iter().map(|(name, value)| (*name, value.replace("{}", TOKEN))).collect();
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = headers.chain(more.iter().copied()).collect();
    let (head, _) = send(front, who.clone(), method, body, &headers).await;
    Some(head.headers().get("mcp-session-id")?.to_str().unwrap().to_owned())
}

/// Sends all that a client of either generation sends.
async fn sent_in_every_way(front: &Front, who: &CallContext) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "t", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let call = |params: Value| {
        let method = "tools/call";
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    };
    let params = json!({ "name": "t", "arguments": {}, "_meta": meta });
    let mirrored =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "t")];
    sent(front, who, Method::POST, &call(params), &mirrored).await;

    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {} });
    let begin = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params });
    let session = sent(front, who, Method::POST, &begin.to_string(), &[]).await.unwrap();
    let named = [("mcp-session-id", &*session)];
    let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    sent(front, who, Method::POST, ready, &named).await;
    let params = json!({ "name": "t", "arguments": {} });
    sent(front, who, Method::POST, &call(params.clone()), &named).await;
    sent(front, who, Method::POST, &call(params), &[("mcp-session-id", TOKEN)]).await;
    sent(front, who, Method::GET, "", &named).await;
    sent(front, who, Method::DELETE, "", &named).await;
}

#[tokio::test]
async fn no_byte_of_the_callers_token_reaches_the_server() {
    let http = ["accept", "content-length", "content-type", "host", "user-agent"];
    let mcp = ["mcp-method", "mcp-name", "mcp-protocol-version", "mcp-session-id"];
    let own = ["x-client", "x-issuer", "x-scopes", "x-user"];
    let allowed = [&http[..], &mcp, &own].concat();
    for (is_new, unused) in [(false, &["mcp-method", "mcp-name"][..]), (true, &["mcp-session-id"])]
    {
        let server = Server::start(any(is_new)).await;
        sent_in_every_way(&front(&server), &caller("tools:call")).await;
        let bytes = String::from_utf8(server.bytes()).unwrap();
        for part in TOKEN.split('.').chain([TOKEN]) {
            assert!(!bytes.contains(part), "{part} in {bytes}");
        }
        let mut of_calls = allowed.clone();
        of_calls.retain(|name| !unused.contains(name));
        of_calls.sort_unstable();
        let mut calls = 0;
        for request in server.received() {
            let names = request.header_names();
            assert!(names.iter().all(|name| allowed.contains(&&**name)), "{names:?}");
            if method(&request) == "tools/call" {
                calls += 1;
                assert_eq!(names, of_calls);
                assert_eq!(request.header("x-user"), Some("user-userson"));
                assert_eq!(request.header("x-client"), Some("client-1"));
                assert_eq!(request.header("x-scopes"), Some("tools:call"));
            }
        }
        assert_eq!(calls, 2, "one of each client");
    }
}

#[tokio::test]
async fn a_caller_without_a_name_cannot_take_one() {
    for is_new in [false, true] {
        let server = Server::start(any(is_new)).await;
        let anonymous = CallContext::new(None, "".parse().unwrap());
        sent_in_every_way(&front(&server), &anonymous).await;
        let received = server.received();
        assert!(received.iter().any(|request| method(request) == "tools/call"));
        for name in ["x-user", "x-client", "x-issuer", "x-scopes"] {
            assert!(received.iter().all(|request| request.header(name).is_none()), "{name}");
        }
    }
}
