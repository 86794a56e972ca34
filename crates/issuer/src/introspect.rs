//! Token introspection (RFC 7662).
//!
//! 1. Only a client with a credential may ask (RFC 7662 §2.1, §4): about its own tokens, or, if the
//!    operator lets it introspect, about all: that is how a resource server asks. A token says who
//!    uses what, so a client that may sign users in is not also one that may ask about them.
//! 2. A token is active if it would be accepted now: it has not expired, was not revoked, and its
//!    user may act. Its scopes are those that the user's roles allow now.
//! 3. All else is `{"active": false}`, and nothing more, also for a token that the client may not
//!    ask about: so RFC 7662 §2.2 has it, and a 403 would say that the token is active (§4).

use auth_core::{
    Claims, ClientId,
    oauth::{
        IntrospectionRequest, PresentedClient, RefreshDecision, RefreshToken, Rotation,
        TokenDescription,
    },
};
use axum::{Extension, body::Body, extract::State, response::Response};
use directory::{Directory, UserName, authorization::PresentedRefresh};
use http::{HeaderMap, StatusCode};

use crate::{
    AuthorizationServer, PeerAddress, body,
    clients::{self, KnownClient},
    own_token,
    respond::{self, Refusal, Unavailable},
    token::issue,
    users,
};

/// `POST /introspect`
pub(crate) async fn endpoint(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let form = body::form(&headers, body).await?;
    let peer = peer.map(|Extension(peer)| peer);
    let client = clients::authenticate(&server, peer, &headers, &form).await?;
    if client.is_public() {
        return Err(PresentedClient::refused().into());
    }
    let request = IntrospectionRequest::parse(&form)?;
    let description = describe(&server, &client, request.expose()).await?;
    let description = description.unwrap_or(TokenDescription::Inactive);
    Ok(respond::json(StatusCode::OK, &description))
}

/// What `client` may know of a token; `None` if it is not active.
async fn describe(
    server: &AuthorizationServer,
    client: &KnownClient,
    token: &str,
) -> Result<Option<TokenDescription>, Unavailable> {
    let may_know = |owner: &ClientId| client.introspects || *owner == client.id;
    if let Ok(refresh) = token.parse::<RefreshToken>()
        && let Some(found) = server.store().find_refresh(&refresh.digest()).await?
    {
        let is_known = may_know(&found.grant.given.client_id);
        return if is_known { of_refresh(server, &found).await } else { Ok(None) };
    }
    match own_token::verify(server, token, server.now())? {
        Some(claims) if claims.client_id().is_some_and(may_know) => {
            of_access(server, &claims).await
        }
        _ => Ok(None),
    }
}

async fn of_access(
    server: &AuthorizationServer,
    claims: &Claims,
) -> Result<Option<TokenDescription>, Unavailable> {
    let (Some(client_id), Some(token_id), Some(issued_at), [audience, ..]) =
        (claims.client_id(), claims.token_id(), claims.issued_at(), claims.audiences())
    else {
        return Ok(None);
    };
    if server.users().is_revoked(claims.issuer(), token_id).await? {
        return Ok(None);
    }
    let name = UserName::new(claims.issuer(), claims.subject());
    let Some(user) = users::active(server, &name).await? else { return Ok(None) };
    let target = server.config().resources.iter().find(|it| it.uri.audience() == audience);
    let Some(target) = target.filter(|_| !user.has_revoked(Some(issued_at))) else {
        return Ok(None);
    };
    let scopes =
        claims.scopes().intersection(&users::ceiling(server, &user, &target.policy.current()));
    Ok(Some(TokenDescription::Active {
        issuer: claims.issuer().clone(),
        subject: claims.subject().clone(),
        audience: audience.clone(),
        client_id: client_id.clone(),
        scopes,
        issued_at,
        expires_at: claims.expires_at(),
        token_id: Some(token_id.clone()),
    }))
}

async fn of_refresh(
    server: &AuthorizationServer,
    found: &PresentedRefresh,
) -> Result<Option<TokenDescription>, Unavailable> {
    let (given, family, now) = (&found.grant.given, &found.family, server.now());
    let idle = server.config().lifetimes.refresh_idle;
    let would = family.present(found.generation, Rotation::Keep, idle, now);
    let is_good = matches!(would, RefreshDecision::Keep(_) | RefreshDecision::Repeat);
    if !is_good || found.grant.ended_at.is_some() {
        return Ok(None);
    }
    let allowed = issue::allowed_by_grant(server, given, &given.scopes).await?;
    Ok(allowed.map(|scopes| TokenDescription::Active {
        issuer: given.user.issuer.clone(),
        subject: given.user.subject.clone(),
        audience: given.resource.audience().clone(),
        client_id: given.client_id.clone(),
        scopes,
        issued_at: family.issued_at(),
        expires_at: family.issued_at().plus(idle),
        token_id: None,
    }))
}
