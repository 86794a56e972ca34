//! What a provider says about a user (OpenID Connect Core §5.1), and what it adds when it is asked
//! (the `UserInfo` endpoint, §5.3).
//!
//! 1. The answer of the `UserInfo` endpoint has the `sub` of the ID token (§5.3.2): otherwise it is
//!    about another user.
//! 2. It fills in what the ID token does not say, and replaces nothing that was signed.
//! 3. `email_verified` belongs to the `email` beside it: the two are never taken from different
//!    answers, unless these name the same address.
//! 4. A claim that is `null` is not there.

use std::borrow::Cow;

use crate::{
    StrictJsonError, Subject, VerifyError,
    claims::is_display_name,
    json::{self, Json, Object},
    verify::read,
};

/// Claims about a user, whom the provider calls [`subject`](Self::subject).
#[derive(Clone)]
pub struct UserClaims {
    subject: Subject,
    claims: Object<'static>,
}

/// Why an answer of the `UserInfo` endpoint is not used.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// Not JSON, or a member twice.
    #[error("the answer of the `UserInfo` endpoint is not JSON with distinct members")]
    Json(#[source] StrictJsonError),
    /// Not an object with a `sub`.
    #[error("the answer of the `UserInfo` endpoint has no sub")]
    Subject,
    /// It is about another user.
    #[error("the answer of the `UserInfo` endpoint is about another user")]
    OtherUser,
}

impl UserClaims {
    /// Claims that were verified, or that came from the provider itself.
    pub(crate) const fn new(subject: Subject, claims: Object<'static>) -> Self {
        Self { subject, claims }
    }

    /// `sub`: unique at the provider, and never given to another user (§2).
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Adds what the `UserInfo` endpoint answers.
    pub fn with_user_info(mut self, body: &[u8]) -> Result<Self, UserInfoError> {
        let text = json::text(body).map_err(UserInfoError::Json)?;
        let Json::Object(more) = Json::parse(text).map_err(UserInfoError::Json)? else {
            return Err(UserInfoError::Subject);
        };
        let mut more = more.into_owned();
        let subject = more.said("sub").and_then(Json::as_str).ok_or(UserInfoError::Subject)?;
        if subject != self.subject.as_str() {
            return Err(UserInfoError::OtherUser);
        }
        // What is null would keep a value of the other answer out.
        self.claims.remove_null();
        let own = self.claims.said("email").cloned();
        match own {
            None => drop(self.claims.remove("email_verified")),
            Some(own) if more.said("email").and_then(Json::as_str) != own.as_str() => {
                drop(more.remove("email_verified"));
            }
            Some(_) => {}
        }
        self.claims.fill_from(more);
        Ok(self)
    }

    /// What to call the user, for display only: the first of `name`, `preferred_username` and
    /// `email` that fits in one line.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        let names = ["name", "preferred_username", "email"].into_iter();
        let mut names = names.filter_map(|name| self.claims.said(name)?.as_str());
        names.find(|name| is_display_name(name))
    }

    /// `email`. Providers give addresses to new owners: it never names a user.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.claims.said("email")?.as_str()
    }

    /// Whether the provider verified that the address is the user's. Some write `true` as a text.
    #[must_use]
    pub fn is_email_verified(&self) -> bool {
        match self.claims.said("email_verified") {
            Some(Json::Bool(verified)) => *verified,
            Some(Json::String(text)) => text == "true",
            _ => false,
        }
    }

    /// Whether `path` leads to a value.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        read::value_at(&self.claims, path).is_some_and(|value| !matches!(value, Json::Null))
    }

    /// The texts at `path`: a text, a number or a boolean as one, a list as its texts.
    pub(super) fn texts_at(&self, path: &str) -> Vec<Cow<'_, str>> {
        match read::value_at(&self.claims, path) {
            Some(Json::String(text)) => vec![Cow::Borrowed(text)],
            Some(Json::Bool(value)) => vec![Cow::Borrowed(if *value { "true" } else { "false" })],
            Some(Json::Number(number)) => vec![Cow::Owned(number.to_string())],
            Some(Json::Array(list)) => {
                list.iter().filter_map(|it| it.as_str().map(Cow::Borrowed)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The names of roles or groups at these paths.
    pub(super) fn roles_at(
        &self,
        paths: &[String],
    ) -> Result<std::collections::BTreeSet<crate::RoleName>, VerifyError> {
        read::roles(&self.claims, paths)
    }
}

impl std::fmt::Debug for UserClaims {
    /// The subject alone: the others are personal.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserClaims({:?}, ..)", self.subject)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Claims as if they had been verified.
    pub(in crate::openid) fn claims(text: &str) -> UserClaims {
        let Ok(Json::Object(claims)) = Json::parse(text) else { panic!("{text}") };
        UserClaims::new("alice".parse().unwrap(), claims.into_owned())
    }

    #[test]
    fn user_info_fills_in_and_replaces_nothing() {
        let signed = claims(r#"{"sub":"alice","name":"Alice","groups":null,"iss":"a"}"#);
        let info = br#"{"sub":"alice","name":"Mallory","groups":["dev"],"iss":"b"}"#;
        let both = signed.with_user_info(info).unwrap();
        assert_eq!(both.display_name(), Some("Alice"));
        assert_eq!(both.texts_at("groups"), ["dev"]);
        assert_eq!(both.texts_at("iss"), ["a"]);
    }

    #[test]
    fn user_info_about_another_user_is_refused() {
        let read = |info: &str| claims(r#"{"sub":"alice"}"#).with_user_info(info.as_bytes());
        assert!(matches!(read(r#"{"sub":"bob"}"#), Err(UserInfoError::OtherUser)));
        for info in ["{}", r#"{"sub":null}"#, r#"{"sub":7}"#, "[]"] {
            assert!(matches!(read(info), Err(UserInfoError::Subject)), "{info}");
        }
        for info in ["", "eyJhbGciOiJSUzI1NiJ9.e30.x", r#"{"sub":"alice","sub":"alice"}"#] {
            assert!(matches!(read(info), Err(UserInfoError::Json(_))), "{info}");
        }
    }

    #[test]
    fn a_verified_address_is_the_one_beside_the_mark() {
        for (signed, info, email, verified) in [
            (r#"{"email":"a@x","email_verified":true}"#, "{}", "a@x", true),
            (r#"{"email":"a@x"}"#, r#"{"email":"b@y","email_verified":true}"#, "a@x", false),
            (r#"{"email":"a@x"}"#, r#"{"email_verified":true}"#, "a@x", false),
            (r#"{"email":"a@x"}"#, r#"{"email":"a@x","email_verified":true}"#, "a@x", true),
            (r#"{"email_verified":true}"#, r#"{"email":"b@y"}"#, "b@y", false),
            ("{}", r#"{"email":"b@y","email_verified":true}"#, "b@y", true),
            (
                r#"{"email":"a@x","email_verified":false}"#,
                r#"{"email":"a@x","email_verified":true}"#,
                "a@x",
                false,
            ),
        ] {
            let info = info.replacen('{', r#"{"sub":"alice","#, 1).replace(",}", "}");
            let both = claims(signed).with_user_info(info.as_bytes()).unwrap();
            assert_eq!((both.email(), both.is_email_verified()), (Some(email), verified), "{info}");
        }
        for (text, expected) in [
            (r#"{"email_verified":"true"}"#, true),
            (r#"{"email_verified":"false"}"#, false),
            (r#"{"email_verified":"TRUE"}"#, false),
            (r#"{"email_verified":1}"#, false),
            (r#"{"email_verified":null}"#, false),
            ("{}", false),
        ] {
            assert_eq!(claims(text).is_email_verified(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_fits_in_one_line() {
        let name = |text: &str| claims(text).display_name().map(str::to_owned);
        let long = format!(r#"{{"name":"{}","email":"a@x"}}"#, "n".repeat(256));
        for (text, expected) in [
            (r#"{"name":"Alice","email":"a@x"}"#, Some("Alice")),
            (r#"{"name":"","preferred_username":"al"}"#, Some("al")),
            (r#"{"name":"a\nb","email":"a@x"}"#, Some("a@x")),
            (r#"{"name":7}"#, None),
            (&long, Some("a@x")),
        ] {
            assert_eq!(name(text).as_deref(), expected, "{text}");
        }
        assert_eq!(
            format!("{:?}", claims(r#"{"name":"Alice"}"#)),
            r#"UserClaims(Subject("alice"), ..)"#
        );
    }

    #[test]
    fn texts_are_found_whatever_their_form() {
        let all = claims(r#"{"a":"x","b":["y",1,"z"],"c":true,"d":7,"e":{"f":"w"},"g":null}"#);
        for (path, expected) in [
            ("a", &["x"][..]),
            ("b", &["y", "z"]),
            ("c", &["true"]),
            ("d", &["7"]),
            ("e", &[]),
            ("e.f", &["w"]),
            ("g", &[]),
            ("h", &[]),
        ] {
            assert_eq!(all.texts_at(path), expected, "{path}");
        }
        assert!(all.has("e.f") && !all.has("g") && !all.has("h"));
    }
}
