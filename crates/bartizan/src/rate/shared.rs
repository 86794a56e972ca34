//! Budgets that several nodes share: the port to their store.
//!
//! 1. A node's own budget is spent first: what it refuses asks no store.
//! 2. A store that does not answer refuses no one: then the node's own budgets are the limit.
//! 3. A store sees no user, no client and no address: a budget is named by a digest
//!    ([`BudgetId`]).
//! 4. Without a store none of this costs anything.

use std::{fmt, future::Future, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use auth_core::{Action, Owner, Policy, Rate, ResourceUri, audit::Digest};
use serde_json::{Value, json};

use super::{Limit, RateLimitedError, Spender, of_action, of_request, whole_seconds};

/// A store of budgets that several nodes share.
pub trait BudgetStore: Send + Sync + 'static {
    /// Spends one of `budget`, which fills up at `rate`: it holds as many as the rate's count, and
    /// one more is due each time that `period / count` has passed.
    ///
    /// The request waits for the answer: it must come within a bound, which also holds when the
    /// store does not answer.
    fn spend<'a>(
        &'a self,
        budget: &'a BudgetId,
        rate: Rate,
    ) -> Pin<Box<dyn Future<Output = BudgetAnswer> + Send + 'a>>;
}

/// What a store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetAnswer {
    /// There was one left, which is spent.
    Within,
    /// There is none left, and nothing was spent; this long until the next is due.
    Beyond(Duration),
    /// The store did not answer.
    Unknown,
}

/// The name of a budget: a SHA-256 digest of what is limited, how, and for whom. Equal at all nodes
/// that protect the same resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BudgetId(Digest);

impl BudgetId {
    fn new(resource: &ResourceUri, limit: &Limit, rate: Rate, spender: &Spender) -> Self {
        let limit = match limit {
            Limit::Rule(rule) => json!(["rule", &**rule]),
            Limit::Caller => json!(["caller"]),
            Limit::Client => json!(["client"]),
            Limit::FailedAuthentications => json!(["failed_authentications"]),
        };
        let spender: Value = match spender {
            Spender::User(issuer, subject) => json!(["user", issuer.as_str(), subject.as_str()]),
            Spender::Client(issuer, client) => json!(["client", issuer.as_str(), client.as_str()]),
            Spender::Address(address) => json!(["address", address.to_string()]),
            Spender::Unknown => json!(["unknown"]),
        };
        let whole = json!([resource.as_str(), limit, rate.to_string(), spender]);
        Self(Digest::of(whole.to_string().as_bytes()))
    }
}

/// Any name; those of a guard are its own.
impl From<Digest> for BudgetId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

/// 64 hexadecimal digits.
impl fmt::Display for BudgetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The store of a guard.
#[derive(Clone)]
pub(crate) struct SharedBudgets {
    pub(crate) store: Arc<dyn BudgetStore>,
    pub(crate) resource: ResourceUri,
}

/// Boxed, so that requests of a guard without a store are not larger.
type Spending<'a> = Pin<Box<dyn Future<Output = Result<(), RateLimitedError>> + Send + 'a>>;

impl SharedBudgets {
    /// Spends what [`RateLimits::spend_for_request`](super::RateLimits::spend_for_request) spends.
    pub(crate) fn spend_for_request<'a>(
        &'a self,
        policy: &'a Policy,
        owner: &'a Owner,
        peer: Option<IpAddr>,
    ) -> Spending<'a> {
        Box::pin(self.spend(of_request(policy, owner, peer)))
    }

    /// Spends what [`RateLimits::spend_for_action`](super::RateLimits::spend_for_action) spends.
    pub(crate) fn spend_for_action<'a>(
        &'a self,
        policy: &'a Policy,
        action: &'a Action,
        owner: &'a Owner,
        peer: Option<IpAddr>,
    ) -> Spending<'a> {
        Box::pin(self.spend(of_action(policy, action, owner, peer)))
    }

    async fn spend(
        &self,
        budgets: impl Iterator<Item = (Limit, Rate, Spender)>,
    ) -> Result<(), RateLimitedError> {
        for (limit, rate, spender) in budgets {
            let budget = BudgetId::new(&self.resource, &limit, rate, &spender);
            if let BudgetAnswer::Beyond(wait) = self.store.spend(&budget, rate).await {
                return Err(RateLimitedError { limit, rate, wait: whole_seconds(wait) });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for SharedBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedBudgets(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_budget_has_an_id_of_its_own_that_names_no_one() {
        let resources = ["https://a.example/mcp", "https://b.example/mcp"];
        let user = |name: &str| {
            Spender::User("https://issuer.example".parse().unwrap(), name.parse().unwrap())
        };
        let client =
            Spender::Client("https://issuer.example".parse().unwrap(), "alice".parse().unwrap());
        let spenders =
            [user("alice"), user("bob"), client, Spender::address([192, 0, 2, 1].into())];
        let limits = [Limit::Rule("[tools] \"a\"".into()), Limit::Caller, Limit::Client];
        let rates = ["1/s", "60/min"].map(|rate| rate.parse::<Rate>().unwrap());
        let mut ids = BTreeSet::new();
        for resource in resources.map(|it| it.parse::<ResourceUri>().unwrap()) {
            for limit in &limits {
                for rate in rates {
                    for spender in &spenders {
                        let id = BudgetId::new(&resource, limit, rate, spender).to_string();
                        assert!(id.len() == 64 && id.bytes().all(|it| it.is_ascii_hexdigit()));
                        assert_eq!(id, BudgetId::new(&resource, limit, rate, spender).to_string());
                        assert!(ids.insert(id));
                    }
                }
            }
        }
        assert_eq!(ids.len(), 2 * 3 * 2 * 4);
    }
}
