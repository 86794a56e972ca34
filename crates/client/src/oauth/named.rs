//! The name that a server has for itself.

use auth_core::Challenge;
use outbound::{document::resource_metadata, well_known};

use super::Outward;
use crate::endpoint::Endpoint;

/// `resource` of the server's metadata (RFC 9728 §3), which is what its tokens have to be for. It
/// is looked for where the challenge says, and beside the server. **Untrusted.**
pub(crate) async fn resource_name(
    endpoint: &Endpoint,
    challenge: Option<&Challenge>,
    outward: &Outward,
) -> Option<String> {
    let named = challenge.and_then(|challenge| challenge.resource_metadata.clone());
    let beside = well_known::resource_metadata(endpoint.url()).into_iter().map(String::from);
    for place in named.into_iter().chain(beside) {
        if let Ok(reply) = outward.fetch(&place).await
            && let Ok(found) = resource_metadata(&reply)
        {
            return Some(found.resource);
        }
    }
    None
}
