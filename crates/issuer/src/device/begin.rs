//! `POST /device_authorization`: a device begins (RFC 8628 §3.1, §3.2).
//!
//! 1. The client authenticates as at the token endpoint.
//! 2. One address may begin [`PER_MINUTE`] times in a minute, and one client may have
//!    [`MAX_PENDING`] codes that no user has decided about: what is beyond is answered by 429.
//! 3. Scopes that the policy does not have are dropped. None is all that a user may give.

use std::time::Duration;

use auth_core::oauth::{
    DeviceAuthorization, DeviceAuthorizationRequest, DeviceCode, ErrorCode, GrantType, OAuthError,
    UserCode,
};
use axum::{Extension, body::Body, extract::State, response::Response};
use directory::authorization::DeviceRequest;
use http::{HeaderMap, StatusCode, header};

use crate::{
    AuthorizationServer, PeerAddress, body, clients,
    random::random,
    respond::{self, Refusal, Unavailable},
};

/// How long the codes are valid: as long as an authorization request.
const LIFETIME: Duration = Duration::from_mins(10);
/// How often one address may begin in a minute.
const PER_MINUTE: u32 = 20;
/// How many codes of one client may wait.
const MAX_PENDING: u64 = 1000;
/// How often a user code is chosen: each time, it was in use.
const TRIES: usize = 4;
/// For how many seconds a client should wait if too many of its codes wait.
const WAIT_IF_FULL: u64 = 60;

/// `POST /device_authorization`
pub(crate) async fn begin(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let peer = peer.map(|Extension(peer)| peer);
    let (config, now) = (server.config(), server.now());
    let form = body::form(&headers, body).await?;
    let client = clients::authenticate(&server, peer, &headers, &form).await?;
    if !client.metadata.may_use(GrantType::DeviceCode) {
        let text = "the client is not registered for the device grant";
        return Err(OAuthError::new(ErrorCode::UnauthorizedClient, text).into());
    }
    let request = DeviceAuthorizationRequest::parse(&form, &config.resource_uris())?;
    let address = peer.map(|PeerAddress(address)| address);
    if let Err(wait) = server.devices().count(address, PER_MINUTE, now) {
        return Ok(too_many(wait));
    }
    let Some(target) = config.resource(request.resource()) else {
        return Err(Unavailable::new("a resource is gone", "it was checked before").into());
    };
    let device_code = DeviceCode::from_random(random()?);
    for _ in 0..TRIES {
        let user_code = UserCode::from_random(random()?);
        let device = DeviceRequest {
            digest: device_code.digest(),
            user_code: user_code.clone(),
            client_id: client.id.clone(),
            client_name: client.name().map(str::to_owned),
            resource: request.resource().clone(),
            scopes: target.policy.current().scopes().intersection(request.scopes()),
            created_at: now,
            expires_at: now.plus(LIFETIME),
        };
        if server.store().begin_device(&device, MAX_PENDING).await? {
            let answer = DeviceAuthorization {
                device_code: &device_code,
                user_code: &user_code,
                verification_uri: &format!("{}/device", config.issuer),
                expires_in: LIFETIME,
            };
            return Ok(respond::json(StatusCode::OK, &answer));
        }
    }
    Ok(too_many(WAIT_IF_FULL))
}

fn too_many(wait: u64) -> Response {
    let text = "too many devices wait for a user: try again later";
    let error = OAuthError::new(ErrorCode::TemporarilyUnavailable, text);
    let mut response = respond::json(StatusCode::TOO_MANY_REQUESTS, &error);
    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    response
}
