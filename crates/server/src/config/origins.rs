//! `ALLOWED_ORIGINS`: the web pages that may call the server.

use axum::http::{Uri, uri::Authority};
use settings::{Environment, Variable};

/// The origins in `ALLOWED_ORIGINS`, each as browsers write it (RFC 6454 §6.2): what is written
/// otherwise would match nothing.
pub(super) fn allowed_origins(environment: &Environment, faults: &mut Vec<String>) -> Vec<String> {
    let named = environment.get(Variable::AllowedOrigins).unwrap_or_default();
    let named = named.split(',').map(str::trim).filter(|origin| !origin.is_empty());
    let (good, bad): (Vec<&str>, Vec<&str>) = named.partition(|origin| is_origin(origin));
    faults.extend(bad.into_iter().map(|origin| {
        format!(
            "{} {origin:?}: write scheme, host and a port that is not the default, and no path or pattern, for example https://app.example",
            environment.label(Variable::AllowedOrigins)
        )
    }));
    good.into_iter().map(str::to_owned).collect()
}

fn is_origin(text: &str) -> bool {
    let default_port = match text.split_once("://").map(|(scheme, _)| scheme) {
        Some("https") => 443,
        Some("http") => 80,
        _ => return false,
    };
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let authority = uri.authority().map_or("", Authority::as_str);
    text.split_once("://").is_some_and(|(_, rest)| rest == authority)
        && !authority.contains(['@', '*'])
        && !authority.ends_with(':')
        && uri.port_u16() != Some(default_port)
}
