//! Claims out of JSON: strictly, and wherever an issuer writes them.

use std::collections::BTreeSet;

use super::VerifyError;
use crate::{
    Audience, ClientId, NumericDate, RoleName, Scope, ScopeSet, Subject, TimeError,
    json::{Json, Object},
};

/// Where the client stands: RFC 9068 §2.2, OpenID Connect Core §2, Okta, and Entra's v1.
const CLIENT_ID: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// Whether the claims are those of an ID token (OpenID Connect Core §2, §3.1.3.6) or say so in the
/// words of Keycloak (`typ`) or Cognito (`token_use`).
pub(super) fn is_other_token(claims: &Object<'_>) -> bool {
    let is_not = |name: &str, accepted: &str| {
        claims.get(name).is_some_and(|value| value.as_str() != Some(accepted))
    };
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains(name))
        || is_not("typ", "Bearer")
        || is_not("token_use", "access")
}

pub(super) fn audiences(claims: &Object<'_>, claim: &str) -> Result<Vec<Audience>, VerifyError> {
    let parse = |value: &Json<'_>| {
        value.as_str().and_then(|text| text.parse().ok()).ok_or(VerifyError::Claim("aud"))
    };
    match claims.get(claim) {
        None => Err(VerifyError::AudienceMissing),
        Some(Json::List(list)) if list.is_empty() => Err(VerifyError::AudienceMissing),
        Some(Json::List(list)) => list.iter().map(parse).collect(),
        Some(one) => Ok(vec![parse(one)?]),
    }
}

pub(super) fn date(claims: &Object<'_>, name: &str) -> Result<Option<NumericDate>, VerifyError> {
    Ok(claims.get(name).map(as_date).transpose()?)
}

/// A number as a date.
pub(super) fn as_date(value: &Json<'_>) -> Result<NumericDate, TimeError> {
    value.as_number().ok_or(TimeError::OutOfRange).and_then(NumericDate::from_number)
}

pub(super) fn subject(claims: &Object<'_>) -> Result<Subject, VerifyError> {
    let subject = claims.get("sub").and_then(Json::as_str).ok_or(VerifyError::SubjectMissing)?;
    subject.parse().map_err(|_| VerifyError::SubjectMissing)
}

pub(super) fn text<T: std::str::FromStr>(
    claims: &Object<'_>,
    name: &'static str,
) -> Result<Option<T>, VerifyError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.map(Some).ok_or(VerifyError::Claim(name))
}

pub(super) fn client_id(claims: &Object<'_>) -> Result<Option<ClientId>, VerifyError> {
    match CLIENT_ID.iter().find(|name| claims.contains(name)) {
        Some(name) => text(claims, name),
        None => Ok(None),
    }
}

/// The scopes of every claim in `names`.
pub(super) fn scopes(claims: &Object<'_>, names: &[String]) -> Result<ScopeSet, VerifyError> {
    let mut scopes = ScopeSet::empty();
    for name in names {
        match (name.as_str(), claims.get(name)) {
            (_, None) => {}
            ("scope", Some(_)) => {
                scopes = scopes.union(&text(claims, "scope")?.unwrap_or_default());
            }
            (_, Some(Json::Text(text))) => {
                scopes = scopes.union(&text.parse().map_err(|_| VerifyError::Scopes)?);
            }
            (_, Some(Json::List(list))) => {
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
    claims: &Object<'_>,
    paths: &[String],
) -> Result<BTreeSet<RoleName>, VerifyError> {
    const FAULT: VerifyError = VerifyError::Claim("roles");
    let mut roles = BTreeSet::new();
    for value in paths.iter().filter_map(|path| at(claims, path)) {
        for role in value.as_list().ok_or(FAULT)? {
            roles.insert(role.as_str().and_then(|role| role.parse().ok()).ok_or(FAULT)?);
        }
    }
    Ok(roles)
}

/// The member that `path` leads to, for showing it.
pub(super) fn value_at<'a, 'b>(claims: &'a Object<'b>, path: &str) -> Option<&'a Json<'b>> {
    at(claims, path)
}

/// Whether `path` leads anywhere.
pub(super) fn is_there(claims: &Object<'_>, path: &str) -> bool {
    at(claims, path).is_some()
}

/// The member that `path` leads to. Names may have dots themselves: the longest name that is there is
/// taken first. Each object is looked at once at most, so hostile claims cost no more than others.
fn at<'a, 'b>(object: &'a Object<'b>, path: &str) -> Option<&'a Json<'b>> {
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
    use serde_json::{Number, json};

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
        let claims = claims.to_string();
        let claims = Json::parse(&claims).unwrap();
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
            assert_eq!(
                at(claims, path).and_then(Json::as_number).and_then(Number::as_i64),
                found,
                "{path}"
            );
        }
    }
}
