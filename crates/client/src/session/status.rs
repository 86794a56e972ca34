//! `status`: the stored tokens, without their secrets.

use std::fmt::Write as _;

use auth_core::{AccessToken, NumericDate};
use serde_json::{Value, json};
use terminal::date::{distance, rfc3339};

use crate::{
    config::Config,
    failure::Failure,
    jwt,
    report::Report,
    sanitize::Sanitizer,
    store::{Listed, Place, Store},
};

/// Lists the stored tokens: for which server, until when; never the tokens.
pub(crate) fn status(config: &Config) -> Result<Report, Failure> {
    let store = config.tokens.store();
    let listed = store.as_ref().map(Store::list).transpose();
    let listed = listed.map_err(|error| Failure::store(&error))?.unwrap_or_default();
    let given = config.token.as_ref().map(|token| given(token, config));
    let mut text = given.as_ref().map_or_else(String::new, |(text, _)| text.clone());
    if listed.is_empty() && given.is_none() {
        text.push_str("no tokens are stored\n");
    }
    for one in &listed {
        let _ = writeln!(text, "{}", one.summary.server);
        text.push_str(&details(one, store.as_ref(), config.clock.now()));
    }
    let given = given.map(|(_, json)| json);
    Ok(Report::new(text, json!({ "given": given, "tokens": listed })))
}

/// The token that is given (`MCP_TOKEN`, a file) and so used in the place of a stored one: what it
/// says of itself.
fn given(token: &AccessToken, config: &Config) -> (String, Value) {
    let line = |words: &str| Sanitizer::default().one_line(words);
    let claims = jwt::unverified_claims(token).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or("(not said)");
    let audience = jwt::strings(claims.get("aud")).unwrap_or_default().join(" ");
    let scopes = jwt::scopes(&claims).map_or_else(String::new, |scopes| scopes.to_string());
    let now = config.clock.now();
    let until = match jwt::expiry(&claims) {
        Some(date) if date > now => format!("{}, {}", rfc3339(date), distance(date, now)),
        Some(date) => format!("{}: it has expired", rfc3339(date)),
        None => "the token does not say".to_owned(),
    };
    let shown = format!(
        "MCP_TOKEN or --token-file, used at {}\n  issuer    {}\n  user      {}\n  server    {}\n  \
         scopes    {}\n  until     {until}\n",
        config.endpoint,
        line(text("iss")),
        line(text("sub")),
        line(&audience),
        line(&scopes),
    );
    let json = json!({
        "issuer": claims.get("iss"), "subject": claims.get("sub"), "audience": claims.get("aud"),
        "scope": scopes, "expires_at": claims.get("exp"),
    });
    (shown, json)
}

/// The lines about one token.
pub(super) fn details(listed: &Listed, store: Option<&Store>, now: NumericDate) -> String {
    let summary = &listed.summary;
    // Text of an issuer, each on its own line.
    let line = |words: &str| Sanitizer::default().one_line(words);
    let scopes = match line(&summary.scopes.join(" ")) {
        none if none.is_empty() => "(none named)".to_owned(),
        scopes => scopes,
    };
    let until = match summary.expires.and_then(|secs| NumericDate::from_secs(secs).ok()) {
        Some(date) if date > now => {
            format!("{}, {}", rfc3339(date), distance(date, now))
        }
        Some(date) => format!("{}: it has expired", rfc3339(date)),
        None => "the issuer does not say".to_owned(),
    };
    let renewal = if summary.renewable { "automatically" } else { "by signing in again" };
    let place = match (listed.kept_in, store) {
        (Place::File, Some(store)) => format!("{}, mode 0600", store.path().display()),
        (Place::File, None) => "file".to_owned(),
        (Place::Keychain, _) => "keychain".to_owned(),
    };
    format!(
        "  issuer    {}\n  client    {}\n  scopes    {scopes}\n  until     {until}\n  \
         renewed   {renewal}\n  kept in   {place}\n",
        line(&summary.key.issuer),
        line(&summary.client_id)
    )
}
