//! The budgets of rates in Valkey or Redis, so that several nodes count together: a [`BudgetStore`]
//! for [`Guard::budget_store`].
//!
//! 1. A budget is one key, changed by one script: no two requests spend the same.
//! 2. The time is the store's: clocks of nodes do not matter.
//! 3. A request waits 100 ms at most. The first that is not answered ends the connection: the
//!    others that wait go on, and none asks until the store answers again. That is tried in
//!    the background ([`LimitsStore::keep`]), and waited for by no request.
//! 4. Meanwhile nothing is refused here: a node's own budgets are the limit.
//! 5. A key is the digest of a budget: the store learns no user, no client and no address. It goes
//!    away by itself once the budget is full.
//! 6. There is one connection, for all requests at once.
//!
//! **Invariant:** this crate alone names `redis`.
//!
//! [`BudgetStore`]: bartizan::BudgetStore
//! [`Guard::budget_store`]: bartizan::Guard::budget_store

mod address;
mod connect;
mod script;
mod store;

pub use self::{
    address::{StoreAddress, StoreAddressError},
    connect::{StoreTls, StoreTlsError},
    store::{LimitsStore, StoreAnswers},
};
