//! What an issuer answers, held to its standard member by member: tokens (RFC 6749 §5), a
//! registration (RFC 7591 §3.2) and a device code (RFC 8628 §3.2).
//!
//! 1. A member that must be there is a text that is not empty. One that may be missing may be
//!    `null`, too.
//! 2. A number may be written in a text of digits: widespread issuers do so.
//! 3. Every fault names who sent it, with which status, and the member.
//! 4. An answer with an error code is an error whatever its status: some issuers send 200 with it.

use auth_core::{AccessToken, NumericDate};
use http::{StatusCode, header};
use rmcp::transport::auth::{OAuthTokenResponse, StoredCredentials};
use serde_json::{Map, Value, json};

use super::{LoginError, Reply};

/// The longest part of a text that is shown.
const MAX_SHOWN: usize = 200;
/// What an issuer says that cannot answer just now (RFC 6749 §4.1.2.1).
const BUSY: [&str; 2] = ["temporarily_unavailable", "server_error"];

/// A JSON object and where it comes from.
#[derive(Debug)]
pub(super) struct Answer {
    from: String,
    status: StatusCode,
    members: Map<String, Value>,
}

/// Tokens as an issuer gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tokens {
    access: String,
    refresh: Option<String>,
    life: Option<u64>,
    scopes: Option<Vec<String>>,
}

impl Answer {
    /// The object in a reply of `from`, which is an address; an error if it is one, or none.
    pub(super) fn read(from: &str, reply: &Reply) -> Result<Self, LoginError> {
        let from = from.split('?').next().unwrap_or_default().to_owned();
        let members = match reply.json() {
            Some(Value::Object(members)) => members,
            _ if reply.status.is_success() => {
                return Err(unfit(from, reply.status, &kind(reply)));
            }
            _ => return Err(unfit(from, reply.status, &shown(reply))),
        };
        let answer = Self { from, status: reply.status, members };
        match answer.error() {
            Some(error) => Err(error),
            None if reply.status.is_success() => Ok(answer),
            None => Err(answer.unfit("an error without an error code")),
        }
    }

    fn error(&self) -> Option<LoginError> {
        let code = match self.members.get("error")? {
            Value::String(code) if code.is_empty() => return None,
            Value::String(code) => code.clone(),
            Value::Null => return None,
            _ => return Some(self.unfit("an error whose code is not a text")),
        };
        let words = self.members.get("error_description").and_then(Value::as_str);
        let words = words.filter(|words| !words.is_empty()).map(str::to_owned);
        let said = words.as_deref().map_or(code.clone(), |words| format!("{code}: {words}"));
        if BUSY.contains(&code.as_str()) {
            let (address, why) = (self.from.clone(), format!("answered {}: {said}", self.status));
            return Some(LoginError::Down { address, why });
        }
        if self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS {
            return Some(self.unfit(said));
        }
        Some(LoginError::OAuth { code, words })
    }

    /// A fault of this answer.
    pub(super) fn unfit(&self, what: impl AsRef<str>) -> LoginError {
        unfit(self.from.clone(), self.status, what.as_ref())
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, LoginError> {
        match self.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(Value::String(_)) => Err(self.unfit(format!("`{name}` is empty"))),
            Some(_) => Err(self.unfit(format!("`{name}` is not a text"))),
            None => Err(self.unfit(format!("`{name}` is missing"))),
        }
    }

    /// A text that may be missing or empty.
    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, LoginError> {
        match self.get(name) {
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            None => Ok(None),
            Some(_) => self.text(name).map(Some),
        }
    }

    /// A number of seconds that may be missing: a number, or a text of digits.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, LoginError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64().or_else(|| whole(number.as_f64()?)),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let unfit = || self.unfit(format!("`{name}` is not a number of seconds"));
        number.map(Some).ok_or_else(unfit)
    }

    /// A list of texts that may be missing.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&str>>, LoginError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let texts = value.as_array().map(|all| all.iter().map(Value::as_str).collect());
        let unfit = || self.unfit(format!("`{name}` is not a list of texts"));
        texts.flatten().map(Some).ok_or_else(unfit)
    }

    /// The tokens in it.
    pub(super) fn tokens(&self) -> Result<Tokens, LoginError> {
        let access = self.text("access_token")?.to_owned();
        if access.parse::<AccessToken>().is_err() {
            return Err(self.unfit("`access_token` is not a bearer token (RFC 6750)"));
        }
        let kind = self.text("token_type")?;
        if !kind.eq_ignore_ascii_case("Bearer") {
            let kind: String = kind.chars().take(MAX_SHOWN).collect();
            return Err(self.unfit(format!(
                "`token_type` is `{kind}`: this client can use no other tokens than `Bearer`"
            )));
        }
        let life = self.seconds("expires_in")?;
        if life == Some(0) {
            return Err(self.unfit("`expires_in` is 0: the token has expired already"));
        }
        let split = |text: &str| {
            text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect()
        };
        let scopes = match self.get("scope") {
            Some(Value::String(text)) => Some(split(text)),
            Some(Value::Array(_)) => {
                self.texts("scope")?.map(|all| all.into_iter().map(str::to_owned).collect())
            }
            Some(_) => return Err(self.unfit("`scope` is not a text")),
            None => None,
        };
        let refresh = self.optional_text("refresh_token")?.map(str::to_owned);
        Ok(Tokens { access, refresh, life, scopes })
    }
}

impl Tokens {
    /// An access token alone.
    pub(super) fn new(access: String, life: Option<u64>) -> Self {
        Self { access, refresh: None, life, scopes: None }
    }

    /// Keeps the refresh token that there was, if there is no new one (RFC 6749 §6).
    pub(super) fn or_refresh_token(mut self, old: &str) -> Self {
        self.refresh.get_or_insert_with(|| old.to_owned());
        self
    }

    /// As they are stored. What the issuer does not say of scopes is as it was `asked` (RFC 6749
    /// §5.1).
    pub(super) fn stored(
        &self,
        client: &str,
        issuer: &str,
        asked: Vec<String>,
        now: NumericDate,
    ) -> Result<StoredCredentials, LoginError> {
        let granted = self.scopes.clone().unwrap_or(asked);
        let mut members = json!({ "access_token": self.access, "token_type": "bearer" });
        if let Some(object) = members.as_object_mut() {
            let refresh = self.refresh.clone().map(|token| ("refresh_token", Value::from(token)));
            let life = self.life.map(|life| ("expires_in", Value::from(life)));
            for (name, value) in refresh.into_iter().chain(life) {
                object.insert(name.to_owned(), value);
            }
        }
        let response: OAuthTokenResponse = serde_json::from_value(members)
            .map_err(|_| LoginError::InvalidResponse("it is not a token response"))?;
        let received = u64::try_from(now.as_secs()).ok();
        let stored = StoredCredentials::new(client.to_owned(), Some(response), granted, received);
        Ok(stored.with_issuer(Some(issuer.to_owned())))
    }
}

fn unfit(address: String, status: StatusCode, what: &str) -> LoginError {
    let why = format!("answered {status}: {what}");
    if status == StatusCode::TOO_MANY_REQUESTS {
        LoginError::Busy { address, why }
    } else if status.is_server_error() {
        LoginError::Down { address, why }
    } else {
        LoginError::Unfit { address, why }
    }
}

fn whole(number: f64) -> Option<u64> {
    let text = format!("{number:.0}");
    (number >= 0.0 && number.fract() == 0.0).then(|| text.parse().ok()).flatten()
}

/// What a reply is that is no JSON object.
fn kind(reply: &Reply) -> String {
    if reply.json().is_some() {
        return "JSON, but not an object".to_owned();
    }
    if reply.body.is_empty() {
        return "an empty body".to_owned();
    }
    let kind = reply.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    format!("{}, not JSON", kind.unwrap_or("a body without a type"))
}

/// The words of a refusal that is no JSON object; of a page just that it is one.
fn shown(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let text = text.trim();
    if text.is_empty() || text.starts_with('<') || reply.json().is_some() {
        return kind(reply);
    }
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn now() -> NumericDate {
        NumericDate::from_secs(1000).unwrap()
    }

    const FROM: &str = "https://as.example/token";

    fn reply(status: u16, body: &str) -> Reply {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "text/html".parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        Reply::new(status, headers, body.as_bytes().to_vec())
    }

    /// What is said of a token answer with one member changed; nothing if all is well.
    fn said(name: &str, value: Value) -> String {
        let mut good = json!({
            "access_token": "abc", "token_type": "Bearer", "expires_in": 60,
            "refresh_token": "r", "scope": "a b",
        });
        match value {
            // `Bool(false)` means that the member is missing.
            Value::Bool(false) => drop(good.as_object_mut().unwrap().remove(name)),
            value => good[name] = value,
        }
        let read = Answer::read(FROM, &reply(200, &good.to_string()));
        match read.and_then(|answer| answer.tokens()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_member_of_a_token_answer_is_held_to_its_standard() {
        let missing = || Value::Bool(false);
        for (name, value, words) in [
            ("access_token", missing(), "`access_token` is missing"),
            ("access_token", json!(null), "`access_token` is missing"),
            ("access_token", json!(""), "`access_token` is empty"),
            ("access_token", json!(7), "`access_token` is not a text"),
            ("access_token", json!("a b"), "`access_token` is not a bearer token"),
            ("token_type", missing(), "`token_type` is missing"),
            ("token_type", json!(null), "`token_type` is missing"),
            ("token_type", json!(""), "`token_type` is empty"),
            ("token_type", json!(["Bearer"]), "`token_type` is not a text"),
            ("token_type", json!("DPoP"), "`token_type` is `DPoP`"),
            ("token_type", json!("bearer"), ""),
            ("token_type", json!("BEARER"), ""),
            ("expires_in", missing(), ""),
            ("expires_in", json!(null), ""),
            ("expires_in", json!("5250"), ""),
            ("expires_in", json!(5250.0), ""),
            ("expires_in", json!(""), "`expires_in` is not a number of seconds"),
            ("expires_in", json!("soon"), "`expires_in` is not a number of seconds"),
            ("expires_in", json!(-1), "`expires_in` is not a number of seconds"),
            ("expires_in", json!([60]), "`expires_in` is not a number of seconds"),
            ("expires_in", json!(0), "`expires_in` is 0"),
            ("refresh_token", missing(), ""),
            ("refresh_token", json!(null), ""),
            ("refresh_token", json!(""), ""),
            ("refresh_token", json!(7), "`refresh_token` is not a text"),
            ("scope", missing(), ""),
            ("scope", json!(null), ""),
            ("scope", json!(""), ""),
            ("scope", json!(["a", "b"]), ""),
            ("scope", json!([1]), "`scope` is not a list of texts"),
            ("scope", json!(7), "`scope` is not a text"),
            ("error", json!(null), ""),
            ("error", json!(""), ""),
            ("error", json!({}), "an error whose code is not a text"),
            ("error", json!("invalid_grant"), "the issuer refuses: invalid_grant"),
        ] {
            let said = said(name, value.clone());
            if words.is_empty() {
                assert_eq!(said, "", "{name} {value}");
            } else {
                assert!(said.contains(words), "{name} {value}: {said}");
            }
        }
    }

    #[test]
    fn what_is_there_is_taken() {
        let read = |json: Value| {
            Answer::read(FROM, &reply(200, &json.to_string())).unwrap().tokens().unwrap()
        };
        let tokens = read(json!({
            "access_token": "abc", "token_type": "Bearer", "expires_in": "5250", "scope": " a  b",
        }));
        assert_eq!(tokens.life, Some(5250));
        assert_eq!(tokens.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(tokens.clone().or_refresh_token("old").refresh.as_deref(), Some("old"));
        let stored = tokens.stored("c", "https://as.example", Vec::new(), now()).unwrap();
        assert_eq!(stored.granted_scopes, ["a", "b"]);
        let silent = read(json!({ "access_token": "abc", "token_type": "Bearer" }));
        let stored = silent.stored("c", "https://as.example", vec!["x".to_owned()], now()).unwrap();
        assert_eq!(stored.granted_scopes, ["x"], "as it was asked");
    }

    #[test]
    fn whatever_is_no_answer_is_named_with_its_status_and_its_sender() {
        for (status, body, words) in [
            (
                200,
                "<html>",
                "the issuer's answer cannot be used: https://as.example/token answered 200 OK: text/html, not JSON",
            ),
            (200, "", "answered 200 OK: an empty body"),
            (200, "[]", "answered 200 OK: JSON, but not an object"),
            (400, "<html>", "answered 400 Bad Request: text/html, not JSON"),
            (403, "go away", "answered 403 Forbidden: go away"),
            (400, "{}", "answered 400 Bad Request: an error without an error code"),
            (
                502,
                "<html>",
                "the issuer is down: https://as.example/token answered 502 Bad Gateway",
            ),
            (503, "", "the issuer is down: https://as.example/token answered 503"),
            (429, "slower", "the issuer is busy: https://as.example/token answered 429"),
            (500, r#"{"error":"server_error"}"#, "the issuer is down"),
            (400, r#"{"error":"temporarily_unavailable"}"#, "the issuer is down"),
            (
                200,
                r#"{"error":"bad_code","error_description":"too old"}"#,
                "the issuer refuses: bad_code: too old",
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":7}"#,
                "the issuer refuses: invalid_grant",
            ),
        ] {
            let said = Answer::read(FROM, &reply(status, body)).unwrap_err().to_string();
            assert!(said.contains(words), "{status} {body}: {said}");
        }
    }
}
