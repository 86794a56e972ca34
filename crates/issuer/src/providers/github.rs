//! GitHub: OAuth 2.0, and its REST API in place of an ID token.

use auth_core::openid::{GitHubUser, ProviderCode, UserClaims};
use http::{HeaderName, HeaderValue};
use outbound::{Address, Request, Response};

use super::{
    ProviderKind,
    fault::ProviderFault,
    http::NamedBy,
    metadata::unreachable,
    provider::{Bindings, Provider},
};

/// The version of the API whose answers are read.
const VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
/// How many pages of organizations or teams are read. A user of more loses the rest, and with it
/// what it would open.
const MAX_PAGES: u32 = 5;
/// How many entries a page has: the most that GitHub gives.
const PER_PAGE: usize = 100;

/// A provider that is GitHub.
pub(super) struct GitHub<'a> {
    pub(super) provider: &'a Provider,
}

impl GitHub<'_> {
    pub(super) fn authorization_endpoint(site: &Address) -> Result<Address, ProviderFault> {
        below(site, "/login/oauth/authorize")
    }

    /// The scopes that the rules need, beside those that are configured.
    pub(super) fn scopes(&self) -> Vec<&str> {
        let config = &self.provider.config;
        let mut scopes: Vec<&str> = config.scopes.iter().map(String::as_str).collect();
        if self.needs_email() {
            scopes.push("user:email");
        }
        if self.needs_organizations() || self.needs_teams() {
            scopes.push("read:org");
        }
        scopes
    }

    /// What GitHub says about the user who brought `code`.
    pub(super) async fn claims(
        &self,
        code: &ProviderCode,
        bindings: &Bindings,
    ) -> Result<UserClaims, ProviderFault> {
        let ProviderKind::GitHub { site, api } = &self.provider.config.kind else {
            return Err(ProviderFault::TokenMissing("user"));
        };
        let address = below(site, "/login/oauth/access_token")?;
        let request = self.provider.token_request(Request::post(address), false);
        let tokens = self.provider.exchange(request, code, bindings, NamedBy::Operator).await?;
        let token = tokens.access_token().ok_or(ProviderFault::TokenMissing("access token"))?;
        let get = async |path: &str| {
            let request = Request::get(below(api, path)?).bearer(token);
            self.get(request).await
        };
        let mut user = GitHubUser::parse(&get("/user").await?.body)?;
        if self.needs_email() {
            user = user.with_emails(&get("/user/emails?per_page=100").await?.body)?;
        }
        if self.needs_organizations() {
            for page in 1..=MAX_PAGES {
                let path =
                    format!("/user/memberships/orgs?state=active&per_page={PER_PAGE}&page={page}");
                let response = get(&path).await?;
                user = user.with_memberships(&response.body)?;
                if !has_next(&response) {
                    break;
                }
            }
        }
        if self.needs_teams() {
            for page in 1..=MAX_PAGES {
                let response = get(&format!("/user/teams?per_page={PER_PAGE}&page={page}")).await?;
                user = user.with_teams(&response.body)?;
                if !has_next(&response) {
                    break;
                }
            }
        }
        Ok(user.into_claims()?)
    }

    async fn get(&self, request: Request) -> Result<Response, ProviderFault> {
        let what = "what it says about the user";
        let version = HeaderName::from_static("x-github-api-version");
        let request = request.header(version, VERSION);
        let response = self.provider.client.send(request, NamedBy::Operator).await;
        let response = response.map_err(|error| unreachable(what, error))?;
        if response.status != http::StatusCode::OK {
            return Err(ProviderFault::Status { what, status: response.status.as_u16() });
        }
        Ok(response)
    }

    fn needs_email(&self) -> bool {
        self.provider.config.needs("email")
    }

    fn needs_organizations(&self) -> bool {
        self.provider.config.needs("orgs") || self.provider.config.needs("org_ids")
    }

    fn needs_teams(&self) -> bool {
        self.provider.config.needs("teams")
    }
}

/// Whether another page follows (RFC 8288).
fn has_next(response: &Response) -> bool {
    let links = response.headers.get_all(http::header::LINK).iter();
    links.filter_map(|link| link.to_str().ok()).any(|link| link.contains("rel=\"next\""))
}

fn below(base: &Address, path: &str) -> Result<Address, ProviderFault> {
    let base = base.url().as_str().trim_end_matches('/');
    format!("{base}{path}")
        .parse()
        .map_err(|error: outbound::AddressError| unreachable("it", error))
}
