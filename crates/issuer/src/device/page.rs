//! The page for the code that a device shows, and what comes of it (RFC 8628 §3.3).

use std::sync::Arc;

use auth_core::oauth::{Form, UserCode};
use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use directory::{User, UserName, authorization::BrowserSession};
use http::HeaderMap;

use super::{attempts, view, waiting::Waiting};
use crate::{
    AuthorizationServer, PeerAddress,
    authorize::Offer,
    clients::{self, ClientLookupError},
    pages::DeviceCodeError,
    respond::Unavailable,
    sign_in::{self, Browser, FormKind, Next, Posted},
    users,
};

/// The purpose of the token of a confirm page: it is for one code and one session.
const PURPOSE: &str = "device decision";

/// `GET /device`
pub(super) async fn show(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let form = query.and_then(|query| Form::parse(query.as_bytes()).ok());
    let code = form.and_then(|form| form.get("user_code")?.parse::<UserCode>().ok());
    match page(&server, &headers, code).await {
        Ok(response) => response,
        Err(fault) => view::unavailable(&server, &fault),
    }
}

async fn page(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    code: Option<UserCode>,
) -> Result<Response, Unavailable> {
    let browser = Browser::of(server, headers).await?;
    Ok(match signed_in(server, &browser).await? {
        Some(_) => view::code(server, &browser, code.as_ref(), None),
        None => sign_in::page(server, &browser, &Next::Device(code), "", None),
    })
}

/// `POST /device`
pub(super) async fn enter(State(server): State<AuthorizationServer>, posted: Posted) -> Response {
    match confirm(&server, &posted).await {
        Ok(response) => response,
        Err(fault) => view::unavailable(&server, &fault),
    }
}

async fn confirm(server: &AuthorizationServer, posted: &Posted) -> Result<Response, Unavailable> {
    let browser = &posted.browser;
    let typed = posted.form.get("user_code").unwrap_or_default();
    let code = typed.parse::<UserCode>().ok();
    let Some((session, user)) = signed_in(server, browser).await? else {
        return Ok(sign_in::page(server, browser, &Next::Device(code), "", None));
    };
    if !posted.is_genuine(server, FormKind::Device) {
        return Ok(view::expired(server));
    }
    let again = |code, error| Ok(view::code(server, browser, code, Some(error)));
    // What is no code is not looked up, so it guesses nothing.
    let Some(code) = code else { return again(None, DeviceCodeError::Unknown) };
    if let Err(wait) = attempts::count(server, session, posted.address).await? {
        return again(Some(&code), DeviceCodeError::TooMany(wait));
    }
    let Some(waiting) = find(server, &code, &user, posted).await? else {
        return again(Some(&code), DeviceCodeError::Unknown);
    };
    attempts::forgive(server, session).await?;
    let context = context(browser, session);
    let csrf = server.seal().seal(PURPOSE, &context, code.as_str(), server.now());
    Ok(browser.remember(server, view::confirm(server, &waiting, &code, &user, csrf)))
}

/// The code whose confirm page was shown to this session.
pub(super) fn confirmed(
    server: &AuthorizationServer,
    browser: &Browser,
    session: &BrowserSession,
    token: &str,
) -> Option<UserCode> {
    let context = context(browser, session);
    server.seal().open(PURPOSE, &context, token, server.now())?.parse().ok()
}

fn context(browser: &Browser, session: &BrowserSession) -> String {
    format!("{}\0{}", browser.id, session.begun.id)
}

/// The user who is signed in at a browser, and may act.
pub(super) async fn signed_in<'a>(
    server: &AuthorizationServer,
    browser: &'a Browser,
) -> Result<Option<(&'a BrowserSession, Arc<User>)>, Unavailable> {
    let Some(session) = &browser.session else { return Ok(None) };
    let user = users::of_session(server, session).await?;
    Ok(user.map(|user| (session, user)))
}

/// The device with this code, and what `user` may give it; `None` if the code is wrong, was used or
/// has ended, or its client is gone.
pub(super) async fn find(
    server: &AuthorizationServer,
    code: &UserCode,
    user: &User,
    posted: &Posted,
) -> Result<Option<Waiting>, Unavailable> {
    let Some(device) = server.store().device_by_user_code(code, server.now()).await? else {
        return Ok(None);
    };
    let asked = &device.request;
    let peer = Some(PeerAddress(posted.address));
    let client = match clients::find(server, &asked.client_id, peer).await {
        Ok(client) => client,
        Err(ClientLookupError::Unavailable(fault)) => return Err(fault),
        Err(ClientLookupError::Unknown(_)) => return Ok(None),
        Err(ClientLookupError::Unreachable(words)) => {
            return Err(Unavailable::new("no client metadata", words));
        }
    };
    let Some(target) = server.config().resource(&asked.resource) else { return Ok(None) };
    let name = UserName::new(user.issuer(), user.subject());
    let before = server.store().consented(&name, &asked.client_id, &asked.resource).await?;
    let offer = Offer::new(server, &target.policy.current(), user, &asked.scopes, before);
    let resource = target.name.clone();
    Ok(Some(Waiting { device, client, offer, resource }))
}
