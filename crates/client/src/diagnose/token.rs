//! The token: what it says of itself, against what the server and its issuers ask.

use std::time::Duration;

use auth_core::{NumericDate, display::quoted};
use http::header;
use serde_json::Value;
use terminal::{date::with_distance, duration::words};

use super::{AUDIENCE, Findings, TOKEN, resource::Resource, server::Answered, subject::Subject};
use crate::{
    Exit,
    jwt::{scopes, strings, unverified_claims},
    oauth::KnownServer,
};

/// A clock that is wrong by more than a server usually tolerates.
const SKEW: Duration = Duration::from_secs(30);

/// What was found of the server's side.
pub(super) struct Found<'a> {
    /// Its metadata, where the challenge says that they are.
    pub(super) resource: Option<&'a Resource>,
    /// The same as long as it is about this server, wherever it was found.
    pub(super) known: Option<KnownServer>,
    /// The issuers that have metadata.
    pub(super) issuers: &'a [String],
}

/// Reads the token, and compares.
pub(super) fn examine(
    subject: &Subject<'_>,
    found: &Found<'_>,
    answered: &Answered,
    findings: &mut Findings,
) {
    let Found { resource, issuers, .. } = *found;
    let now = subject.config.clock.now();
    clock(answered, now, findings);
    // An issuer whose metadata has a fault is named there.
    let can_sign_in = !issuers.is_empty() && !findings.fails("resource");
    let way = subject.way_to_token(can_sign_in, found.known.as_ref());
    let Some(token) = &subject.token else {
        if answered.is_open {
            findings.pass(TOKEN, "there is none, and none is needed");
            return;
        }
        findings.warn(TOKEN, "there is none", way);
        return;
    };
    let whose = if subject.was_given { "MCP_TOKEN or --token-file" } else { "the store" };
    match unverified_claims(token) {
        None => findings.pass(TOKEN, format!("from {whose}; only its issuer can read it")),
        Some(claims) => {
            let user = claims.get("sub").and_then(Value::as_str);
            let user = user.map_or_else(|| "of no user".to_owned(), |it| format!("of user {it}"));
            findings.pass(TOKEN, format!("from {whose}; a JWT {user}"));
            let fix = if subject.was_given && can_sign_in {
                "get another one from the issuer that the server names".to_owned()
            } else {
                way
            };
            let resource = resource.map(Resource::name);
            let wanted = Wanted {
                resource,
                audience_fix: audience_fix(subject, resource, &claims, &fix, can_sign_in),
                scopes_fix: if subject.was_given {
                    "a call that needs more says how to get it"
                } else {
                    "a call that needs more asks for it; `{client} login --scope` asks ahead"
                },
                issuers,
                scopes: answered.challenge.as_ref().and_then(|found| found.scope.as_ref()),
            };
            judge(&claims, &wanted, now, &fix, findings);
        }
    }
}

/// What fixes a token for another server. A sign-in does so only where it would be for another
/// resource than the last one.
fn audience_fix(
    subject: &Subject<'_>,
    resource: Option<&str>,
    claims: &Value,
    fix: &str,
    can_sign_in: bool,
) -> String {
    let resource = resource.unwrap_or_default();
    if !subject.was_given {
        return if subject.stored_for.as_deref() == Some(resource) {
            format!(
                "another sign-in gives the same: the issuer must put {resource} in `aud` (RFC 8707), \
                 which is for those who run the issuer"
            )
        } else {
            fix.to_owned()
        };
    }
    let audience = strings(claims.get("aud")).unwrap_or_default();
    let own = audience.iter().find(|name| name.contains("://"));
    let own = own.map(|url| format!(", or use this one where it belongs: --url {}", quoted(url)));
    let own = own.unwrap_or_default();
    if can_sign_in { format!("get a token for {resource}{own}") } else { format!("{fix}{own}") }
}

struct Wanted<'a> {
    resource: Option<&'a str>,
    /// What fixes a token for another resource.
    audience_fix: String,
    /// What gets a token with more scopes.
    scopes_fix: &'a str,
    issuers: &'a [String],
    scopes: Option<&'a auth_core::ScopeSet>,
}

fn judge(
    claims: &Value,
    wanted: &Wanted<'_>,
    now: NumericDate,
    fix: &str,
    findings: &mut Findings,
) {
    let exit = Exit::Unauthorized;
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or("(no issuer)");
    if wanted.issuers.is_empty() {
        findings.warn("token issuer", issuer, "the server's issuers are not known: see above");
    } else if wanted.issuers.iter().any(|known| known == issuer) {
        findings.pass("token issuer", issuer);
    } else {
        findings.fail(
            "token issuer",
            format!("{issuer}, which the server does not name"),
            fix,
            exit,
        );
    }

    let audience = strings(claims.get("aud")).unwrap_or_default();
    let shown = if audience.is_empty() { "no server".to_owned() } else { audience.join(", ") };
    match wanted.resource {
        Some(resource) if audience.contains(&resource) => findings.pass(AUDIENCE, shown),
        Some(resource) => findings.fail(
            AUDIENCE,
            format!("the token is for {shown}, and this server is {resource}"),
            wanted.audience_fix.clone(),
            exit,
        ),
        None => findings.warn(AUDIENCE, shown, "the name of the server is not known: see above"),
    }

    let date = |name: &str| NumericDate::from_secs(claims.get(name)?.as_i64()?).ok();
    match date("exp") {
        Some(expires) if expires > now => {
            findings.pass("token expiry", with_distance(expires, now));
        }
        Some(expires) => {
            let text = format!("it expired: {}", with_distance(expires, now));
            findings.fail("token expiry", text, fix, exit);
        }
        None => findings.warn("token expiry", "it says none", "issuers should limit their tokens"),
    }
    if let Some(begins) = date("nbf").filter(|begins| *begins > now) {
        let text = format!("it is not valid before {}", with_distance(begins, now));
        findings.fail("token expiry", text, "is this machine's clock right?", exit);
    }

    let granted = scopes(claims);
    match wanted.scopes {
        Some(needed) if granted.as_ref().is_some_and(|granted| granted.satisfies(needed)) => {
            findings.pass("token scopes", needed.to_string());
        }
        Some(needed) => {
            let has = granted.filter(|scopes| !scopes.is_empty());
            let has = has.map_or_else(|| "(none)".to_owned(), |scopes| scopes.to_string());
            findings.warn(
                "token scopes",
                format!("the server asks for {needed}, the token has {has}"),
                wanted.scopes_fix,
            );
        }
        None => {
            let has = granted.filter(|scopes| !scopes.is_empty());
            let has = has.map_or_else(|| "(none)".to_owned(), |scopes| scopes.to_string());
            findings.pass("token scopes", has);
        }
    }
}

/// Whether our clock and the server's agree.
fn clock(answered: &Answered, now: NumericDate, findings: &mut Findings) {
    let date = answered.headers.get(header::DATE).and_then(|value| value.to_str().ok());
    let Some(theirs) = date.and_then(seconds).and_then(|secs| NumericDate::from_secs(secs).ok())
    else {
        return;
    };
    let apart = now.since(theirs).max(theirs.since(now));
    let text = format!("{} apart from the server's", words(apart));
    if apart <= SKEW {
        findings.pass("clock", text);
    } else {
        findings.warn(
            "clock",
            text,
            "set the clock of the one that is wrong: tokens are judged by it",
        );
    }
}

/// The seconds of an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
fn seconds(date: &str) -> Option<i64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = date.split_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words.as_slice() else {
        return None;
    };
    let month = i64::try_from(MONTHS.iter().position(|name| name == month)?).ok()? + 1;
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let parts: Option<Vec<i64>> = time.split(':').map(|part| part.parse().ok()).collect();
    let parts = parts?;
    let [hours, minutes, secs] = parts.as_slice() else {
        return None;
    };
    let is_time = (0..24).contains(hours) && (0..60).contains(minutes) && (0..=60).contains(secs);
    if !(1970..=9999).contains(&year) || !(1..=31).contains(&day) || !is_time {
        return None;
    }
    // Days from the civil calendar, years beginning in March.
    let (shifted, march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * march + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hours * 3600 + minutes * 60 + secs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::diagnose::Verdict;

    fn good() -> Value {
        json!({ "iss": "https://as", "aud": ["https://mcp"], "exp": 2000, "scope": "b a" })
    }

    fn verdict(claims: &Value, check: &str) -> Option<Verdict> {
        let (issuers, scopes) = (["https://as".to_owned()], "a".parse().unwrap());
        let wanted = Wanted {
            resource: Some("https://mcp"),
            audience_fix: "fix".to_owned(),
            scopes_fix: "fix",
            issuers: &issuers,
            scopes: Some(&scopes),
        };
        let mut findings = Findings::default();
        judge(claims, &wanted, NumericDate::from_secs(1000).unwrap(), "fix", &mut findings);
        let found = findings.iter().filter(|finding| finding.check == check);
        found.last().map(|finding| finding.verdict)
    }

    #[test]
    fn a_good_token_passes_and_each_fault_has_its_line() {
        for check in ["token issuer", "token audience", "token expiry", "token scopes"] {
            assert_eq!(verdict(&good(), check), Some(Verdict::Pass), "{check}");
        }
        for (name, value, check, expected) in [
            ("iss", json!("https://as/"), "token issuer", Verdict::Fail),
            ("aud", json!("https://mcp/x"), "token audience", Verdict::Fail),
            ("aud", json!(null), "token audience", Verdict::Fail),
            ("exp", json!(1000), "token expiry", Verdict::Fail),
            ("exp", json!(null), "token expiry", Verdict::Warn),
            ("nbf", json!(1001), "token expiry", Verdict::Fail),
            ("scope", json!("b"), "token scopes", Verdict::Warn),
        ] {
            let mut claims = good();
            claims[name] = value;
            assert_eq!(verdict(&claims, check), Some(expected), "{name}");
        }
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(seconds("Tue, 29 Feb 2028 12:00:00 GMT"), Some(1_835_438_400));
        for bad in [
            "yesterday",
            "Sun, 06 Nov 1994 9223372036854775807:49:37 GMT",
            "Sun, 06 Nov 1994 08:9223372036854775807:37 GMT",
            "Sun, 06 Nov 1994 08:49:-1 GMT",
            "Sun, 06 Nov 9223372036854775807 08:49:37 GMT",
            "Sun, -9223372036854775808 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_clock_that_is_wrong_is_reported() {
        let verdict = |now| {
            let mut headers = http::HeaderMap::new();
            headers.insert(header::DATE, "Thu, 01 Jan 1970 00:16:40 GMT".parse().unwrap());
            let mut findings = Findings::default();
            let now = NumericDate::from_secs(now).unwrap();
            clock(&Answered { headers, is_open: false, challenge: None }, now, &mut findings);
            findings.worst()
        };
        assert_eq!(verdict(1030), Verdict::Pass);
        assert_eq!(verdict(970), Verdict::Pass);
        assert_eq!(verdict(1031), Verdict::Warn);
        assert_eq!(verdict(969), Verdict::Warn);
    }
}
