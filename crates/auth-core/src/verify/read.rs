//! Claims out of JSON: strictly, and wherever an issuer writes them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::VerifyError;
use crate::{Audience, ClientId, NumericDate, RoleName, Scope, ScopeSet, Subject};

/// Where the client stands: RFC 9068 §2.2, OpenID Connect Core §2, Okta, and Entra's v1.
const CLIENT_ID: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// Whether the claims are those of an ID token (OpenID Connect Core §2, §3.1.3.6) or say so in the
/// words of Keycloak (`typ`) or Cognito (`token_use`).
pub(super) fn is_other_token(claims: &Map<String, Value>) -> bool {
    let is_not = |name: &str, accepted: &str| {
        claims.get(name).is_some_and(|value| value.as_str() != Some(accepted))
    };
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains_key(*name))
        || is_not("typ", "Bearer")
        || is_not("token_use", "access")
}

pub(super) fn audiences(
    claims: &Map<String, Value>,
    claim: &str,
) -> Result<Vec<Audience>, VerifyError> {
    let parse = |value: &Value| {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(VerifyError::Claim("aud"))
    };
    match claims.get(claim) {
        None => Err(VerifyError::AudienceMissing),
        Some(Value::Array(list)) if list.is_empty() => Err(VerifyError::AudienceMissing),
        Some(Value::Array(list)) => list.iter().map(parse).collect(),
        Some(one) => Ok(vec![parse(one)?]),
    }
}

pub(super) fn date(
    claims: &Map<String, Value>,
    name: &str,
) -> Result<Option<NumericDate>, VerifyError> {
    Ok(claims.get(name).map(NumericDate::from_json).transpose()?)
}

pub(super) fn subject(claims: &Map<String, Value>) -> Result<Subject, VerifyError> {
    let subject = claims.get("sub").and_then(Value::as_str).ok_or(VerifyError::SubjectMissing)?;
    subject.parse().map_err(|_| VerifyError::SubjectMissing)
}

pub(super) fn text<T: std::str::FromStr>(
    claims: &Map<String, Value>,
    name: &'static str,
) -> Result<Option<T>, VerifyError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or(VerifyError::Claim(name))
}

pub(super) fn client_id(claims: &Map<String, Value>) -> Result<Option<ClientId>, VerifyError> {
    match CLIENT_ID.iter().find(|name| claims.contains_key(**name)) {
        Some(name) => text(claims, name),
        None => Ok(None),
    }
}

/// The scopes of every claim in `names`.
pub(super) fn scopes(
    claims: &Map<String, Value>,
    names: &[String],
) -> Result<ScopeSet, VerifyError> {
    let mut scopes = ScopeSet::empty();
    for name in names {
        match (name.as_str(), claims.get(name)) {
            (_, None) => {}
            ("scope", Some(_)) => {
                scopes = scopes.union(&text(claims, "scope")?.unwrap_or_default());
            }
            (_, Some(Value::String(text))) => {
                scopes = scopes.union(&text.parse().map_err(|_| VerifyError::Scopes)?);
            }
            (_, Some(Value::Array(list))) => {
                for scope in list {
                    let scope = scope.as_str().and_then(|text| text.parse::<Scope>().ok());
                    scopes.insert(scope.ok_or(VerifyError::Scopes)?);
                }
            }
            (_, Some(_)) => return Err(VerifyError::Scopes),
        }
    }
    Ok(scopes)
}

/// The roles at every one of `paths`.
pub(super) fn roles(
    claims: &Map<String, Value>,
    paths: &[String],
) -> Result<BTreeSet<RoleName>, VerifyError> {
    const FAULT: VerifyError = VerifyError::Claim("roles");
    let mut roles = BTreeSet::new();
    for value in paths.iter().filter_map(|path| at(claims, path)) {
        for role in value.as_array().ok_or(FAULT)? {
            roles.insert(role.as_str().and_then(|role| role.parse().ok()).ok_or(FAULT)?);
        }
    }
    Ok(roles)
}

/// The member that `path` leads to, for showing it.
pub(super) fn value_at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    at(claims, path)
}

/// Whether `path` leads anywhere.
pub(super) fn is_there(claims: &Map<String, Value>, path: &str) -> bool {
    at(claims, path).is_some()
}

/// The member that `path` leads to. Names may have dots themselves: the longest name that is there is
/// taken first. Each object is looked at once at most, so hostile claims cost no more than others.
fn at<'a>(object: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let (name, rest) = (path.get(..dot)?, path.get(dot + 1..)?);
        at(object.get(name)?.as_object()?, rest)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_names_with_dots() {
        let claims = json!({
            "roles": 1,
            "realm_access": { "roles": 2 },
            "resource_access": { "my.app": { "roles": 3 }, "my": { "other": 4 } },
            "https://ex.com/roles": 5,
            "a.b": { "c": 6 },
            "a": { "b": { "c": 7 }, "b.d": 8 },
        });
        let claims = claims.as_object().unwrap();
        for (path, found) in [
            ("roles", Some(1)),
            ("realm_access.roles", Some(2)),
            ("resource_access.my.app.roles", Some(3)),
            ("resource_access.my.other", Some(4)),
            ("https://ex.com/roles", Some(5)),
            ("a.b.c", Some(6)),
            ("a.b.d", Some(8)),
            ("a.x", None),
            ("roles.x", None),
            ("", None),
            (".", None),
            ("a.", None),
        ] {
            assert_eq!(at(claims, path).and_then(Value::as_i64), found, "{path}");
        }
    }
}
