//! What each check expects and finds, as text: made only for a trace or a refusal.

use std::{fmt::Display, time::Duration};

use super::{CheckDetail, TokenTypes, TrustedIssuer, read, trace::shown};
use crate::{
    Audience, CertificateThumbprint, Issuer, IssuerKeys, NumericDate, UnverifiedToken,
    VerifyingKey, display::excerpt, json::Object,
};

/// Check 1, as it should be.
pub(crate) const FORM: &str = "three parts of canonical base64url, header and claims JSON objects with distinct members, alg one of HS256, RS256, ES256, EdDSA (or Ed25519), no crit, no key in the header";

pub(super) fn form(token: &UnverifiedToken<'_>) -> CheckDetail {
    let kid = token.key_id().map_or_else(|| "none".into(), ToString::to_string);
    CheckDetail {
        expected: FORM.into(),
        found: format!("alg {}, kid {}", token.algorithm(), excerpt(&kid)),
    }
}

pub(super) fn token_type(
    token: &UnverifiedToken<'_>,
    trusted: Option<&TrustedIssuer>,
) -> CheckDetail {
    let expected = match trusted.map(|entry| entry.token_types).unwrap_or_default() {
        TokenTypes::AccessToken => "at+jwt",
        TokenTypes::AccessTokenOrJwt => "at+jwt, or JWT that is no ID token",
        TokenTypes::Any => "at+jwt, or JWT or nothing, and no ID token",
    };
    let found = token.token_type().map_or_else(|| "nothing".into(), excerpt);
    CheckDetail { expected: expected.into(), found }
}

pub(super) fn issuer<'a>(
    claims: &Object<'_>,
    trusted: impl Iterator<Item = &'a Issuer>,
) -> CheckDetail {
    let mut names: Vec<&str> = trusted.map(Issuer::as_str).collect();
    names.sort_unstable();
    CheckDetail { expected: one_of(&names), found: shown(claims.get("iss")) }
}

pub(super) fn key(
    token: &UnverifiedToken<'_>,
    trusted: &TrustedIssuer,
    keys: &IssuerKeys,
) -> CheckDetail {
    let known: Vec<String> = keys
        .keys()
        .iter()
        .take(16)
        .map(|key| match key.id() {
            Some(id) => format!("{} ({})", excerpt(id.as_str()), key.algorithm()),
            None => format!("one without a kid ({})", key.algorithm()),
        })
        .collect();
    let permitted = trusted.algorithms.as_ref().map_or_else(String::new, |permitted| {
        let names: Vec<_> = permitted.iter().map(|algorithm| algorithm.name()).collect();
        format!(", and alg {}", one_of(&names))
    });
    let expected =
        if known.is_empty() { "a key, and there is none".into() } else { one_of(&known) };
    let kid = token.key_id().map_or_else(|| "no kid".into(), |id| format!("kid {id}"));
    CheckDetail {
        expected: expected + &permitted,
        found: format!("{} ({})", excerpt(&kid), token.algorithm()),
    }
}

pub(super) fn audience(
    claims: &Object<'_>,
    trusted: &TrustedIssuer,
    own: &Audience,
) -> CheckDetail {
    let accepted: Vec<&str> = match &trusted.audiences {
        None => vec![own.as_str()],
        Some(others) => others.iter().map(Audience::as_str).collect(),
    };
    let claim = trusted.audience_claim.as_str();
    let place = if claim == "aud" { String::new() } else { format!(" in {claim}") };
    CheckDetail { expected: one_of(&accepted) + &place, found: shown(claims.get(claim)) }
}

pub(super) fn expiry(claims: &Object<'_>, now: NumericDate, leeway: Duration) -> CheckDetail {
    CheckDetail {
        expected: format!("after {now} (now), {} s leeway", leeway.as_secs()),
        found: date(claims, "exp", now),
    }
}

pub(super) fn begin(claims: &Object<'_>, now: NumericDate, leeway: Duration) -> CheckDetail {
    CheckDetail {
        expected: format!("not after {now} (now), {} s leeway", leeway.as_secs()),
        found: format!("nbf {}, iat {}", date(claims, "nbf", now), date(claims, "iat", now)),
    }
}

pub(super) fn subject(claims: &Object<'_>, trusted: &TrustedIssuer) -> CheckDetail {
    let Some(names) = &trusted.subject_from else {
        return CheckDetail {
            expected: "a name of 1 to 255 bytes".into(),
            found: shown(claims.get("sub")),
        };
    };
    let found = names.iter().find_map(|name| Some((name, claims.said(name)?)));
    CheckDetail {
        expected: format!("a name of 1 to 255 bytes in {}", names.join(", else ")),
        found: match found {
            Some((name, value)) => format!("{name} {}", shown(Some(value))),
            None => "nothing".into(),
        },
    }
}

pub(super) fn binding(
    claims: &Object<'_>,
    presented: Option<CertificateThumbprint>,
) -> CheckDetail {
    let expected = match presented {
        Some(presented) => format!("nothing, or x5t#S256 {presented} alone (the connection's)"),
        None => "nothing: the connection has no client certificate".into(),
    };
    CheckDetail { expected, found: shown(claims.get("cnf")) }
}

pub(super) fn others(
    claims: &Object<'_>,
    trusted: &TrustedIssuer,
    scopes_from: &[String],
) -> CheckDetail {
    let mut names: Vec<&str> = scopes_from.iter().map(String::as_str).collect();
    names.extend(["jti", "client_id", "azp", "cid", "appid"]);
    let found = names
        .into_iter()
        .filter_map(|name| Some(format!("{name} {}", shown(Some(claims.get(name)?)))));
    let mut found: Vec<String> = found.collect();
    let roles: Vec<_> =
        trusted.roles_from.iter().filter(|path| read::is_there(claims, path)).collect();
    for path in roles {
        let trust = if trusted.trust_roles { "" } else { " (not trusted)" };
        found.push(format!("{path} {}{trust}", shown(read::value_at(claims, path))));
    }
    CheckDetail {
        expected: "scopes, roles, jti and client_id of the right shape".into(),
        found: if found.is_empty() { "nothing".into() } else { found.join(", ") },
    }
}

pub(super) fn signature(key: &VerifyingKey) -> CheckDetail {
    let kid = key.id().map_or_else(|| "without a kid".into(), |id| excerpt(id.as_str()));
    CheckDetail { expected: format!("of the {} key {kid}", key.algorithm()), found: String::new() }
}

/// A date and its distance from now.
fn date(claims: &Object<'_>, name: &str, now: NumericDate) -> String {
    let Some(value) = claims.get(name) else { return "nothing".into() };
    match read::as_date(value) {
        Err(_) => shown(Some(value)),
        Ok(date) if date >= now => format!("{date} (in {} s)", date.since(now).as_secs()),
        Ok(date) => format!("{date} ({} s ago)", now.since(date).as_secs()),
    }
}

fn one_of(names: &[impl Display]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "no issuer is trusted".into(),
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    }
}
