//! Assertions of other issuers (RFC 7523 §2.1): ID-JAGs of identity providers (MCP
//! enterprise-managed authorization §5, §7), and JWTs of workloads.
//!
//! 1. The issuer is one that the operator configured. What its JWTs may say is configured with it:
//!    an ID-JAG is not accepted from a platform, nor a workload's JWT from an identity provider.
//! 2. The signature comes first, then the claims, then who is admitted, then the single use on
//!    whichever node, and only then the user is looked for or added.
//! 3. An ID-JAG is for a client with a credential: the client it names is the one that
//!    authenticates (ID-JAG §8.1). A workload's JWT is a credential itself.
//! 4. A fault before the signature is one error. Behind it the error names the claim: the sender
//!    has read the JWT.

use auth_core::{
    Leeway, ResourceUri, ScopeSet, Subject,
    oauth::{
        AccessTokenRequest, Assertion, ErrorCode, IdJagContext, OAuthError, SingleUse,
        VerifiedAssertion, WorkloadContext, check_id_jag, check_workload,
    },
    openid::admit,
};
use axum::response::Response;

use super::direct::{self, DirectToken};
use crate::{
    AssertionKind, AuthorizationServer,
    assertions::Provider,
    clients::KnownClient,
    providers::{Found, Provisioning, provision_by},
    respond::{Refusal, Unavailable},
};

/// What an assertion says, whatever its kind.
struct Judged {
    kind: &'static str,
    subject: Subject,
    resource: ResourceUri,
    limit: Option<ScopeSet>,
    single_use: Option<SingleUse>,
}

/// Exchanges an assertion for an access token.
pub(super) async fn exchange(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    assertion: &Assertion,
    scopes: Option<&ScopeSet>,
) -> Result<Response, Refusal> {
    let unverified = assertion.unverified().map_err(|_| unverified_error())?;
    let issuer = unverified.unverified_issuer().ok_or_else(unverified_error)?;
    let provider = server.config().assertion_providers.find(issuer).ok_or_else(unverified_error)?;
    let verified = provider.verify(&unverified, server.clock()).await.map_err(|fault| {
        Unavailable::new("an assertion cannot be verified: its issuer has no keys now", fault)
    })?;
    let name = provider.config.name.as_str();
    let verified = verified.map_err(|fault| {
        let fault: &dyn std::error::Error = &fault;
        tracing::info!(provider = name, client = %client.id, fault, "An assertion is refused");
        unverified_error()
    })?;
    let judged = judge(server, client, request, provider, &verified)?;
    let claims = verified.user_claims(&judged.subject);
    let config = &provider.config;
    let identity = admit(&config.name, &claims, "sub", &config.rules, &config.roles);
    let identity = identity.map_err(|fault| {
        let fault: &dyn std::error::Error = &fault;
        tracing::info!(provider = name, client = %client.id, fault, "An assertion is not admitted");
        unknown()
    })?;
    if let Some(single_use) = &judged.single_use
        && !server.store().use_assertion(config.issuer.as_str(), single_use).await?
    {
        tracing::warn!(provider = name, client = %client.id, "An assertion was used again");
        return Err(invalid("the assertion was used before: get a new one").into());
    }
    let provisioning = Provisioning {
        how: "assertion of",
        roles: &config.roles,
        unknown_users: &config.unknown_users,
    };
    let found = provision_by(server, &provisioning, &identity).await?;
    let Found::Active(user) = found else { return Err(unknown().into()) };
    let token = DirectToken {
        kind: judged.kind,
        user,
        resource: &judged.resource,
        asked: scopes,
        limit: judged.limit.as_ref(),
    };
    direct::issue(server, client, token, unknown).await
}

/// Judges the claims.
fn judge(
    server: &AuthorizationServer,
    client: &KnownClient,
    request: &AccessTokenRequest,
    provider: &Provider,
    verified: &VerifiedAssertion,
) -> Result<Judged, OAuthError> {
    let config = server.config();
    let resources = config.resource_uris();
    let now = (server.now(), Leeway::default());
    let issuer = &provider.config.issuer;
    match provider.config.kind {
        AssertionKind::IdJag => {
            if client.is_public() {
                let text = "an ID-JAG is for clients that authenticate with a secret or a key";
                return Err(OAuthError::new(ErrorCode::UnauthorizedClient, text));
            }
            let context = IdJagContext {
                provider: issuer,
                audience: &config.issuer,
                client_id: &client.id,
                served: &resources,
            };
            let id_jag =
                check_id_jag(verified, &context, now).map_err(|it| invalid(it.to_string()))?;
            request.check_resource(&id_jag.resource)?;
            Ok(Judged {
                kind: "ID-JAG",
                subject: id_jag.subject,
                resource: id_jag.resource,
                limit: id_jag.scopes,
                single_use: Some(id_jag.single_use),
            })
        }
        AssertionKind::Workload => {
            let endpoint = config.token_endpoint();
            let context = WorkloadContext {
                platform: issuer,
                audiences: &[config.issuer.as_str(), &endpoint],
                is_reusable: provider.config.is_reusable,
            };
            let workload =
                check_workload(verified, &context, now).map_err(|it| invalid(it.to_string()))?;
            Ok(Judged {
                kind: "workload",
                subject: workload.subject,
                resource: request.select_resource(&resources)?.clone(),
                limit: None,
                single_use: workload.single_use,
            })
        }
    }
}

/// The one error for what is not signed by an issuer that is trusted.
fn unverified_error() -> OAuthError {
    invalid("the assertion is not signed by an issuer that this server trusts")
}

fn unknown() -> OAuthError {
    invalid("the subject of the assertion is not a user here, or may not act: ask the operator")
}

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidGrant, text)
}
