//! The assertion of an identity provider about a user: ID-JAG (MCP enterprise-managed authorization
//! §5, §7).

use super::{AssertionError, SingleUse, VerifiedAssertion};
use crate::{
    ClientId, Issuer, Leeway, NumericDate, ResourceUri, ScopeSet, Subject, oauth::names_resource,
};

/// `typ` in the header of an ID-JAG (ID-JAG §3.1).
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// What an identity provider says about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdJag {
    /// `sub`: the user, as the provider names them.
    pub subject: Subject,
    /// `resource`: what the access token is for.
    pub resource: ResourceUri,
    /// `scope`: the most that the access token may grant; `None`: the provider does not limit it.
    pub scopes: Option<ScopeSet>,
    /// What has to be remembered.
    pub single_use: SingleUse,
}

/// What an ID-JAG is compared with.
#[derive(Debug, Clone, Copy)]
pub struct IdJagContext<'a> {
    /// The provider that is trusted.
    pub provider: &'a Issuer,
    /// This server.
    pub audience: &'a Issuer,
    /// The client that sends it, which has been authenticated.
    pub client_id: &'a ClientId,
    /// The resources of this server.
    pub served: &'a [ResourceUri],
}

/// Judges the claims of an ID-JAG.
pub fn check_id_jag(
    assertion: &VerifiedAssertion,
    context: &IdJagContext<'_>,
    (now, leeway): (NumericDate, Leeway),
) -> Result<IdJag, AssertionError> {
    // Byte for byte, unlike other types: the provider makes it for this one purpose.
    if assertion.token_type.as_deref() != Some(ID_JAG_TYPE) {
        return Err(AssertionError::Type);
    }
    assertion.matches("iss", context.provider.as_str())?;
    assertion.matches("client_id", context.client_id.as_str())?;
    if assertion.audience()? != context.audience.as_str() {
        return Err(AssertionError::Mismatch("aud"));
    }
    let asked = assertion.text("resource")?;
    let resource = context.served.iter().find(|resource| names_resource(asked, resource));
    let resource = resource.ok_or(AssertionError::Mismatch("resource"))?.clone();
    let scopes = match assertion.claims.said("scope") {
        None => None,
        Some(_) => Some(assertion.parsed("scope")?),
    };
    let subject = assertion.parsed("sub")?;
    Ok(IdJag { subject, resource, scopes, single_use: assertion.single_use(now, leeway)? })
}
