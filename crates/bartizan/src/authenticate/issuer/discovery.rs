//! Where the keys and the other endpoints of an issuer are: configured, or in the issuer's own
//! document.
//!
//! 1. Asked for in the order of the MCP authorization page ([`well_known::issuer_metadata`]).
//! 2. The document's `issuer` equals the configured one byte for byte (RFC 8414 §3.3).
//! 3. Its addresses may be of another origin, as those of many issuers are. They are public, or of
//!    the class of the address that the document came from ([`IssuerMetadata::address`]).
//! 4. What was found is used for an hour, or until it turns out to be of no use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Issuer, NumericDate};
use outbound::{
    Address, AddressError, Response,
    document::{DocumentError, IssuerMetadata},
    well_known,
};

use super::{
    FetchError, FetchFault, IssuerClient,
    client::{Destination, NamedBy, at},
    flight::{Flight, landed},
};

/// How long an address out of a document is used.
const FRESH_FOR: Duration = Duration::from_hours(1);

/// How an endpoint of an issuer is found.
#[derive(Debug, Clone)]
pub enum Location {
    /// By the issuer's own document.
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
    flight: Flight<Result<Destination, FetchError>>,
}

/// Where it was, when the issuer last said so.
struct Known {
    destination: Destination,
    found: NumericDate,
    /// It was of no use since.
    is_invalidated: bool,
}

enum Place {
    Fixed(Address),
    Document { issuer: Issuer, base: Address, member: &'static str },
}

impl Endpoint {
    /// The endpoint of `issuer` that its document calls `member`. An error if the issuer is no
    /// address and would have to be one.
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

    /// Whether `other` is found in the same way.
    pub(crate) fn is_placed_as(&self, other: &Self) -> bool {
        match (&self.0.place, &other.0.place) {
            (Place::Fixed(this), Place::Fixed(other)) => this == other,
            (
                Place::Document { issuer, base, member },
                Place::Document { issuer: i, base: b, member: m },
            ) => (issuer, base, member) == (i, b, m),
            _ => false,
        }
    }

    /// Where it is. The issuer is asked if need be, not again within `pause`.
    pub(crate) async fn address(&self, pause: Duration) -> Result<Destination, FetchError> {
        let Place::Document { base, .. } = &self.0.place else { return self.0.find().await };
        let now = self.0.client.clock.now();
        if let Some(destination) = self.0.fresh(now) {
            return Ok(destination);
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
    pub(crate) fn invalidate(&self) {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_mut() {
            known.is_invalidated = true;
        }
    }
}

impl Inner {
    fn fresh(&self, now: NumericDate) -> Option<Destination> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { destination, found, is_invalidated } = known.as_ref()?;
        let is_fresh = !is_invalidated && *found <= now && now.since(*found) < FRESH_FOR;
        is_fresh.then(|| destination.clone())
    }

    fn last(&self) -> Option<Destination> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|known| known.destination.clone())
    }

    async fn find(&self) -> Result<Destination, FetchError> {
        let (issuer, base, member) = match &self.place {
            Place::Fixed(address) => return Ok(named_by_operator(address.clone())),
            Place::Document { issuer, base, member } => (issuer, base, *member),
        };
        let mut most_specific: Option<FetchError> = None;
        for url in well_known::issuer_metadata(base.url()) {
            let document = named_by_operator(
                url.try_into().map_err(|error| at(base, FetchFault::Refused(error)))?,
            );
            let address = &document.address;
            let read = match self.client.get(&document).await {
                Ok(response) => read(&response, issuer, member).map_err(FetchFault::from),
                Err(error) => Err(error.fault),
            };
            match read {
                Ok(found) => {
                    let now = self.client.clock.now();
                    let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                    let destination = found.clone();
                    *known = Some(Known { destination, found: now, is_invalidated: false });
                    return Ok(found);
                }
                // The others are on the same host.
                Err(
                    fault @ (FetchFault::Unreachable(_)
                    | FetchFault::Timeout
                    | FetchFault::Refused(_)),
                ) => return Err(at(address, fault)),
                // That a document is not there says less than what is wrong with one that is.
                Err(FetchFault::Status(status)) if most_specific.is_some() => {
                    tracing::debug!(%address, status, "No document of the issuer here");
                }
                Err(fault) => {
                    let is_status = |e: &FetchError| matches!(e.fault, FetchFault::Status(_));
                    if most_specific.as_ref().is_none_or(is_status) {
                        most_specific = Some(at(address, fault));
                    }
                }
            }
        }
        Err(most_specific.unwrap_or_else(|| at(base, FetchFault::Missing(member))))
    }
}

fn named_by_operator(address: Address) -> Destination {
    Destination { address, named_by: NamedBy::Operator }
}

fn read(
    response: &Response,
    issuer: &Issuer,
    member: &'static str,
) -> Result<Destination, DocumentError> {
    let metadata = IssuerMetadata::read(response)?;
    metadata.require_issuer(issuer.as_str())?;
    let (address, _) = metadata.address(member)?;
    Ok(Destination { address, named_by: NamedBy::Document(metadata.source()) })
}
