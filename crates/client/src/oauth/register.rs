//! Registration of a client (RFC 7591).
//!
//! 1. What the issuer answers counts, not what was asked: the name, the secret, and how the client
//!    shows who it is. What it leaves out is as it was asked.
//! 2. A client that may not do what it was registered for is no client of ours: other addresses to
//!    come back to, other grants, a method that we do not have.
//! 3. Some issuers let a client have just the scopes that it registers for; others, whose scopes
//!    belong to resources, refuse to register any. So it is tried with and without.

use auth_core::NumericDate;
use serde_json::json;

use super::{CLIENT_NAME, LoginError, Outward, answer::Answer, error::unanswered};
use crate::store::{AuthMethod, Client};

/// Registers a client that comes back to `redirect_uri` with one of `grants`.
pub(super) async fn register(
    endpoint: &str,
    redirect_uri: Option<&str>,
    grants: &[&str],
    scopes: &[String],
    outward: &Outward,
    now: NumericDate,
) -> Result<Client, LoginError> {
    let joined = scopes.join(" ");
    let with_scopes = (!joined.is_empty()).then_some(joined.as_str());
    let first = try_one(endpoint, redirect_uri, grants, with_scopes, outward, now).await;
    let result = match first {
        Err(LoginError::OAuth { .. } | LoginError::Unfit { .. }) if with_scopes.is_some() => {
            try_one(endpoint, redirect_uri, grants, None, outward, now).await
        }
        result => result,
    };
    result.map_err(|error| match error {
        LoginError::OAuth { .. } | LoginError::Unfit { .. } => {
            LoginError::Registration(Box::new(error))
        }
        error => error,
    })
}

async fn try_one(
    endpoint: &str,
    redirect_uri: Option<&str>,
    grants: &[&str],
    scope: Option<&str>,
    outward: &Outward,
    now: NumericDate,
) -> Result<Client, LoginError> {
    let uses_code = grants.contains(&"authorization_code");
    let mut document = json!({
        "client_name": CLIENT_NAME,
        "application_type": "native",
        "grant_types": grants,
        "redirect_uris": redirect_uri.into_iter().collect::<Vec<_>>(),
        "response_types": if uses_code { vec!["code"] } else { Vec::new() },
        "token_endpoint_auth_method": "none",
    });
    if let (Some(document), Some(scope)) = (document.as_object_mut(), scope) {
        document.insert("scope".to_owned(), scope.into());
    }
    let reply = outward.post_json(endpoint, &document).await;
    let reply = reply.map_err(|fault| unanswered(endpoint, fault))?;
    registered(&Answer::read(endpoint, &reply)?, redirect_uri, grants, now)
}

/// The client that the issuer's answer makes of us.
fn registered(
    answer: &Answer,
    redirect_uri: Option<&str>,
    grants: &[&str],
    now: NumericDate,
) -> Result<Client, LoginError> {
    let id = answer.text("client_id")?.to_owned();
    let secret = answer.optional_text("client_secret")?.map(str::to_owned);
    // 0 means that it does not expire (§3.2.1).
    let until = answer.seconds("client_secret_expires_at")?.filter(|until| *until != 0);
    let now = u64::try_from(now.as_secs()).unwrap_or_default();
    if secret.is_some() && until.is_some_and(|until| until <= now) {
        return Err(answer.unfit("`client_secret_expires_at` has passed"));
    }
    let method = match (answer.optional_text("token_endpoint_auth_method")?, &secret) {
        (Some("none"), _) => Some(AuthMethod::None),
        (Some("client_secret_basic"), Some(_)) => Some(AuthMethod::Basic),
        (Some("client_secret_post"), Some(_)) => Some(AuthMethod::Post),
        (Some("client_secret_basic" | "client_secret_post"), None) => {
            return Err(answer.unfit("`client_secret` is missing"));
        }
        (Some(other), _) => {
            return Err(answer.unfit(format!(
                "`token_endpoint_auth_method` is `{other}`, which this client does not have"
            )));
        }
        (None, _) => None,
    };
    if let (Some(ours), Some(theirs)) = (redirect_uri, answer.texts("redirect_uris")?)
        && !theirs.contains(&ours)
    {
        let theirs = theirs.join(", ");
        return Err(answer.unfit(format!("`redirect_uris` is {theirs}, without {ours}")));
    }
    if let (Some(first), Some(theirs)) = (grants.first(), answer.texts("grant_types")?)
        && !theirs.contains(first)
    {
        let theirs = theirs.join(", ");
        return Err(answer.unfit(format!("`grant_types` is {theirs}, without {first}")));
    }
    let client = Client::new(id, secret);
    Ok(Client { redirect_uri: redirect_uri.map(str::to_owned), method, dynamic: true, ..client })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use serde_json::Value;

    use super::*;
    use crate::oauth::Reply;

    const URI: &str = "http://127.0.0.1:1/callback";

    fn read(json: &Value) -> Result<Client, LoginError> {
        let body = json.to_string().into_bytes();
        let reply = Reply::new(StatusCode::CREATED, HeaderMap::new(), body);
        let answer = Answer::read("https://as.example/register", &reply)?;
        let now = NumericDate::from_secs(1000).unwrap();
        registered(&answer, Some(URI), &["authorization_code", "refresh_token"], now)
    }

    #[test]
    fn a_name_alone_is_enough() {
        let client = read(&json!({ "client_id": "x" })).unwrap();
        assert_eq!((client.id.as_str(), client.secret, client.method), ("x", None, None));
        assert_eq!(client.redirect_uri.as_deref(), Some(URI));
        assert!(client.dynamic);
    }

    #[test]
    fn each_member_of_a_registration_is_held_to_its_standard() {
        for (name, value, words) in [
            ("client_id", json!(null), "`client_id` is missing"),
            ("client_id", json!(""), "`client_id` is empty"),
            ("client_id", json!(7), "`client_id` is not a text"),
            ("client_secret", json!(null), ""),
            ("client_secret", json!(""), ""),
            ("client_secret", json!("hush"), ""),
            ("client_secret", json!(7), "`client_secret` is not a text"),
            ("client_secret_expires_at", json!(null), ""),
            ("client_secret_expires_at", json!(0), ""),
            ("client_secret_expires_at", json!("never"), "is not a number of seconds"),
            ("redirect_uris", json!(null), ""),
            ("redirect_uris", json!([URI, "https://x.example"]), ""),
            ("redirect_uris", json!([]), "without http://127.0.0.1:1/callback"),
            ("redirect_uris", json!(["https://x.example"]), "`redirect_uris` is https://x.example"),
            ("redirect_uris", json!(URI), "`redirect_uris` is not a list of texts"),
            ("grant_types", json!(null), ""),
            ("grant_types", json!(["authorization_code"]), ""),
            ("grant_types", json!(["implicit"]), "`grant_types` is implicit, without"),
            ("grant_types", json!("implicit"), "`grant_types` is not a list of texts"),
            ("token_endpoint_auth_method", json!(null), ""),
            ("token_endpoint_auth_method", json!(""), ""),
            ("token_endpoint_auth_method", json!("none"), ""),
            (
                "token_endpoint_auth_method",
                json!("client_secret_post"),
                "`client_secret` is missing",
            ),
            ("token_endpoint_auth_method", json!("private_key_jwt"), "is `private_key_jwt`"),
            ("token_endpoint_auth_method", json!(7), "is not a text"),
            ("error", json!("invalid_redirect_uri"), "invalid_redirect_uri"),
        ] {
            let mut answer = json!({ "client_id": "x" });
            answer[name] = value.clone();
            let said = read(&answer).err().map(|error| error.to_string()).unwrap_or_default();
            if words.is_empty() {
                assert_eq!(said, "", "{name} {value}");
            } else {
                assert!(said.contains(words), "{name} {value}: {said}");
            }
        }
    }

    #[test]
    fn a_secret_that_has_expired_is_none() {
        for (until, is_good) in
            [(json!(0), true), (json!(9_999_999_999_u64), true), (json!(1), false)]
        {
            let answer = json!({
                "client_id": "x", "client_secret": "hush", "client_secret_expires_at": until,
            });
            assert_eq!(read(&answer).is_ok(), is_good, "{until}");
        }
    }

    #[test]
    fn the_answer_says_how_the_client_shows_who_it_is() {
        for (method, expected) in [
            (json!("client_secret_basic"), Some(AuthMethod::Basic)),
            (json!("client_secret_post"), Some(AuthMethod::Post)),
            (json!("none"), Some(AuthMethod::None)),
            (json!(null), None),
        ] {
            let answer = json!({
                "client_id": "x", "client_secret": "hush", "token_endpoint_auth_method": method,
            });
            assert_eq!(read(&answer).unwrap().method, expected, "{method}");
        }
    }
}
