//! Whether a name and a secret are a user's.
//!
//! 1. The secret's form decides what it is: twelve letters of a code, or else a password.
//! 2. For an unknown name, a user without a password and a disabled user the same is done as for
//!    any other: the same questions to the database, one Argon2id. The answer is the same, too.
//! 3. An attempt is counted before it is judged ([`throttle`](super::throttle)); beyond the budget
//!    nothing is judged.

use std::{sync::Arc, time::Duration};

use auth_core::{Subject, display, oauth::SecretDigest};
use directory::{Directory, User, UserName, authorization::FirstProof};
use secrecy::SecretString;

use super::{
    argon,
    hasher::Lane,
    known,
    one_time::OneTimeCode,
    password::{PasswordError, Presented, checked},
    posted::Posted,
    throttle::{Attempt, Wait},
};
use crate::{AuthorizationServer, respond::Unavailable};

/// What came of an attempt to sign in.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It is this user, by this method.
    User(Arc<User>, FirstProof),
    /// It is no one's, or the budget is used up.
    Wrong,
    /// The address has to wait.
    Wait(Duration),
    /// Too much is asked of this node now.
    Busy,
}

/// What was typed as the secret.
enum Secret {
    Code(SecretDigest),
    Password(Presented),
    /// No one's: too long.
    Nothing,
}

impl Secret {
    fn parse(text: &str) -> Self {
        if let Ok(code) = text.parse::<OneTimeCode>() {
            return Self::Code(code.digest());
        }
        Presented::parse(text).map_or(Self::Nothing, Self::Password)
    }

    fn attempt(&self) -> Attempt {
        match self {
            Self::Code(_) => Attempt::Code,
            Self::Password(_) | Self::Nothing => Attempt::Password,
        }
    }

    fn method(&self) -> FirstProof {
        match self {
            Self::Code(_) => FirstProof::Code,
            Self::Password(_) | Self::Nothing => FirstProof::Password,
        }
    }
}

/// Judges the name `user` and the secret `secret` of a form.
pub(super) async fn check(
    server: &AuthorizationServer,
    posted: &Posted,
    user: &str,
    secret: &str,
) -> Result<Verdict, Unavailable> {
    // No user has such a name: that is known to all.
    let Ok(subject) = user.parse::<Subject>() else { return Ok(Verdict::Wrong) };
    let issuer = server.config().issuer.clone();
    let name = UserName { issuer, subject };
    let secret = Secret::parse(secret);
    let known = known::budget(server, &posted.headers, &name);
    let (now, limits) = (server.now(), server.sign_in());
    if known.is_none() {
        match limits.addresses.count(posted.address, now) {
            Ok(()) => {}
            Err(Wait::Address(left)) => return Ok(Verdict::Wait(left)),
            Err(Wait::Node) => return Ok(Verdict::Busy),
        }
    }
    let attempt = secret.attempt();
    let key = attempt.key(&name, known.as_deref());
    let counted = server.store().count_attempt(&key, attempt.window(), now).await?;
    if counted.failures > attempt.limit() {
        tracing::warn!(address = %posted.address, "Too many attempts to sign in as one user");
        return Ok(Verdict::Wrong);
    }
    let method = secret.method();
    let lane = if known.is_some() { Lane::Known } else { Lane::Other };
    let Some(is_right) = is_right(server, &name, secret, lane).await? else {
        return Ok(Verdict::Busy);
    };
    let user = server.users().find(&name.issuer, &name.subject).await?;
    let user = user.filter(|user| user.is_active() && is_right);
    let Some(user) = user else {
        tracing::info!(address = %posted.address, %method, "An attempt to sign in has failed");
        return Ok(Verdict::Wrong);
    };
    server.store().clear_attempts(&key).await?;
    if known.is_none() {
        limits.addresses.succeeded(posted.address);
    }
    tracing::debug!(
        subject = %display::escape(user.subject().as_str()), %method, "The first step is done"
    );
    Ok(Verdict::User(user, method))
}

/// Whether the secret is the user's; `None` if it cannot be judged now.
async fn is_right(
    server: &AuthorizationServer,
    name: &UserName,
    secret: Secret,
    lane: Lane,
) -> Result<Option<bool>, Unavailable> {
    match secret {
        Secret::Code(digest) => {
            Ok(Some(server.store().use_code(name, &digest, server.now()).await?))
        }
        Secret::Password(password) => {
            let hash = server.store().password(name).await?;
            judge(server, lane, password, hash).await
        }
        Secret::Nothing => Ok(Some(false)),
    }
}

/// Whether a user who is signed in has typed the password with this hash; `None` if the threads are
/// busy.
pub(crate) async fn verify(
    server: &AuthorizationServer,
    typed: &str,
    hash: Option<SecretString>,
) -> Result<Option<bool>, Unavailable> {
    match Presented::parse(typed) {
        Some(password) => judge(server, Lane::Known, password, hash).await,
        None => Ok(Some(false)),
    }
}

/// The hash of a new password of a user who is signed in and has these names; `None` if the threads
/// are busy.
pub(crate) async fn hash(
    server: &AuthorizationServer,
    password: SecretString,
    names: [String; 2],
    salt: [u8; 16],
) -> Result<Option<Result<SecretString, PasswordError>>, Unavailable> {
    let work = move |memory: &mut argon::Memory| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let presented = checked(&password, &names)?;
        Ok(argon::hash(presented.secret(), salt, memory)?)
    };
    match server.sign_in().hasher.run(Lane::Known, work).await {
        Ok(Err(PasswordError::Hash(fault))) => {
            Err(Unavailable::new("a password cannot be hashed", fault))
        }
        Ok(made) => Ok(Some(made)),
        Err(_) => Ok(None),
    }
}

/// Whether a password has this hash: without one, never, after as much work. `None` if the threads
/// are busy.
async fn judge(
    server: &AuthorizationServer,
    lane: Lane,
    password: Presented,
    hash: Option<SecretString>,
) -> Result<Option<bool>, Unavailable> {
    let work =
        move |memory: &mut argon::Memory| argon::verify(password.secret(), hash.as_ref(), memory);
    match server.sign_in().hasher.run(lane, work).await {
        Ok(judged) => {
            let no_memory = |fault| Unavailable::new("a password cannot be checked", fault);
            judged.map(Some).map_err(no_memory)
        }
        Err(_) => Ok(None),
    }
}
