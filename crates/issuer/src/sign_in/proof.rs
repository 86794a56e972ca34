//! Codes of a second factor, and recovery codes.
//!
//! 1. Each is used once, on whichever node.
//! 2. Attempts are counted before they are judged. The first code of a new key is not counted: its
//!    user sees the key.

use auth_core::display;
use directory::{
    UserName,
    authorization::{SecondFactor, SecondProof},
};
use secrecy::SecretString;

use super::{factor, known, one_time::OneTimeCode, posted::Posted, throttle::Attempt, totp};
use crate::{AuthorizationServer, ChangeKind, respond::Unavailable};

/// What came of a code.
#[derive(Debug)]
pub(crate) enum SecondStep {
    /// It is the user's, and is used.
    Done(SecondProof),
    /// It is not, or was used before.
    Wrong,
    /// Too many attempts of the user: for how many seconds to wait.
    TooMany(u64),
}

/// What came of the first code of a second factor.
#[derive(Debug)]
pub(crate) enum Confirmed {
    /// It is confirmed: the recovery codes.
    Codes(Vec<OneTimeCode>),
    /// The code is not one of this key.
    Wrong(SecretString),
    /// No second factor was begun, or it is confirmed already.
    Nothing,
}

/// Uses the code of a form (`code` or `recovery`), if it is one of the user's.
pub(crate) async fn use_second_factor(
    server: &AuthorizationServer,
    posted: &Posted,
    user: &UserName,
) -> Result<SecondStep, Unavailable> {
    let counted = match count(server, posted, user).await? {
        Ok(key) => key,
        Err(seconds) => return Ok(SecondStep::TooMany(seconds)),
    };
    let factor = server.store().second_factor(user).await?;
    let Some(factor) = factor.filter(|factor| factor.is_confirmed) else {
        return Ok(SecondStep::Wrong);
    };
    let Some(proof) = use_code(server, user, &factor, posted).await? else {
        tracing::info!(address = %posted.address, "A second step has failed");
        return Ok(SecondStep::Wrong);
    };
    server.store().clear_attempts(&counted).await?;
    Ok(SecondStep::Done(proof))
}

/// Confirms the second factor that was begun, if this is a code of it.
pub(crate) async fn confirm_factor(
    server: &AuthorizationServer,
    posted: &Posted,
    user: &UserName,
    code: &str,
) -> Result<Confirmed, Unavailable> {
    let factor = server.store().second_factor(user).await?;
    let Some(factor) = factor.filter(|factor| !factor.is_confirmed) else {
        return Ok(Confirmed::Nothing);
    };
    // Another browser may have begun another one since.
    let proof = posted.form.get("key").unwrap_or_default();
    if !factor::is_shown(server, &posted.browser, user, &factor.secret, proof) {
        return Ok(Confirmed::Nothing);
    }
    let Some(step) = totp::step_of(&factor.secret, code, server.now()) else {
        return Ok(Confirmed::Wrong(factor.secret));
    };
    let (codes, digests) = factor::recovery_codes()?;
    let confirmed = server.store().confirm_second_factor(user, &factor.secret, step, &digests);
    if !confirmed.await? {
        return Ok(Confirmed::Nothing);
    }
    // Sessions that began without it end.
    let keep = posted.browser.session.as_ref().map(|session| &session.begun.digest);
    if server.store().end_browser_sessions_of(user, None, keep).await? > 0 {
        server.changed_account(user, ChangeKind::SessionsEnded, Some("all others"));
    }
    let subject = display::escape(user.subject.as_str());
    tracing::info!(%subject, address = %posted.address, "A user has set up a second factor");
    server.changed_account(user, ChangeKind::SecondFactorSet, None);
    Ok(Confirmed::Codes(codes))
}

async fn use_code(
    server: &AuthorizationServer,
    user: &UserName,
    factor: &SecondFactor,
    posted: &Posted,
) -> Result<Option<SecondProof>, Unavailable> {
    let store = server.store();
    let typed = posted.form.get("code").or(posted.form.get("recovery")).unwrap_or_default();
    if let Ok(code) = typed.parse::<OneTimeCode>() {
        let is_used = store.use_recovery_code(user, &code.recovery_digest()).await?;
        return Ok(is_used.then_some(SecondProof::Recovery));
    }
    match totp::step_of(&factor.secret, typed, server.now()) {
        Some(step) if store.use_step(user, step).await? => Ok(Some(SecondProof::Totp)),
        _ => Ok(None),
    }
}

/// Counts an attempt of the user: its key, or for how many seconds to wait.
async fn count(
    server: &AuthorizationServer,
    posted: &Posted,
    user: &UserName,
) -> Result<Result<String, u64>, Unavailable> {
    let known = known::budget(server, &posted.headers, user);
    let attempt = Attempt::Second;
    let key = attempt.key(user, known.as_deref());
    let now = server.now();
    let counted = server.store().count_attempt(&key, attempt.window(), now).await?;
    if counted.failures <= attempt.limit() {
        return Ok(Ok(key));
    }
    tracing::warn!(address = %posted.address, "Too many second steps of one user");
    Ok(Err(counted.ends_at.unwrap_or(now).since(now).as_secs().max(1)))
}
