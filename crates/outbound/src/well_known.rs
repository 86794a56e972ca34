//! Where metadata documents are.

use url::Url;

/// Where the metadata of an issuer may be, in the order of the MCP authorization page: RFC 8414
/// (the well-known name before the issuer's path, §3.1), OpenID Connect Discovery with the name
/// before the path (RFC 8414 §5), then after it (OpenID Connect Discovery §4).
///
/// ```
/// let issuer = "https://login.example/realms/a".parse().unwrap();
/// let urls = outbound::well_known::issuer_metadata(&issuer);
/// assert_eq!(
///     urls[0].as_str(),
///     "https://login.example/.well-known/oauth-authorization-server/realms/a"
/// );
/// ```
#[must_use]
pub fn issuer_metadata(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    paths.dedup();
    paths.iter().map(|path| at(issuer, path)).collect()
}

/// Where the metadata of a protected resource is if the resource does not say: with the resource's
/// path after the well-known name, then without it (RFC 9728 §3.1, MCP authorization).
///
/// ```
/// let server = "https://mcp.example/mcp?key=x".parse().unwrap();
/// let urls = outbound::well_known::resource_metadata(&server);
/// assert_eq!(urls[0].as_str(), "https://mcp.example/.well-known/oauth-protected-resource/mcp");
/// assert_eq!(urls[1].as_str(), "https://mcp.example/.well-known/oauth-protected-resource");
/// ```
#[must_use]
pub fn resource_metadata(resource: &Url) -> Vec<Url> {
    let path = resource.path().trim_end_matches('/');
    let name = "/.well-known/oauth-protected-resource";
    let mut paths = vec![format!("{name}{path}"), name.to_owned()];
    paths.dedup();
    paths.iter().map(|path| at(resource, path)).collect()
}

/// The origin of a URL with another path.
fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.set_path(path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(urls: Vec<Url>) -> Vec<String> {
        urls.into_iter().map(String::from).collect()
    }

    #[test]
    fn issuers_are_looked_for_in_the_order_of_the_mcp_page() {
        let found = |issuer: &str| all(issuer_metadata(&issuer.parse().unwrap()));
        let with_path = [
            "https://login.example/.well-known/oauth-authorization-server/realms/a",
            "https://login.example/.well-known/openid-configuration/realms/a",
            "https://login.example/realms/a/.well-known/openid-configuration",
        ];
        assert_eq!(found("https://login.example/realms/a"), with_path);
        assert_eq!(found("https://login.example/realms/a/"), with_path);
        let bare = [
            "https://login.example:8443/.well-known/oauth-authorization-server",
            "https://login.example:8443/.well-known/openid-configuration",
        ];
        assert_eq!(found("https://login.example:8443"), bare);
        assert_eq!(found("https://login.example:8443/"), bare);
    }

    #[test]
    fn resources_are_looked_for_at_their_path_and_at_the_root() {
        let found = |server: &str| all(resource_metadata(&server.parse().unwrap()));
        let root = "https://h/.well-known/oauth-protected-resource";
        assert_eq!(found("https://h/mcp?x=1"), [format!("{root}/mcp"), root.to_owned()]);
        assert_eq!(found("https://h/mcp/"), [format!("{root}/mcp"), root.to_owned()]);
        assert_eq!(found("https://h/"), [root]);
        assert_eq!(found("https://h"), [root]);
    }
}
