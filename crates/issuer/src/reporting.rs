//! Reports changes to who records them, and refuses them while that cannot be done.
//!
//! 1. What may change something runs to its end, also where the caller disconnects: a change that
//!    the database has made by then would have no record otherwise.
//! 2. Its body is received before, so that what runs without a caller waits for nothing of it.
//! 3. A bounded number of them runs at once ([`DetachedChanges`](directory::DetachedChanges)).
//!    Beyond that the answer is 503.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use directory::{UserName, authorization::NewGrant};
use http::Method;

use crate::{
    AuthorizationServer, Change, ChangeKind, ChangeObserver, ChangedBy, PeerAddress, body,
    limit::network, respond::Unavailable,
};

impl AuthorizationServer {
    /// Reports changes to `observer`. A second one is ignored.
    pub fn observe_with(&self, observer: Arc<dyn ChangeObserver>) {
        // There is one, of the process.
        let _ = self.observer().set(observer);
    }

    /// Waits until the changes have ended that were begun, within bounds. To be called at a stop,
    /// once no request comes any more and before the log of changes is closed.
    pub async fn wait_for_changes(&self) {
        self.changes().wait_for_end().await;
    }

    /// Reports a change that was made.
    pub(crate) fn changed<'a>(
        &self,
        by: ChangedBy<'a>,
        kind: ChangeKind,
        object: impl Into<Option<&'a str>>,
        detail: impl Into<Option<&'a str>>,
    ) {
        if let Some(observer) = self.observer().get() {
            observer.observe(&Change { by, kind, object: object.into(), detail: detail.into() });
        }
    }

    /// Reports a change of a user's own account.
    pub(crate) fn changed_account(&self, user: &UserName, kind: ChangeKind, detail: Option<&str>) {
        self.changed(ChangedBy::User(user), kind, user.subject.as_str(), detail);
    }

    /// Makes room for a grant of a user who has too many, and reports the one that ends for it.
    pub(crate) async fn make_room_for(&self, grant: &NewGrant) -> Result<(), Unavailable> {
        if let Some(ended) = self.store().make_room_for_grant(grant).await? {
            let (by, how) = (ChangedBy::User(&grant.user), "too many of the user");
            self.changed(by, ChangeKind::GrantEnded, ended.as_str(), how);
        }
        Ok(())
    }

    /// An error while a change could not be recorded.
    pub(crate) fn check_recordable(&self) -> Result<(), Unavailable> {
        if self.observer().get().is_none_or(|observer| observer.can_record()) {
            Ok(())
        } else {
            Err(Unavailable::new("a change could not be recorded", "the audit log is not written"))
        }
    }
}

/// The layer of the routes that change something with a `POST`. The one `GET` that does, the way
/// back from a provider, checks it itself.
pub(crate) async fn require_record(
    State(server): State<AuthorizationServer>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::POST
        && let Err(fault) = server.check_recordable()
    {
        return fault.into_response();
    }
    next.run(request).await
}

/// The layer of the `POST` requests that may change something: they run to their end.
pub(crate) async fn finish_post(
    state: State<AuthorizationServer>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() == Method::POST {
        finish(state, request, next).await
    } else {
        next.run(request).await
    }
}

/// The layer of requests that may change something, whatever their method is.
pub(crate) async fn finish(
    State(server): State<AuthorizationServer>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let address = parts.extensions.get::<PeerAddress>().map(|PeerAddress(it)| network(*it));
    let request = Request::from_parts(parts, body::receive(body).await);
    match server.changes().run(address, next.run(request)).await {
        Ok(response) => response,
        Err(fault) => Unavailable::new("a change cannot be made", fault).into_response(),
    }
}
