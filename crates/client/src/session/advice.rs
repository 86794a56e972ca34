//! What helps after a refusal: found out before it is said.
//!
//! 1. A sign-in is offered only where there is an issuer to sign in at.
//! 2. A token that is for another server is not followed by another one for that server.
//! 3. A command that makes a token is named only where the server takes such a token.

use std::time::Duration;

use auth_core::{AccessToken, Challenge};
use tokio::time::timeout;

use super::ask::or_cancelled;
use crate::{
    config::Config,
    connect::refusal_id,
    failure::{Context, Failure},
    oauth::{Discovered, LoginError, known_server},
};

/// How long a hint may take to find out.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why there is no sign-in at the server that sent this challenge. `None` if there is one, or if
/// that is not known in time.
pub(super) async fn no_sign_in(
    config: &Config,
    challenge: Option<&Challenge>,
) -> Option<LoginError> {
    let look = async {
        let outward = config.outward()?;
        let exceptions = config.tokens.exceptions();
        let (endpoint, clock) = (&config.endpoint, &config.clock);
        Discovered::at(endpoint, challenge, exceptions, &outward, clock).await
    };
    let found = or_cancelled(async { Ok(timeout(PATIENCE, Box::pin(look)).await) }).await;
    match found {
        Ok(Ok(found)) => found.err(),
        Ok(Err(_late)) => None,
        Err(cancelled) => Some(cancelled),
    }
}

/// The refusal of a request with where to get the token that it lacks: the server says who issues
/// its tokens. `token` is the one that was sent.
pub(crate) async fn with_source(
    failure: Failure,
    config: &Config,
    token: Option<&AccessToken>,
) -> Failure {
    if !failure.lacks_token() {
        return failure;
    }
    match context_of_known(config, failure.challenge(), token).await {
        Some(context) => failure.at_server(&context),
        None => failure,
    }
}

/// The same with the server's name for the refusal, which finds it in the server's log.
pub(crate) async fn advised(
    failure: Failure,
    config: &Config,
    token: Option<&AccessToken>,
) -> Failure {
    let failure = with_source(failure, config, token).await;
    if !failure.is_refused_token() || failure.request_id().is_some() {
        return failure;
    }
    let look = refusal_id(config.target(token));
    let id = or_cancelled(async { Ok(timeout(PATIENCE, look).await.ok().flatten()) }).await;
    failure.with_request_id(id.ok().flatten())
}

/// The failure of a sign-in, with what is known of the server.
pub(super) async fn of_login(
    error: &LoginError,
    config: &Config,
    challenge: Option<&Challenge>,
    token: Option<&AccessToken>,
) -> Failure {
    let known = match error {
        LoginError::Cancelled => None,
        // Only for a server on this machine a token can be made here.
        _ if !config.endpoint.is_loopback() => None,
        _ => context_of_known(config, challenge, token).await,
    };
    Failure::login(error, &known.unwrap_or_else(|| config.context(token)))
}

/// The context of a run at a server whose metadata are found.
pub(super) async fn context_of_known(
    config: &Config,
    challenge: Option<&Challenge>,
    token: Option<&AccessToken>,
) -> Option<Context> {
    let outward = config.outward().ok()?;
    let look = known_server(&config.endpoint, challenge, &outward);
    let found = or_cancelled(async { Ok(timeout(PATIENCE, look).await.ok().flatten()) }).await;
    Some(config.context_at(&found.ok()??, token))
}
