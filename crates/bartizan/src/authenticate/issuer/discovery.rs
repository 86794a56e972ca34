//! Where an issuer has its keys and its other endpoints: configured, or out of its own document.
//!
//! 1. Asked for in the order of the MCP authorization page: RFC 8414 (the well-known name before the
//!    path), OpenID Connect Discovery before the path, then after it.
//! 2. The document's `issuer` equals the configured one byte for byte (RFC 8414 §3.3).
//! 3. Its addresses may be asked by the rules of [`Address`]; another origin is fine, as many have one.
//! 4. What was found is believed for an hour, or until it turns out to be of no use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Issuer, NumericDate, parse_unique};
use serde_json::Value;

use super::{
    Address, AddressError, FetchError, FetchFault, IssuerClient,
    client::at,
    flight::{Flight, landed},
};

/// How long an address out of a document is believed.
const BELIEVED_FOR: Duration = Duration::from_hours(1);

/// Where something of an issuer is.
#[derive(Debug, Clone)]
pub enum Location {
    /// The issuer's own document says it.
    Discover,
    /// Here.
    At(Address),
}

/// One endpoint of an issuer.
pub(crate) struct Endpoint(Arc<Inner>);

struct Inner {
    client: IssuerClient,
    place: Place,
    known: Mutex<Option<Known>>,
    flight: Flight<Result<Address, FetchError>>,
}

/// Where it was, when the issuer last said so.
struct Known {
    address: Address,
    found: NumericDate,
    /// It was of no use since.
    doubted: bool,
}

enum Place {
    Fixed(Address),
    Document { issuer: Issuer, base: Address, member: &'static str },
}

impl Endpoint {
    /// The endpoint of `issuer` that its document calls `member`. An error if the issuer is no address
    /// and would have to be one.
    pub(crate) fn new(
        client: IssuerClient,
        issuer: &Issuer,
        location: Location,
        member: &'static str,
    ) -> Result<Self, AddressError> {
        let place = match location {
            Location::At(address) => Place::Fixed(address),
            Location::Discover => {
                let base: Address = issuer.as_str().parse()?;
                if base.url().query().is_some() {
                    return Err(AddressError::ExtraParts);
                }
                Place::Document { issuer: issuer.clone(), base, member }
            }
        };
        let (known, flight) = (Mutex::new(None), Flight::new());
        Ok(Self(Arc::new(Inner { client, place, known, flight })))
    }

    /// Where it is. The issuer is asked if need be, not again within `pause`.
    pub(crate) async fn address(&self, pause: Duration) -> Result<Address, FetchError> {
        let Place::Document { base, .. } = &self.0.place else { return self.0.find().await };
        let now = self.0.client.clock.now();
        if let Some(address) = self.0.believed(now) {
            return Ok(address);
        }
        let inner = Arc::clone(&self.0);
        let landing = self.0.flight.begin(now, pause, || async move { inner.find().await });
        let found = match landing {
            Some(landing) => landed(landing).await,
            None => None,
        };
        // What was known serves while it is too soon to ask again.
        let last = || self.0.last().ok_or_else(|| at(base, FetchFault::Pause));
        found.unwrap_or_else(last)
    }

    /// The address may be of no use: it is looked for again.
    pub(crate) fn doubt(&self) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.doubted = true;
        }
    }
}

impl Inner {
    fn believed(&self, now: NumericDate) -> Option<Address> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { address, found, doubted } = known.as_ref()?;
        let believed = !doubted && *found <= now && now.since(*found) < BELIEVED_FOR;
        believed.then(|| address.clone())
    }

    fn last(&self) -> Option<Address> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.address.clone())
    }

    async fn find(&self) -> Result<Address, FetchError> {
        let (issuer, base, member) = match &self.place {
            Place::Fixed(address) => return Ok(address.clone()),
            Place::Document { issuer, base, member } => (issuer, base, *member),
        };
        let mut telling: Option<FetchError> = None;
        for address in documents(base) {
            let read = match self.client.get(&address).await {
                Ok(answer) => read(&answer.body, issuer, base, member),
                Err(error) => Err(error.fault),
            };
            match read {
                Ok(found) => {
                    let now = self.client.clock.now();
                    let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    *known = Some(Known { address: found.clone(), found: now, doubted: false });
                    return Ok(found);
                }
                // The others are on the same host.
                Err(fault @ (FetchFault::Unreachable(_) | FetchFault::Timeout)) => {
                    return Err(at(&address, fault));
                }
                // That a document is not there says less than what is wrong with one that is.
                Err(FetchFault::Status(status)) if telling.is_some() => {
                    tracing::debug!(%address, status, "No document of the issuer here");
                }
                Err(fault) => {
                    let is_status = |e: &FetchError| matches!(e.fault, FetchFault::Status(_));
                    if telling.as_ref().is_none_or(is_status) {
                        telling = Some(at(&address, fault));
                    }
                }
            }
        }
        Err(telling.unwrap_or_else(|| at(base, FetchFault::Missing(member))))
    }
}

/// Where the document may lie (RFC 8414 §3.1, §5; OpenID Connect Discovery §4).
fn documents(base: &Address) -> Vec<Address> {
    let path = base.url().path().trim_end_matches('/');
    let mut paths = vec![
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    paths.dedup();
    let origin = base.url().origin().ascii_serialization();
    paths.iter().filter_map(|path| format!("{origin}{path}").parse().ok()).collect()
}

fn read(
    body: &[u8],
    issuer: &Issuer,
    base: &Address,
    member: &'static str,
) -> Result<Address, FetchFault> {
    let Ok(Value::Object(document)) = parse_unique(body) else {
        return Err(FetchFault::Malformed("a JSON object with distinct members"));
    };
    if document.get("issuer").and_then(Value::as_str) != Some(issuer.as_str()) {
        return Err(FetchFault::IssuerDiffers);
    }
    let text = document.get(member).and_then(Value::as_str).ok_or(FetchFault::Missing(member))?;
    Address::from_document(text, base).map_err(|fault| FetchFault::Address(member, fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_looked_for_in_the_order_of_the_mcp_page() {
        let found = |issuer: &str| {
            let found = documents(&issuer.parse().unwrap());
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
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
}
