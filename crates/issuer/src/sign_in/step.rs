//! Between the first step of signing in and the second.
//!
//! The form of the second step has the name of the user and the method of the first, sealed for the
//! browser and for one kind of step. It lives as long as any form, ends with the password that the
//! user had, and signs no one in by itself.

use auth_core::{Subject, base64url};
use directory::{UserName, authorization::FirstProof};
use serde::{Deserialize, Serialize};

use secrecy::ExposeSecret;

use super::browser::Browser;
use crate::{AuthorizationServer, respond::Unavailable};

/// What comes after the first step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A code of the second factor.
    Second,
    /// The user has no second factor, and needs one.
    SetUp,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Second => "second step",
            Self::SetUp => "second factor that is required",
        }
    }
}

/// Who has done the first step, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FirstStep {
    pub(super) user: UserName,
    pub(super) method: FirstProof,
    /// Which password the user had: a keyed digest; empty if none.
    password: String,
}

#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    subject: std::borrow::Cow<'a, str>,
    method: std::borrow::Cow<'a, str>,
    password: std::borrow::Cow<'a, str>,
}

impl FirstStep {
    /// `user` has done the first step by `method`, now.
    pub(super) async fn new(
        server: &AuthorizationServer,
        user: UserName,
        method: FirstProof,
    ) -> Result<Self, Unavailable> {
        let password = password(server, &user).await?;
        Ok(Self { user, method, password })
    }

    /// For the form.
    pub(super) fn seal(
        &self,
        server: &AuthorizationServer,
        browser: &Browser,
        kind: Kind,
    ) -> String {
        let payload = Payload {
            subject: self.user.subject.as_str().into(),
            method: self.method.to_string().into(),
            password: self.password.as_str().into(),
        };
        // Texts alone: there is nothing that cannot be written.
        let payload = base64url::encode(serde_json::to_vec(&payload).unwrap_or_default());
        server.seal().seal(kind.as_str(), &browser.id, &payload, server.now())
    }

    /// From the form; `None` also if the user has another password since.
    pub(super) async fn open(
        server: &AuthorizationServer,
        browser: &Browser,
        kind: Kind,
        sealed: &str,
    ) -> Result<Option<Self>, Unavailable> {
        let Some(step) = Self::read(server, browser, kind, sealed) else { return Ok(None) };
        let is_same = password(server, &step.user).await? == step.password;
        Ok(is_same.then_some(step))
    }

    fn read(
        server: &AuthorizationServer,
        browser: &Browser,
        kind: Kind,
        sealed: &str,
    ) -> Option<Self> {
        let payload = server.seal().open(kind.as_str(), &browser.id, sealed, server.now())?;
        let payload = base64url::decode(payload).ok()?;
        let payload: Payload<'_> = serde_json::from_slice(&payload).ok()?;
        let issuer = server.config().issuer.clone();
        let subject: Subject = payload.subject.parse().ok()?;
        let (method, password) = (payload.method.parse().ok()?, payload.password.into_owned());
        Some(Self { user: UserName { issuer, subject }, method, password })
    }
}

async fn password(server: &AuthorizationServer, user: &UserName) -> Result<String, Unavailable> {
    let hash = server.store().password(user).await?;
    let digest =
        hash.map(|hash| server.seal().derive("password of a first step", hash.expose_secret()));
    Ok(digest.map(base64url::encode).unwrap_or_default())
}
