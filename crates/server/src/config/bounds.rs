//! The bounds of what callers can hold: the section `[limits]`, and the directory in memory.

use std::time::Duration;

use auth_core::{Rate, RateError};
use settings::{Environment, Reader, Variable};

/// The bounds of what callers can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// How many connections are open at once.
    pub(crate) connections: usize,
    /// How many of them one address may have; `None` for the default, which bounds public addresses
    /// alone.
    pub(crate) connections_per_address: Option<usize>,
    /// How long requests under way may go on at a stop.
    pub(crate) shutdown: Duration,
    /// How many calls all callers may have under way at one resource.
    pub(crate) calls: usize,
    /// How many of them one caller may have.
    pub(crate) calls_per_caller: usize,
    /// How many tokens from one address may be refused; `None` for the default, which bounds public
    /// addresses alone.
    pub(crate) failed_authentications: Option<Rate>,
    /// How many bytes of requests are held in memory at once.
    pub(crate) body_memory: usize,
    /// How many users are held in memory.
    pub(crate) users: usize,
    /// How long users are known while the directory is unavailable.
    pub(crate) users_max_age: Duration,
}

impl Bounds {
    /// Those that `environment` sets. What is wrong is added to `faults`.
    pub(crate) fn read(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let mut reader = Reader::new(environment, faults);
        let connections = reader.count(Variable::MaxConnections);
        let connections_per_address = reader.optional_count(Variable::MaxConnectionsPerAddress);
        let shutdown = reader.number(Variable::ShutdownTimeout);
        let calls = reader.count(Variable::MaxCalls);
        let calls_per_caller = reader.count(Variable::MaxCallsPerCaller);
        let body_memory = reader.count(Variable::MaxBodyMemory);
        let users = reader.count(Variable::DirectoryMaxUsers);
        let users_max_age = reader.number(Variable::DirectoryMaxAge);
        reader.check_shares(&[
            (Variable::MaxConnectionsPerAddress, Variable::MaxConnections),
            (Variable::MaxCallsPerCaller, Variable::MaxCalls),
        ]);
        let failures = environment.get(Variable::MaxFailedAuthentications).map(str::parse);
        let failed_authentications = failures.transpose().map_err(|fault: RateError| {
            let label = environment.label(Variable::MaxFailedAuthentications);
            faults.push(format!("{label}: {fault}"));
        });
        Some(Self {
            connections: connections?,
            connections_per_address,
            shutdown: Duration::from_secs(shutdown?),
            calls: calls?,
            calls_per_caller: calls_per_caller?,
            failed_authentications: failed_authentications.ok()?,
            body_memory: body_memory?.saturating_mul(1024 * 1024),
            users: users?,
            users_max_age: Duration::from_secs(users_max_age?),
        })
    }
}
