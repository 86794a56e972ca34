//! Access tokens of this issuer that come back: to be revoked or described.

use auth_core::{AccessToken, Claims, Leeway, NumericDate, TokenVerifier, TrustedIssuer};

use crate::{AuthorizationServer, respond::Unavailable};

/// What `text` says, if it is an access token of this issuer for one of its resources that has not
/// expired. Whether it was revoked is not asked here.
pub(crate) fn verify(
    server: &AuthorizationServer,
    text: &str,
    now: NumericDate,
) -> Result<Option<Claims>, Unavailable> {
    let Ok(token) = text.parse::<AccessToken>() else { return Ok(None) };
    let (config, keys) = (server.config(), server.keys().published()?);
    let claims = config.resources.iter().find_map(|resource| {
        let issuer = TrustedIssuer::new(config.issuer.clone(), keys.clone());
        let issuer = issuer.leeway(Leeway::SAME_CLOCK);
        let verifier = TokenVerifier::new(resource.uri.audience().clone()).trust(issuer);
        verifier.verify(&token, now).ok()
    });
    Ok(claims)
}
