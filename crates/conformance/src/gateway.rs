//! The fixture as a child process behind the gateway.

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
    front::{Front, FrontLimits},
    gateway::{GatewayConfig, gateway},
    link::stdio::StdioServer,
    pool::{Bounds, BoundsConfig},
    warden::Warden,
};

use crate::{Failure, fixture::Only};

/// This program again, over stdio, behind the gateway.
pub(crate) fn service(only: Option<Only>) -> Result<Gateway, Failure> {
    let mut child = ChildConfig::new("fixture", std::env::current_exe()?);
    child.arguments.push("--stdio".into());
    if let Some(only) = only {
        let name = if only == Only::Old { "old" } else { "new" };
        child.arguments.extend(["--only".into(), name.into()]);
    }
    let source = StdioServer { config: Arc::new(child), warden: Warden::of_this_program() };
    let mut config = GatewayConfig::new("fixture");
    // Over stdio the fixture cannot close a stream for its client to come back: the gateway does.
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
