//! What a server says of itself: its name, and who issues its tokens.

use auth_core::Challenge;
use outbound::{document::resource_metadata, well_known};

use super::{Outward, discovered::is_same};
use crate::endpoint::Endpoint;

/// A server that has metadata (RFC 9728 §2). All of it is untrusted.
#[derive(Debug)]
pub(crate) struct KnownServer {
    /// `resource`, which is what its tokens have to be for.
    pub(crate) name: String,
    /// `authorization_servers`, which issue its tokens.
    pub(crate) issuers: Vec<String>,
}

/// The server's metadata (RFC 9728 §3), looked for where the challenge says, and beside the server.
/// `None` if they name another server (§3.3): a token that is made for that one would be sent to
/// this one. On this machine host and port may differ, since a server on another port than usual
/// calls itself by its own.
pub(crate) async fn known_server(
    endpoint: &Endpoint,
    challenge: Option<&Challenge>,
    outward: &Outward,
) -> Option<KnownServer> {
    let named = challenge.and_then(|challenge| challenge.resource_metadata.clone());
    let beside = well_known::resource_metadata(endpoint.url()).into_iter().map(String::from);
    for place in named.into_iter().chain(beside) {
        if let Ok(reply) = outward.fetch(&place).await
            && let Ok(found) = resource_metadata(&reply)
        {
            let known = KnownServer { name: found.resource, issuers: found.authorization_servers };
            return Some(known).filter(|known| is_name_of(endpoint, &known.name));
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
