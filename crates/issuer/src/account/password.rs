//! `POST /account/password`: the first password, or another one.

use auth_core::display;
use axum::{extract::State, response::Response};
use directory::authorization::Throttle;
use secrecy::{ExposeSecret, SecretString};

use super::{show, signed_in::SignedIn};
use crate::{
    AuthorizationServer, ChangeKind,
    pages::{Notice, PasswordError, Problem},
    random::random,
    respond::Unavailable,
    sign_in::{self, Attempt},
};

/// Sets the password.
pub(super) async fn change(
    State(server): State<AuthorizationServer>,
    form: SignedIn,
) -> Result<Response, Unavailable> {
    if !server.config().passwords {
        return Ok(sign_in::problem(&server, Problem::NotFound));
    }
    let begun = &form.session.begun;
    let field = |name| SecretString::from(form.posted.form.get(name).unwrap_or_default());
    let new = field("new_password");
    if new.expose_secret() != field("repeated_password").expose_secret() {
        return show::after(&server, &form, PasswordError::Different).await;
    }
    let hash = server.store().password(&begun.user).await?;
    // One that is given has to be right, also in a fresh session.
    let is_given = form.posted.form.get("current_password").is_some();
    if hash.is_some() && (is_given || !form.is_fresh(&server)) {
        match is_current(&server, &form, &field("current_password"), hash).await? {
            Current::Right => {}
            Current::Wrong => return show::after(&server, &form, PasswordError::Wrong).await,
            Current::Busy => return Ok(sign_in::problem(&server, Problem::Unavailable)),
            Current::TooMany(throttle) => {
                let end = throttle.ends_at.unwrap_or(server.now());
                let left = end.since(server.now()).as_secs().max(1);
                return show::after(&server, &form, PasswordError::TooMany(left)).await;
            }
        }
    } else if hash.is_none() && !form.is_fresh(&server) {
        return Ok(form.sign_in_again(&server));
    }
    let names = [form.user.subject().as_str(), form.user.display_name().as_ref()];
    let names = names.map(str::to_owned);
    let salt = random::<16>()?;
    let made = sign_in::hash(&server, new, names, salt).await?;
    let hash = match made {
        None => return Ok(sign_in::problem(&server, Problem::Unavailable)),
        Some(Err(error)) => return show::after(&server, &form, shown(error)).await,
        Some(Ok(hash)) => hash,
    };
    let now = server.now();
    server.store().set_password(&begun.user, Some(hash.expose_secret()), now).await?;
    form.end_other_sessions(&server).await?;
    let subject = display::escape(begun.user.subject.as_str());
    tracing::info!(%subject, "A user has set a password");
    server.changed_account(&begun.user, ChangeKind::PasswordSet, None);
    show::after(&server, &form, Notice::PasswordChanged).await
}

enum Current {
    Right,
    Wrong,
    Busy,
    TooMany(Throttle),
}

/// Whether this is the user's current password. Attempts are counted for the session.
async fn is_current(
    server: &AuthorizationServer,
    form: &SignedIn,
    typed: &SecretString,
    hash: Option<SecretString>,
) -> Result<Current, Unavailable> {
    let begun = &form.session.begun;
    let attempt = Attempt::Password;
    let key = attempt.key(&begun.user, Some(&format!("session:{}", begun.id)));
    let counted = server.store().count_attempt(&key, attempt.window(), server.now()).await?;
    if counted.failures > attempt.limit() {
        return Ok(Current::TooMany(counted));
    }
    match sign_in::verify(server, typed.expose_secret(), hash).await? {
        None => Ok(Current::Busy),
        Some(false) => Ok(Current::Wrong),
        Some(true) => {
            server.store().clear_attempts(&key).await?;
            Ok(Current::Right)
        }
    }
}

/// As the page says it.
fn shown(error: sign_in::PasswordError) -> PasswordError {
    match error {
        sign_in::PasswordError::Short => PasswordError::Short,
        _ => PasswordError::Common,
    }
}
