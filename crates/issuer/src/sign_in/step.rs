//! Between the first step of signing in and the second.
//!
//! The form of the second step has the name of the user and the method of the first, sealed for the
//! browser and for one kind of step. It lives as long as any form, and signs no one in by itself.

use auth_core::{Subject, base64url};
use directory::UserName;
use serde::{Deserialize, Serialize};

use super::browser::Browser;
use crate::AuthorizationServer;

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
    pub(super) method: String,
}

#[derive(Serialize, Deserialize)]
struct Payload<'a> {
    subject: std::borrow::Cow<'a, str>,
    method: std::borrow::Cow<'a, str>,
}

impl FirstStep {
    /// For the form.
    pub(super) fn seal(
        &self,
        server: &AuthorizationServer,
        browser: &Browser,
        kind: Kind,
    ) -> String {
        let payload = Payload {
            subject: self.user.subject.as_str().into(),
            method: self.method.as_str().into(),
        };
        // Texts alone: there is nothing that cannot be written.
        let payload = base64url::encode(serde_json::to_vec(&payload).unwrap_or_default());
        server.seal().seal(kind.as_str(), &browser.id, &payload, server.now())
    }

    /// From the form.
    pub(super) fn open(
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
        let method = payload.method.into_owned();
        Some(Self { user: UserName { issuer, subject }, method })
    }
}
