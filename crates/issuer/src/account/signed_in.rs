//! A form of the account page, from the user whose session saw it.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use directory::{User, authorization::BrowserSession};

use crate::{
    AuthorizationServer, ChangeKind,
    pages::SignInError,
    respond::Unavailable,
    sign_in::{Browser, FormKind, Next, Posted, page},
    users,
};

/// How long after a sign-in a session is fresh.
const FRESH: Duration = Duration::from_mins(5);

/// A form of the account page.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) posted: Posted,
    pub(super) session: BrowserSession,
    pub(super) user: Arc<User>,
}

impl FromRequest<AuthorizationServer> for SignedIn {
    type Rejection = Response;

    async fn from_request(
        request: Request,
        server: &AuthorizationServer,
    ) -> Result<Self, Response> {
        let posted = Posted::from_request(request, server).await?;
        Self::of(server, posted).await
    }
}

impl SignedIn {
    /// The user of a form; the sign-in page if there is no session, or the form is not of it.
    pub(super) async fn of(server: &AuthorizationServer, posted: Posted) -> Result<Self, Response> {
        let Some(session) = posted.browser.session.clone() else {
            return Err(sign_in_page(server, &posted.browser, None));
        };
        if !posted.is_genuine(server, FormKind::Account) {
            let error = Some(SignInError::Expired);
            return Err(sign_in_page(server, &posted.browser, error));
        }
        let user = users::of_session(server, &session).await;
        let Some(user) = user.map_err(IntoResponse::into_response)? else {
            return Err(sign_in_page(server, &posted.browser, None));
        };
        Ok(Self { posted, session, user })
    }

    /// Whether the user signed in within the last five minutes.
    pub(super) fn is_fresh(&self, server: &AuthorizationServer) -> bool {
        is_fresh(server, &self.session)
    }

    /// Ends all sessions of the user but this one.
    pub(super) async fn end_other_sessions(
        &self,
        server: &AuthorizationServer,
    ) -> Result<(), Unavailable> {
        let begun = &self.session.begun;
        let end = server.store().end_browser_sessions_of(&begun.user, None, Some(&begun.digest));
        if end.await? > 0 {
            server.changed_account(&begun.user, ChangeKind::SessionsEnded, Some("all others"));
        }
        Ok(())
    }

    /// The page to sign in once more.
    pub(super) fn sign_in_again(&self, server: &AuthorizationServer) -> Response {
        sign_in_page(server, &self.posted.browser, Some(SignInError::Expired))
    }
}

/// Whether a session began within the last five minutes.
pub(super) fn is_fresh(server: &AuthorizationServer, session: &BrowserSession) -> bool {
    server.now().since(session.begun.created_at) <= FRESH
}

/// The page to sign in, and to come here afterwards.
pub(super) fn sign_in_page(
    server: &AuthorizationServer,
    browser: &Browser,
    error: Option<SignInError>,
) -> Response {
    let user = browser.session.as_ref().map(|session| session.begun.user.subject.as_str());
    let user = user.unwrap_or_default();
    page(server, browser, &Next::Account, user, error)
}
