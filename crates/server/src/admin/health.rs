//! Whether the process runs, and whether it can serve: for monitoring and load balancers.

use std::{
    fmt::Write,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Router,
    http::{StatusCode, header},
    routing::get,
};
use bartizan::{IssuerStatus, Issuers};
use directory::Directory;
use terminal::date::rfc3339;

use crate::admin::readiness::{Failing, Readiness};

/// The paths of health checks, which are answered also while everything else is refused.
pub(crate) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// `/healthz`: the process runs. `/readyz`: users can be found, there are keys of every issuer, and
/// no background job fails. Neither needs a token. Neither says more than what fails and since
/// when: the metadata names the issuers anyway, and the log has the reasons.
pub(crate) fn routes<D: Directory>(health: Health<D>) -> Router {
    let [healthz, readyz] = PATHS;
    Router::new().route(healthz, get(|| async { answer(StatusCode::OK, "ok") })).route(
        readyz,
        get(move || {
            let health = health.clone();
            async move { report(&health.failing().await) }
        }),
    )
}

/// The issuers of each resource, which can be replaced. Its clones share them.
#[derive(Debug, Clone)]
pub(crate) struct IssuersInForce(Arc<RwLock<Arc<[Issuers]>>>);

impl IssuersInForce {
    /// Those of each resource.
    pub(crate) fn new(issuers: impl IntoIterator<Item = Issuers>) -> Self {
        Self(Arc::new(RwLock::new(issuers.into_iter().collect())))
    }

    /// Puts `issuers` in the place of those that there are.
    pub(crate) fn replace(&self, issuers: impl IntoIterator<Item = Issuers>) {
        let issuers = issuers.into_iter().collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = issuers;
    }

    fn current(&self) -> Arc<[Issuers]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a server needs to serve, and whether it is well.
#[derive(Debug)]
pub(crate) struct Health<D> {
    /// The users.
    pub(crate) directory: Arc<D>,
    /// The issuers of each resource.
    pub(crate) issuers: IssuersInForce,
    /// The background jobs.
    pub(crate) readiness: Readiness,
}

impl<D> Clone for Health<D> {
    fn clone(&self) -> Self {
        let Self { directory, issuers, readiness } = self;
        let (directory, issuers) = (Arc::clone(directory), issuers.clone());
        Self { directory, issuers, readiness: readiness.clone() }
    }
}

impl<D: Directory> Health<D> {
    /// What fails now.
    pub(crate) async fn failing(&self) -> Vec<Failing> {
        let mut failing = Vec::new();
        failing.extend(directory_failing(self.directory.as_ref()).await);
        failing.extend(self.directory.failing().iter().map(Failing::job));
        failing.extend(self.status().into_iter().flat_map(issuer_failing));
        failing.extend(self.readiness.failing());
        failing
    }

    /// The state of each issuer, once: resources share their issuers.
    pub(crate) fn status(&self) -> Vec<IssuerStatus> {
        let mut all = Vec::<IssuerStatus>::new();
        for status in self.issuers.current().iter().flat_map(Issuers::status) {
            if !all.contains(&status) {
                all.push(status);
            }
        }
        all
    }
}

async fn directory_failing(directory: &impl Directory) -> Option<Failing> {
    let unavailable_since = directory.unavailable_since();
    let affects_callers = directory.ping().await.is_err();
    let what = match unavailable_since {
        Some(_) => "the directory cannot be reached",
        None if affects_callers => "the directory is unavailable",
        None => return None,
    };
    Some(Failing { what: what.into(), since: unavailable_since, affects_callers, reason: None })
}

/// Its keys, and its answers about tokens. Callers are refused without answers where the issuer is
/// asked about every token.
fn issuer_failing(status: IssuerStatus) -> impl Iterator<Item = Failing> {
    let IssuerStatus { issuer, failing, is_usable, is_only_asked, unanswered_since, .. } = status;
    let keys = match &failing {
        Some(_) => Some(format!("keys of {issuer} cannot be fetched")),
        None if is_usable => None,
        None => Some(format!("there are no keys for {issuer}")),
    };
    let since = failing.map(|(since, _)| since);
    let keys = keys.map(|what| Failing { what, since, affects_callers: !is_usable, reason: None });
    let answers = unanswered_since.map(|since| Failing {
        what: format!("{issuer} cannot be asked about tokens"),
        since: Some(since),
        affects_callers: is_only_asked,
        reason: None,
    });
    keys.into_iter().chain(answers)
}

/// `ready` or `not ready`, and then a line for each failure: first those because of which callers
/// are refused. Where there is none of these, the others say that callers are served.
fn report(failing: &[Failing]) -> Answer {
    let (refusing, others): (Vec<_>, Vec<_>) = failing.iter().partition(|it| it.affects_callers);
    let (status, mut text) = if refusing.is_empty() {
        (StatusCode::OK, String::from("ready"))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, String::from("not ready"))
    };
    for Failing { what, since, affects_callers, .. } in refusing.into_iter().chain(others) {
        let note =
            if *affects_callers || status != StatusCode::OK { "" } else { " (callers are served)" };
        let since = since.map(|since| format!(" since {}", rfc3339(since))).unwrap_or_default();
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n{what}{since}{note}");
    }
    answer(status, &text)
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], String);

fn answer(status: StatusCode, text: &str) -> Answer {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n"))
}
