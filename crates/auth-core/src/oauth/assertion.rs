//! What the claims of an assertion have to say: that of a client about itself (`private_key_jwt`,
//! RFC 7523 §3) and that of an identity provider about a user (ID-JAG, MCP enterprise-managed
//! authorization §5, §7).
//!
//! 1. `aud` is one value, as a text or a list of one: an assertion that is also for another server
//!    could be used there by us, or here by it.
//! 2. `exp` is required, and at most one hour ahead: the id of an assertion is remembered until
//!    then. `nbf` and `iat` are not in the future. A leeway covers clocks that differ.
//! 3. `jti` is required, and is used once: the store remembers it until `exp`, by issuer.
//! 4. A client's assertion has the client as `iss` and `sub`, and this server as `aud`: its issuer,
//!    or its token endpoint, which older libraries use.
//! 5. An ID-JAG has the trusted provider as `iss`, this server's issuer as `aud`, the client that
//!    authenticates as `client_id`, and a `resource` of this server: the pair of `aud` and
//!    `resource` is what keeps it from being used at another one (§7.6). Its `typ` is
//!    [`ID_JAG_TYPE`].
//!
//! **The signature is verified first, by the caller.** Claims of an assertion that was not verified
//! must not come here.

use std::{str::FromStr, time::Duration};

use serde_json::Value;

use super::names_resource;
use crate::{ClientId, Issuer, Leeway, NumericDate, ResourceUri, ScopeSet, Subject, TokenId};

/// `typ` in the header of an ID-JAG (ID-JAG §3.1).
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// How far ahead `exp` may be.
const MAX_LIFETIME: Duration = Duration::from_hours(1);

/// The id of an assertion, which may be used once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleUse {
    /// `jti`.
    pub id: TokenId,
    /// Until when it has to be remembered.
    pub until: NumericDate,
}

/// What an identity provider says about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdJag {
    /// `sub`: the user, as the provider names them.
    pub subject: Subject,
    /// `resource`: what the access token is for.
    pub resource: ResourceUri,
    /// `scope`: the most that the access token may grant; `None`: the provider does not limit it.
    pub scopes: Option<ScopeSet>,
    /// What has to be remembered.
    pub single_use: SingleUse,
}

/// What an ID-JAG is compared with.
#[derive(Debug, Clone, Copy)]
pub struct IdJagContext<'a> {
    /// The provider whose key verified it.
    pub provider: &'a Issuer,
    /// This server.
    pub audience: &'a Issuer,
    /// The client that sends it, which has been authenticated.
    pub client_id: &'a ClientId,
    /// The resources of this server.
    pub served: &'a [ResourceUri],
}

/// Why an assertion is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// A claim is missing or malformed.
    #[error("the claim {0} is missing or malformed")]
    Claim(&'static str),
    /// A claim is not what it has to be.
    #[error("the claim {0} does not match")]
    Mismatch(&'static str),
    /// `exp` has passed.
    #[error("the assertion has expired")]
    Expired,
    /// `exp` is too far ahead.
    #[error("the assertion is valid for more than one hour")]
    Lifetime,
    /// `nbf` or `iat` is in the future.
    #[error("the assertion is not valid yet")]
    NotYetValid,
}

/// Judges the claims of a client's assertion (rules 1 to 4). `audiences` are the issuer and the
/// token endpoint of this server.
pub fn check_client_assertion(
    claims: &Value,
    client_id: &ClientId,
    audiences: &[&str],
    (now, leeway): (NumericDate, Leeway),
) -> Result<SingleUse, AssertionError> {
    matches(claims, "iss", client_id.as_str())?;
    matches(claims, "sub", client_id.as_str())?;
    if !audiences.contains(&audience(claims)?) {
        return Err(AssertionError::Mismatch("aud"));
    }
    single_use(claims, now, leeway)
}

/// Judges the claims of an ID-JAG (rules 1 to 3, 5); `token_type` is `typ` of its header.
pub fn check_id_jag(
    token_type: Option<&str>,
    claims: &Value,
    context: &IdJagContext<'_>,
    (now, leeway): (NumericDate, Leeway),
) -> Result<IdJag, AssertionError> {
    if token_type != Some(ID_JAG_TYPE) {
        return Err(AssertionError::Mismatch("typ"));
    }
    matches(claims, "iss", context.provider.as_str())?;
    matches(claims, "client_id", context.client_id.as_str())?;
    if audience(claims)? != context.audience.as_str() {
        return Err(AssertionError::Mismatch("aud"));
    }
    let asked = text(claims, "resource")?;
    let resource = context.served.iter().find(|resource| names_resource(asked, resource));
    let resource = resource.ok_or(AssertionError::Mismatch("resource"))?.clone();
    let scopes = match claims.get("scope") {
        None => None,
        Some(_) => Some(parsed(claims, "scope")?),
    };
    let subject = parsed(claims, "sub")?;
    Ok(IdJag { subject, resource, scopes, single_use: single_use(claims, now, leeway)? })
}

/// Rules 2 and 3.
fn single_use(
    claims: &Value,
    now: NumericDate,
    leeway: Leeway,
) -> Result<SingleUse, AssertionError> {
    let id = parsed(claims, "jti")?;
    let date = |name| match claims.get(name) {
        None => Ok(None),
        Some(value) => match NumericDate::from_json(value) {
            Ok(date) => Ok(Some(date)),
            Err(_) => Err(AssertionError::Claim(name)),
        },
    };
    let expires_at = date("exp")?.ok_or(AssertionError::Claim("exp"))?;
    let latest = now.plus(leeway.duration());
    if expires_at.plus(leeway.duration()) <= now {
        return Err(AssertionError::Expired);
    }
    if expires_at > latest.plus(MAX_LIFETIME) {
        return Err(AssertionError::Lifetime);
    }
    for name in ["nbf", "iat"] {
        if date(name)?.is_some_and(|date| date > latest) {
            return Err(AssertionError::NotYetValid);
        }
    }
    Ok(SingleUse { id, until: expires_at.plus(leeway.duration()) })
}

/// Rule 1.
fn audience(claims: &Value) -> Result<&str, AssertionError> {
    let audience = match claims.get("aud") {
        Some(Value::Array(list)) => match list.as_slice() {
            [only] => only.as_str(),
            _ => None,
        },
        Some(value) => value.as_str(),
        None => None,
    };
    audience.ok_or(AssertionError::Claim("aud"))
}

fn matches(claims: &Value, name: &'static str, expected: &str) -> Result<(), AssertionError> {
    if text(claims, name)? == expected { Ok(()) } else { Err(AssertionError::Mismatch(name)) }
}

fn parsed<T: FromStr>(claims: &Value, name: &'static str) -> Result<T, AssertionError> {
    text(claims, name)?.parse().map_err(|_| AssertionError::Claim(name))
}

fn text<'a>(claims: &'a Value, name: &'static str) -> Result<&'a str, AssertionError> {
    claims.get(name).and_then(Value::as_str).ok_or(AssertionError::Claim(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;
    const AUDIENCES: [&str; 2] = ["https://as.example", "https://as.example/token"];

    fn now() -> (NumericDate, Leeway) {
        (NumericDate::from_secs(NOW).unwrap(), Leeway::default())
    }

    fn client_claims() -> Value {
        json!({
            "iss": "c1", "sub": "c1", "aud": AUDIENCES[0], "jti": "j1", "exp": NOW + 60, "iat": NOW,
        })
    }

    fn client(claims: &Value) -> Result<SingleUse, AssertionError> {
        check_client_assertion(claims, &"c1".parse().unwrap(), &AUDIENCES, now())
    }

    fn jag_claims() -> Value {
        json!({
            "iss": "https://idp.example", "sub": "alice", "aud": "https://as.example", "jti": "j1",
            "client_id": "c1", "resource": "https://mcp.example/mcp", "scope": "b a",
            "exp": NOW + 300, "iat": NOW,
        })
    }

    fn jag(token_type: Option<&str>, claims: &Value) -> Result<IdJag, AssertionError> {
        let context = IdJagContext {
            provider: &"https://idp.example".parse().unwrap(),
            audience: &"https://as.example".parse().unwrap(),
            client_id: &"c1".parse().unwrap(),
            served: &["https://mcp.example/mcp".parse().unwrap()],
        };
        check_id_jag(token_type, claims, &context, now())
    }

    /// The claims with one other value; `null` leaves it out.
    fn with(mut claims: Value, name: &str, value: Value) -> Value {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value;
        }
        claims
    }

    #[test]
    fn good_assertions_are_accepted_and_have_to_be_remembered() {
        let until = NumericDate::from_secs(NOW + 90).unwrap();
        let single_use = SingleUse { id: "j1".parse().unwrap(), until };
        assert_eq!(client(&client_claims()), Ok(single_use));
        for good in [json!(AUDIENCES[1]), json!([AUDIENCES[0]])] {
            assert!(client(&with(client_claims(), "aud", good)).is_ok());
        }
        let jag = jag(Some(ID_JAG_TYPE), &jag_claims()).unwrap();
        assert_eq!(jag.subject.as_str(), "alice");
        assert_eq!(jag.resource.as_str(), "https://mcp.example/mcp");
        assert_eq!(jag.scopes.unwrap().to_string(), "a b");
        assert_eq!(jag.single_use.until.as_secs(), NOW + 330);
    }

    #[test]
    fn each_claim_of_a_client_is_judged() {
        use AssertionError::{Claim, Mismatch};
        for (name, value, expected) in [
            ("iss", json!(null), Claim("iss")),
            ("iss", json!("c2"), Mismatch("iss")),
            ("sub", json!(null), Claim("sub")),
            ("sub", json!("c2"), Mismatch("sub")),
            ("aud", json!(null), Claim("aud")),
            ("aud", json!([]), Claim("aud")),
            ("aud", json!([AUDIENCES[0], AUDIENCES[1]]), Claim("aud")),
            ("aud", json!([AUDIENCES[0], "https://other.example"]), Claim("aud")),
            ("aud", json!("https://other.example"), Mismatch("aud")),
            ("aud", json!("https://as.example/"), Mismatch("aud")),
            ("jti", json!(null), Claim("jti")),
            ("jti", json!(""), Claim("jti")),
            ("jti", json!(1), Claim("jti")),
        ] {
            let claims = with(client_claims(), name, value);
            assert_eq!(client(&claims), Err(expected), "{claims}");
        }
    }

    #[test]
    fn an_assertion_is_valid_for_a_short_time() {
        use AssertionError::{Claim, Expired, Lifetime, NotYetValid};
        for (name, value, expected) in [
            ("exp", json!(null), Some(Claim("exp"))),
            ("exp", json!("x"), Some(Claim("exp"))),
            ("exp", json!(-1), Some(Claim("exp"))),
            ("exp", json!(NOW - 30), Some(Expired)),
            ("exp", json!(NOW - 29), None),
            ("exp", json!(NOW + 3630), None),
            ("exp", json!(NOW + 3631), Some(Lifetime)),
            ("nbf", json!(NOW + 30), None),
            ("nbf", json!(NOW + 31), Some(NotYetValid)),
            ("nbf", json!("x"), Some(Claim("nbf"))),
            ("iat", json!(NOW + 31), Some(NotYetValid)),
            ("iat", json!(null), None),
        ] {
            let claims = with(client_claims(), name, value.clone());
            assert_eq!(client(&claims).err(), expected, "{claims}");
            let claims = with(jag_claims(), name, value);
            assert_eq!(jag(Some(ID_JAG_TYPE), &claims).err(), expected, "{claims}");
        }
    }

    #[test]
    fn each_claim_of_an_id_jag_is_judged() {
        use AssertionError::{Claim, Mismatch};
        for (name, value, expected) in [
            ("iss", json!(null), Claim("iss")),
            ("iss", json!("https://other.example"), Mismatch("iss")),
            ("sub", json!(null), Claim("sub")),
            ("sub", json!(""), Claim("sub")),
            ("aud", json!("https://as.example/token"), Mismatch("aud")),
            ("aud", json!(["https://as.example", "https://other.example"]), Claim("aud")),
            ("client_id", json!(null), Claim("client_id")),
            ("client_id", json!("c2"), Mismatch("client_id")),
            ("resource", json!(null), Claim("resource")),
            ("resource", json!("https://other.example/mcp"), Mismatch("resource")),
            ("resource", json!(["https://mcp.example/mcp"]), Claim("resource")),
            ("scope", json!(["a"]), Claim("scope")),
            ("scope", json!("a  b"), Claim("scope")),
            ("jti", json!(null), Claim("jti")),
        ] {
            let claims = with(jag_claims(), name, value);
            assert_eq!(jag(Some(ID_JAG_TYPE), &claims), Err(expected), "{claims}");
        }
        for token_type in [None, Some("JWT"), Some("at+jwt"), Some("OAuth-ID-JAG+jwt")] {
            assert_eq!(jag(token_type, &jag_claims()), Err(Mismatch("typ")), "{token_type:?}");
        }
        let unlimited = jag(Some(ID_JAG_TYPE), &with(jag_claims(), "scope", json!(null)));
        assert_eq!(unlimited.unwrap().scopes, None);
    }
}
