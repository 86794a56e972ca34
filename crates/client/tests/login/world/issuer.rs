//! The pages and endpoints of the issuer.

use std::time::Duration;

use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, Response, StatusCode, header, request::Parts},
};
use serde_json::{Value, json};

use super::{
    World,
    http::{Pairs, answer, basic, pairs},
    knobs::TurnsAway,
};

impl World {
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

pub(super) async fn issuer(State(world): State<World>, request: Request) -> Response<Body> {
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
