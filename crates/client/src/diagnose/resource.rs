//! The protected resource metadata (RFC 9728): where it is, and whether it is about this server.

use auth_core::{ProtectedResourceMetadata, display::quoted};
use outbound::{
    document::{DocumentError, resource_metadata},
    well_known,
};
use url::Url;

use super::{Findings, server::Answered, subject::Subject};
use crate::{Exit, oauth::Outward};

/// The most issuers of a resource that are looked at.
const MAX_ISSUERS: usize = 8;

/// The metadata, as it was found.
pub(super) struct Resource(ProtectedResourceMetadata);

impl Resource {
    /// `resource`.
    pub(super) fn name(&self) -> &str {
        &self.0.resource
    }

    /// `authorization_servers`.
    pub(super) fn issuers(&self) -> Vec<String> {
        self.0.authorization_servers.iter().take(MAX_ISSUERS).cloned().collect()
    }
}

/// Finds it where the challenge says, or else where it would be.
pub(super) async fn examine(
    subject: &Subject<'_>,
    answered: &Answered,
    outward: &Outward,
    findings: &mut Findings,
) -> Option<Resource> {
    let check = "resource metadata";
    let named = answered.challenge.as_ref().and_then(|found| found.resource_metadata.clone());
    let places = if let Some(place) = &named {
        vec![place.clone()]
    } else {
        let places = well_known::resource_metadata(subject.endpoint().url());
        places.into_iter().map(String::from).collect()
    };
    let mut why = String::from("it is nowhere");
    for place in &places {
        match outward.fetch(place).await {
            Ok(reply) => match resource_metadata(&reply) {
                Ok(metadata) => {
                    let found = Resource(metadata);
                    findings.pass(check, place.clone());
                    about(subject, &found, findings);
                    return Some(found);
                }
                Err(DocumentError::Status(_)) => {
                    why = format!("{place} answers with {}", reply.status);
                }
                Err(fault) => why = format!("{place}: {fault}"),
            },
            Err(fault) => why = format!("{place}: {fault}"),
        }
    }
    let is_elsewhere = named.as_deref().is_some_and(|place| !is_beside(subject, place));
    let fix = if is_elsewhere {
        "it is looked for elsewhere than at the server: the server must be configured with its public URL"
    } else {
        "the server must publish it (RFC 9728); until then give a token as MCP_TOKEN"
    };
    if answered.challenge.is_some() {
        findings.fail(check, why, fix, Exit::Protocol);
    } else if answered.is_open {
        findings.pass(check, format!("{why}, and is not needed"));
    } else {
        findings.warn(check, why, fix);
    }
    None
}

/// Whether a place is at the server's own origin.
fn is_beside(subject: &Subject<'_>, place: &str) -> bool {
    let origin = |text: &str| Url::parse(text).map(|url| url.origin()).ok();
    origin(place) == origin(subject.endpoint().as_str())
}

fn about(subject: &Subject<'_>, found: &Resource, findings: &mut Findings) {
    let name = found.name();
    match fits(subject.endpoint().as_str(), name) {
        Fit::Same => findings.pass("resource", format!("{name}, which is this server")),
        Fit::Above if subject.token.is_some() || is_accepted(subject, name) => findings.warn(
            "resource",
            format!("{name}, which covers more than this server"),
            "a token for it is good for all of them: each server better has its own",
        ),
        Fit::Above => findings.fail(
            "resource",
            format!("{name}, which covers more than this server, so the client does not sign in"),
            format!(
                "the server must name its own URL; if you trust all that is there: \
                 --accept-resource {}",
                quoted(name)
            ),
            Exit::Protocol,
        ),
        Fit::Other => findings.fail(
            "resource",
            format!("{name}, which is another server, so the client does not sign in"),
            format!(
                "use --url {}, or the server must be configured with its public URL",
                quoted(name)
            ),
            Exit::Protocol,
        ),
    }
    let issuers = found.issuers();
    if issuers.is_empty() {
        findings.fail(
            "issuers",
            "the metadata names no authorization server",
            "the server must list its issuer in authorization_servers",
            Exit::Protocol,
        );
    } else {
        findings.pass("issuers", issuers.join(", "));
    }
}

fn is_accepted(subject: &Subject<'_>, resource: &str) -> bool {
    let same = |text: &String| Url::parse(text).ok() == Url::parse(resource).ok();
    subject.tokens().args().accept_resource.as_ref().is_some_and(same)
}

#[derive(Debug, PartialEq, Eq)]
enum Fit {
    Same,
    Above,
    Other,
}

/// How a resource's name and a server's URL go together: the rule by which a login goes on.
fn fits(server: &str, resource: &str) -> Fit {
    let (Ok(server), Ok(resource)) = (Url::parse(server), Url::parse(resource)) else {
        return Fit::Other;
    };
    if server.origin() != resource.origin() || resource.fragment().is_some() {
        return Fit::Other;
    }
    let (whole, part) = (server.path(), resource.path());
    if whole == part {
        return Fit::Same;
    }
    let rest = whole.strip_prefix(part);
    if rest.is_some_and(|rest| part.ends_with('/') || rest.starts_with('/')) {
        Fit::Above
    } else {
        Fit::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_the_server_or_above_it() {
        let server = "https://mcp.example/a/mcp";
        for (resource, fit) in [
            ("https://mcp.example/a/mcp", Fit::Same),
            ("https://mcp.example/a", Fit::Above),
            ("https://mcp.example/", Fit::Above),
            ("https://mcp.example/a/m", Fit::Other),
            ("https://mcp.example/a/mcp/b", Fit::Other),
            ("https://mcp.example:444/a/mcp", Fit::Other),
            ("http://mcp.example/a/mcp", Fit::Other),
            ("https://evil.example/a/mcp", Fit::Other),
            ("https://mcp.example/a/mcp#x", Fit::Other),
            ("mcp", Fit::Other),
        ] {
            assert_eq!(fits(server, resource), fit, "{resource}");
        }
    }
}
