//! How one upstream is served.

use std::time::Duration;

use crate::{availability::Availability, calls::CallLimits, front::FrontLimits, pool::PoolConfig};

/// How one upstream is served.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// What the operator calls it. Clients see it where a server does not name itself.
    pub name: String,
    /// Whose its servers are, and when they are started and ended.
    pub pool: PoolConfig,
    /// What one connection holds.
    pub calls: CallLimits,
    /// What callers hold.
    pub front: FrontLimits,
    /// Whether its servers can be started or reached.
    pub availability: Availability,
    /// How long a server has for its first answer. One that says nothing to `server/discover` in a
    /// third of it is taken for one of the old generation.
    pub first_answer: Duration,
}

impl GatewayConfig {
    /// The defaults.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            availability: Availability::new(&name),
            name,
            pool: PoolConfig::default(),
            calls: CallLimits::default(),
            front: FrontLimits::default(),
            first_answer: Duration::from_secs(30),
        }
    }
}
