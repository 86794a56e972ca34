//! What is sent where, and within which bounds.

use std::{fmt, time::Duration};

use http::{HeaderName, HeaderValue};
use outbound::{Address, AddressError, CertificateAuthorities};

use crate::Sampler;

/// What is sent where, and within which bounds.
#[derive(Clone)]
pub struct TracesConfig {
    /// The collector.
    pub collector: Collector,
    /// Which requests are recorded.
    pub sampler: Sampler,
    /// What describes this server: `service.name` and others. Each span is sent with it.
    pub resource: Vec<(String, String)>,
    /// How spans are put together.
    pub batching: Batching,
}

/// Who receives the spans.
#[derive(Clone)]
pub struct Collector {
    /// Where.
    pub endpoint: Endpoint,
    /// What each request has besides its own headers. The values are secret.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Certificate authorities to trust besides the system's.
    pub authorities: CertificateAuthorities,
}

/// How spans are put together (`OTEL_BSP_…`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// How many spans wait at most.
    pub queue: usize,
    /// How many are sent at once at most.
    pub batch: usize,
    /// How long the first of them waits for others.
    pub delay: Duration,
    /// How long it is tried to send them.
    pub timeout: Duration,
}

impl Default for Batching {
    /// As OpenTelemetry has it: 2048 spans, 512 at once, after 5 s, within 30 s.
    fn default() -> Self {
        Self {
            queue: 2048,
            batch: 512,
            delay: Duration::from_secs(5),
            timeout: Duration::from_secs(30),
        }
    }
}

/// The URL to which spans are sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(pub(crate) Address);

/// Why a URL is no [`Endpoint`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(#[from] AddressError);

impl Endpoint {
    /// The URL itself (`OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
    ///
    /// # Errors
    ///
    /// [`EndpointError`] unless it is an `https` URL, or one of a loopback host.
    pub fn of_traces(url: &str) -> Result<Self, EndpointError> {
        Ok(Self(url.parse()?))
    }

    /// The place of traces under the URL for all signals (`OTEL_EXPORTER_OTLP_ENDPOINT`): with
    /// `/v1/traces` at the end of its path.
    ///
    /// # Errors
    ///
    /// [`EndpointError`] as above.
    pub fn of_all(url: &str) -> Result<Self, EndpointError> {
        let base: Address = url.parse()?;
        let mut url = base.url().clone();
        let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self(url.try_into()?))
    }
}

/// Without its query, which may hold a secret.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.without_query())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, headers, timeout, authorities: _ } = self;
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Collector")
            .field("endpoint", endpoint)
            .field("headers", &names)
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for TracesConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collector, sampler, resource, batching } = self;
        f.debug_struct("TracesConfig")
            .field("collector", collector)
            .field("sampler", sampler)
            .field("resource", resource)
            .field("batching", batching)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_for_all_signals_gets_the_path_of_traces_and_that_of_traces_is_left() {
        for (base, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://otlp.example/gate/", "https://otlp.example/gate/v1/traces"),
        ] {
            assert_eq!(Endpoint::of_all(base).unwrap().0.to_string(), url);
        }
        let own = "https://otlp.example/collect?key=hush";
        let endpoint = Endpoint::of_traces(own).unwrap();
        assert_eq!(endpoint.0.to_string(), own);
        assert_eq!(endpoint.to_string(), "https://otlp.example/collect");
        assert!(!format!("{endpoint:?}").contains("hush"));
        for wrong in ["localhost:4318", "http://collector:4318", "ftp://localhost", ""] {
            assert!(Endpoint::of_all(wrong).is_err(), "{wrong}");
            assert!(Endpoint::of_traces(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_header_is_shown() {
        let collector = Collector {
            endpoint: Endpoint::of_all("http://localhost:4318").unwrap(),
            headers: crate::headers("authorization=hush").unwrap(),
            timeout: Duration::from_secs(1),
            authorities: CertificateAuthorities::default(),
        };
        let shown = format!("{collector:?}");
        assert!(shown.contains("authorization") && !shown.contains("hush"), "{shown}");
    }
}
