//! Every metric, and its text.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use auth_core::ResourceUri;
use prometheus_client::{
    encoding::text::{encode_eof, encode_registry},
    metrics::{family::Family, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};

use crate::{
    families::Families, operation::Durations, readings::Readings, resource::ResourceMetrics,
};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    families: Families,
    sources: Mutex<Vec<Source>>,
    replaceable: Mutex<Vec<Source>>,
}

/// Reads what is read when it is asked for.
pub type Source = Box<dyn Fn(&mut Readings) + Send + Sync>;

impl Metrics {
    /// Those of a server of this version, which started at `started` (seconds since 1970).
    #[must_use]
    pub fn new(version: &'static str, started: f64) -> Self {
        let families = Families {
            operations: Family::new_with_constructor(Durations),
            decisions: Family::default(),
            panics: Family::default(),
            unreadable_lists: Family::default(),
        };
        let mut registry = Registry::default();
        registry.register_with_unit(
            "mcp_server_operation_duration",
            "How long MCP requests and notifications took, from their receipt until their answer was sent",
            Unit::Seconds,
            families.operations.clone(),
        );
        registry.register(
            "bartizan_decisions",
            "Decisions about requests",
            families.decisions.clone(),
        );
        registry.register(
            "bartizan_panics",
            "Panics of the protected server while it handled a request",
            families.panics.clone(),
        );
        registry.register(
            "bartizan_unreadable_lists",
            "Lists of the protected server that could not be read, and so were not passed on",
            families.unreadable_lists.clone(),
        );
        registry.register(
            "bartizan_build",
            "The version of the server",
            Info::new(vec![("version", version)]),
        );
        registry.register_with_unit(
            "process_start_time",
            "When the process started, in seconds since 1970",
            Unit::Seconds,
            ConstGauge::new(started),
        );
        Self { registry, families, sources: Mutex::default(), replaceable: Mutex::default() }
    }

    /// What is counted at one resource.
    #[must_use]
    pub fn resource(&self, resource: &ResourceUri) -> ResourceMetrics {
        ResourceMetrics::new(self.families.clone(), resource)
    }

    /// Adds what is read for each text. `source` must not wait.
    pub fn read(&self, source: impl Fn(&mut Readings) + Send + Sync + 'static) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(source));
    }

    /// Reads `sources` for each text, in the place of those that were given so before: for what is
    /// replaced while the server runs.
    pub fn read_instead(&self, sources: Vec<Source>) {
        *self.replaceable.lock().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    /// The text, with what `more` reads.
    ///
    /// # Errors
    ///
    /// None in practice: writing to a string cannot fail.
    pub fn encode(&self, more: impl FnOnce(&mut Readings)) -> Result<String, fmt::Error> {
        let mut readings = Readings::default();
        for sources in [&self.sources, &self.replaceable] {
            for source in sources.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                source(&mut readings);
            }
        }
        more(&mut readings);
        let mut read = Registry::default();
        read.register_collector(Box::new(readings));
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &read)?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics(..)")
    }
}
