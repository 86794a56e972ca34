//! What helps after a refusal of a run that signs in nowhere: found out before it is said.
//!
//! 1. A sign-in is offered only where there is an issuer to sign in at.
//! 2. A token that is for another server is not followed by another one for that server.

use std::time::Duration;

use auth_core::{AccessToken, Challenge};
use tokio::time::timeout;

use super::ask::or_cancelled;
use crate::{
    Exit,
    config::Config,
    failure::{Context, Failure},
    oauth::{Discovered, LoginError, resource_name},
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

/// The refusal of a token that the user gave, with what helps.
pub(super) async fn for_given(
    failure: Failure,
    config: &Config,
    token: Option<&AccessToken>,
) -> Failure {
    if failure.exit() != Exit::Unauthorized {
        return failure;
    }
    match context_of_known(config, failure.challenge(), token).await {
        Some(context) => failure.of_known_server(&context),
        None => failure,
    }
}

/// The context of a run at a server whose name is known by its metadata.
pub(super) async fn context_of_known(
    config: &Config,
    challenge: Option<&Challenge>,
    token: Option<&AccessToken>,
) -> Option<Context> {
    let outward = config.outward().ok()?;
    let look = resource_name(&config.endpoint, challenge, &outward);
    let found = or_cancelled(async { Ok(timeout(PATIENCE, look).await.ok().flatten()) }).await;
    Some(config.context_at(&found.ok()??, token))
}
