//! Claims out of JSON: strictly, and wherever an issuer writes them.
//!
//! 1. A claim that is `null` is not there, but for the marks of an ID token.
//! 2. A claim that decides something must be what it should be; a fault names the claim and what is
//!    wrong with it.
//! 3. What decides nothing is not looked at, whatever it is.

use std::{collections::BTreeSet, str::FromStr, sync::Arc};

use super::{Check, ClaimFault, VerifyError};
use crate::{
    Audience, ClientId, InvalidNameError, NumericDate, RoleName, Scope, ScopeSet, Subject,
    TimeError,
    json::{Json, Object},
};

/// Where the client is named: RFC 9068 §2.2, OpenID Connect Core §2, Okta, and Entra's v1.
const CLIENT_ID: [&str; 4] = ["client_id", "azp", "cid", "appid"];

/// Whether the claims are those of an ID token (OpenID Connect Core §2, §3.1.3.6) or say so in the
/// words of Keycloak (`typ`), Cognito or Ory Hydra (`token_use`).
pub(super) fn is_other_token(claims: &Object<'_>) -> bool {
    let is_none_of = |name: &str, accepted: &[&str]| {
        claims.said(name).is_some_and(|value| {
            let text = value.as_str().unwrap_or_default();
            !accepted.contains(&text)
        })
    };
    // Some issuers write `null` into ID tokens for what the client did not send: it is a mark
    // anyway.
    ["nonce", "at_hash", "c_hash"].iter().any(|name| claims.contains(name))
        || is_none_of("typ", &["Bearer"])
        || is_none_of("token_use", &["access", "access_token"])
}

/// The claims whose names are reported in a reason, which lives as long as the program.
const KNOWN: [&str; 18] = [
    "aud",
    "client_id",
    "email",
    "exp",
    "groups",
    "iat",
    "iss",
    "jti",
    "nbf",
    "oid",
    "permissions",
    "preferred_username",
    "roles",
    "scope",
    "scp",
    "sub",
    "uid",
    "username",
];

/// The name of a claim, if it is a usual one; else `instead`.
fn reported(name: &str, instead: &'static str) -> &'static str {
    let known = KNOWN.into_iter().chain(CLIENT_ID).find(|known| *known == name);
    known.unwrap_or(instead)
}

/// The claim `name` with its `fault`.
fn wrong(name: &str, instead: &'static str, fault: ClaimFault) -> VerifyError {
    VerifyError::Claim(reported(name, instead), fault)
}

/// The same of the claim that an issuer's entry names in place of `usual`.
fn wrong_instead_of(
    usual: &'static str,
    name: &str,
    (check, instead): (Check, &'static str),
    fault: ClaimFault,
) -> VerifyError {
    if name == usual {
        return VerifyError::Claim(usual, fault);
    }
    VerifyError::NamedClaim(check, reported(name, instead), fault)
}

/// One of the names of `claims`, or why it is none.
fn parsed<T>(value: &Json<'_>) -> Result<T, ClaimFault>
where
    T: FromStr<Err = InvalidNameError>,
{
    value.as_str().ok_or(ClaimFault::NotText)?.parse().map_err(|fault| match fault {
        InvalidNameError::Empty => ClaimFault::Empty,
        InvalidNameError::Control => ClaimFault::Control,
        InvalidNameError::TooLong => ClaimFault::TooLong,
    })
}

pub(super) fn audiences(claims: &Object<'_>, claim: &str) -> Result<Vec<Audience>, VerifyError> {
    let parse = |value: &Json<'_>| {
        parsed(value).map_err(|fault| {
            wrong_instead_of("aud", claim, (Check::Audience, "the claim of audience_claim"), fault)
        })
    };
    match claims.said(claim) {
        None => Err(VerifyError::AudienceMissing),
        Some(Json::Array(list)) if list.is_empty() => Err(VerifyError::AudienceMissing),
        Some(Json::Array(list)) => list.iter().map(parse).collect(),
        Some(one) => Ok(vec![parse(one)?]),
    }
}

pub(crate) fn date(
    claims: &Object<'_>,
    name: &'static str,
) -> Result<Option<NumericDate>, VerifyError> {
    let date = claims.said(name).map(as_date).transpose();
    date.map_err(|_| VerifyError::Claim(name, ClaimFault::NotDate))
}

/// A number as a date.
pub(super) fn as_date(value: &Json<'_>) -> Result<NumericDate, TimeError> {
    value.as_number().ok_or(TimeError::OutOfRange).and_then(NumericDate::from_number)
}

/// The subject, and the claim that it is in, if that is not `sub`.
pub(super) fn subject(
    claims: &Object<'_>,
    from: Option<&[Arc<str>]>,
) -> Result<(Subject, Option<Arc<str>>), VerifyError> {
    let read = |name: &str, value: &Json<'_>| {
        parsed(value).map_err(|fault| {
            wrong_instead_of("sub", name, (Check::Subject, "the claim of subject_from"), fault)
        })
    };
    let Some(from) = from else {
        let value = claims.said("sub").ok_or(VerifyError::SubjectMissing)?;
        return Ok((read("sub", value)?, None));
    };
    let mut there = from.iter().filter_map(|name| Some((name, claims.said(name)?)));
    let (name, value) = there.next().ok_or(VerifyError::SubjectMissing)?;
    Ok((read(name, value)?, (**name != *"sub").then(|| Arc::clone(name))))
}

pub(super) fn text<T>(claims: &Object<'_>, name: &'static str) -> Result<Option<T>, VerifyError>
where
    T: FromStr<Err = InvalidNameError>,
{
    let value = claims.said(name).map(parsed).transpose();
    value.map_err(|fault| VerifyError::Claim(name, fault))
}

pub(super) fn client_id(claims: &Object<'_>) -> Result<Option<ClientId>, VerifyError> {
    match CLIENT_ID.iter().find(|name| claims.said(name).is_some()) {
        Some(name) => text(claims, name),
        None => Ok(None),
    }
}

/// The scopes of every claim in `names`. `scope` may be a list only if `lists_scopes`.
pub(super) fn scopes(
    claims: &Object<'_>,
    names: &[String],
    lists_scopes: bool,
) -> Result<ScopeSet, VerifyError> {
    let mut scopes = ScopeSet::empty();
    for name in names {
        let Some(value) = claims.said(name) else { continue };
        let fault = |fault| wrong(name, "a claim of scopes_from", fault);
        match value {
            Json::String(text) => {
                let more = text.parse().map_err(|_| fault(ClaimFault::NotScopes))?;
                scopes = scopes.union(&more);
            }
            Json::Array(_) if name == "scope" && !lists_scopes => {
                return Err(fault(ClaimFault::List));
            }
            Json::Array(list) => {
                for scope in list {
                    let scope = scope.as_str().ok_or_else(|| fault(ClaimFault::NotTexts))?;
                    let scope = scope.parse::<Scope>();
                    scopes.insert(scope.map_err(|_| fault(ClaimFault::NotScopes))?);
                }
            }
            _ => return Err(fault(ClaimFault::NotTexts)),
        }
    }
    Ok(scopes)
}

/// The roles at every one of `paths`. What cannot be the name of a role is none of the policy's
/// either.
pub(crate) fn roles(
    claims: &Object<'_>,
    paths: &[String],
) -> Result<BTreeSet<RoleName>, VerifyError> {
    let mut roles = BTreeSet::new();
    for path in paths {
        let fault = || wrong(path, "a claim of roles_from", ClaimFault::NotRoles);
        match at(claims, path) {
            None | Some(Json::Null) => {}
            Some(Json::String(role)) => roles.extend(role.parse::<RoleName>()),
            Some(Json::Array(list)) => {
                let names = list.iter().filter_map(Json::as_str);
                roles.extend(names.filter_map(|role| role.parse::<RoleName>().ok()));
            }
            Some(Json::Object(members)) => {
                for (role, about) in members.iter() {
                    about.as_object().ok_or_else(fault)?;
                    roles.extend(role.parse::<RoleName>());
                }
            }
            Some(_) => return Err(fault()),
        }
    }
    Ok(roles)
}

/// The member that `path` leads to, for showing it.
pub(crate) fn value_at<'a, 'b>(claims: &'a Object<'b>, path: &str) -> Option<&'a Json<'b>> {
    at(claims, path)
}

/// Whether `path` leads anywhere.
pub(super) fn is_there(claims: &Object<'_>, path: &str) -> bool {
    at(claims, path).is_some()
}

/// The member that `path` leads to. Names may have dots themselves: the longest name that is there
/// is taken first. Each object is looked at once at most, so hostile claims cost no more than
/// others.
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
