//! The page of a user's own account: what is connected, where they are signed in, and how.

use std::borrow::Cow;

use askama::Template;
use http::StatusCode;

use super::{Frame, Hidden, Label, Page, Proof, When, field, path, sentence, text};

/// A user's account.
#[derive(Debug, Clone, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// What is around it.
    pub frame: Frame,
    /// The fields of its forms.
    pub form: Hidden,
    /// The user.
    pub user: Label,
    /// What the last form did, if there was one.
    pub notice: Option<Notice>,
    /// The programs that have access, the last one first.
    pub connections: Vec<Connection>,
    /// The browsers that are signed in, the last one first.
    pub sessions: Vec<Session>,
    /// The password; `None` if users do not have any here.
    pub password: Option<PasswordState>,
    /// The second factor; `None` if users do not have any here.
    pub second_factor: Option<SecondFactorState>,
}

/// A program that has access.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Which one: the value of the field [`field::ID`].
    pub id: String,
    /// What the program calls itself.
    pub name: Label,
    /// What is known about it.
    pub proof: Proof,
    /// What it may do.
    pub scopes: Vec<Label>,
    /// When the user allowed it.
    pub granted: When,
    /// When it last got a token.
    pub last_used: Option<When>,
}

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub struct Session {
    /// Which one: the value of the field [`field::ID`].
    pub id: String,
    /// What is known of the browser, such as "Firefox on Linux"; may be empty.
    pub browser: Label,
    /// When the user signed in there.
    pub since: When,
    /// When it was last used.
    pub last_used: Option<When>,
    /// Whether it is the browser that shows the page.
    pub is_this: bool,
}

/// A user's password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordState {
    /// Whether there is one.
    pub is_set: bool,
    /// Whether it is asked for before it is changed: not just after signing in another way.
    pub asks_current: bool,
    /// The fewest characters of a new one.
    pub least: usize,
    /// Why it was not changed.
    pub error: Option<PasswordError>,
}

/// Why a password was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// The current one is wrong.
    Wrong,
    /// The new one is too short.
    Short,
    /// The new one is on a list of common ones.
    Common,
    /// The two new ones differ.
    Different,
    /// Too many attempts: seconds until the next one.
    TooMany(u64),
}

/// A user's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondFactorState {
    /// There is none.
    Off,
    /// There is one.
    On {
        /// How many recovery codes are left.
        codes_left: usize,
        /// Whether the operator requires it.
        is_required: bool,
    },
}

/// What a form of the account page did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// It ended a connection.
    ConnectionEnded,
    /// It ended all connections.
    ConnectionsEnded,
    /// It ended a browser session.
    SessionEnded,
    /// It ended all other browser sessions.
    SessionsEnded,
    /// It changed the password.
    PasswordChanged,
    /// It turned the second factor off.
    SecondFactorOff,
    /// Nothing: the code was wrong.
    WrongCode,
    /// Nothing: the form was too old.
    Expired,
    /// Nothing: too many attempts, seconds until the next one.
    TooMany(u64),
}

impl AccountPage {
    fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_this)
    }
}

impl Notice {
    fn text(self) -> String {
        match self {
            Self::ConnectionEnded => text::NOTICE_CONNECTION_ENDED.to_owned(),
            Self::ConnectionsEnded => text::NOTICE_CONNECTIONS_ENDED.to_owned(),
            Self::SessionEnded => text::NOTICE_SESSION_ENDED.to_owned(),
            Self::SessionsEnded => text::NOTICE_SESSIONS_ENDED.to_owned(),
            Self::PasswordChanged => text::NOTICE_PASSWORD_CHANGED.to_owned(),
            Self::SecondFactorOff => text::NOTICE_SECOND_FACTOR_OFF.to_owned(),
            Self::WrongCode => text::NOTICE_WRONG_CODE.to_owned(),
            Self::Expired => text::NOTICE_EXPIRED.to_owned(),
            Self::TooMany(seconds) => text::too_many(seconds),
        }
    }

    /// Whether nothing was done.
    fn is_error(self) -> bool {
        matches!(self, Self::WrongCode | Self::Expired | Self::TooMany(_))
    }
}

impl Connection {
    fn shown_name(&self) -> Label {
        if self.name.is_empty() { Label::name(text::NO_NAME) } else { self.name.clone() }
    }

    fn end(&self) -> String {
        let granted = Label::long(&self.granted.ago());
        let values = [("name", &self.shown_name()), ("granted", &granted)];
        sentence::plain(text::END_CONNECTION, &values)
    }

    fn is_registered_by_operator(&self) -> bool {
        self.proof == Proof::Operator
    }

    fn proven(&self) -> Option<&Label> {
        match &self.proof {
            Proof::Domain(host) => Some(host),
            Proof::Operator | Proof::None => None,
        }
    }
}

impl Session {
    fn shown_browser(&self) -> Label {
        if self.browser.is_empty() {
            Label::name(text::SESSION_UNKNOWN)
        } else {
            self.browser.clone()
        }
    }

    fn end(&self) -> String {
        let since = Label::long(&self.since.ago());
        let values = [("browser", &self.shown_browser()), ("since", &since)];
        sentence::plain(text::END_SESSION, &values)
    }
}

impl PasswordState {
    fn button(self) -> &'static str {
        if self.is_set { text::PASSWORD_CHANGE } else { text::PASSWORD_SET }
    }

    fn rule(self) -> String {
        text::password_length(self.least)
    }

    fn fault(self) -> Option<String> {
        Some(match self.error? {
            PasswordError::Wrong => text::PASSWORD_WRONG.to_owned(),
            PasswordError::Short => text::password_length(self.least),
            PasswordError::Common => text::PASSWORD_COMMON.to_owned(),
            PasswordError::Different => text::PASSWORD_DIFFERENT.to_owned(),
            PasswordError::TooMany(seconds) => text::too_many(seconds),
        })
    }

    /// Whether the current password is wrong.
    fn is_wrong(self) -> bool {
        self.error == Some(PasswordError::Wrong)
    }

    /// Whether the new password is refused.
    fn is_refused(self) -> bool {
        matches!(
            self.error,
            Some(PasswordError::Short | PasswordError::Common | PasswordError::Different)
        )
    }
}

impl SecondFactorState {
    fn codes_left(self) -> String {
        match self {
            Self::Off => String::new(),
            Self::On { codes_left, .. } => text::codes_left(codes_left),
        }
    }

    fn is_on(self) -> bool {
        matches!(self, Self::On { .. })
    }

    fn is_required(self) -> bool {
        matches!(self, Self::On { is_required: true, .. })
    }
}

impl Page for AccountPage {
    fn heading(&self) -> Cow<'static, str> {
        text::ACCOUNT_TITLE.into()
    }

    fn status(&self) -> StatusCode {
        match self.retry_after() {
            Some(_) => StatusCode::TOO_MANY_REQUESTS,
            None => StatusCode::OK,
        }
    }

    fn keeps_opener(&self) -> bool {
        false
    }

    fn retry_after(&self) -> Option<u64> {
        match (self.notice, self.password.and_then(|password| password.error)) {
            (Some(Notice::TooMany(seconds)), _) | (_, Some(PasswordError::TooMany(seconds))) => {
                Some(seconds)
            }
            _ => None,
        }
    }
}
