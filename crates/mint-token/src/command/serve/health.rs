//! Whether the process runs, and whether it can serve: as the server answers, without details.

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
/// others, and no background job fails; one that fails refuses no request.
pub(super) fn routes(store: AnyDirectory, agreement: KeyAgreement, jobs: Vec<JobHealth>) -> Router {
    let [healthz, readyz] = PATHS;
    let ready = move || {
        let (store, agreement, jobs) = (store.clone(), agreement.clone(), jobs.clone());
        async move {
            if store.ping().await.is_err() {
                return answer(StatusCode::SERVICE_UNAVAILABLE, "the directory is unavailable");
            }
            if agreement.missing().is_some() {
                let text = "the signing key of another node is not here";
                return answer(StatusCode::SERVICE_UNAVAILABLE, text);
            }
            let fails = jobs.iter().any(|job| job.failing_since().is_some());
            answer(
                StatusCode::OK,
                if fails { "ready, but a background job fails" } else { "ready" },
            )
        }
    };
    Router::new()
        .route(healthz, get(|| async { answer(StatusCode::OK, "ok") }))
        .route(readyz, get(ready))
        .fallback(|| async { answer(StatusCode::NOT_FOUND, "no such path") })
}

fn answer(status: StatusCode, text: &str) -> impl IntoResponse + use<> {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n"))
}
