//! A protected MCP server and its issuer in one, with everything that may go wrong.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Method, Response, StatusCode, header, request::Parts},
    middleware::{self, Next},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject,
        ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Pairs = HashMap<String, String>;

/// How the world is.
#[derive(Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that may go wrong")]
pub(crate) struct Knobs {
    /// How long a token lives.
    pub(crate) life: Option<u64>,
    /// Whether there are refresh tokens.
    pub(crate) no_refresh: bool,
    /// What answers say their issuer is.
    pub(crate) iss: Option<String>,
    /// What the issuer's metadata has instead.
    pub(crate) metadata: Vec<(&'static str, Value)>,
    /// What the resource's metadata has instead.
    pub(crate) resource: Vec<(&'static str, Value)>,
    /// The scopes that a tool needs at the first call, the second, and so on; the last ones for
    /// ever.
    pub(crate) needs: HashMap<&'static str, Vec<&'static str>>,
    /// Tools that nobody may call.
    pub(crate) forbidden: HashSet<&'static str>,
    /// Grants what was asked for, without what is in here.
    pub(crate) withheld: HashSet<&'static str>,
    /// Nobody may register for scopes.
    pub(crate) registers_no_scopes: bool,
    /// Nobody may register without a page to come back to.
    pub(crate) registers_pages_only: bool,
    /// The server takes no token.
    pub(crate) is_deaf: bool,
    /// The person says no.
    pub(crate) refuses: bool,
    /// How often a device has to wait.
    pub(crate) pending: usize,
    /// A path whose answer comes so many milliseconds late.
    pub(crate) slow: Option<(&'static str, u64)>,
    /// Where challenges say that the resource's metadata is; an empty one is a place of ours with
    /// nothing.
    pub(crate) pointer: Option<&'static str>,
    /// What the names that it gives to clients end with.
    pub(crate) client_suffix: &'static str,
    /// Refuses every request for a token, and says again what it was sent.
    pub(crate) echoes: bool,
    /// What of a token answer is otherwise; `null` is left out.
    pub(crate) tokens: Vec<(&'static str, Value)>,
    /// Answers to requests for a token, in place of a real one, in this order.
    pub(crate) instead: Vec<(u16, &'static str)>,
    /// What the answer to a registration has besides.
    pub(crate) registered: Vec<(&'static str, Value)>,
    /// How the page to sign in at turns away a client that is not known.
    pub(crate) turns_away: TurnsAway,
    /// The status of the page that answers `prompt=none`, whoever the client is.
    pub(crate) refuses_probes: Option<u16>,
    /// What a device code has instead.
    pub(crate) device: Vec<(&'static str, Value)>,
    /// What answers in place of a real one say of when to ask again.
    pub(crate) retry_after: Option<&'static str>,
    /// There is no metadata of an issuer.
    pub(crate) publishes_nothing: bool,
    /// Header lines before the challenge.
    pub(crate) lines_before: Vec<&'static str>,
    /// Whether the challenge has spaces around `=`.
    pub(crate) is_spaced: bool,
}

/// How the page to sign in at turns away a client that is not known.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum TurnsAway {
    /// With an error page, and status 401.
    #[default]
    Page,
    /// With status 400 and JSON with the error code.
    Json,
    /// With an error page that does not say what is wrong, and this status.
    QuietPage(u16),
    /// Back to the client.
    Back,
    /// Not at all: only the token endpoint looks.
    Later,
}

#[derive(Default)]
struct Inner {
    knobs: Knobs,
    log: Vec<String>,
    count: usize,
    codes: HashMap<String, (String, String)>,
    tokens: HashMap<String, Vec<String>>,
    refresh: HashMap<String, String>,
    spent: HashSet<String>,
    calls: HashMap<String, usize>,
    secrets: HashMap<String, String>,
    /// What each client that registered may do.
    grants: HashMap<String, String>,
    /// Clients that are not known any more.
    gone: HashSet<String>,
}

/// The world.
#[derive(Clone)]
pub(crate) struct World {
    origin: String,
    inner: Arc<Mutex<Inner>>,
}

impl World {
    /// Serves it.
    pub(crate) async fn new(knobs: Knobs) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner {
            knobs,
            secrets: [("machine".to_owned(), "machine-secret".to_owned())].into(),
            ..Inner::default()
        };
        let world = Self { origin, inner: Arc::new(Mutex::new(inner)) };
        let service = StreamableHttpService::new(
            || Ok(Tools),
            Arc::<LocalSessionManager>::default(),
            StreamableHttpServerConfig::default(),
        );
        let app = Router::new()
            .nest_service("/mcp", service)
            .layer(middleware::from_fn_with_state(world.clone(), guard))
            .fallback(issuer)
            .with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        world
    }

    /// The MCP server.
    pub(crate) fn url(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// The issuer.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// What happened at the issuer that begins so.
    pub(crate) fn log(&self, beginning: &str) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.log.iter().filter(|line| line.starts_with(beginning)).cloned().collect()
    }

    /// Changes how the world is.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Knobs)) {
        change(&mut self.inner.lock().unwrap().knobs);
    }

    /// No access token is good any more.
    pub(crate) fn forget_tokens(&self) {
        self.inner.lock().unwrap().tokens.clear();
    }

    /// No refresh token is good any more.
    pub(crate) fn forget_refresh_tokens(&self) {
        self.inner.lock().unwrap().refresh.clear();
    }

    /// No client that registered is known any more.
    pub(crate) fn forget_clients(&self) {
        let mut inner = self.inner.lock().unwrap();
        let known: Vec<String> = inner.grants.drain().map(|(id, _)| id).collect();
        inner.gone.extend(known);
    }

    /// Every token that there was.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let inner = self.inner.lock().unwrap();
        inner.tokens.keys().chain(inner.refresh.keys()).chain(&inner.spent).cloned().collect()
    }

    /// The access token and the refresh token that are good, if there is one of each.
    pub(crate) fn current(&self) -> [String; 2] {
        let inner = self.inner.lock().unwrap();
        let only = |keys: Vec<&String>| match keys.as_slice() {
            [one] => (*one).clone(),
            all => panic!("{all:?}"),
        };
        [only(inner.tokens.keys().collect()), only(inner.refresh.keys().collect())]
    }

    fn metadata(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.origin);
        let mut metadata = json!({
            "issuer": self.origin,
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "registration_endpoint": at("/register"),
            "revocation_endpoint": at("/revoke"),
            "device_authorization_endpoint": at("/device"),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        for (name, value) in &self.inner.lock().unwrap().knobs.metadata {
            metadata[*name] = value.clone();
        }
        metadata
    }

    fn resource(&self) -> Value {
        let mut resource = json!({
            "resource": self.url(),
            "authorization_servers": [self.origin],
            "scopes_supported": ["read"],
        });
        for (name, value) in &self.inner.lock().unwrap().knobs.resource {
            resource[*name] = value.clone();
        }
        resource
    }
}

impl Inner {
    fn next(&mut self, kind: &str) -> String {
        self.count += 1;
        format!("{kind}-{}-{:08}", self.count, self.count * 7919)
    }

    fn issue(&mut self, scope: &str, with_refresh: bool) -> Value {
        let granted = scope.split(' ').filter(|scope| !scope.is_empty());
        let granted = granted.filter(|scope| !self.knobs.withheld.contains(scope));
        let granted: Vec<String> = granted.map(str::to_owned).collect();
        let access = self.next("access");
        let mut answer = json!({
            "access_token": access, "token_type": "Bearer", "scope": granted.join(" "),
            "expires_in": self.knobs.life.unwrap_or(3600),
        });
        if with_refresh && !self.knobs.no_refresh {
            let refresh = self.next("refresh");
            answer["refresh_token"] = refresh.clone().into();
            self.refresh.insert(refresh, granted.join(" "));
        }
        self.tokens.insert(access, granted);
        for (name, value) in self.knobs.tokens.clone() {
            answer[name] = value;
        }
        let object = answer.as_object_mut().unwrap();
        object.retain(|_, value| !value.is_null());
        answer
    }

    fn authorize(&mut self, query: &Pairs, origin: &str) -> String {
        let get = |name: &str| query.get(name).cloned().unwrap_or_default();
        if get("prompt") == "none" {
            self.log.push("probe".to_owned());
        } else {
            self.log.push(format!("authorize {} {}", get("scope"), get("resource")));
        }
        let mut redirect = Url::parse(&get("redirect_uri")).unwrap();
        assert_eq!(get("code_challenge_method"), "S256");
        let iss = self.knobs.iss.clone().unwrap_or_else(|| origin.to_owned());
        let code = self.next("code");
        redirect.query_pairs_mut().append_pair("state", &get("state")).append_pair("iss", &iss);
        if self.gone.contains(&get("client_id")) && self.knobs.turns_away == TurnsAway::Back {
            redirect.query_pairs_mut().append_pair("error", "unauthorized_client");
        } else if self.knobs.refuses {
            let pairs = [("error", "access_denied"), ("error_description", "not today")];
            redirect.query_pairs_mut().extend_pairs(pairs);
        } else {
            redirect.query_pairs_mut().append_pair("code", &code);
            self.codes.insert(code, (get("scope"), get("redirect_uri")));
        }
        redirect.into()
    }

    /// Takes note of how the client shows who it is.
    fn authenticated(&mut self, form: &Pairs) -> Result<Value, &'static str> {
        let method = match (form.get("method"), form.get("client_secret")) {
            (Some(_), _) => "basic",
            (None, Some(_)) => "post",
            (None, None) => "none",
        };
        self.log.push(format!("by {method}"));
        self.token(form)
    }

    fn token(&mut self, form: &Pairs) -> Result<Value, &'static str> {
        let get = |name: &str| form.get(name).cloned().unwrap_or_default();
        let grant = get("grant_type");
        let short = grant.rsplit(':').next().unwrap_or_default().to_owned();
        self.log.push(format!("token {short} {}", get("resource")));
        if self.gone.contains(&get("client_id")) {
            return Err("invalid_client");
        }
        match short.as_str() {
            "authorization_code" => {
                assert!(!get("code_verifier").is_empty());
                let (scope, redirect) = self.codes.remove(&get("code")).ok_or("invalid_grant")?;
                assert_eq!(redirect, get("redirect_uri"));
                Ok(self.issue(&scope, true))
            }
            "refresh_token" => {
                let token = get("refresh_token");
                if self.spent.contains(&token) {
                    self.log.push("reuse".to_owned());
                }
                let scope = self.refresh.remove(&token).ok_or("invalid_grant")?;
                self.spent.insert(token);
                Ok(self.issue(&scope, true))
            }
            "client_credentials" => {
                let secret = self.secrets.get(&get("client_id")).ok_or("invalid_client")?;
                if *secret != get("client_secret") {
                    return Err("invalid_client");
                }
                Ok(self.issue(&get("scope"), false))
            }
            "device_code" if self.knobs.pending > 0 => {
                self.knobs.pending -= 1;
                Err("authorization_pending")
            }
            "device_code" if self.knobs.refuses => Err("access_denied"),
            "device_code" => {
                let (scope, _) = self.codes.remove(&get("device_code")).ok_or("expired_token")?;
                Ok(self.issue(&scope, true))
            }
            "jwt-bearer" if get("assertion") == "platform-jwt" => {
                Ok(self.issue(&get("scope"), false))
            }
            "jwt-bearer" => Err("invalid_grant"),
            _ => Err("unsupported_grant_type"),
        }
    }

    /// What is wrong with a request, as a status and a challenge without its pointer.
    fn refusal(&mut self, headers: &HeaderMap, body: &Value) -> Option<(u16, String)> {
        let token = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap());
        let Some(token) = token.and_then(|value| value.strip_prefix("Bearer ")) else {
            return Some((401, "scope=\"read\"".to_owned()));
        };
        let Some(granted) = self.tokens.get(token).filter(|_| !self.knobs.is_deaf) else {
            return Some((401, "error=\"invalid_token\"".to_owned()));
        };
        if body["method"] != "tools/call" {
            return None;
        }
        let tool = body["params"]["name"].as_str().unwrap();
        if self.knobs.forbidden.contains(tool) {
            return Some((403, String::new()));
        }
        let needs = self.knobs.needs.get(tool)?;
        let nth = self.calls.entry(tool.to_owned()).or_default();
        let needed = needs[(*nth).min(needs.len() - 1)];
        *nth += 1;
        if needed.split(' ').all(|scope| granted.iter().any(|has| has == scope)) {
            return None;
        }
        Some((403, format!("error=\"insufficient_scope\", scope=\"{needed}\"")))
    }
}

async fn guard(State(world): State<World>, request: Request, next: Next) -> Response<Body> {
    if !request.uri().path().starts_with("/mcp") {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let refusal = world.inner.lock().unwrap().refusal(&parts.headers, &json);
    let Some((status, challenge)) = refusal else {
        return next.run(Request::from_parts(parts, Body::from(bytes))).await;
    };
    let pointer = match world.inner.lock().unwrap().knobs.pointer {
        None => format!("{}/resource", world.origin),
        Some("") => format!("{}/nothing", world.origin),
        Some(elsewhere) => elsewhere.to_owned(),
    };
    let pointer = format!("resource_metadata=\"{pointer}\"");
    let challenge = if challenge.is_empty() {
        format!("Bearer {pointer}")
    } else {
        format!("Bearer {challenge}, {pointer}")
    };
    let knobs = world.inner.lock().unwrap().knobs.clone();
    let challenge = if knobs.is_spaced { challenge.replace("=\"", " = \"") } else { challenge };
    let mut response = Response::builder().status(status);
    for line in knobs.lines_before {
        response = response.header(header::WWW_AUTHENTICATE, line);
    }
    response.header(header::WWW_AUTHENTICATE, challenge).body(Body::empty()).unwrap()
}

async fn issuer(State(world): State<World>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let query = pairs(parts.uri.query().unwrap_or_default());
    let text = std::str::from_utf8(&bytes).unwrap();
    let mut form = pairs(text);
    if let Some((id, secret)) = basic(&parts.headers) {
        form.insert("method".to_owned(), "basic".to_owned());
        form.insert("client_id".to_owned(), id);
        form.insert("client_secret".to_owned(), secret);
    }
    let knobs = world.inner.lock().unwrap().knobs.clone();
    if parts.uri.path() == "/token" && knobs.echoes {
        let json = json!({ "error": "invalid_request", "error_description": text });
        return answer(400, &json);
    }
    if parts.uri.path() == "/token" && !knobs.instead.is_empty() {
        let mut inner = world.inner.lock().unwrap();
        inner.log.push("token instead".to_owned());
        let (status, body) = inner.knobs.instead.remove(0);
        let kind = if body.starts_with('<') { "text/html" } else { "application/json" };
        let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
        if let Some(after) = inner.knobs.retry_after {
            response = response.header(header::RETRY_AFTER, after);
        }
        return response.body(Body::from(body)).unwrap();
    }
    let path = parts.uri.path().to_owned();
    let response = answered(&world, parts, &bytes, &query, &form);
    if let Some((slow, late)) = knobs.slow
        && slow == path
    {
        world.inner.lock().unwrap().log.push(format!("slow {path}"));
        tokio::time::sleep(Duration::from_millis(late)).await;
    }
    response
}

fn answered(
    world: &World,
    parts: Parts,
    bytes: &[u8],
    query: &Pairs,
    form: &Pairs,
) -> Response<Body> {
    match (parts.method, parts.uri.path()) {
        (Method::GET, "/resource") => answer(200, &world.resource()),
        (Method::GET, "/.well-known/oauth-authorization-server")
            if !world.inner.lock().unwrap().knobs.publishes_nothing =>
        {
            answer(200, &world.metadata())
        }
        (Method::POST, "/register") => {
            let asked: Value = serde_json::from_slice(bytes).unwrap();
            let mut inner = world.inner.lock().unwrap();
            if asked.get("scope").is_some() && inner.knobs.registers_no_scopes {
                return answer(400, &json!({ "error": "invalid_client_metadata" }));
            }
            inner.log.push("register".to_owned());
            let id = format!("{}{}", inner.next("client"), inner.knobs.client_suffix);
            let uris = asked["redirect_uris"].clone();
            let needs_page = inner.knobs.registers_pages_only && uris == json!([]);
            if needs_page {
                return answer(400, &json!({ "error": "invalid_redirect_uri" }));
            }
            inner.grants.insert(id.clone(), asked["grant_types"].to_string());
            let mut registered = json!({ "client_id": id, "redirect_uris": uris });
            for (name, value) in &inner.knobs.registered {
                registered[*name] = value.clone();
            }
            answer(201, &registered)
        }
        (Method::GET, "/authorize") => {
            let mut inner = world.inner.lock().unwrap();
            let is_gone = inner.gone.contains(&query["client_id"]);
            let is_probe = query.get("prompt").is_some_and(|prompt| prompt == "none");
            if let Some(status) = inner.knobs.refuses_probes.filter(|_| is_probe) {
                inner.log.push("probe refused".to_owned());
                let response = Response::builder().status(status);
                return response.body(Body::from("login_required")).unwrap();
            }
            let status = match inner.knobs.turns_away {
                TurnsAway::Page => 401,
                TurnsAway::Json if is_gone => {
                    return answer(400, &json!({ "error": "invalid_client" }));
                }
                TurnsAway::QuietPage(status) => status,
                TurnsAway::Json | TurnsAway::Back | TurnsAway::Later => 0,
            };
            if is_gone && status != 0 {
                inner.log.push("error page".to_owned());
                let response = Response::builder().status(status);
                return response.body(Body::from("You may close this page")).unwrap();
            }
            drop(inner);
            let to = world.inner.lock().unwrap().authorize(query, &world.origin);
            let response = Response::builder().status(StatusCode::FOUND);
            response.header(header::LOCATION, to).body(Body::empty()).unwrap()
        }
        (Method::POST, "/token") => match world.inner.lock().unwrap().authenticated(form) {
            Ok(token) => answer(200, &token),
            Err(code) => answer(400, &json!({ "error": code })),
        },
        (Method::POST, "/device") => {
            let mut inner = world.inner.lock().unwrap();
            if inner.gone.contains(&form["client_id"]) {
                return answer(401, &json!({ "error": "invalid_client" }));
            }
            let may = inner.grants.get(&form["client_id"]);
            let may = may.is_none_or(|grants| grants.contains("device_code"));
            if !may && !inner.knobs.registers_pages_only {
                return answer(400, &json!({ "error": "unauthorized_client" }));
            }
            let code = inner.next("device");
            let scope = form.get("scope").cloned().unwrap_or_default();
            inner.codes.insert(code.clone(), (scope, String::new()));
            let at = format!("{}/activate", world.origin);
            let mut device = json!({
                "device_code": code, "user_code": "ABCD-EFGH", "verification_uri": at,
                "expires_in": 60, "interval": 0,
            });
            for (name, value) in &inner.knobs.device {
                device[*name] = value.clone();
            }
            answer(200, &device)
        }
        (Method::POST, "/revoke") => {
            let mut inner = world.inner.lock().unwrap();
            let line = format!("revoke {}", form["token_type_hint"]);
            inner.log.push(line);
            inner.tokens.remove(&form["token"]);
            inner.refresh.remove(&form["token"]);
            answer(200, &Value::Null)
        }
        (method, path) => {
            world.inner.lock().unwrap().log.push(format!("strange {method} {path}"));
            answer(404, &Value::Null)
        }
    }
}

fn answer(status: u16, json: &Value) -> Response<Body> {
    let response = Response::builder().status(status);
    let response = response.header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(json.to_string())).unwrap()
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| pairs(&format!("x={text}")).remove("x").unwrap();
    Some((decoded(id), decoded(secret)))
}

fn pairs(text: &str) -> Pairs {
    let url = Url::parse(&format!("form:?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

#[derive(Clone)]
struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |name| {
            let mut schema = JsonObject::new();
            schema.insert("type".into(), "object".into());
            Tool::new(name, "", schema)
        };
        Ok(ListToolsResult::with_all_items(vec![tool("one"), tool("two")]))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let text = format!("called {}", request.name);
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }
}
