//! The browser that asks, and who is signed in there.
//!
//! 1. A session is a cookie with 256 random bits. The database has its digest, so what it contains
//!    signs no one in.
//! 2. Each sign-in begins a new session with a new token, and ends the one that the browser had:
//!    a token that was set before is worth nothing afterwards.
//! 3. A token of a form is for one purpose, one browser and, once a user is signed in, one session.

use std::time::Duration;

use auth_core::{base64url, display};
use axum::response::Response;
use directory::{
    UserName,
    authorization::{BrowserSession, NewSession, SignInMethod},
};
use http::{HeaderMap, header};

use super::{cookie::Cookie, digest, known, origin, view};
use crate::{
    AuthorizationServer, ChangeKind, pages::Problem, random::random, respond::Unavailable,
};

/// How long a browser keeps its name: as long as browsers keep any cookie.
const BROWSER_COOKIE: Duration = Duration::from_hours(400 * 24);

/// The purpose of the tokens of consent pages.
const CONSENT: &str = "consent";

/// How much of `User-Agent` is kept, in bytes.
const MAX_AGENT_BYTES: usize = 255;

/// The browser that asks, and who is signed in there.
#[derive(Debug)]
pub(crate) struct Browser {
    /// The value of the cookie `bartizan_browser`: the context of sealed tokens. A fresh one if the
    /// request has none.
    pub(crate) id: String,
    /// Whether `id` is fresh, so that an answer must set it.
    pub(crate) is_new: bool,
    /// Whether an answer may set the cookie. Not to a form of another site: browsers send no cookie
    /// with it, and a fresh `id` would replace the one that the browser has.
    pub(super) may_remember: bool,
    /// The session, if a user is signed in.
    pub(crate) session: Option<BrowserSession>,
}

/// What a form is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormKind {
    /// To sign in, or to finish signing in.
    SignIn,
    /// To use a link.
    Link,
    /// To connect a device.
    Device,
    /// To change something on the account page.
    Account,
}

impl FormKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Link => "link",
            Self::Device => "device",
            Self::Account => "account",
        }
    }

    /// Whether its forms are of one session. Signing in begins one, so its forms are not.
    fn is_of_session(self) -> bool {
        !matches!(self, Self::SignIn | Self::Link)
    }
}

impl Browser {
    /// Reads the cookies of a request.
    pub(crate) async fn of(
        server: &AuthorizationServer,
        headers: &HeaderMap,
    ) -> Result<Self, Unavailable> {
        let config = server.config();
        let session = match Cookie::Session.read(config, headers) {
            Some(token) => {
                let (digest, idle) = (digest::of("session", token), config.lifetimes.session_idle);
                server.store().use_browser_session(&digest, idle, server.now()).await?
            }
            None => None,
        };
        let known = Cookie::Browser.read(config, headers).filter(|id| is_id(id));
        let is_new = known.is_none();
        let id = match known {
            Some(id) => id.to_owned(),
            None => base64url::encode(random::<32>()?),
        };
        Ok(Self { id, is_new, may_remember: true, session })
    }

    /// The same answer, with the cookie `bartizan_browser` if it is new.
    pub(crate) fn remember(
        &self,
        server: &AuthorizationServer,
        mut response: Response,
    ) -> Response {
        if self.is_new && self.may_remember {
            let cookie = Cookie::Browser.set(server.config(), &self.id, BROWSER_COOKIE);
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// The token of a form that is shown to this browser now.
    pub(crate) fn form_token(&self, server: &AuthorizationServer, kind: FormKind) -> String {
        let context = self.context(kind);
        server.seal().seal(kind.as_str(), &context, "", server.now())
    }

    /// Whether a form was made for this browser, by one of our pages: its token, and where the
    /// request comes from.
    pub(crate) fn sent_form(
        &self,
        server: &AuthorizationServer,
        headers: &HeaderMap,
        kind: FormKind,
        token: Option<&str>,
    ) -> bool {
        let is_good = |token: &str| is_sealed(server, kind.as_str(), &self.context(kind), token);
        self.may_send(server, headers) && token.is_some_and(is_good)
    }

    /// The same for the form to sign out, which is on several pages and has their tokens.
    pub(super) fn sent_sign_out(
        &self,
        server: &AuthorizationServer,
        headers: &HeaderMap,
        token: Option<&str>,
    ) -> bool {
        let of_kind = |kind| self.sent_form(server, headers, kind, token);
        let of_consent = |token| is_sealed(server, CONSENT, &self.context(FormKind::SignIn), token);
        of_kind(FormKind::Account)
            || of_kind(FormKind::Device)
            || (self.may_send(server, headers) && token.is_some_and(of_consent))
    }

    fn may_send(&self, server: &AuthorizationServer, headers: &HeaderMap) -> bool {
        !self.is_new && origin::may_be_ours(server.config(), headers)
    }

    fn context(&self, kind: FormKind) -> String {
        match &self.session {
            Some(session) if kind.is_of_session() => {
                format!("{}\0{}", self.id, session.begun.id)
            }
            _ => self.id.clone(),
        }
    }

    /// Begins a session of `user`, who has signed in by `method`, in place of the one that the
    /// browser had; the answer sets the new cookie. The caller has checked the second factor.
    ///
    /// A user who is gone or disabled is refused.
    pub(crate) async fn sign_in(
        &self,
        server: &AuthorizationServer,
        headers: &HeaderMap,
        user: &UserName,
        method: SignInMethod,
        mut response: Response,
    ) -> Result<Response, Unavailable> {
        let (config, now) = (server.config(), server.now());
        if let Some(before) = &self.session {
            server.store().end_browser_session(&before.begun.digest).await?;
            let how = Some("another sign-in");
            server.changed_account(&before.begun.user, ChangeKind::SignedOut, how);
        }
        let token = base64url::encode(random::<32>()?);
        let session = NewSession {
            digest: digest::of("session", &token),
            id: base64url::encode_id(random()?),
            user: user.clone(),
            method,
            user_agent: agent(headers),
            created_at: now,
            expires_at: now.plus(config.lifetimes.session),
        };
        if !server.store().begin_browser_session(&session).await? {
            return Ok(self.remember(server, view::problem(server, Problem::Expired)));
        }
        tracing::info!(
            subject = %display::escape(user.subject.as_str()),
            method = %session.method,
            "A user has signed in"
        );
        let method = session.method.to_string();
        server.changed_account(user, ChangeKind::SignedIn, Some(&method));
        let cookies = response.headers_mut();
        cookies.append(
            header::SET_COOKIE,
            Cookie::Session.set(config, &token, config.lifetimes.session),
        );
        cookies.append(header::SET_COOKIE, known::cookie(server, user)?);
        Ok(self.remember(server, response))
    }

    /// Ends the session; the answer removes its cookie.
    ///
    /// A request without a session may come from another site, with which browsers send no cookie:
    /// it leaves the cookie that the browser has.
    pub(super) async fn sign_out(
        &self,
        server: &AuthorizationServer,
        mut response: Response,
    ) -> Result<Response, Unavailable> {
        if let Some(session) = &self.session {
            server.store().end_browser_session(&session.begun.digest).await?;
            server.changed_account(&session.begun.user, ChangeKind::SignedOut, None);
            let cookie = Cookie::Session.clear(server.config());
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }
}

/// Whether this is a name that [`Browser::of`] has made: 256 bits as base64url.
fn is_id(text: &str) -> bool {
    base64url::decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// What the browser calls itself, on one line.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).map(http::HeaderValue::as_bytes);
    let agent = String::from_utf8_lossy(agent.unwrap_or_default());
    let mut agent = display::escape(&agent).into_owned();
    agent.truncate(agent.floor_char_boundary(MAX_AGENT_BYTES));
    agent
}
fn is_sealed(server: &AuthorizationServer, purpose: &str, context: &str, token: &str) -> bool {
    server.seal().open(purpose, context, token, server.now()).is_some()
}
