//! `GET /authorize`: which page.

use auth_core::oauth::{AuthorizationResponse, ErrorCode, OAuthError, Prompt};
use axum::{
    Extension,
    extract::{RawQuery, State},
    response::Response,
};
use http::HeaderMap;

use super::{
    CheckedRequest, Offer, check, consent_token, denial, refuse, refuse::send_back, signing_in,
    view,
};
use crate::{AuthorizationServer, PeerAddress, respond::Unavailable, sign_in::Browser, users};

/// `GET /authorize`
pub(crate) async fn show(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let peer = peer.map(|Extension(peer)| peer);
    let query = query.unwrap_or_default();
    let checked = match check(&server, peer, &query).await {
        Ok(checked) => checked,
        Err(error) => return refuse(&server, &headers, error),
    };
    match page(&server, &headers, &checked).await {
        Ok(response) => response,
        Err(fault) => view::unavailable(&server, &fault),
    }
}

async fn page(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    checked: &CheckedRequest,
) -> Result<Response, Unavailable> {
    let browser = Browser::of(server, headers).await?;
    let authorization = &checked.authorization;
    let user = match &browser.session {
        Some(session) => users::of_session(server, session).await?,
        None => None,
    };
    let prompt = authorization.prompt();
    if prompt == Prompt::None {
        let error = if user.is_none() {
            OAuthError::new(
                ErrorCode::LoginRequired,
                "no user is signed in: ask without prompt=none",
            )
        } else {
            let text = "the user has to consent: ask without prompt=none";
            OAuthError::new(ErrorCode::ConsentRequired, text)
        };
        let (uri, location) =
            (authorization.redirect_uri(), answer(server, checked).refused(&error));
        let is_operators = checked.client.is_operators;
        return Ok(send_back(server, headers, uri, is_operators, location));
    }
    let wants_sign_in = matches!(prompt, Prompt::Show { sign_in: true, .. });
    let Some(user) = user.filter(|_| !wants_sign_in) else {
        return Ok(signing_in::sign_in(server, &browser, checked));
    };
    let offer = offer(server, checked, &user).await?;
    let is_declined = denial::is_recent(server, headers, &browser.id, &checked.client.id);
    let csrf = consent_token::new(server, &browser.id, checked, &user);
    let response = view::consent(server, checked, &user, &offer, is_declined, csrf);
    Ok(browser.remember(server, response))
}

/// What `user` may give for a request.
pub(super) async fn offer(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    user: &directory::User,
) -> Result<Offer, Unavailable> {
    let authorization = &checked.authorization;
    let name = directory::UserName::new(user.issuer(), user.subject());
    let resource = authorization.resource();
    let before = server.store().consented(&name, &checked.client.id, resource).await?;
    let Some(target) = server.config().resource(resource) else {
        return Err(Unavailable::new("a resource is gone", "it was checked before"));
    };
    let client = &checked.client.id;
    let known = server.store().consented_redirects(&name, client, resource).await?;
    let offer = Offer::new(server, &target.policy.current(), user, authorization.scopes(), before);
    Ok(offer.going_to(authorization.redirect_uri(), &known))
}

/// The parts that all answers to a request share.
pub(super) fn answer<'a>(
    server: &'a AuthorizationServer,
    checked: &'a CheckedRequest,
) -> AuthorizationResponse<'a> {
    AuthorizationResponse {
        redirect_uri: checked.authorization.redirect_uri(),
        state: checked.authorization.state(),
        issuer: &server.config().issuer,
    }
}
