//! Users of GitHub, which has no ID tokens: its REST API says who the access token belongs to.
//!
//! 1. The subject is the user's number. A login can be given up and taken by another user.
//! 2. Only accounts of the type `User` sign in: no bots, no organizations.
//! 3. The address is the primary one, and only if GitHub verified it. The address of a profile is
//!    not looked at.
//! 4. An organization counts if the membership is active. Its login can be given up and taken by
//!    another, too: `org_ids` has the numbers.
//! 5. Logins and team names are in lower case: GitHub compares them without case.
//!
//! The claims are `login`, `name`, `email` with `email_verified`, `orgs` (`acme`), `org_ids` (`17`)
//! and `teams` (`acme/developers`).

use serde_json::{Value, json};

use super::UserClaims;
use crate::{StrictJsonError, Subject, json::Json, parse_strict};

/// The user to whom an access token belongs.
#[derive(Debug, Clone)]
pub struct GitHubUser {
    subject: Subject,
    login: String,
    name: Option<String>,
    email: Option<String>,
    organizations: Vec<String>,
    organization_ids: Vec<String>,
    teams: Vec<String>,
}

/// Why an answer of GitHub is not used.
#[derive(Debug, thiserror::Error)]
pub enum GitHubError {
    /// Not JSON, or a member twice.
    #[error("the answer of GitHub is not JSON with distinct members")]
    Json(#[source] StrictJsonError),
    /// Not what this part of the API answers.
    #[error("the answer of GitHub has no usable {0}")]
    Member(&'static str),
    /// A bot or an organization.
    #[error("the account is not a person's")]
    NotAPerson,
}

impl GitHubUser {
    /// Reads the answer of `GET /user`.
    pub fn parse(body: &[u8]) -> Result<Self, GitHubError> {
        let user = parse_strict(body).map_err(GitHubError::Json)?;
        if user.get("type").and_then(Value::as_str) != Some("User") {
            return Err(GitHubError::NotAPerson);
        }
        let id = user.get("id").and_then(Value::as_u64).ok_or(GitHubError::Member("id"))?;
        let subject = id.to_string().parse().map_err(|_| GitHubError::Member("id"))?;
        let login = text(&user, "login").ok_or(GitHubError::Member("login"))?;
        Ok(Self {
            subject,
            login,
            name: text(&user, "name"),
            email: None,
            organizations: Vec::new(),
            organization_ids: Vec::new(),
            teams: Vec::new(),
        })
    }

    /// Adds the answer of `GET /user/emails`.
    pub fn with_emails(mut self, body: &[u8]) -> Result<Self, GitHubError> {
        let is = |entry: &Value, name: &str| entry.get(name) == Some(&Value::Bool(true));
        let entries = list(body)?;
        let primary = entries.iter().find(|entry| is(entry, "primary") && is(entry, "verified"));
        self.email = primary.and_then(|entry| text(entry, "email"));
        Ok(self)
    }

    /// Adds a page of the answer of `GET /user/memberships/orgs`.
    pub fn with_memberships(mut self, body: &[u8]) -> Result<Self, GitHubError> {
        for membership in list(body)? {
            if membership.get("state").and_then(Value::as_str) != Some("active") {
                continue;
            }
            let Some(organization) = membership.get("organization") else { continue };
            self.organizations.extend(text(organization, "login").map(|it| it.to_lowercase()));
            let id = organization.get("id").and_then(Value::as_u64);
            self.organization_ids.extend(id.map(|id| id.to_string()));
        }
        Ok(self)
    }

    /// Adds a page of the answer of `GET /user/teams`.
    pub fn with_teams(mut self, body: &[u8]) -> Result<Self, GitHubError> {
        for team in list(body)? {
            let organization = team.get("organization").and_then(|it| text(it, "login"));
            if let (Some(organization), Some(slug)) = (organization, text(&team, "slug")) {
                self.teams.push(format!("{organization}/{slug}").to_lowercase());
            }
        }
        Ok(self)
    }

    /// What was read, as claims.
    pub fn into_claims(self) -> Result<UserClaims, GitHubError> {
        let claims = json!({
            "sub": self.subject.as_str(),
            "login": self.login,
            "preferred_username": self.login,
            "name": self.name,
            "email": self.email,
            "email_verified": self.email.is_some(),
            "orgs": self.organizations,
            "org_ids": self.organization_ids,
            "teams": self.teams,
        });
        match Json::parse(&claims.to_string()).map_err(GitHubError::Json)? {
            Json::Object(claims) => Ok(UserClaims::new(self.subject, claims.into_owned())),
            _ => Err(GitHubError::Member("object")),
        }
    }
}

fn list(body: &[u8]) -> Result<Vec<Value>, GitHubError> {
    match parse_strict(body).map_err(GitHubError::Json)? {
        Value::Array(entries) => Ok(entries),
        _ => Err(GitHubError::Member("list")),
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = r#"{"login":"Octo","id":583231,"type":"User","name":null,"email":"x@y"}"#;

    fn user() -> GitHubUser {
        GitHubUser::parse(USER.as_bytes()).unwrap()
    }

    #[test]
    fn a_user_is_known_by_the_number() {
        let claims = user().into_claims().unwrap();
        assert_eq!(claims.subject().as_str(), "583231");
        assert_eq!(claims.display_name(), Some("Octo"));
        // The address of a profile was not verified.
        assert_eq!((claims.email(), claims.is_email_verified()), (None, false));
    }

    #[test]
    fn only_people_sign_in() {
        for (from, to) in [
            (r#""type":"User""#, r#""type":"Bot""#),
            (r#""type":"User""#, r#""type":"Organization""#),
            (r#""type":"User","#, ""),
            ("583231", r#""583231""#),
            ("583231", "-1"),
            ("583231", "1.5"),
            (r#""login":"Octo","#, ""),
            (r#""id":583231"#, r#""id":583231,"id":1"#),
        ] {
            assert!(GitHubUser::parse(USER.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        for body in ["", "[]", "7"] {
            assert!(GitHubUser::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_address_is_primary_and_verified() {
        let email = |body: &str| {
            let claims = user().with_emails(body.as_bytes()).unwrap().into_claims().unwrap();
            assert_eq!(claims.is_email_verified(), claims.email().is_some());
            claims.email().map(str::to_owned)
        };
        let entry = |email: &str, primary: bool, verified: bool| {
            let (primary, verified) = (json!(primary), json!(verified));
            json!({ "email": email, "primary": primary, "verified": verified })
        };
        let both = json!([entry("a@x", false, true), entry("b@y", true, true)]);
        assert_eq!(email(&both.to_string()).as_deref(), Some("b@y"));
        let not_verified = json!([entry("a@x", false, true), entry("b@y", true, false)]);
        assert_eq!(email(&not_verified.to_string()), None);
        assert_eq!(email("[]"), None);
        assert!(user().with_emails(b"{}").is_err());
    }

    #[test]
    fn organizations_and_teams_are_collected_page_by_page() {
        let membership = |state: &str, login: &str, id: u64| {
            json!([{ "state": state, "organization": { "login": login, "id": id } }]).to_string()
        };
        let teams =
            json!([{ "slug": "Dev", "organization": { "login": "Acme" } }, { "slug": "x" }]);
        let user = user()
            .with_memberships(membership("active", "Acme", 17).as_bytes())
            .and_then(|it| it.with_memberships(membership("pending", "Evil", 18).as_bytes()))
            .and_then(|it| it.with_teams(teams.to_string().as_bytes()));
        let claims = user.unwrap().into_claims().unwrap();
        assert_eq!(claims.texts_at("orgs"), ["acme"]);
        assert_eq!(claims.texts_at("org_ids"), ["17"]);
        assert_eq!(claims.texts_at("teams"), ["acme/dev"]);
    }
}
