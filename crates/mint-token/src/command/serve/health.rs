//! Whether the process runs, and whether it can serve: as the server answers, without details.

use audit_log::{AuditLog, WriteFailure};
use auth_core::JobHealth;
use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use directory::{AnyDirectory, Directory};
use issuer_setup::KeyAgreement;

/// The paths of health checks, which are answered also while everything else is refused.
pub(super) const PATHS: [&str; 2] = ["/healthz", "/readyz"];

/// `/healthz`: the process runs. `/readyz`: the directory answers, this node has the keys of the
/// others, the audit log is written, and no background job fails; one that fails refuses no
/// request.
pub(super) fn routes(
    store: AnyDirectory,
    agreement: KeyAgreement,
    audit: Option<AuditLog>,
    jobs: Vec<JobHealth>,
) -> Router {
    let [healthz, readyz] = PATHS;
    let ready = move || {
        let (store, agreement, jobs) = (store.clone(), agreement.clone(), jobs.clone());
        let failing = audit.as_ref().and_then(AuditLog::failing);
        async move {
            let state = State {
                has_directory: store.ping().await.is_ok(),
                has_keys: agreement.missing().is_none(),
                audit: failing,
                is_job_failing: jobs.iter().any(|job| job.failing_since().is_some()),
            };
            let (status, text) = state.verdict();
            answer(status, text)
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
    is_job_failing: bool,
}

impl State {
    fn verdict(&self) -> (StatusCode, &'static str) {
        let text = match self {
            Self { has_directory: false, .. } => "the directory is unavailable",
            Self { has_keys: false, .. } => "the signing key of another node is not here",
            Self { audit: Some(WriteFailure { what, .. }), .. } => what,
            Self { is_job_failing: true, .. } => {
                return (StatusCode::OK, "ready, but a background job fails");
            }
            _ => return (StatusCode::OK, "ready"),
        };
        (StatusCode::SERVICE_UNAVAILABLE, text)
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
            || State { has_directory: true, has_keys: true, audit: None, is_job_failing: false };
        let what = "the audit log cannot be written";
        for (state, status, text) in [
            (ready(), 200, "ready"),
            (State { is_job_failing: true, ..ready() }, 200, "ready, but a background job fails"),
            (State { has_directory: false, ..ready() }, 503, "the directory is unavailable"),
            (State { has_keys: false, ..ready() }, 503, "the signing key of another node"),
            (State { audit: Some(WriteFailure { what, since: None }), ..ready() }, 503, what),
        ] {
            let (found, said) = state.verdict();
            assert_eq!(found.as_u16(), status, "{said}");
            assert!(said.starts_with(text), "{said}");
        }
    }
}
