//! Whether the process lives, and whether it can serve: for those who watch and balance.

use std::{fmt::Write, sync::Arc};

use auth_core::NumericDate;
use axum::{
    Router,
    http::{StatusCode, header},
    routing::get,
};
use chrono::{DateTime, SecondsFormat};
use directory::Directory;
use mcp_guard::{IssuerStatus, Issuers};

use crate::background::JobHealth;

/// `/healthz`: the process lives. `/readyz`: users can be found, and there are keys of every issuer. Neither
/// needs a token, and neither says more than that, and since when the directory could not be asked, keys
/// could not be fetched or work in the background fails: the issuers stand in the metadata, and why is for
/// the log.
pub(crate) fn routes<D: Directory>(
    directory: Arc<D>,
    issuers: Issuers,
    background: Vec<(String, JobHealth)>,
) -> Router {
    let background = Arc::new(background);
    Router::new().route("/healthz", get(|| async { answer(StatusCode::OK, "ok") })).route(
        "/readyz",
        get(move || {
            let (directory, issuers) = (Arc::clone(&directory), issuers.clone());
            let background = Arc::clone(&background);
            async move {
                let away = directory
                    .away_since()
                    .map(|since| format!("directory cannot be asked since {}", date(since)));
                if directory.ping().await.is_ok() {
                    let (status, mut text) = keys(&issuers.status(), away);
                    let failing = directory.failing();
                    let failing = failing.iter().map(|failing| (failing.job, failing.since));
                    for (job, since) in failing.chain(jobs(&background)) {
                        // A text of our own takes all that is written to it.
                        let _ = write!(text, "\n{job} fails since {}", date(since));
                    }
                    return answer(status, &text);
                }
                let text = away.unwrap_or_else(|| "directory unavailable".into());
                answer(StatusCode::SERVICE_UNAVAILABLE, &text)
            }
        }),
    )
}

/// Whether there are keys of every issuer, and of which they could not be fetched.
fn keys(issuers: &[IssuerStatus], directory: Option<String>) -> (StatusCode, String) {
    let mut text = String::from("ready");
    let mut status = StatusCode::OK;
    if issuers.iter().any(|issuer| !issuer.is_usable) {
        (status, text) = (StatusCode::SERVICE_UNAVAILABLE, "no keys of some issuer".into());
    }
    if let Some(line) = directory {
        text.push('\n');
        text.push_str(&line);
    }
    for IssuerStatus { issuer, failing, is_usable } in issuers {
        // A text of our own takes all that is written to it.
        let _ = match failing {
            Some((since, _)) => {
                write!(text, "\nkeys of {issuer} cannot be fetched since {}", date(*since))
            }
            None if *is_usable => Ok(()),
            None => write!(text, "\nkeys of {issuer} are not there"),
        };
    }
    (status, text)
}

/// The work in the background that fails, and since when.
fn jobs(background: &[(String, JobHealth)]) -> impl Iterator<Item = (&str, NumericDate)> {
    background.iter().filter_map(|(job, health)| Some((job.as_str(), health.failing_since()?)))
}

fn date(date: NumericDate) -> String {
    let date = DateTime::from_timestamp_secs(date.as_secs()).unwrap_or_default();
    date.to_rfc3339_opts(SecondsFormat::Secs, true)
}

type Answer = (StatusCode, [(header::HeaderName, &'static str); 1], String);

fn answer(status: StatusCode, text: &str) -> Answer {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{text}\n"))
}
