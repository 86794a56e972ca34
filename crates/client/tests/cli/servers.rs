//! Small servers on 127.0.0.1, each on a port of its own.

use std::{
    borrow::Cow,
    fmt::Write,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    http::{HeaderMap, Response, Uri},
    middleware::{self, Next},
    routing::any,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject,
        ListToolsResult, PaginatedRequestParams, ProtocolVersion, ServerCapabilities, ServerConfig,
        Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Serves an application and returns its URL.
async fn serve(app: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

/// One answer to everything but requests for metadata.
#[derive(Clone, Default)]
pub(crate) struct Canned {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Whether it has an issuer to sign in at, and says so in its metadata.
    has_issuer: bool,
    /// The issuer in its metadata, at which no one can sign in.
    named_issuer: Option<&'static str>,
}

impl Canned {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn challenge(self, value: &str) -> Self {
        self.header("www-authenticate", value)
    }

    pub(crate) fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn with_issuer(mut self) -> Self {
        self.has_issuer = true;
        self
    }

    /// Its metadata name this issuer, at which no one can sign in.
    pub(crate) fn naming_issuer(mut self, issuer: &'static str) -> Self {
        self.named_issuer = Some(issuer);
        self
    }

    /// The metadata of the server and of its issuer, which are at the same origin.
    fn metadata(&self, path: &str, asked: &HeaderMap) -> Response<Body> {
        let origin = format!("http://{}", asked["host"].to_str().unwrap());
        let issuer = match self.named_issuer {
            Some(issuer) => issuer.to_owned(),
            None => origin.clone(),
        };
        let is_of_resource = path.contains("protected-resource");
        if !self.has_issuer && (self.named_issuer.is_none() || !is_of_resource) {
            return Response::builder().status(404).body(Body::empty()).unwrap();
        }
        let json = if is_of_resource {
            json!({ "resource": format!("{origin}/mcp"), "authorization_servers": [issuer] })
        } else {
            json!({
                "issuer": origin, "authorization_endpoint": format!("{origin}/authorize"),
                "token_endpoint": format!("{origin}/token"), "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"],
            })
        };
        let response = Response::builder().header("content-type", "application/json");
        response.body(Body::from(json.to_string())).unwrap()
    }

    fn response(&self, asked: &HeaderMap) -> Response<Body> {
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        let echo = asked.get("authorization").map(|value| value.to_str());
        let body = self.body.replace("$AUTHORIZATION", echo.unwrap_or(Ok("")).unwrap());
        response.body(Body::from(body)).unwrap()
    }

    /// Serves it; the log has a line for each request but those for metadata.
    pub(crate) async fn serve(self) -> (String, Log) {
        let log = Log::default();
        let seen = log.clone();
        let answer = move |uri: Uri, headers: HeaderMap| async move {
            if uri.path().starts_with("/.well-known/") {
                return self.metadata(uri.path(), &headers);
            }
            seen.push("request".into());
            self.response(&headers)
        };
        (serve(Router::new().fallback(any(answer))).await, log)
    }
}

/// The answer to a request of ours: `result`, or what `more` makes of it.
async fn raw(answer: impl Fn(&Value) -> Response<Body> + Clone + Send + Sync + 'static) -> String {
    let answered = move |request: Request| {
        let answer = answer.clone();
        async move {
            let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            answer(&asked)
        }
    };
    serve(Router::new().fallback(any(answered))).await
}

fn result(asked: &Value, result: &Value) -> Response<Body> {
    let body = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": result });
    let response = Response::builder().header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

/// What a server of 2025-11-25 answers before anything is asked of it.
fn greeting(asked: &Value) -> Option<Response<Body>> {
    match asked["method"].as_str() {
        Some("server/discover") => {
            let body = json!({
                "jsonrpc": "2.0", "id": asked["id"],
                "error": { "code": -32601, "message": "no such method" },
            });
            let response = Response::builder().header("content-type", "application/json");
            Some(response.body(Body::from(body.to_string())).unwrap())
        }
        Some("initialize") => Some(result(
            asked,
            &json!({
                "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
                "serverInfo": { "name": "x", "version": "1" },
            }),
        )),
        Some("tools/list") => None,
        _ => Some(Response::builder().status(202).body(Body::empty()).unwrap()),
    }
}

/// A list whose every page has a next one.
pub(crate) async fn endless_list(entries: usize, bytes: usize) -> String {
    raw(move |asked| {
        greeting(asked).unwrap_or_else(|| {
            let tool = json!({
                "name": "x", "description": "y".repeat(bytes), "inputSchema": { "type": "object" },
            });
            let tools = vec![tool; entries];
            result(asked, &json!({ "tools": tools, "nextCursor": "more" }))
        })
    })
    .await
}

/// An answer of so many bytes, as JSON or in a stream.
pub(crate) async fn long_answer(is_stream: bool, bytes: usize) -> String {
    raw(move |asked| {
        greeting(asked).unwrap_or_else(|| {
            let tool = json!({
                "name": "x", "description": "y".repeat(bytes), "inputSchema": { "type": "object" },
            });
            let tools = json!({ "tools": [tool] });
            if !is_stream {
                return result(asked, &tools);
            }
            let message = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": tools });
            let response = Response::builder().header("content-type", "text/event-stream");
            response.body(Body::from(format!("data: {message}\n\n"))).unwrap()
        })
    })
    .await
}

/// A call is answered by a stream: a message of the server's log, another, and the result.
pub(crate) async fn logs_on_the_stream_of_a_call() -> String {
    raw(|asked| match asked["method"].as_str() {
        Some("tools/list") => result(asked, &json!({ "tools": [] })),
        Some("tools/call") => {
            let log = |params: Value| {
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": params })
            };
            let words = "the disk\u{1b}[2J\nis full";
            let full = json!({ "level": "warning", "logger": "da\u{202e}ta", "data": words });
            let left = json!({ "level": "info", "data": { "left": 0 } });
            let done = json!({ "content": [{ "type": "text", "text": "done" }] });
            let done = json!({ "jsonrpc": "2.0", "id": asked["id"], "result": done });
            let messages = [log(full), log(left), done];
            let events = messages.map(|message| format!("data: {message}\n\n")).concat();
            let response = Response::builder().header("content-type", "text/event-stream");
            response.body(Body::from(events)).unwrap()
        }
        _ => greeting(asked).unwrap(),
    })
    .await
}

/// Requests of its own in place of an answer, and none of them waits for one.
pub(crate) async fn asks_without_end() -> String {
    raw(|asked| {
        greeting(asked).unwrap_or_else(|| {
            let mut events = String::new();
            for id in 0..100_000 {
                let ping = json!({ "jsonrpc": "2.0", "id": id, "method": "ping" });
                let _ = write!(events, "data: {ping}\n\n");
            }
            let response = Response::builder().header("content-type", "text/event-stream");
            response.body(Body::from(events)).unwrap()
        })
    })
    .await
}

/// The transport of 2024-11-05: a stream at the place that takes no messages.
pub(crate) async fn sse_only(status: u16) -> String {
    let stream = || async {
        let response = Response::builder().header("content-type", "text/event-stream");
        response.body(Body::from("event: endpoint\ndata: /messages\n\n")).unwrap()
    };
    let refused =
        move || async move { Response::builder().status(status).body(Body::empty()).unwrap() };
    serve(Router::new().route("/mcp", axum::routing::get(stream).post(refused))).await
}

/// A server with a certificate of an authority that only [`AUTHORITY`] contains. It answers 410.
pub(crate) async fn https() -> String {
    use tokio_rustls::{TlsAcceptor, rustls};
    let read = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    let certificate = read(include_str!("tls/server.pem")).into();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(read(include_str!("tls/server.key")));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = [0; 4096];
                let _ = stream.read(&mut head).await;
                let answer = b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let _ = stream.write_all(answer).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    url
}

/// The authority of [`https`].
pub(crate) const AUTHORITY: &str = include_str!("tls/ca.pem");

/// Takes connections and says nothing. The receiver hears of each connection.
pub(crate) async fn silent() -> (String, tokio::sync::mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
            let _ = sender.send(());
        }
    });
    (url, receiver)
}

/// What was asked, in order.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A real MCP server.
#[derive(Clone, Default)]
pub(crate) struct Mcp {
    /// Knows no version after 2025-11-25, and says so.
    pub(crate) old: bool,
    /// Answers one method in another way.
    pub(crate) instead: Option<(&'static str, Canned)>,
}

impl Mcp {
    /// Serves it; the log has the methods.
    pub(crate) async fn serve(self) -> (String, Log) {
        let log = Log::default();
        let instead = self.instead.clone();
        (serve_mcp(self, log.clone(), instead).await, log)
    }
}

/// Serves a handler; the log gets the methods. One of them may be answered in another way.
pub(crate) async fn serve_mcp<H: ServerHandler + Clone>(
    handler: H,
    log: Log,
    instead: Option<(&'static str, Canned)>,
) -> String {
    let service = StreamableHttpService::new(
        move || Ok(handler.clone()),
        Arc::<LocalSessionManager>::default(),
        StreamableHttpServerConfig::default(),
    );
    let watch = move |request: Request, next: Next| {
        let (seen, instead) = (log.clone(), instead.clone());
        async move {
            let (parts, body) = request.into_parts();
            if let Some((_, canned)) = &instead
                && parts.uri.path().starts_with("/.well-known/")
            {
                return canned.metadata(parts.uri.path(), &parts.headers);
            }
            let body = to_bytes(body, 1 << 20).await.unwrap();
            let json: Value = serde_json::from_slice(&body).unwrap_or_default();
            let method = json["method"].as_str().unwrap_or(parts.method.as_str());
            seen.push(method.to_owned());
            match &instead {
                Some((name, canned)) if *name == method => canned.response(&parts.headers),
                _ => {
                    let request = Request::from_parts(parts, Body::from(body));
                    next.run(request).await
                }
            }
        }
    };
    let app = Router::new().nest_service("/mcp", service).layer(middleware::from_fn(watch));
    serve(app).await
}

fn tool(name: &'static str, about: &'static str) -> Tool {
    let mut schema = JsonObject::new();
    schema.insert("type".into(), "object".into());
    Tool::new(name, about, schema)
}

/// A tool that wants its argument in a header, too.
fn regional() -> Tool {
    let Value::Object(schema) = json!({
        "type": "object",
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
    }) else {
        unreachable!()
    };
    Tool::new("regional", "", schema)
}

/// What `get_time` answers.
pub(crate) fn the_time() -> Value {
    json!({
        "current_time": "2026-08-01T12:00:00+02:00",
        "timezone": "Europe/Berlin",
        "timestamp": 1_785_578_400,
        "formatted": "Saturday, 1 August 2026",
    })
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest =
            if self.old { ProtocolVersion::V_2025_11_25 } else { ProtocolVersion::V_2026_07_28 };
        Cow::Owned(ProtocolVersion::known_up_to(&newest).to_vec())
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        (name == "regional").then(regional)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.and_then(|request| request.cursor).is_some() {
            let wild = tool("wild", "\u{1b}[2J\u{1b}]0;owned\u{7}beware\nof this");
            return Ok(ListToolsResult::with_all_items(vec![wild, regional()]));
        }
        let mut page = ListToolsResult::with_all_items(vec![tool("get_time", "Tells the time")]);
        page.next_cursor = Some("2".into());
        Ok(page)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let result = match &*request.name {
            "get_time" => CallToolResult::structured(the_time()),
            "echo" => CallToolResult::structured(json!({ "given": request.arguments })),
            "fail" => CallToolResult::error(vec![ContentBlock::text("out\u{1b}[0m of order")]),
            "wild" => CallToolResult::success(vec![ContentBlock::text(
                "a\u{1b}]0;owned\u{7}b\u{9b}31mc\td\r\ne\u{202e}f\u{2028}\u{200b}\u{e0041}",
            )]),
            "blocks" => CallToolResult::success(vec![
                ContentBlock::text("one\ntwo\n"),
                ContentBlock::image("aGVsbG8=", "image/png"),
                ContentBlock::audio("aGVsbG8h", "audio/wav"),
                ContentBlock::embedded_text("file:///x", "hello"),
            ]),
            "regional" => {
                let parts = context.extensions.get::<http::request::Parts>();
                let header = &parts.unwrap().headers["mcp-param-region"];
                CallToolResult::success(vec![ContentBlock::text(header.to_str().unwrap())])
            }
            "leak" => {
                let parts = context.extensions.get::<http::request::Parts>();
                let header = parts.and_then(|parts| parts.headers.get("authorization"));
                let header = header.map_or("none", |value| value.to_str().unwrap());
                CallToolResult::success(vec![ContentBlock::text(header)])
            }
            "large" => CallToolResult::success(vec![ContentBlock::text("x".repeat(1 << 20))]),
            _ => return Err(ErrorData::invalid_params("Unknown tool", None)),
        };
        Ok(result.into())
    }
}
