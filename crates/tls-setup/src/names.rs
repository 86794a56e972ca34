//! Whether the certificate in force is for the host that clients call: for the log and `/readyz`.
//!
//! A certificate for other names is used on, as one that has ended is.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use listener::Certificate;

/// The host that clients call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its address.
    pub name: String,
    /// The setting that has it, as `MCP_RESOURCE`.
    pub setting: &'static str,
}

/// Whether the certificate in force is for the host. Clones share it.
#[derive(Debug, Clone)]
pub struct Names {
    host: Host,
    are_others: Arc<AtomicBool>,
}

impl Names {
    pub(crate) fn new(host: Host) -> Self {
        Self { host, are_others: Arc::default() }
    }

    pub(crate) const fn host(&self) -> &Host {
        &self.host
    }

    /// Whether `certificate` is for the host.
    pub(crate) fn are_of(&self, certificate: &Certificate) -> bool {
        certificate.is_for(&self.host.name)
    }

    /// Notes that `certificate` is in force, and logs it if it is for other names.
    pub(crate) fn put(&self, certificate: &Certificate) {
        let are_others = !self.are_of(certificate);
        self.are_others.store(are_others, Relaxed);
        if are_others {
            tracing::warn!(
                host = self.host.name,
                "Clients will refuse this server: its certificate is for other names"
            );
        }
    }

    /// What is to be said of them; `None` if the host is among them.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        self.are_others.load(Relaxed).then(|| for_others(&self.host))
    }
}

/// What is said of a certificate that is not for `host`.
pub(crate) fn for_others(host: &Host) -> String {
    format!("the TLS certificate is for other names than {}", host.name)
}
