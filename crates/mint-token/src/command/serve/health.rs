//! Whether the process runs, and whether it can serve: as the server answers, without details.

use std::sync::Arc;

use audit_log::{AuditLog, WriteFailure};
use auth_core::{Clock, JobHealth};
use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use directory::{AnyDirectory, Directory};
use issuer_setup::KeyAgreement;
use tls_setup::{Expiry, Names};

/// The paths of health checks, which are answered also while everything else is refused.
pub(super) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// What `/readyz` asks.
#[derive(Clone)]
pub(super) struct Questions {
    pub(super) store: AnyDirectory,
    pub(super) agreement: KeyAgreement,
    /// The audit log, if there is one.
    pub(super) audit: Option<AuditLog>,
    pub(super) jobs: Vec<JobHealth>,
    /// The certificate, if there is one.
    pub(super) expiry: Expiry,
    pub(super) names: Option<Names>,
    pub(super) clock: Arc<dyn Clock>,
}

/// `/healthz`: the process runs. `/readyz`: the directory answers, this node has the keys of the
/// others, the audit log is written, the certificate is valid for a while and for the host, and no
/// background job fails. A job that fails, and a certificate that is not so, refuse no request.
pub(super) fn routes(questions: Questions) -> Router {
    let [healthz, readyz] = PATHS;
    let ready = move || {
        let Questions { store, agreement, audit, jobs, expiry, names, clock } = questions.clone();
        async move {
            let warnings = [
                expiry.warning(clock.now()),
                names.and_then(|names| names.warning()),
                jobs.iter()
                    .any(|job| job.failing_since().is_some())
                    .then(|| "a background job fails".to_owned()),
            ];
            let state = State {
                has_directory: store.ping().await.is_ok(),
                has_keys: agreement.missing().is_none(),
                audit: audit.as_ref().and_then(AuditLog::failing),
                warnings: warnings.into_iter().flatten().collect(),
            };
            let (status, text) = state.verdict();
            answer(status, &text)
        }
    };
    Router::new()
        .route(healthz, get(|| async { answer(StatusCode::OK, "ok") }))
        .route(readyz, get(ready))
        .fallback(|| async { answer(StatusCode::NOT_FOUND, "no such path") })
}

/// What decides whether it can serve.
struct State {
    has_directory: bool,
    has_keys: bool,
    audit: Option<WriteFailure>,
    /// What refuses no request.
    warnings: Vec<String>,
}

impl State {
    fn verdict(&self) -> (StatusCode, String) {
        let text = match self {
            Self { has_directory: false, .. } => "the directory is unavailable",
            Self { has_keys: false, .. } => "the signing key of another node is not here",
            Self { audit: Some(WriteFailure { what, .. }), .. } => what,
            Self { warnings, .. } if !warnings.is_empty() => {
                return (StatusCode::OK, format!("ready, but {}", warnings.join("; ")));
            }
            _ => return (StatusCode::OK, "ready".to_owned()),
        };
        (StatusCode::SERVICE_UNAVAILABLE, text.to_owned())
    }
}

fn answer(status: StatusCode, text: &str) -> impl IntoResponse + use<> {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_not_ready_while_requests_would_be_refused() {
        let ready =
            || State { has_directory: true, has_keys: true, audit: None, warnings: Vec::new() };
        let what = "the audit log cannot be written";
        let warnings = || vec!["a job fails".to_owned(), "it ends".to_owned()];
        for (state, status, text) in [
            (ready(), 200, "ready"),
            (State { warnings: warnings(), ..ready() }, 200, "ready, but a job fails; it ends"),
            (State { has_directory: false, ..ready() }, 503, "the directory is unavailable"),
            (State { has_keys: false, ..ready() }, 503, "the signing key of another node"),
            (State { audit: Some(WriteFailure { what, since: None }), ..ready() }, 503, what),
            (State { has_keys: false, warnings: warnings(), ..ready() }, 503, "the signing key"),
        ] {
            let (found, said) = state.verdict();
            assert_eq!(found.as_u16(), status, "{said}");
            assert!(said.starts_with(text), "{said}");
        }
    }
}
