//! What one writes with rmcp's macros, axum and `jsonwebtoken`, after the examples of each.

use std::{collections::HashSet, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{Request, Response, StatusCode, header},
    middleware::{self, Next},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rmcp::{
    Json, ServerHandler, tool, tool_handler, tool_router,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::local::LocalSessionManager,
    },
};
use serde::Deserialize;
use testkit::{ISSUER, RESOURCE, TestKey};

use crate::time::Time;

#[derive(Clone)]
struct Clock;

#[tool_router]
impl Clock {
    #[tool(description = "The current time where the server runs")]
    async fn get_time(&self) -> Json<Time> {
        Json(Time::now())
    }
}

#[tool_handler]
impl ServerHandler for Clock {}

/// The server alone; with sessions, its answers are streams.
pub(crate) fn bare(sessions: bool) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(sessions)
        .with_json_response(!sessions);
    let service =
        StreamableHttpService::new(|| Ok(Clock), Arc::new(LocalSessionManager::default()), config);
    Router::new().nest_service("/mcp", service)
}

struct Judge {
    key: DecodingKey,
    validation: Validation,
    users: HashSet<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    scope: String,
}

/// The server behind a middleware that decodes the token, looks for the user and for the scope.
pub(crate) fn protected(key: &TestKey) -> Router {
    let pem = key.public_pem().unwrap_or_default();
    let (algorithm, key) = match key.algorithm() {
        auth_core::Algorithm::Hs256 => {
            (Algorithm::HS256, DecodingKey::from_secret(key.secret().unwrap()))
        }
        auth_core::Algorithm::Rs256 => {
            (Algorithm::RS256, DecodingKey::from_rsa_pem(pem.as_bytes()).unwrap())
        }
        auth_core::Algorithm::Es256 => {
            (Algorithm::ES256, DecodingKey::from_ec_pem(pem.as_bytes()).unwrap())
        }
        auth_core::Algorithm::EdDsa => {
            (Algorithm::EdDSA, DecodingKey::from_ed_pem(pem.as_bytes()).unwrap())
        }
    };
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[RESOURCE]);
    validation.set_issuer(&[ISSUER]);
    let users = HashSet::from(["user-userson".to_owned(), "admin-adminson".to_owned()]);
    let judge = Arc::new(Judge { key, validation, users });
    bare(false).layer(middleware::from_fn_with_state(judge, judged))
}

async fn judged(
    State(judge): State<Arc<Judge>>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let header = request.headers().get(header::AUTHORIZATION);
    let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = token else { return refused(StatusCode::UNAUTHORIZED) };
    let Ok(token) = jsonwebtoken::decode::<Claims>(token, &judge.key, &judge.validation) else {
        return refused(StatusCode::UNAUTHORIZED);
    };
    let claims = token.claims;
    if !judge.users.contains(&claims.sub) || !claims.scope.split(' ').any(|it| it == "Admin.Write")
    {
        return refused(StatusCode::FORBIDDEN);
    }
    next.run(request).await
}

fn refused(status: StatusCode) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}
