//! `POST /device/decision`: what the user decided about a device.
//!
//! 1. The form is of the confirm page of this session, for this code, at most ten minutes old.
//! 2. Everything is looked up anew: the code, the client, the user's roles.
//! 3. A code is decided once: of two decisions at the same time, on any nodes, one counts.

use axum::{extract::State, response::Response};
use directory::{
    UserName,
    authorization::{GrantId, NewGrant},
};

use super::{
    page::{confirmed, find, signed_in},
    view,
    waiting::Waiting,
};
use crate::{
    AuthorizationServer, ChangeKind, ChangedBy,
    authorize::{Decision, decision},
    pages::DeviceCodeError,
    random::random,
    respond::Unavailable,
    sign_in::{self, Next, Posted, may_be_ours},
};

/// `POST /device/decision`
pub(super) async fn decide(State(server): State<AuthorizationServer>, posted: Posted) -> Response {
    match take(&server, &posted).await {
        Ok(response) => response,
        Err(fault) => view::unavailable(&server, &fault),
    }
}

async fn take(server: &AuthorizationServer, posted: &Posted) -> Result<Response, Unavailable> {
    let (browser, form) = (&posted.browser, &posted.form);
    let Some((session, user)) = signed_in(server, browser).await? else {
        return Ok(sign_in::page(server, browser, &Next::Device(None), "", None));
    };
    let token = form.get("csrf").unwrap_or_default();
    let code = confirmed(server, browser, session, token)
        .filter(|_| may_be_ours(server.config(), &posted.headers));
    let Some(code) = code else { return Ok(view::expired(server)) };
    let unknown = || Ok(view::code(server, browser, None, Some(DeviceCodeError::Unknown)));
    let Some(waiting) = find(server, &code, &user, posted).await? else { return unknown() };
    let Some(decision) = decision(form, &waiting.offer) else { return Ok(view::expired(server)) };
    let asked = &waiting.device.request;
    let grant = match decision {
        Decision::Deny => None,
        Decision::Allow(scopes) => Some(NewGrant {
            id: GrantId::from_random(random()?),
            user: UserName::new(user.issuer(), user.subject()),
            client_id: asked.client_id.clone(),
            client_name: waiting.client.name().map(str::to_owned),
            resource: asked.resource.clone(),
            scopes,
            created_at: server.now(),
        }),
    };
    if let Some(grant) = &grant {
        server.make_room_for(grant).await?;
    }
    let given = grant.as_ref().map(|grant| (grant, waiting.client.source()));
    if !server.store().decide_device(&asked.digest, given).await? {
        return unknown();
    }
    let is_approved = grant.is_some();
    if !is_approved {
        let name = UserName::new(user.issuer(), user.subject());
        let client = asked.client_id.as_str();
        server.changed(ChangedBy::User(&name), ChangeKind::DeviceDeclined, client, None);
    }
    if let Some(grant) = grant {
        remember(server, &waiting, &grant).await?;
    }
    Ok(view::done(server, &waiting, is_approved))
}

/// Remembers what was given, and writes it into the log.
async fn remember(
    server: &AuthorizationServer,
    waiting: &Waiting,
    grant: &NewGrant,
) -> Result<(), Unavailable> {
    let NewGrant { user, client_id, resource, scopes, created_at, .. } = grant;
    let detail = format!("{client_id} at {}: {scopes}", resource.as_str());
    let (by, kind) = (ChangedBy::User(user), ChangeKind::DeviceAllowed);
    server.changed(by, kind, grant.id.as_str(), detail.as_str());
    let consent = waiting.offer.to_remember(scopes);
    let client = (client_id, waiting.client.source());
    server.store().remember_consent(user, client, resource, &consent, *created_at).await?;
    tracing::info!(
        grant = grant.id.as_str(),
        subject = %auth_core::display::escape(user.subject.as_str()),
        client = %auth_core::display::escape(waiting.client.id.as_str()),
        scopes = %scopes,
        "A user has connected a device"
    );
    Ok(())
}
