//! `GET /account`

use std::collections::BTreeSet;

use auth_core::{ClientId, oauth::MetadataUrl};
use axum::{extract::State, response::Response};
use directory::{
    User,
    authorization::{BrowserSession, Grant, GrantFilter},
};
use http::HeaderMap;

use super::{
    notice::Said,
    signed_in::{SignedIn, is_fresh, sign_in_page},
};
use crate::{
    AuthorizationServer,
    pages::{
        AccountPage, Connection, Hidden, Label, Page, PasswordState, Proof, SecondFactorState,
        Session, When,
    },
    respond::Unavailable,
    sign_in::{Browser, FormKind, LEAST_CHARACTERS, Next},
    users,
};

/// `GET /account`
pub(super) async fn get(
    State(server): State<AuthorizationServer>,
    headers: HeaderMap,
) -> Result<Response, Unavailable> {
    let browser = Browser::of(&server, &headers).await?;
    let Some(session) = &browser.session else { return Ok(sign_in_page(&server, &browser, None)) };
    let Some(user) = users::of_session(&server, session).await? else {
        return Ok(sign_in_page(&server, &browser, None));
    };
    let page = page(&server, &browser, session, &user, Said::default()).await?;
    Ok(browser.remember(&server, page))
}

/// The page again, with what a form did.
pub(super) async fn after(
    server: &AuthorizationServer,
    form: &SignedIn,
    said: impl Into<Said>,
) -> Result<Response, Unavailable> {
    page(server, &form.posted.browser, &form.session, &form.user, said.into()).await
}

async fn page(
    server: &AuthorizationServer,
    browser: &Browser,
    session: &BrowserSession,
    user: &User,
    said: Said,
) -> Result<Response, Unavailable> {
    let (store, now, name) = (server.store(), server.now(), &session.begun.user);
    let filter = GrantFilter { user: Some(name.clone()), ..GrantFilter::default() };
    let operators: BTreeSet<ClientId> =
        store.clients(true).await?.into_iter().map(|client| client.id).collect();
    let connections = store.grants(&filter).await?;
    let connections =
        connections.into_iter().map(|grant| connection(server, grant, &operators)).collect();
    let sessions = store.browser_sessions(name, now).await?.into_iter().map(|other| Session {
        is_this: other.begun.id == session.begun.id,
        id: other.begun.id,
        browser: Label::name(&other.begun.user_agent),
        since: When::new(other.begun.created_at, now),
        last_used: Some(When::new(other.last_used_at, now)),
    });
    let is_set = store.password(name).await?.is_some();
    let password = server.config().passwords.then(|| PasswordState {
        is_set,
        asks_current: is_set && !is_fresh(server, session),
        least: LEAST_CHARACTERS,
        error: said.password,
    });
    let page = AccountPage {
        frame: server.frame(),
        form: Hidden {
            csrf: browser.form_token(server, FormKind::Account),
            request: Next::Account.to_field(),
        },
        user: Label::long(user.subject().as_str()),
        notice: said.notice,
        connections,
        sessions: sessions.collect(),
        password,
        second_factor: Some(second_factor(server, session, user).await?),
    };
    Ok(page.response())
}

async fn second_factor(
    server: &AuthorizationServer,
    session: &BrowserSession,
    user: &User,
) -> Result<SecondFactorState, Unavailable> {
    let (store, name) = (server.store(), &session.begun.user);
    let factor = store.second_factor(name).await?;
    if !factor.is_some_and(|factor| factor.is_confirmed) {
        return Ok(SecondFactorState::Off);
    }
    let left = store.recovery_codes_left(name).await?;
    let codes_left = usize::try_from(left).unwrap_or(usize::MAX);
    Ok(SecondFactorState::On { codes_left, is_required: users::needs_second_factor(server, user) })
}

fn connection(
    server: &AuthorizationServer,
    grant: Grant,
    operators: &BTreeSet<ClientId>,
) -> Connection {
    let (given, now) = (grant.given, server.now());
    let proof = match given.client_id.as_str().parse::<MetadataUrl>() {
        Ok(document) => Proof::Domain(Label::host(document.host())),
        Err(_) if operators.contains(&given.client_id) => Proof::Operator,
        Err(_) => Proof::None,
    };
    Connection {
        id: given.id.as_str().to_owned(),
        name: Label::name(given.client_name.as_deref().unwrap_or_default()),
        proof,
        scopes: given.scopes.iter().map(|scope| Label::name(scope.as_str())).collect(),
        granted: When::new(given.created_at, now),
        last_used: Some(When::new(grant.last_used_at, now)),
    }
}
