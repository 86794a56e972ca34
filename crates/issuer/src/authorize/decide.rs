//! `POST /authorize`: what the user decided on the consent page.
//!
//! 1. The form comes from a page of ours in the same browser, for the same request and the same
//!    user, at most ten minutes ago.
//! 2. Everything is checked anew: the request, the client, the session, the user's roles.
//! 3. What is granted is what was ticked, within what is offered now.
//! 4. The grant and its code are one change; a user who was disabled in between gets none.

use auth_core::{
    ScopeSet, display,
    oauth::{AuthorizationCode, ErrorCode, Form, MAX_FORM_BYTES, OAuthError, StoredCode},
};
use axum::{Extension, body::Body, extract::State, response::Response};
use directory::{
    UserName,
    authorization::{AddGrant, Consent, GrantId, NewGrant},
};
use http::{HeaderMap, header};

use super::{
    CheckedRequest, Offer, check, consent_token, denial, refuse,
    show::{answer, offer},
    signing_in, view,
};
use crate::{
    AuthorizationServer, ChangeKind, ChangedBy, PeerAddress, body,
    pages::{Onward, Problem, field},
    random::random,
    respond::Unavailable,
    sign_in::{Browser, may_be_ours},
    users,
};

/// What the user decided.
pub(crate) enum Decision {
    /// To allow these.
    Allow(ScopeSet),
    Deny,
}

/// `POST /authorize`
pub(crate) async fn decide(
    State(server): State<AuthorizationServer>,
    peer: Option<Extension<PeerAddress>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let peer = peer.map(|Extension(peer)| peer);
    if !may_be_ours(server.config(), &headers) {
        return view::problem(&server, Problem::Expired);
    }
    if !body::is_form(&headers) {
        return view::problem(&server, Problem::Expired);
    }
    let bytes = body::read(body, MAX_FORM_BYTES).await;
    let Ok(form) = bytes.and_then(|bytes| Ok(Form::parse_page(&bytes)?)) else {
        return view::problem(&server, Problem::Expired);
    };
    let request = form.get(field::REQUEST).unwrap_or_default();
    let checked = match check(&server, peer, request).await {
        Ok(checked) => checked,
        Err(error) => return refuse(&server, &headers, error),
    };
    match take(&server, &headers, &form, &checked).await {
        Ok(response) => response,
        Err(fault) => view::unavailable(&server, &fault),
    }
}

async fn take(
    server: &AuthorizationServer,
    headers: &HeaderMap,
    form: &Form,
    checked: &CheckedRequest,
) -> Result<Response, Unavailable> {
    server.check_recordable()?;
    let browser = Browser::of(server, headers).await?;
    let user = match &browser.session {
        Some(session) => users::of_session(server, session).await?,
        None => None,
    };
    let Some(user) = user else {
        return Ok(signing_in::again(server, checked));
    };
    let token = form.get(field::CSRF).unwrap_or_default();
    if browser.is_new {
        return Ok(view::problem(server, Problem::Cookies));
    }
    if !consent_token::is_good(server, &browser.id, checked, &user, token) {
        return Ok(view::problem(server, Problem::Expired));
    }
    let offer = offer(server, checked, &user).await?;
    let Some(decision) = decision(form, &offer) else {
        return Ok(view::problem(server, Problem::Expired));
    };
    match decision {
        Decision::Deny => {
            let name = UserName::new(user.issuer(), user.subject());
            let client = checked.client.id.as_str();
            server.changed(ChangedBy::User(&name), ChangeKind::AccessDeclined, client, None);
            let text = "the user declined";
            let error = OAuthError::new(ErrorCode::AccessDenied, text);
            let location = answer(server, checked).refused(&error);
            let mut response = view::onward(server, checked, Onward::Denied, location);
            let cookie = denial::cookie(server, &browser.id, &checked.client.id);
            response.headers_mut().append(header::SET_COOKIE, cookie);
            Ok(response)
        }
        Decision::Allow(scopes) => {
            let name = UserName::new(user.issuer(), user.subject());
            let remembered = offer.to_remember(&scopes);
            grant(server, checked, name, scopes, &remembered).await
        }
    }
}

/// What the form says, within what is offered.
pub(crate) fn decision(form: &Form, offer: &Offer) -> Option<Decision> {
    Some(match form.get(field::DECISION)? {
        field::ALLOW => {
            let is_ticked =
                |scope: &&auth_core::Scope| form.get(&field::scope(scope.as_str())).is_some();
            Decision::Allow(offer.scopes().iter().filter(is_ticked).cloned().collect())
        }
        field::READ_ONLY => Decision::Allow(offer.reading()),
        // Its button is not on the page of a place that is new.
        field::CONTINUE if offer.is_moved() => return None,
        field::CONTINUE => Decision::Allow(offer.remembered.clone()),
        field::DENY => Decision::Deny,
        _ => return None,
    })
}

async fn grant(
    server: &AuthorizationServer,
    checked: &CheckedRequest,
    user: UserName,
    scopes: ScopeSet,
    remembered: &Consent,
) -> Result<Response, Unavailable> {
    let (now, authorization) = (server.now(), &checked.authorization);
    let code = AuthorizationCode::from_random(random()?);
    let grant = NewGrant {
        id: GrantId::from_random(random()?),
        user,
        client_id: checked.client.id.clone(),
        client_name: checked.client.name().map(str::to_owned),
        resource: authorization.resource().clone(),
        scopes,
        created_at: now,
    };
    let stored = StoredCode::new(authorization, now);
    let (store, source) = (server.store(), checked.client.source());
    server.make_room_for(&grant).await?;
    match store.issue_code(&grant, source, &code.digest(), &stored).await? {
        AddGrant::Added => {}
        AddGrant::NoUser => return Ok(signing_in::again(server, checked)),
        AddGrant::NoClient => return Ok(view::problem(server, Problem::Expired)),
    }
    let NewGrant { user, client_id, resource, scopes, .. } = &grant;
    let detail = format!("{client_id} at {}: {scopes}", resource.as_str());
    let (by, kind) = (ChangedBy::User(user), ChangeKind::AccessAllowed);
    server.changed(by, kind, grant.id.as_str(), detail.as_str());
    store.remember_consent(user, (client_id, source), resource, remembered, now).await?;
    tracing::info!(
        grant = grant.id.as_str(),
        issuer = %user.issuer,
        subject = %display::escape(user.subject.as_str()),
        client = %client_id,
        scopes = %scopes,
        "A user allowed a client access"
    );
    Ok(view::onward(server, checked, Onward::Allowed, answer(server, checked).granted(&code)))
}
