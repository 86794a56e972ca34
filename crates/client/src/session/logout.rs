//! `logout`: removes tokens, and revokes them where the issuer can (RFC 7009).

use std::fmt::Write as _;

use serde_json::json;

use crate::{
    config::Config,
    endpoint::Endpoint,
    failure::Failure,
    oauth::{Outward, revoke},
    report::Report,
    store::{Entry, Removed, Summary},
};

/// Removes the token for the server, or every token, and revokes it where the issuer can.
pub(crate) async fn logout(all: bool, config: &Config) -> Result<Report, Failure> {
    let Some(store) = config.tokens.store() else {
        return Ok(forgotten(&[], &[], config));
    };
    let server = config.endpoint.as_str();
    let gone = async {
        let lock = store.lock().await?;
        store.remove(|summary| all || summary.server == server, &lock).await
    };
    let Removed { gone, left } = gone.await.map_err(|error| Failure::store(&error))?;
    let mut removed = Vec::new();
    for (summary, entry) in gone {
        let revoked = match &entry {
            Some(entry) => revoked_kinds(entry, config).await,
            None => Vec::new(),
        };
        removed.push((summary, revoked));
    }
    Ok(forgotten(&removed, &left, config))
}

/// The kinds of token that an issuer revoked.
type Revoked = Vec<&'static str>;

fn forgotten(gone: &[(Summary, Revoked)], left: &[Summary], config: &Config) -> Report {
    let mut text = String::new();
    if gone.is_empty() && left.is_empty() {
        text.push_str("no token was stored\n");
    }
    if config.token.is_some() {
        text.push_str("MCP_TOKEN or --token-file is still set and used: remove it yourself\n");
    }
    for (summary, revoked) in gone {
        let how = match revoked.join(", ") {
            // It is good until it expires.
            none if none.is_empty() => "forgotten here, not revoked at its issuer".to_owned(),
            kinds => format!("forgotten, revoked ({kinds})"),
        };
        let _ = writeln!(text, "{how}: the token of {} for {}", summary.key.issuer, summary.server);
    }
    let rows = gone.iter().map(|(summary, revoked)| {
        json!({ "server": summary.server, "issuer": summary.key.issuer, "revoked": revoked })
    });
    let mut report = Report::new(text, json!({ "forgotten": rows.collect::<Vec<_>>() }));
    report.failure = left.first().map(|first| Box::new(Failure::still_kept(&first.server)));
    report
}

/// Revokes the tokens at the issuer.
async fn revoked_kinds(entry: &Entry, config: &Config) -> Revoked {
    let Ok(at) = Endpoint::parse(&entry.server) else {
        return Vec::new();
    };
    let allow_private = config.tokens.args().allow_private;
    match Outward::new(&at, allow_private, config.tls_for(&at)) {
        Ok(outward) => revoke(entry, &outward).await,
        Err(_) => Vec::new(),
    }
}
