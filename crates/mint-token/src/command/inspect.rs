//! `inspect`: what a token says, for a person. Nothing is believed, and nothing is refused.

use std::time::Duration;

use auth_core::{Algorithm, NumericDate, parse_unique};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value, json};

use crate::{
    Exit, World,
    args::{Format, InspectArgs},
    input,
    output::{self, excerpt, rfc3339},
    trust::in_words,
};

/// A life that is worth a word: more than a day.
const LONG: Duration = Duration::from_hours(24);
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];
const NOT_VERIFIED: &str = "NOT VERIFIED: anybody can write this; `mint-token verify` judges it";

/// Runs the verb.
pub(crate) fn run(args: &InspectArgs, world: &mut World<'_>) -> Exit {
    let text = match input::token(&args.token.token, world) {
        Ok(text) => text,
        Err(fault) => {
            output::error(&fault, world);
            return Exit::Usage;
        }
    };
    let parts: Vec<&str> = text.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        let count = parts.len();
        output::error(
            &format!("not a signed JWT: {count} part(s) where there should be three between dots"),
            world,
        );
        return Exit::Invalid;
    };
    let mut warnings = Vec::new();
    let (Some(header), Some(claims)) =
        (object("the header", header, &mut warnings), object("the claims", claims, &mut warnings))
    else {
        output::error(
            &"not a JWT: the header or the claims are no JSON object in base64url",
            world,
        );
        return Exit::Invalid;
    };
    let now = world.clock.now();
    warnings.extend(warnings_of(&header, &claims, signature, now));
    match args.output {
        Format::Json => {
            let all = json!({
                "verified": false,
                "header": header,
                "claims": claims,
                "warnings": warnings,
            });
            output::json(&all, world)
        }
        Format::Text => output::to_out(&in_text(&header, &claims, &warnings, now), world),
    }
}

fn in_text(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    warnings: &[String],
    now: NumericDate,
) -> String {
    let (label, strong) = (output::LABEL, output::WARNING);
    let mut text = format!("{strong}{NOT_VERIFIED}{strong:#}\n\n{label}Header{label:#}\n");
    let width = header.keys().chain(claims.keys()).map(|name| name.chars().count()).max();
    let width = width.unwrap_or_default().min(24);
    for (name, value) in header {
        text.extend([format!("  {:<width$}  {}\n", excerpt(name), plain(value))]);
    }
    text.extend([format!("{label}Claims{label:#}\n")]);
    for (name, value) in claims {
        let lines = match (name.as_str(), value) {
            (name, Value::Number(_)) if DATES.contains(&name) => vec![date(value, now)],
            ("scope" | "scp", Value::String(scopes)) => scopes.split(' ').map(excerpt).collect(),
            (_, Value::Array(list)) if !list.is_empty() => list.iter().map(plain).collect(),
            _ => vec![plain(value)],
        };
        for (place, line) in lines.iter().enumerate() {
            let name = if place == 0 { excerpt(name) } else { String::new() };
            text += format!("  {name:<width$}  {line}").trim_end();
            text.push('\n');
        }
    }
    if !warnings.is_empty() {
        text.extend([format!("{label}Warnings{label:#}\n")]);
        for warning in warnings {
            text.extend([format!("  {strong}!{strong:#} {warning}\n")]);
        }
    }
    text
}

fn warnings_of(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    signature: &str,
    now: NumericDate,
) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |text: String| warnings.push(text);
    match header.get("alg").and_then(Value::as_str) {
        None => warn("no alg: it is not signed in any known way".into()),
        Some(alg) if alg.eq_ignore_ascii_case("none") => {
            warn("alg none: it is not signed, and anybody can change it".into());
        }
        Some(alg) if alg.parse::<Algorithm>().is_err() => {
            warn(format!("alg {}: not one of HS256, RS256, ES256, EdDSA", excerpt(alg)));
        }
        Some("HS256") => {
            warn("alg HS256: whoever can verify it can also make others".into());
        }
        Some(_) => {}
    }
    if signature.is_empty() {
        warn("the signature is empty".into());
    }
    for member in ["jwk", "jku", "x5c", "x5u", "crit"] {
        if header.contains_key(member) {
            warn(format!("{member} in the header: it is refused for it"));
        }
    }
    match header.get("typ").and_then(Value::as_str) {
        Some(typ) if ["at+jwt", "application/at+jwt"].contains(&typ.to_lowercase().as_str()) => {}
        Some(typ) => warn(format!("typ {}: access tokens have at+jwt (RFC 9068)", excerpt(typ))),
        None => warn("no typ: access tokens have at+jwt (RFC 9068)".into()),
    }
    let exp = claims.get("exp").and_then(seconds);
    match exp {
        None => warn("no exp: it never expires, or is refused for that".into()),
        Some(exp) if exp <= now => warn(format!("expired {} ago", in_words(now.since(exp)))),
        Some(exp) => {
            let from = ["nbf", "iat"].into_iter().find_map(|name| seconds(claims.get(name)?));
            let life = exp.since(from.unwrap_or(now));
            if life > LONG {
                warn(format!("a long life: {}", in_words(life)));
            }
        }
    }
    if claims.get("nbf").and_then(seconds).is_some_and(|nbf| nbf > now) {
        warn("nbf is in the future: it does not count yet".into());
    }
    for (name, why) in [
        ("iss", "nobody says who issued it"),
        ("aud", "it may be shown to any server"),
        ("sub", "it speaks about nobody"),
    ] {
        if !claims.contains_key(name) {
            warn(format!("no {name}: {why}"));
        }
    }
    if claims.contains_key("cnf") {
        warn("cnf: bound to a key, so it is no bearer token".into());
    }
    warnings
}

/// A part as an object, however sloppily it is encoded: that is worth a warning and no more.
fn object(name: &str, part: &str, warnings: &mut Vec<String>) -> Option<Map<String, Value>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&URL_SAFE, lenient).decode(part).ok()?;
    let strict = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    if strict.is_err() {
        warnings.push(format!("{name}: not canonical base64url"));
    }
    match parse_unique(&bytes) {
        Ok(Value::Object(members)) => Some(members),
        Ok(_) => None,
        Err(_) => {
            let members = serde_json::from_slice(&bytes).ok()?;
            warnings.push(format!("{name}: a member appears twice"));
            Some(members)
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text),
        other => excerpt(&other.to_string()),
    }
}

fn seconds(value: &Value) -> Option<NumericDate> {
    NumericDate::from_json(value).ok()
}

/// A date in UTC and how far away it is.
fn date(value: &Value, now: NumericDate) -> String {
    match seconds(value) {
        None => plain(value),
        Some(date) if date == now => format!("{}  now", rfc3339(date)),
        Some(date) if date >= now => {
            format!("{}  in {}", rfc3339(date), in_words(date.since(now)))
        }
        Some(date) => format!("{}  {} ago", rfc3339(date), in_words(now.since(date))),
    }
}
