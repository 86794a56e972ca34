//! The fixture behind the gateway: as a child process, or over HTTP.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{OwnerTagKey, ScopeSet};
use bartizan::Caller;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, combinators::BoxBody};
use tower::Service;
use upstream::{
    CallContext,
    asks::parking::{Parking, ParkingLimits},
    child::ChildConfig,
    credentials::Credentials,
    front::{Front, FrontLimits},
    gateway::{GatewayConfig, gateway},
    http::{HttpClient, HttpLimits, TlsRoots, UpstreamUrl},
    link::{
        http::{HttpLinks, PooledHttpLinks},
        stdio::StdioServer,
    },
    pool::{Bounds, BoundsConfig, Source},
    warden::Warden,
};

use crate::{Failure, fixture::Only};

/// The gateway to this program again, over stdio.
pub(crate) fn over_stdio(only: Option<Only>) -> Result<Gateway, Failure> {
    let mut child = ChildConfig::new("fixture", std::env::current_exe()?);
    child.arguments.push("--stdio".into());
    if let Some(only) = only {
        let name = if only == Only::Old { "old" } else { "new" };
        child.arguments.extend(["--only".into(), name.into()]);
    }
    service(StdioServer { config: Arc::new(child), warden: Warden::of_this_program() })
}

/// The gateway to the server at `url`.
pub(crate) fn over_http(url: &str) -> Result<Gateway, Failure> {
    let url = UpstreamUrl::parse(url)?;
    let client = HttpClient::new(url, &TlsRoots::system(), HttpLimits::default())?;
    service(PooledHttpLinks::new(HttpLinks::new(client, Credentials::none())))
}

fn service(source: impl Source + Clone) -> Result<Gateway, Failure> {
    let mut config = GatewayConfig::new("fixture");
    // The fixture cannot close a client's stream for it to come back: the gateway does.
    let poll_after = Some(Duration::from_millis(200));
    let stream_after = Duration::from_millis(100);
    config.front = FrontLimits { poll_after, stream_after, ..FrontLimits::default() };
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let key = OwnerTagKey::from_secret(&secret)?;
    let parking = Parking::new(key, "fixture", ParkingLimits::default());
    let bounds = Bounds::new(BoundsConfig::default());
    Ok(Gateway(gateway(source, config, &bounds, parking, None)))
}

/// Says to the gateway on whose behalf a request is.
#[derive(Clone)]
pub(crate) struct Gateway(Front);

impl Service<Request<Full<Bytes>>> for Gateway {
    type Response = Response<BoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Full<Bytes>>) -> Self::Future {
        let caller = request.extensions().get::<Caller>();
        let principal = caller.and_then(Caller::principal).cloned();
        request.extensions_mut().insert(CallContext::new(principal, ScopeSet::empty()));
        self.0.call(request)
    }
}
