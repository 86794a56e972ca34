//! Our guard with traces of every call. The collector is in the same process, so that what it takes
//! to receive a batch is counted, too.

use std::{sync::Arc, time::Duration};

use auth_core::SystemClock;
use axum::{Router, routing::post};
use outbound::CertificateAuthorities;
use testkit::{RESOURCE, TestKey};
use tokio::net::TcpListener;
use traces::{Batching, Collector, Endpoint, Sampler, Traces, TracesConfig};

use crate::{demo::Mcp, guarded::guard, shape::Shape};

pub(crate) async fn router(key: &TestKey, shape: &Shape) -> Router {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let collector = Router::new().route("/v1/traces", post(async |_: axum::body::Bytes| ()));
    tokio::spawn(crate::serve::by_axum(listener, collector));
    let config = TracesConfig {
        collector: Collector {
            endpoint: Endpoint::of_all(&format!("http://{address}")).unwrap(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            authorities: CertificateAuthorities::default(),
        },
        sampler: Sampler::parse("always_on", None).unwrap(),
        resource: vec![("service.name".into(), "bench".into())],
        batching: Batching::default(),
    };
    let (traces, exporter) = Traces::new(config, [7; 16], Arc::new(SystemClock)).unwrap();
    tokio::spawn(exporter.run());
    let of_resource = traces.resource(&RESOURCE.parse().unwrap());
    let guard = guard(key, shape).tracer(Arc::new(of_resource));
    Router::new().route_service("/mcp", guard.protect(Mcp::guarded()))
}
