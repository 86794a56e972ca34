//! Makes the requests of an exchange again, against a running server, and checks what it owes.
//!
//! 1. The parameters, their order and the headers are the client's. What is new each time is made
//!    here or taken from the server's answers: states, verifiers, ports, ids, tokens, codes.
//! 2. The server that answered when the exchanges were recorded was another one. Where ours differs
//!    by design, ours is checked: its challenge, its documents, pages before the redirect.
//! 3. A person follows each authorization request in a browser, as far as the client sent one.
//! 4. A list that begins with tokens continues the list that got them.

use std::{collections::BTreeMap, time::Duration};

use auth_core::{Algorithm, Clock, SystemClock, base64url};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Method, header};
use serde_json::{Value, json};
use testkit::TestKey;

use crate::{
    browser::{Browser, authorize},
    documents::KEYED,
    exchange::{Exchange, Step},
    program::{Answer, Ask, Program, assert_text, encoded, parameter},
};

/// Standard base64 of 16 bytes with every special character.
const BASE64_STATE: &str = "q+/8aVX/Zx1+sQmJd0kP+Q==";
/// As long as the protocol allows, with every unreserved character.
const VERIFIER_TAIL: &str = "-._~ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// How long a client waits between two polls of the device grant.
const INTERVAL: Duration = Duration::from_secs(5);
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// One client and one person, with what they keep between lists.
pub(crate) struct Replay<'a> {
    program: &'a Program,
    exchange: &'a Exchange,
    /// What placeholders stand for now.
    values: BTreeMap<String, String>,
    /// The port of the client's callback.
    port: u16,
    /// Challenge to verifier, and code to challenge.
    challenges: BTreeMap<String, String>,
    codes: BTreeMap<String, String>,
    /// Each refresh token that was used, and the one that came for it.
    successors: BTreeMap<String, String>,
    made: usize,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(program: &'a Program, exchange: &'a Exchange) -> Self {
        Self {
            program,
            exchange,
            values: BTreeMap::new(),
            port: 49_152,
            challenges: BTreeMap::new(),
            codes: BTreeMap::new(),
            successors: BTreeMap::new(),
            made: 0,
        }
    }

    /// Replays a list, after the one that it continues.
    pub(crate) async fn run(&mut self, name: &str) {
        let steps = self.exchange.list(name).unwrap();
        if let Some(before) = self.precedent(name, steps) {
            self.steps(before, self.exchange.list(before).unwrap()).await;
        } else if needs(steps, "client_id") {
            self.register_for(steps).await;
        }
        if name == "forgotten" {
            // What was given to the client before is not known any more.
            for (_, id) in self.values.iter_mut().filter(|(name, _)| name.starts_with("client_id"))
            {
                "00000000-never-registered".clone_into(id);
            }
        }
        self.steps(name, steps).await;
    }

    /// The list that got what another one begins with.
    fn precedent(&self, name: &str, steps: &[Step]) -> Option<&'static str> {
        let has = |list: &str| self.exchange.list(list).is_some();
        let begins_signed_in = needs(steps, "access_token") || needs(steps, "refresh_token");
        if name == "refresh_cimd" {
            return Some("sign_in_cimd");
        }
        if needs(steps, "client_id") || begins_signed_in {
            let registers = |list: &&str| {
                let steps = self.exchange.list(list).unwrap_or_default();
                steps.iter().any(|step| step.path == "/register")
            };
            let with_document = !needs(steps, "client_id");
            let lists = ["sign_in", "sign_in_registered"];
            return match lists.into_iter().find(registers) {
                Some(list) if list != name => Some(list),
                _ if with_document && has("sign_in") => Some("sign_in"),
                _ => None,
            };
        }
        None
    }

    /// Registers a client for a list that has no registration in it.
    async fn register_for(&mut self, steps: &[Step]) {
        let is_redirect = |(name, _): &&(String, String)| name == "redirect_uri";
        let redirects = steps.iter().filter_map(|step| step.query.iter().find(is_redirect));
        let redirects: Vec<_> = redirects.map(|(_, uri)| uri.clone()).collect();
        let redirects: Vec<_> = redirects.iter().map(|uri| self.filled(uri)).collect();
        let body = json!({
            "redirect_uris": redirects,
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        });
        let answer = self.program.send(Ask::json("/register", &body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.keep("client_id", &answer.json()["client_id"]);
    }

    async fn steps(&mut self, name: &str, steps: &[Step]) {
        for volatile in ["state", "code_challenge"] {
            self.values.retain(|key, _| !key.starts_with(volatile));
        }
        let mut browser = Browser::new();
        for (index, step) in steps.iter().enumerate() {
            println!("{name} {index}: {} {}", step.method, step.path);
            let after = &steps[index + 1..];
            match (step.method.as_str(), step.path.as_str()) {
                (_, "/mcp") => self.call(step).await,
                ("GET", path) if path.contains("/.well-known/") => self.document(step).await,
                ("POST", "/register") => self.register(step).await,
                ("GET", "/authorize") => self.authorize(step, after, &mut browser).await,
                ("POST", "/device_authorization") => self.device(step).await,
                ("POST", "/token") => self.token(step, after, &mut browser).await,
                other => panic!("a request of another kind: {other:?}"),
            }
        }
    }

    /// A request to the MCP endpoint.
    async fn call(&mut self, step: &Step) {
        let mut headers = step.headers.clone();
        // Where the recorded token had expired, ours has been altered.
        let has_token = headers.contains_key("authorization");
        if has_token && step.status == 401 {
            headers.insert("authorization".into(), "Bearer <access_token>x".into());
        }
        let method: Method = step.method.parse().unwrap();
        let body = step.json.as_ref().map(|json| self.message(json));
        let ask = match &body {
            Some(body) => Ask::json("/mcp", body),
            None => Ask::new(method.clone(), "/mcp"),
        };
        let answer = self.send(ask, &headers).await;
        if has_token && step.status == 403 {
            let scopes = self.token_scopes(&headers["authorization"]);
            let has_enough = scopes.iter().any(|it| it == "Admin.Write");
            assert_eq!(answer.status, if has_enough { 200 } else { 403 }, "{answer:?}");
            if !has_enough {
                assert_insufficient(&answer, &scopes);
            }
            return;
        }
        assert_eq!(u64::from(answer.status.as_u16()), step.status, "{answer:?}");
        if step.status == 401 {
            let challenge = answer.header(&header::WWW_AUTHENTICATE).unwrap();
            let document = "/.well-known/oauth-protected-resource/mcp";
            let document = format!("resource_metadata=\"{}{document}\"", self.program.origin);
            assert!(challenge.starts_with("Bearer ") && challenge.contains(&document));
            assert!(challenge.contains("scope=\"Admin.Write User.Read\""), "{challenge}");
            assert_eq!(challenge.contains("error=\"invalid_token\""), has_token, "{challenge}");
        }
        let calls_tool = body.is_some_and(|body| body["method"] == "tools/call");
        if step.status == 200 && calls_tool {
            assert!(!answer.body.contains("\"isError\":true"), "{answer:?}");
        }
    }

    /// The scopes of the token in a header of the exchange.
    fn token_scopes(&self, authorization: &str) -> Vec<String> {
        let token = self.filled(authorization);
        let payload = base64url::decode(token.split('.').nth(1).unwrap()).unwrap();
        let claims: Value = serde_json::from_slice(&payload).unwrap();
        claims["scope"].as_str().unwrap().split(' ').map(str::to_owned).collect()
    }

    /// The message of a client, with the members that the exchange leaves out.
    fn message(&self, json: &Value) -> Value {
        let mut message: Value = serde_json::from_str(&self.filled(&json.to_string())).unwrap();
        let text = message.to_string();
        match message["method"].as_str().unwrap_or_default() {
            "initialize" => {
                let params = &mut message["params"];
                if params.is_null() {
                    *params = json!({ "protocolVersion": "2025-11-25" });
                }
                let client = json!({ "name": "client", "version": "1" });
                for (name, default) in [("capabilities", json!({})), ("clientInfo", client)] {
                    if params[name].is_null() {
                        params[name] = default;
                    }
                }
            }
            "server/discover" => {
                message["params"] = json!({ "_meta": {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientInfo": { "name": "client", "version": "1" },
                    "io.modelcontextprotocol/clientCapabilities": {},
                } });
            }
            "tools/call" => {}
            other => panic!("{other}: {text}"),
        }
        message
    }

    /// A request for a metadata document.
    async fn document(&mut self, step: &Step) {
        let answer = self.send(Ask::get(&step.path), &step.headers).await;
        let is_missing = step.path.ends_with("openid-configuration");
        if is_missing {
            // Not a page, not a challenge: clients go on to the next address then.
            assert_eq!(answer.status, 404, "{answer:?}");
            return;
        }
        assert_eq!(answer.status, 200, "{}: {answer:?}", step.path);
        let (origin, resource) = (&self.program.origin, self.program.resource());
        let document = answer.json();
        if step.path.contains("oauth-protected-resource") {
            assert_eq!(document["resource"], *resource);
            assert_eq!(document["authorization_servers"], json!([origin]));
        } else {
            assert_eq!(document["issuer"], *origin);
            for (member, path) in [
                ("authorization_endpoint", "/authorize"),
                ("token_endpoint", "/token"),
                ("registration_endpoint", "/register"),
                ("device_authorization_endpoint", "/device_authorization"),
            ] {
                assert_eq!(document[member], format!("{origin}{path}"));
            }
        }
    }

    async fn register(&mut self, step: &Step) {
        let body: Value =
            serde_json::from_str(&self.filled(&step.json.as_ref().unwrap().to_string())).unwrap();
        let answer = self.send(Ask::json("/register", &body), &step.headers).await;
        let no_redirects = body["redirect_uris"].as_array().is_some_and(Vec::is_empty);
        let grants = body["grant_types"].as_array().cloned().unwrap_or_default();
        if no_redirects && !grants.contains(&json!(DEVICE)) {
            let error =
                if grants.is_empty() { "invalid_client_metadata" } else { "invalid_redirect_uri" };
            answer.assert_error(400, error);
            // What the client goes on with then is an id that nothing was given.
            let name =
                step.answer.get("client_id").map_or("<client_id>", |it| it.as_str().unwrap());
            self.values.insert(name.trim_matches(['<', '>']).into(), "none".into());
            return;
        }
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.header(&header::CACHE_CONTROL), Some("no-store"));
        let registered = answer.json();
        for member in ["redirect_uris", "client_name"] {
            assert_eq!(registered[member], body[member], "{registered}");
        }
        // What is asked is what is answered, and a secret is for those who asked for one.
        let method = body["token_endpoint_auth_method"].as_str().unwrap_or("client_secret_basic");
        assert_eq!(registered["token_endpoint_auth_method"], method, "{registered}");
        assert_eq!(registered.get("client_secret").is_some(), method != "none", "{registered}");
        for member in ["client_id", "client_secret"] {
            let name = step.answer.get(member).map_or(member, |it| it.as_str().unwrap());
            self.keep(name, &registered[member]);
        }
    }

    async fn authorize(&mut self, step: &Step, after: &[Step], browser: &mut Browser) {
        let challenge = placeholder(&step.query, "code_challenge");
        if !self.values.contains_key(&challenge) {
            self.make_challenge(&challenge);
        }
        let query: Vec<_> = step
            .query
            .iter()
            .map(|(name, value)| {
                if name == "state" && value.starts_with('<') {
                    self.make_state(value);
                }
                (name.clone(), self.filled(value))
            })
            .collect();
        let path = authorize(query.iter().map(|(name, value)| (name, value)));
        let opens_browser =
            |it: &Step| it.path == "/authorize" && it.by.as_deref() == Some("browser");
        let is_own =
            step.by.as_deref() == Some("client") && after.first().is_some_and(opens_browser);
        if is_own || step.status == 400 {
            return self.preflight(step, &path).await;
        }
        let error = step.answer.get("error").map(|it| it.as_str().unwrap());
        browser.allows = error != Some("access_denied");
        let sent = browser.open(self.program, &path).await.sent();

        // The address is the client's, with nothing before its query.
        let get = |name: &str| query.iter().find(|(it, _)| it == name).map(|(_, value)| value);
        let redirect = get("redirect_uri").unwrap();
        let (address, answered) = sent.split_once('?').unwrap();
        assert_eq!(address, redirect, "{sent}");
        assert!(!answered.contains('+'), "a space is %20: {sent}");
        let state = get("state");
        assert_eq!(parameter(&sent, "state").as_ref(), state, "{sent}");
        assert_eq!(parameter(&sent, "iss").as_ref(), Some(&self.program.origin), "{sent}");
        assert_eq!(parameter(&sent, "error").as_deref(), error, "{sent}");
        if error.is_some() {
            assert_text(&parameter(&sent, "error_description").unwrap());
            return;
        }
        let code = parameter(&sent, "code").unwrap();
        let unreserved = |it: char| it.is_ascii_alphanumeric() || "-._~".contains(it);
        assert!(code.chars().all(unreserved), "{code}");
        self.codes.insert(code.clone(), self.values[&challenge].clone());
        let name = step.answer.get("code").map_or("<code>", |it| it.as_str().unwrap());
        self.values.insert(name.trim_matches(['<', '>']).into(), code);
    }

    /// The client asks the authorization endpoint itself, without cookies: a page, or that the
    /// client is unknown; and nothing has happened.
    async fn preflight(&mut self, step: &Step, path: &str) {
        let answer = self.send(Ask::get(path), &step.headers).await;
        if step.status != 400 {
            assert_eq!(answer.status, 200, "{answer:?}");
            return;
        }
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.headers.get(header::SET_COOKIE).is_none(), "{answer:?}");
        let json = self.program.send(Ask::get(path).header("Accept", "application/json")).await;
        json.assert_error(400, "invalid_client");
    }

    async fn device(&mut self, step: &Step) {
        let form = self.form(&step.form);
        let answer = self.send(Ask::form(&step.path, form), &step.headers).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        assert_eq!(body["verification_uri"], format!("{}/device", self.program.origin));
        assert!(body["expires_in"].as_u64().unwrap() >= 300 && body["interval"] == 5, "{body}");
        self.keep("device_code", &body["device_code"]);
        self.keep("user_code", &body["user_code"]);
    }

    async fn token(&mut self, step: &Step, after: &[Step], browser: &mut Browser) {
        let form = self.form(&step.form);
        let get = |name: &str| form.iter().find(|(it, _)| it == name).map(|(_, value)| value);
        if get("grant_type").is_some_and(|it| it == DEVICE) {
            if step.status == 400 {
                // As many polls as there were would be too many for a test.
                if after.first().is_some_and(|next| next.path == "/token" && next.status == 400) {
                    return;
                }
            } else {
                let path =
                    format!("/device?{}", encoded([("user_code", &self.values["user_code"])]));
                let page = browser.open(self.program, &path).await.page();
                assert_eq!(page.status, 200, "{page:?}");
                tokio::time::sleep(INTERVAL).await;
            }
        }
        let answer = self.send(Ask::form("/token", form.clone()), &step.headers).await;
        let status = u64::from(answer.status.as_u16());
        // Where one token came twice at once, the second is answered, too.
        let again = get("refresh_token").and_then(|it| self.successors.get(it));
        let is_race = again.is_some_and(|successor| !self.successors.contains_key(successor));
        if step.status != 200 && !is_race {
            let error = step.answer.get("error").map_or("invalid_grant", |it| it.as_str().unwrap());
            let mut expected = (step.status, error);
            if self.values.get("client_id_2").is_some_and(|it| it == "none")
                && step.mentions("<client_id_2>")
            {
                expected = (401, "invalid_client");
            }
            answer.assert_error(u16::try_from(expected.0).unwrap(), expected.1);
            return;
        }
        assert_eq!(status, 200, "{answer:?}");
        assert_eq!(answer.header(&header::CACHE_CONTROL), Some("no-store"));
        let body = answer.json();
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 900);
        assert!(body["scope"].is_string(), "{body}");
        for member in ["access_token", "refresh_token"] {
            assert!(body[member].is_string(), "no {member}");
            let name = step.answer.get(member).map_or(member, |it| it.as_str().unwrap());
            self.keep(name, &body[member]);
        }
        if let Some(old) = get("refresh_token") {
            let new = body["refresh_token"].as_str().unwrap().to_owned();
            self.successors.insert(old.clone(), new);
        }
    }

    /// The fields of a form.
    fn form(&self, fields: &[(String, String)]) -> Vec<(String, String)> {
        let code = fields.iter().find(|(name, _)| name == "code");
        let code = code.map(|(_, value)| self.filled(value));
        let fill = |(name, value): &(String, String)| {
            let value = match name.as_str() {
                "code_verifier" => {
                    let challenge = &self.codes[code.as_ref().unwrap()];
                    self.challenges[challenge].clone()
                }
                "client_assertion" => self.assertion(),
                _ => self.filled(value),
            };
            (name.clone(), value)
        };
        fields.iter().map(fill).collect()
    }

    /// An assertion of the client with a key (RFC 7523 §3).
    fn assertion(&self) -> String {
        let key = TestKey::shared(Algorithm::Es256);
        let kid = key.signing().id().map(|id| id.as_str().to_owned());
        let header = json!({ "alg": "ES256", "kid": kid });
        let now = SystemClock.now().as_secs();
        let claims = json!({
            "iss": KEYED, "sub": KEYED, "aud": self.program.origin, "jti": "one",
            "iat": now, "exp": now + 60,
        });
        testkit::compact(&header.to_string(), &claims.to_string(), |it| key.sign(it))
    }

    async fn send(&self, ask: Ask, headers: &BTreeMap<String, String>) -> Answer {
        let ask =
            headers.iter().fold(ask, |ask, (name, value)| ask.header(name, self.filled(value)));
        self.program.send(ask).await
    }

    fn make_challenge(&mut self, name: &str) {
        self.made += 1;
        let verifier = format!("verifier{:03}{VERIFIER_TAIL}", self.made);
        let challenge = digest::digest(&digest::SHA256, verifier.as_bytes());
        let challenge = base64url::encode(challenge);
        self.challenges.insert(challenge.clone(), verifier);
        self.values.insert(name.to_owned(), challenge);
    }

    fn make_state(&mut self, placeholder: &str) {
        self.made += 1;
        let state = format!("state-{:04}-with-22-characters", self.made);
        self.values.entry(placeholder.trim_matches(['<', '>']).into()).or_insert(state);
    }

    fn keep(&mut self, name: &str, value: &Value) {
        if let Some(value) = value.as_str() {
            self.values.insert(name.trim_matches(['<', '>']).to_owned(), value.to_owned());
        }
    }

    /// A text of the exchange, with what its placeholders stand for.
    fn filled(&self, text: &str) -> String {
        let text = text.replace("http://localhost:8000", &self.program.origin);
        let mut filled = String::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            let (name, after) = after.split_once('>').unwrap();
            filled.push_str(before);
            filled.push_str(&self.value(name));
            rest = after;
        }
        filled + rest
    }

    fn value(&self, name: &str) -> String {
        if let Some(value) = self.values.get(name) {
            return value.clone();
        }
        match name {
            "port" => self.port.to_string(),
            "newest" => "2026-07-28".into(),
            "user" => "alice".into(),
            "id" => "0123456789abcdef".into(),
            "32 characters" => "0123456789abcdef0123456789abcdef".into(),
            "base64: 24 characters" => BASE64_STATE.into(),
            "https address of its document" => KEYED.into(),
            "base64 of client_id:client_secret" => {
                let half = |name| encoded([("", self.values[name].as_str())]).split_off(1);
                STANDARD.encode(format!("{}:{}", half("client_id"), half("client_secret")))
            }
            other => {
                // The second one of a kind where only one was kept.
                let kind = other.trim_end_matches(|it: char| it.is_ascii_digit());
                let kind = kind.trim_end_matches('_');
                self.values.get(kind).cloned().unwrap_or_else(|| panic!("nothing for <{name}>"))
            }
        }
    }
}

/// A 403 names all that the token has and what is missing (RFC 6750 §3.1), because some clients
/// ask for nothing else afterwards.
fn assert_insufficient(answer: &Answer, held: &[String]) {
    let challenge = answer.header(&header::WWW_AUTHENTICATE).unwrap();
    assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
    let scope = challenge.split_once("scope=\"").unwrap().1.split_once('"').unwrap().0;
    let named: Vec<_> = scope.split(' ').collect();
    assert!(named.contains(&"Admin.Write"), "{challenge}");
    for scope in held.iter().filter(|it| *it != "offline_access") {
        assert!(named.contains(&scope.as_str()), "{scope} is not in {challenge}");
    }
}

/// Whether a list uses a value that nothing in it has given yet.
fn needs(steps: &[Step], name: &str) -> bool {
    let placeholder = format!("<{name}>");
    let path = if name == "client_id" { "/register" } else { "/token" };
    for step in steps {
        let in_header = step.headers.values().any(|it| it.contains(&placeholder));
        if step.mentions(&placeholder) || in_header {
            return true;
        }
        if step.path == path && step.status < 300 {
            return false;
        }
    }
    false
}

/// The name of the placeholder that is a parameter's value.
fn placeholder(parameters: &[(String, String)], name: &str) -> String {
    let (_, value) = parameters.iter().find(|(it, _)| it == name).unwrap();
    value.trim_matches(['<', '>']).to_owned()
}
