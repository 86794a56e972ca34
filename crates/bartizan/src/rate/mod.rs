//! How often callers may ask: budgets that fill up again evenly (GCRA, by `governor`).
//!
//! 1. Each caller has a budget for each rule with a rate, and one for all that it asks; each client
//!    has one for all its users. A caller is a user, through whichever clients it comes; without a
//!    token, an address.
//! 2. What is refused spends a budget too, but for what the budget itself refuses.
//! 3. Budgets are of one node, and start anew with it; a store ([`BudgetStore`]) has others, of all
//!    nodes. A rate that is changed starts with a full budget; one that is not keeps what is spent,
//!    also when the policy is replaced, or the whole guard ([`SpentRates`]).
//! 4. There are [`MAX_BUDGETS`] of callers and clients, and as many of addresses. Beyond them those
//!    that are used least are forgotten, and so are full again.
//! 5. A valid token is not refused because of other callers at its address, and one that has ended
//!    gets its 401. Other failed authentications spend the address's budget, and get 429 in place
//!    of 401 once that is empty.

mod failures;
mod shared;

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use auth_core::{Action, ClientId, Issuer, Owner, Policy, Rate, Subject};
pub(crate) use failures::FailedAuthentications;
use governor::{Quota, RateLimiter, clock::Clock};
use quick_cache::sync::Cache;
pub(crate) use shared::SharedBudgets;
pub use shared::{BudgetAnswer, BudgetId, BudgetStore};
use tokio::time::Instant;

/// How many budgets are held.
pub(crate) const MAX_BUDGETS: usize = 65_536;

/// The budgets of one guard.
pub(crate) struct RateLimits {
    budgets: Cache<Key, Arc<Budget>>,
    /// Those of addresses, which anyone can make: they push no other out.
    of_addresses: Cache<Key, Arc<Budget>>,
    clock: SinceStart,
}

/// What callers have spent of their rates at a guard, for another one that takes its place. Its
/// clones share it.
#[derive(Debug, Clone)]
pub struct SpentRates(pub(crate) Arc<RateLimits>);

impl Default for SpentRates {
    fn default() -> Self {
        Self(Arc::new(RateLimits::new()))
    }
}

type Budget = RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    SinceStart,
    governor::middleware::NoOpMiddleware<Duration>,
>;

/// The rate is part of it: two policies with different rates have different budgets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    limit: Limit,
    rate: Rate,
    spender: Spender,
}

/// What is limited.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Limit {
    /// What one rule of the policy permits.
    Rule(Arc<str>),
    /// All that one caller asks.
    Caller,
    /// All that the users of one client ask.
    Client,
    /// Tokens from one address that are not accepted.
    FailedAuthentications,
}

/// Who spends a budget.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Spender {
    User(Issuer, Subject),
    Client(Issuer, ClientId),
    /// For IPv6 the network of /64, which one customer has.
    Address(IpAddr),
    /// Without a token, and the listener does not say from where.
    Unknown,
}

/// A budget is spent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{limit} {rate}: try again in {} s", .wait.as_secs())]
pub(crate) struct RateLimitedError {
    limit: Limit,
    rate: Rate,
    /// Until the next is due: whole seconds, rounded up.
    wait: Duration,
}

impl RateLimitedError {
    /// Whether tokens are counted that were refused, and not what a caller asks.
    pub(crate) const fn is_of_failures(&self) -> bool {
        matches!(self.limit, Limit::FailedAuthentications)
    }

    pub(crate) const fn seconds(&self) -> u64 {
        self.wait.as_secs()
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(rule) => write!(f, "{rule} allows each caller"),
            Self::Caller => f.write_str("[limits] allows each caller"),
            Self::Client => f.write_str("[limits] allows all users of one client together"),
            Self::FailedAuthentications => {
                f.write_str("tokens of one address may be refused no more than")
            }
        }
    }
}

/// The time since the start, which paused tests control.
#[derive(Debug, Clone)]
struct SinceStart(Instant);

impl Clock for SinceStart {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

impl RateLimits {
    pub(crate) fn new() -> Self {
        Self {
            budgets: Cache::new(MAX_BUDGETS),
            of_addresses: Cache::new(MAX_BUDGETS),
            clock: SinceStart(Instant::now()),
        }
    }

    /// Spends what a request spends, whatever it asks for: of the caller's and the client's budget.
    pub(crate) fn spend_for_request(
        &self,
        policy: &Policy,
        owner: &Owner,
        peer: Option<IpAddr>,
    ) -> Result<(), RateLimitedError> {
        for (limit, rate, spender) in of_request(policy, owner, peer) {
            self.spend(limit, rate, spender)?;
        }
        Ok(())
    }

    /// Spends what doing `action` spends: of the caller's budget for each rule that it falls under.
    pub(crate) fn spend_for_action(
        &self,
        policy: &Policy,
        action: &Action,
        owner: &Owner,
        peer: Option<IpAddr>,
    ) -> Result<(), RateLimitedError> {
        for (limit, rate, spender) in of_action(policy, action, owner, peer) {
            self.spend(limit, rate, spender)?;
        }
        Ok(())
    }

    fn spend(&self, limit: Limit, rate: Rate, spender: Spender) -> Result<(), RateLimitedError> {
        // A rate is at most one each nanosecond, so there always is a quota.
        let step = rate.period() / rate.count().get();
        let Some(quota) = Quota::with_period(step) else { return Ok(()) };
        let quota = quota.allow_burst(rate.count());
        let key = Key { limit, rate, spender };
        let budgets = match key.spender {
            Spender::Address(_) | Spender::Unknown => &self.of_addresses,
            Spender::User(..) | Spender::Client(..) => &self.budgets,
        };
        let budget = budgets.get(&key).unwrap_or_else(|| {
            let budget = || {
                Ok::<_, std::convert::Infallible>(Arc::new(Budget::direct_with_clock(
                    quota,
                    self.clock.clone(),
                )))
            };
            let Ok(budget) = budgets.get_or_insert_with(&key, budget);
            budget
        });
        budget.check().map_err(|not_until| {
            let wait = whole_seconds(not_until.wait_time_from(self.clock.now()));
            RateLimitedError { limit: key.limit, rate, wait }
        })
    }
}

/// The budgets of a request, whatever it asks for.
fn of_request(
    policy: &Policy,
    owner: &Owner,
    peer: Option<IpAddr>,
) -> impl Iterator<Item = (Limit, Rate, Spender)> {
    let caller = policy.caller_rate().map(|rate| (Limit::Caller, rate, Spender::of(owner, peer)));
    let client = match (policy.client_rate(), owner) {
        (Some(rate), Owner::Principal { issuer, client_id: Some(client), .. }) => {
            Some((Limit::Client, rate, Spender::Client(issuer.clone(), client.clone())))
        }
        _ => None,
    };
    caller.into_iter().chain(client)
}

/// The budgets of doing `action`.
fn of_action<'a>(
    policy: &'a Policy,
    action: &Action,
    owner: &'a Owner,
    peer: Option<IpAddr>,
) -> impl Iterator<Item = (Limit, Rate, Spender)> + use<'a> {
    policy.rate_limits(action).into_iter().map(move |limit| {
        (Limit::Rule(Arc::clone(&limit.rule)), limit.rate, Spender::of(owner, peer))
    })
}

/// Rounded up, and at least one.
fn whole_seconds(wait: Duration) -> Duration {
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(seconds.max(1))
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits").field("budgets", &self.budgets.len()).finish_non_exhaustive()
    }
}

impl Spender {
    fn of(owner: &Owner, peer: Option<IpAddr>) -> Self {
        match (owner, peer) {
            (Owner::Principal { issuer, subject, .. }, _) => {
                Self::User(issuer.clone(), subject.clone())
            }
            (Owner::Anonymous, Some(address)) => Self::address(address),
            (Owner::Anonymous, None) => Self::Unknown,
        }
    }

    fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address @ IpAddr::V4(_) => address,
        })
    }
}

#[cfg(test)]
mod tests;
