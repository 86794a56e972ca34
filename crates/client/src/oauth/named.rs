//! The name that a server has for itself.

use auth_core::Challenge;
use outbound::{document::resource_metadata, well_known};

use super::{Outward, discovered::is_same};
use crate::endpoint::Endpoint;

/// `resource` of the server's metadata (RFC 9728 §3), which is what its tokens have to be for. It
/// is looked for where the challenge says, and beside the server. `None` if it names another server
/// (§3.3): a token made for that one would be sent to this one. On this machine host
/// and port may differ, since a server on another port than usual calls itself by its own.
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
            return Some(found.resource).filter(|name| is_name_of(endpoint, name));
        }
    }
    None
}

fn is_name_of(endpoint: &Endpoint, resource: &str) -> bool {
    let is_here = || {
        Endpoint::parse(resource).is_ok_and(|named| {
            endpoint.is_loopback() && named.is_loopback() && named.path() == endpoint.path()
        })
    };
    is_same(endpoint.as_str(), resource) || is_here()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_no_name_of_another_one() {
        let is_name = |endpoint: &str, name| is_name_of(&Endpoint::parse(endpoint).unwrap(), name);
        assert!(is_name("https://mcp.example/mcp", "https://mcp.example/mcp"));
        assert!(is_name("http://127.0.0.1:9000/mcp", "http://localhost:8000/mcp"));
        for (endpoint, name) in [
            ("http://127.0.0.1:9000/mcp", "https://prod.example/mcp"),
            ("http://127.0.0.1:9000/mcp", "http://localhost:8000/mcp/notes"),
            ("https://mcp.example/mcp", "https://other.example/mcp"),
            ("https://mcp.example/mcp", "http://localhost:8000/mcp"),
            ("http://127.0.0.1:9000/mcp", "--role admin"),
        ] {
            assert!(!is_name(endpoint, name), "{endpoint} {name}");
        }
    }
}
