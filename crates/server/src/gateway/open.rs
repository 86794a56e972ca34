//! From what may be served to a resource that serves it.

use std::{sync::Arc, time::Duration};

use auth_core::OwnerTagKey;
use settings::Environment;
use tower::Service;
use upstream::{
    asks::parking::Parking,
    calls::CallLimits,
    catalog::Catalog,
    front::{Front, FrontLimits},
    gateway::{Availability, GatewayConfig, gateway},
    http::HttpLimits,
    link::{http::PooledHttpLinks, stdio::StdioServer},
    pool::{Bounds, Instances},
    translate::Parked,
    warden::Warden,
};

use super::{connect::child_config, limits::GatewayLimits, prepare::Ready, remote::Remote};
use crate::{
    app::{upstream::Upstream, upstream_resource::UpstreamResource},
    config::upstreams::{UpstreamConfig, UpstreamPlace},
    failure::Failure,
    random::random,
};

/// What all upstreams of this process share.
pub(crate) struct SharedParts {
    bounds: Bounds,
    front: FrontLimits,
    silence: Duration,
    parking: Parking<Parked>,
    warden: Warden,
}

impl SharedParts {
    /// New ones.
    pub(crate) fn new(limits: GatewayLimits) -> Result<Self, Failure> {
        let GatewayLimits { servers, front, silence, waiting } = limits;
        let secret: [u8; 32] = random()?;
        let key = OwnerTagKey::from_secret(&secret)
            .map_err(|fault| Failure::Usage(format!("no key for parked calls: {fault}")))?;
        let parking = Parking::new(key, "gateway", waiting);
        let (bounds, warden) = (Bounds::new(servers), Warden::of_this_program());
        Ok(Self { bounds, front, silence, parking, warden })
    }
}

/// Opens the gateway to the server of `ready`.
pub(crate) fn open(
    ready: Ready,
    shared: &SharedParts,
    environment: &Environment,
) -> Result<UpstreamResource, Failure> {
    let offers = ready.offers();
    let Ready { config, policy, pins, offered, availability } = ready;
    let name = config.name.as_str();
    let catalog = Arc::new(Catalog::new(name, pins));
    catalog.learn(&offered);
    let front = front(&config, shared, &availability, Arc::clone(&catalog), environment)
        .map_err(|source| Failure::Opening { name: name.to_owned(), source })?;
    let upstream = Upstream::new(name, offers, move |request| {
        let mut front = front.clone();
        Box::pin(async move {
            let Ok(answer) = front.call(request).await;
            answer
        })
    });
    let uri = config.resource.clone();
    Ok(UpstreamResource { uri, policy, catalog, availability, upstream, config })
}

/// How much one connection to the server of `config` holds. One that all share has room for the
/// calls of all: otherwise one user could take it.
fn call_limits(config: &UpstreamConfig, front: &FrontLimits, silence: Duration) -> CallLimits {
    let defaults = CallLimits::default();
    let in_flight = match config.pool.instances {
        Instances::Shared => front.calls_total,
        Instances::PerOwner | Instances::PerSession => defaults.in_flight,
    };
    CallLimits { roots: config.roots, in_flight, silence, ..defaults }
}

/// The endpoint of the server of `config`.
fn front(
    config: &UpstreamConfig,
    shared: &SharedParts,
    availability: &Availability,
    catalog: Arc<Catalog>,
    environment: &Environment,
) -> Result<Front, Box<dyn std::error::Error + Send + Sync>> {
    let name = config.name.as_str();
    let (bounds, parking) = (&shared.bounds, shared.parking.of(name));
    let (pool, availability) = (config.pool.clone(), availability.clone());
    let (front, silence) = (shared.front, shared.silence);
    let calls = call_limits(config, &front, silence);
    let how = GatewayConfig { pool, front, calls, availability, ..GatewayConfig::new(name) };
    Ok(match &config.place {
        UpstreamPlace::Command(place) => {
            let child = Arc::new(child_config(name, place, environment)?);
            let source = StdioServer { config: child, warden: shared.warden.clone() };
            gateway(source, how, bounds, parking, Some(catalog))
        }
        UpstreamPlace::Url(place) => {
            let limits = HttpLimits { head: silence, ..HttpLimits::default() };
            let remote = Remote::new(place, &config.resource, limits, environment)?;
            let source = PooledHttpLinks::new(remote.links);
            gateway(source, how, bounds, parking, Some(catalog))
        }
    })
}

#[cfg(test)]
mod tests {
    use upstream::pool::PoolConfig;

    use super::*;
    use crate::config::upstreams::UrlPlace;

    #[test]
    fn a_shared_connection_has_room_for_all_and_folders_are_withheld_unless_configured() {
        let config = |instances, roots| UpstreamConfig {
            name: "files".parse().unwrap(),
            resource: "http://localhost:8000/mcp".parse().unwrap(),
            place: UpstreamPlace::Url(Box::new(
                UrlPlace::new("http://127.0.0.1:1/mcp", false).unwrap(),
            )),
            pool: PoolConfig { instances, ..PoolConfig::default() },
            roots,
            policy: "p.toml".into(),
            lock: "l.json".into(),
        };
        let front = FrontLimits { calls_each: 7, calls_total: 900, ..FrontLimits::default() };
        let silence = Duration::from_mins(7);
        let limits = |instances, roots| call_limits(&config(instances, roots), &front, silence);
        assert_eq!(limits(Instances::Shared, false).in_flight, 900);
        let own = limits(Instances::PerOwner, true);
        assert_eq!(own.in_flight, CallLimits::default().in_flight);
        assert_eq!(own.silence, silence);
        assert!(own.roots && !limits(Instances::PerOwner, false).roots);
    }
}
