//! What MCP clients need of an authorization server. `docs/sign-in-clients.md` lists the needs,
//! with the clients that have them and the test of each.

mod authorize;
mod device;
mod discovery;
mod refresh;
mod registration;
mod token;

use std::time::Duration;

use auth_core::base64url;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, authorize},
    program::{Answer, Ask, Program, parameter},
};

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const CALLBACK: &str = "http://127.0.0.1:49152/callback";

/// What a client sends: names and values, in order.
type Parameters = Vec<(&'static str, String)>;

/// A registered client.
struct Client<'a> {
    program: &'a Program,
    id: String,
    secret: Option<String>,
}

impl<'a> Client<'a> {
    /// A public client with a loopback callback.
    async fn public(program: &'a Program) -> Self {
        Self::with(program, &json!({ "token_endpoint_auth_method": "none" })).await
    }

    /// A client with more in its registration, and with a loopback callback if it has no other.
    async fn with(program: &'a Program, more: &Value) -> Self {
        let answer = register(program, more).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let registered = answer.json();
        let text = |name: &str| registered[name].as_str().map(str::to_owned);
        Self { program, id: text("client_id").unwrap(), secret: text("client_secret") }
    }

    /// Its authorization request.
    fn request(&self) -> Parameters {
        vec![
            ("response_type", "code".into()),
            ("client_id", self.id.clone()),
            ("redirect_uri", CALLBACK.into()),
            ("scope", "User.Read Admin.Write".into()),
            ("state", "a-state".into()),
            ("code_challenge", CHALLENGE.into()),
            ("code_challenge_method", "S256".into()),
            ("resource", self.program.resource()),
        ]
    }

    /// Its token request for a code.
    fn exchange(&self, code: &str) -> Parameters {
        vec![
            ("grant_type", "authorization_code".into()),
            ("code", code.into()),
            ("redirect_uri", CALLBACK.into()),
            ("code_verifier", VERIFIER.into()),
            ("client_id", self.id.clone()),
            ("resource", self.program.resource()),
        ]
    }

    /// Its token request for a refresh.
    fn refresh(&self, token: &str) -> Parameters {
        vec![
            ("grant_type", "refresh_token".into()),
            ("refresh_token", token.into()),
            ("client_id", self.id.clone()),
        ]
    }

    /// The code that alice lets it have.
    async fn code(&self) -> String {
        self.code_for(&self.request()).await
    }

    async fn code_for(&self, request: &Parameters) -> String {
        let sent = Browser::new().open(self.program, &authorize(request.clone())).await.sent();
        parameter(&sent, "code").unwrap_or_else(|| panic!("no code: {sent}"))
    }

    /// What it gets for a code that alice lets it have.
    async fn tokens(&self) -> Tokens {
        self.tokens_for(&self.request()).await
    }

    async fn tokens_for(&self, request: &Parameters) -> Tokens {
        let code = self.code_for(request).await;
        Tokens::of(&self.program.token(&self.exchange(&code)).await)
    }
}

/// What the token endpoint gives.
struct Tokens {
    access: String,
    refresh: String,
    scope: String,
}

impl Tokens {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_else(|| panic!("{body}")).to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), scope: text("scope") }
    }

    /// The claims of the access token.
    fn claims(&self) -> Value {
        let payload = self.access.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64url::decode(payload).unwrap()).unwrap()
    }
}

impl Program {
    /// A request to the token endpoint.
    async fn token(&self, fields: &Parameters) -> Answer {
        self.send(Ask::form("/token", fields.clone())).await
    }

    /// A call of a tool.
    async fn call(&self, tool: &str, token: &str) -> Answer {
        let params = json!({ "name": tool, "arguments": {} });
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        let ask = Ask::json("/mcp", &body)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", "2025-06-18")
            .header("Authorization", format!("Bearer {token}"));
        self.send(ask).await
    }

    /// Calls a tool again and again until the answer is one.
    async fn call_until(&self, tool: &str, token: &str, is_one: fn(&Answer) -> bool) -> Answer {
        loop {
            let answer = self.call(tool, token).await;
            if is_one(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Asks for a registration, with a loopback callback unless `more` says otherwise.
async fn register(program: &Program, more: &Value) -> Answer {
    let mut body = json!({ "client_name": "A client", "redirect_uris": [CALLBACK] });
    body["grant_types"] = json!(["authorization_code", "refresh_token"]);
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    program.send(Ask::json("/register", &body)).await
}

/// The request with another value for a parameter, or without it.
fn with(mut request: Parameters, name: &'static str, value: Option<&str>) -> Parameters {
    match (request.iter().position(|(it, _)| *it == name), value) {
        (Some(at), Some(value)) => request[at].1 = value.into(),
        (Some(at), None) => drop(request.remove(at)),
        (None, Some(value)) => request.push((name, value.into())),
        (None, None) => {}
    }
    request
}
