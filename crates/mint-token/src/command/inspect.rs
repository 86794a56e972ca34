//! `inspect`: what a token contains, for a person. Nothing is verified, and nothing is refused.

use std::time::Duration;

use auth_core::{Algorithm, NumericDate, base64url, parse_strict};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde_json::{Map, Value, json};
use terminal::{
    OutputFormat, Program,
    date::with_distance,
    duration::words,
    style::{LABEL, WARNING},
    table::pairs,
};

use crate::{
    Exit, World,
    args::InspectArgs,
    input,
    output::{self, excerpt},
};

/// A longer lifetime than this gets a warning.
const LONG: Duration = Duration::from_hours(24);
/// Before each line of a part of the token.
const INDENT: &str = "  ";
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];

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
        OutputFormat::Json => {
            let all = json!({
                "verified": false,
                "header": header,
                "claims": claims,
                "warnings": warnings,
            });
            output::json(&all, world)
        }
        OutputFormat::Text => {
            let text = in_text(&header, &claims, &warnings, now, world);
            output::to_out(&text, world)
        }
    }
}

fn in_text(
    header: &Map<String, Value>,
    claims: &Map<String, Value>,
    warnings: &[String],
    now: NumericDate,
    world: &World<'_>,
) -> String {
    let columns = world.out_columns.map(|columns| columns.saturating_sub(INDENT.len()));
    let command = world.invocation.command(Program::MintToken, "verify");
    let not_verified = format!("NOT VERIFIED: a token can contain anything; `{command}` checks it");
    let mut text = format!("{WARNING}{not_verified}{WARNING:#}\n\n");
    let header = header.iter().map(|(name, value)| (excerpt(name), plain(value)));
    let claims = claims.iter().map(|(name, value)| (excerpt(name), claim(name, value, now)));
    text.extend([
        format!("{LABEL}Header{LABEL:#}\n"),
        indented(&pairs(&header.collect::<Vec<_>>(), columns)),
        format!("{LABEL}Claims{LABEL:#}\n"),
        indented(&pairs(&claims.collect::<Vec<_>>(), columns)),
    ]);
    if !warnings.is_empty() {
        text.extend([format!("{LABEL}Warnings{LABEL:#}\n")]);
        for warning in warnings {
            text.extend([format!("  {WARNING}!{WARNING:#} {warning}\n")]);
        }
    }
    text
}

/// The value of a claim; scopes and arrays have a line for each element.
fn claim(name: &str, value: &Value, now: NumericDate) -> String {
    match (name, value) {
        (name, Value::Number(_)) if DATES.contains(&name) => date(value, now),
        ("scope" | "scp", Value::String(scopes)) => {
            scopes.split(' ').map(excerpt).collect::<Vec<_>>().join("\n")
        }
        (_, Value::Array(array)) if !array.is_empty() => {
            array.iter().map(plain).collect::<Vec<_>>().join("\n")
        }
        _ => plain(value),
    }
}

fn indented(lines: &str) -> String {
    lines.lines().fold(String::new(), |mut text, line| {
        text.extend([INDENT, line, "\n"]);
        text
    })
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
        None => warn("no alg: its signature algorithm is unknown".into()),
        Some(alg) if alg.eq_ignore_ascii_case("none") => {
            warn("alg none: it is not signed, so anyone can change it".into());
        }
        Some(alg) if alg.parse::<Algorithm>().is_err() => {
            warn(format!("alg {}: not one of HS256, RS256, ES256, EdDSA", excerpt(alg)));
        }
        Some("HS256") => {
            warn("alg HS256: every server that can verify it can also mint tokens".into());
        }
        Some(_) => {}
    }
    if signature.is_empty() {
        warn("the signature is empty".into());
    }
    for member in ["jwk", "jku", "x5c", "x5u", "crit"] {
        if header.contains_key(member) {
            warn(format!("{member} in the header: servers refuse it"));
        }
    }
    match header.get("typ").and_then(Value::as_str) {
        Some(typ) if ["at+jwt", "application/at+jwt"].contains(&typ.to_lowercase().as_str()) => {}
        Some(typ) => warn(format!("typ {}: access tokens have at+jwt (RFC 9068)", excerpt(typ))),
        None => warn("no typ: access tokens have at+jwt (RFC 9068)".into()),
    }
    let exp = claims.get("exp").and_then(seconds);
    match exp {
        None => warn("no exp: it never expires; servers refuse it".into()),
        Some(exp) if exp <= now => warn(format!("expired {} ago", words(now.since(exp)))),
        Some(exp) => {
            let from = ["nbf", "iat"].into_iter().find_map(|name| seconds(claims.get(name)?));
            let life = exp.since(from.unwrap_or(now));
            if life > LONG {
                warn(format!("a long lifetime: {}", words(life)));
            }
        }
    }
    if claims.get("nbf").and_then(seconds).is_some_and(|nbf| nbf > now) {
        warn("nbf is in the future: it is not valid yet".into());
    }
    for (name, why) in [
        ("iss", "its issuer is unknown"),
        ("aud", "it is for any server"),
        ("sub", "it has no user"),
    ] {
        if !claims.contains_key(name) {
            warn(format!("no {name}: {why}"));
        }
    }
    match claims.get("cnf").map(|cnf| cnf.get("x5t#S256").is_some()) {
        Some(true) => warn("cnf: good only with the client certificate that it is bound to".into()),
        Some(false) => warn("cnf: bound to a key, so it is not a bearer token".into()),
        None => {}
    }
    warnings
}

/// A part as an object. A part that is not canonical gets a warning.
fn object(name: &str, part: &str, warnings: &mut Vec<String>) -> Option<Map<String, Value>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let bytes = GeneralPurpose::new(&URL_SAFE, lenient).decode(part).ok()?;
    if base64url::decode(part).is_err() {
        warnings.push(format!("{name}: not canonical base64url"));
    }
    match parse_strict(&bytes) {
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

/// A date in UTC and its distance from now.
fn date(value: &Value, now: NumericDate) -> String {
    seconds(value).map_or_else(|| plain(value), |date| with_distance(date, now))
}
