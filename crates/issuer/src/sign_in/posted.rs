//! A form of one of our pages, as it arrives.

use std::net::IpAddr;

use auth_core::oauth::{Form, MAX_FORM_BYTES};
use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use http::HeaderMap;

use super::{
    browser::{Browser, FormKind},
    next::Next,
    origin::may_be_ours,
    throttle::NO_ADDRESS,
    view,
};
use crate::{AuthorizationServer, PeerAddress, body};

/// A form, and the browser that sent it.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) browser: Browser,
    pub(crate) form: Form,
    pub(crate) headers: HeaderMap,
    /// Where the request comes from, if that is known.
    pub(crate) peer: Option<PeerAddress>,
    /// The address that attempts are counted by.
    pub(crate) address: IpAddr,
}

impl Posted {
    /// Whether one of our pages made it, for this browser.
    pub(crate) fn is_genuine(&self, server: &AuthorizationServer, kind: FormKind) -> bool {
        self.browser.sent_form(server, &self.headers, kind, self.form.get("csrf"))
    }

    /// Where the user goes on afterwards; the account page if the form does not say.
    pub(crate) fn next(&self) -> Option<Next> {
        self.form.get("request").map_or(Some(Next::Account), Next::parse)
    }
}

impl FromRequest<AuthorizationServer> for Posted {
    type Rejection = Response;

    async fn from_request(
        request: Request,
        server: &AuthorizationServer,
    ) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let headers = parts.headers;
        if !body::is_form(&headers) {
            return Err(view::unreadable(server));
        }
        let body = body::read(body, MAX_FORM_BYTES).await.map_err(|_| view::unreadable(server))?;
        let form = Form::parse(&body).map_err(|_| view::unreadable(server))?;
        let browser = Browser::of(server, &headers).await.map_err(IntoResponse::into_response)?;
        let may_remember = may_be_ours(server.config(), &headers);
        let browser = Browser { may_remember, ..browser };
        let peer = parts.extensions.get::<PeerAddress>().copied();
        let address = peer.map_or(NO_ADDRESS, |peer| peer.0);
        Ok(Self { browser, form, headers, peer, address })
    }
}
