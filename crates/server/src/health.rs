//! Whether the process lives, and whether it can serve: for those who watch and balance.

use std::sync::Arc;

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use directory::Directory;

/// `/healthz`: the process lives. `/readyz`: the directory answers. Neither needs a token, and neither
/// says more than that.
pub(crate) fn routes<D: Directory>(directory: Arc<D>) -> Router {
    Router::new().route("/healthz", get(|| async { answer(StatusCode::OK, "ok") })).route(
        "/readyz",
        get(move || {
            let directory = Arc::clone(&directory);
            async move {
                match directory.ping().await {
                    Ok(()) => answer(StatusCode::OK, "ready"),
                    Err(_) => answer(StatusCode::SERVICE_UNAVAILABLE, "directory unavailable"),
                }
            }
        }),
    )
}

fn answer(status: StatusCode, text: &'static str) -> impl IntoResponse {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n"))
}
