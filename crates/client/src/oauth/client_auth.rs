//! How a client shows who it is (RFC 6749 §2.3, RFC 7591 §2).
//!
//! 1. A registration's answer decides. For a client that was registered otherwise, what the
//!    issuer's metadata lists does.
//! 2. With the method `client_secret_basic` both halves are form-encoded first.

use rmcp::transport::auth::AuthorizationMetadata;
use serde_json::Value;
use url::Url;

use super::{LoginError, Outward, Reply, error::unanswered};
use crate::store::{AuthMethod, Client};

/// What most issuers take; the other one is used where only that is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preferred {
    /// The default of RFC 8414 §2.
    Basic,
    /// For a program that signs in for itself.
    Post,
}

/// How a client shows who it is.
pub(super) fn method(
    client: &Client,
    metadata: &AuthorizationMetadata,
    preferred: Preferred,
) -> AuthMethod {
    if client.secret.is_none() {
        return AuthMethod::None;
    }
    if let Some(method) = client.method {
        return method;
    }
    let listed = metadata.additional_fields.get("token_endpoint_auth_methods_supported");
    let listed = listed.and_then(Value::as_array);
    let has = |name: &str| listed.is_some_and(|all| all.iter().any(|one| one == name));
    let is_post = match (has("client_secret_basic"), has("client_secret_post")) {
        (true, false) => false,
        (false, true) => true,
        _ => preferred == Preferred::Post,
    };
    if is_post { AuthMethod::Post } else { AuthMethod::Basic }
}

/// Sends a form with the client's name, and its secret if it has one.
pub(super) async fn post(
    address: &str,
    mut form: Vec<(&str, &str)>,
    (client, method): (&Client, AuthMethod),
    outward: &Outward,
) -> Result<Reply, LoginError> {
    let secret = client.secret.as_deref().unwrap_or_default();
    let (id, encoded) = (form_encoded(&client.id), form_encoded(secret));
    let basic = (method == AuthMethod::Basic).then_some((id.as_str(), encoded.as_str()));
    if method != AuthMethod::Basic && !client.id.is_empty() {
        form.push(("client_id", &client.id));
    }
    if method == AuthMethod::Post {
        form.push(("client_secret", secret));
    }
    let reply = outward.post(address, &form, basic).await;
    reply.map_err(|fault| unanswered(address, fault))
}

fn form_encoded(text: &str) -> String {
    let Ok(mut url) = Url::parse("form:") else {
        return text.to_owned();
    };
    url.query_pairs_mut().append_key_only(text);
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chosen(
        method_of_client: Option<AuthMethod>,
        listed: &Value,
        preferred: Preferred,
    ) -> AuthMethod {
        let client = Client {
            secret: Some("hush".to_owned()),
            method: method_of_client,
            ..Client::new("c", None)
        };
        let metadata = serde_json::from_value(json!({
            "authorization_endpoint": "https://as.example/a",
            "token_endpoint": "https://as.example/t",
            "token_endpoint_auth_methods_supported": listed,
        }));
        method(&client, &metadata.unwrap(), preferred)
    }

    #[test]
    fn the_registration_decides_else_the_list_else_the_standard() {
        use AuthMethod::{Basic, None as Nothing, Post};
        let (basic, post) = ("client_secret_basic", "client_secret_post");
        for listed in [json!(null), json!([]), json!([basic]), json!([post]), json!([basic, post])]
        {
            for answered in [Basic, Post, Nothing] {
                assert_eq!(chosen(Some(answered), &listed, Preferred::Basic), answered, "{listed}");
            }
        }
        for (listed, preferred, method) in [
            (json!(null), Preferred::Basic, Basic),
            (json!(null), Preferred::Post, Post),
            (json!([post, "none"]), Preferred::Basic, Post),
            (json!([basic]), Preferred::Post, Basic),
            (json!([basic, post]), Preferred::Basic, Basic),
            (json!([basic, post]), Preferred::Post, Post),
        ] {
            assert_eq!(chosen(None, &listed, preferred), method, "{listed} {preferred:?}");
        }
    }

    #[test]
    fn both_halves_are_encoded() {
        assert_eq!(form_encoded("a:b c%"), "a%3Ab+c%25");
        assert_eq!(form_encoded(""), "");
    }
}
