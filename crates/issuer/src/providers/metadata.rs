//! Where a provider's endpoints and keys are (OpenID Connect Discovery §4).
//!
//! 1. The document is at `/.well-known/openid-configuration` below the issuer, and names that
//!    issuer byte for byte (§4.3). It is used for an hour.
//! 2. Keys are used as long as `Cache-Control: max-age` says, between a minute and a day; ten
//!    minutes if it does not say. A set without a usable key is none.

use std::time::Duration;

use auth_core::{Issuer, Jwks, KeySet};
use http::{HeaderMap, header};
use outbound::{Address, AddressClass, Request, document::IssuerMetadata};

use super::{
    fault::ProviderFault,
    http::{NamedBy, ProviderClient},
};

/// How long the document is used.
const METADATA_LIFETIME: Duration = Duration::from_hours(1);
/// How long keys are used whose response does not say.
const KEYS_LIFETIME: Duration = Duration::from_mins(10);
const MIN_KEYS_LIFETIME: Duration = Duration::from_mins(1);
const MAX_KEYS_LIFETIME: Duration = Duration::from_hours(24);

/// What the metadata of an OpenID provider says.
#[derive(Debug, Clone)]
pub(super) struct Endpoints {
    pub(super) authorization: Address,
    pub(super) token: Address,
    pub(super) keys: Address,
    pub(super) user_info: Option<Address>,
    /// Whether it sends `iss` (RFC 9207 §3).
    pub(super) sends_issuer: bool,
    /// Whether the token endpoint takes the secret by HTTP Basic.
    pub(super) takes_basic: bool,
    /// The class of the address that the metadata came from.
    pub(super) source: AddressClass,
}

/// Fetches the metadata of `issuer`.
pub(super) async fn fetch(
    client: ProviderClient,
    issuer: Issuer,
) -> Result<(Endpoints, Duration), ProviderFault> {
    let fault = |error| ProviderFault::Metadata(error);
    let base = issuer.as_str().trim_end_matches('/');
    let address = format!("{base}/.well-known/openid-configuration").parse();
    let address = address.map_err(|error| unreachable("its metadata", error))?;
    let response = client.send(Request::get(address), NamedBy::Operator).await;
    let response = response.map_err(|error| unreachable("its metadata", error))?;
    let metadata = IssuerMetadata::read(&response).map_err(fault)?;
    metadata.require_issuer(issuer.as_str()).map_err(fault)?;
    let address = |member| metadata.address(member).map(|(address, _)| address).map_err(fault);
    let user_info = metadata.has("userinfo_endpoint");
    let user_info = user_info.then(|| address("userinfo_endpoint")).transpose()?;
    // RFC 8414 §2: client_secret_basic if it does not say.
    let methods = metadata.texts("token_endpoint_auth_methods_supported");
    let endpoints = Endpoints {
        authorization: address("authorization_endpoint")?,
        token: address("token_endpoint")?,
        keys: address("jwks_uri")?,
        user_info,
        sends_issuer: metadata.flag("authorization_response_iss_parameter_supported"),
        takes_basic: methods.is_none_or(|methods| methods.contains(&"client_secret_basic")),
        source: metadata.source(),
    };
    Ok((endpoints, METADATA_LIFETIME))
}

/// Fetches the keys.
pub(crate) async fn fetch_keys(
    client: ProviderClient,
    address: Address,
    named_by: NamedBy,
) -> Result<(KeySet, Duration), ProviderFault> {
    let response = client.send(Request::get(address), named_by).await;
    let response = response.map_err(|error| unreachable("its keys", error))?;
    if response.status != http::StatusCode::OK {
        return Err(ProviderFault::Status { what: "its keys", status: response.status.as_u16() });
    }
    let text = std::str::from_utf8(&response.body).map_err(|_| ProviderFault::Keys)?;
    let keys: KeySet =
        Jwks::parse(text).map_err(|_| ProviderFault::Keys)?.keys.into_iter().collect();
    if keys.is_empty() {
        return Err(ProviderFault::Keys);
    }
    Ok((keys, keys_lifetime(&response.headers)))
}

/// No response of a provider.
pub(crate) fn unreachable(
    what: &'static str,
    error: impl Into<outbound::OutboundError>,
) -> ProviderFault {
    ProviderFault::Unreachable { what, source: error.into() }
}

/// Rule 2 (RFC 9111 §5.2.2.1).
fn keys_lifetime(headers: &HeaderMap) -> Duration {
    let lines = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|it| it.to_str().ok());
    let max_age = lines.flat_map(|line| line.split(',')).find_map(|directive| {
        let (name, secs) = directive.trim().split_once('=')?;
        let secs = secs.trim_matches('"').parse().ok()?;
        name.eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(secs))
    });
    max_age.map_or(KEYS_LIFETIME, |it| it.clamp(MIN_KEYS_LIFETIME, MAX_KEYS_LIFETIME))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn keys_live_as_long_as_their_response_says_within_bounds() {
        assert_eq!(keys_lifetime(&HeaderMap::new()), KEYS_LIFETIME);
        for (value, secs) in [
            ("public, max-age=3600", 3600),
            ("Max-Age=\"120\", must-revalidate", 120),
            ("max-age=0", 60),
            ("max-age=31536000", 24 * 3600),
            ("no-store", 600),
            ("max-age=x", 600),
            ("s-maxage=5", 600),
        ] {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, value.clone())]);
            assert_eq!(keys_lifetime(&headers).as_secs(), secs, "{value:?}");
        }
    }
}
