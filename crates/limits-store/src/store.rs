//! The store of a process: asked while it answers, and connected to again once it does not.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{Clock, FailureChange, JobHealth, Rate};
use bartizan::{BudgetAnswer, BudgetId, BudgetStore};
use redis::aio::MultiplexedConnection;
use tokio::{sync::Notify, time::timeout};

use crate::{
    address::StoreAddress,
    connect::{ConnectError, Driver, StoreTls, connect},
    script,
};

/// How long a request waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(100);
/// How long connecting may take, with the sign-in.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often a store is asked that no request asks, and how long until one that failed is
/// connected to again.
const INTERVAL: Duration = Duration::from_secs(1);
/// What is spent to find out whether the store works: a budget of no one.
const PROBE: &str = "probe";

/// Budgets in Valkey or Redis. Its clones share the connection.
#[derive(Clone)]
pub struct LimitsStore(Arc<Inner>);

struct Inner {
    address: StoreAddress,
    tls: Option<StoreTls>,
    clock: Arc<dyn Clock>,
    health: JobHealth,
    link: Mutex<Link>,
    /// A request was not answered.
    failed: Notify,
    within: AtomicU64,
    beyond: AtomicU64,
    unknown: AtomicU64,
}

/// The connection, while the store answers, and how many there were.
#[derive(Default)]
struct Link {
    connection: Option<MultiplexedConnection>,
    number: u64,
}

/// How often the store was asked, by what it said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreAnswers {
    /// There was one left.
    pub within: u64,
    /// There was none left.
    pub beyond: u64,
    /// It did not answer, or was known not to.
    pub unknown: u64,
}

impl LimitsStore {
    /// The store at `address`, which is not connected to before [`keep`](Self::keep) runs. `tls` is
    /// for an address that begins with `rediss`.
    #[must_use]
    pub fn new(address: StoreAddress, tls: Option<StoreTls>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Inner {
            address,
            tls,
            clock,
            health: JobHealth::new("counting rates in the limits store"),
            link: Mutex::default(),
            failed: Notify::new(),
            within: AtomicU64::new(0),
            beyond: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
        }))
    }

    /// Whether the store answers.
    #[must_use]
    pub fn health(&self) -> JobHealth {
        self.0.health.clone()
    }

    /// Whether the store is asked now.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        self.0.link().connection.is_some()
    }

    /// How often it was asked.
    #[must_use]
    pub fn answers(&self) -> StoreAnswers {
        let Inner { within, beyond, unknown, .. } = &*self.0;
        let [within, beyond, unknown] =
            [within, beyond, unknown].map(|count| count.load(Ordering::Relaxed));
        StoreAnswers { within, beyond, unknown }
    }

    /// Connects, and again whenever the store did not answer. It never returns.
    pub async fn keep(&self) {
        loop {
            match self.0.open().await {
                Ok((connection, driver)) => {
                    let number = self.0.put(connection.clone());
                    let fault = self.0.watch(connection, driver, number).await;
                    self.0.lose(number, &fault);
                }
                Err(fault) => self.0.fail(&fault),
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}

impl Inner {
    /// A connection that works.
    async fn open(&self) -> Result<(MultiplexedConnection, Driver), ConnectError> {
        let connecting = connect(&self.address, self.tls.as_ref());
        let connected = timeout(CONNECT_TIMEOUT, connecting).await;
        let (connection, mut driver) =
            connected.map_err(|_| ConnectError::Timeout(CONNECT_TIMEOUT.as_millis()))??;
        tokio::select! {
            () = &mut driver => return Err(ConnectError::Closed),
            probed = probe(connection.clone()) => probed?,
        }
        Ok((connection, driver))
    }

    /// Moves the bytes of the connection `number`, until it does not work any more: the reason.
    async fn watch(
        &self,
        connection: MultiplexedConnection,
        mut driver: Driver,
        number: u64,
    ) -> ConnectError {
        let probing = async {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if let Err(fault) = probe(connection.clone()).await {
                    return fault;
                }
            }
        };
        let lost = async {
            while self.is_up(number) {
                self.failed.notified().await;
            }
        };
        tokio::select! {
            () = &mut driver => ConnectError::Closed,
            fault = probing => fault,
            // The request has said why.
            () = lost => ConnectError::Closed,
        }
    }

    async fn ask(&self, name: &str, rate: Rate) -> BudgetAnswer {
        let (mut connection, number) = {
            let link = self.link();
            let Some(connection) = link.connection.clone() else { return BudgetAnswer::Unknown };
            (connection, link.number)
        };
        match within_time(script::spend(&mut connection, name, rate)).await {
            Ok(None) => BudgetAnswer::Within,
            Ok(Some(wait)) => BudgetAnswer::Beyond(wait),
            Err(fault) => {
                self.lose(number, &fault);
                BudgetAnswer::Unknown
            }
        }
    }

    /// Lets requests ask by `connection`: its number.
    fn put(&self, connection: MultiplexedConnection) -> u64 {
        let number = {
            let mut link = self.link();
            link.number += 1;
            link.connection = Some(connection);
            link.number
        };
        let store = &self.address;
        if self.health.succeeded() || number == 1 {
            tracing::info!(%store, "Rates are counted in the limits store, for all nodes");
        }
        number
    }

    /// No request asks by the connection `number` any more.
    fn lose(&self, number: u64, fault: &ConnectError) {
        {
            let mut link = self.link();
            if link.number != number || link.connection.take().is_none() {
                return;
            }
        }
        self.fail(fault);
        self.failed.notify_one();
    }

    fn fail(&self, fault: &ConnectError) {
        if self.health.failed(fault, self.clock.now()) != FailureChange::Same {
            let store = &self.address;
            tracing::warn!(
                %store, reason = %fault,
                "The limits store cannot be asked: this node counts rates for itself until it can"
            );
        }
    }

    fn is_up(&self, number: u64) -> bool {
        let link = self.link();
        link.number == number && link.connection.is_some()
    }

    fn link(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the store works: it can spend.
async fn probe(mut connection: MultiplexedConnection) -> Result<(), ConnectError> {
    const RATE: Rate = Rate::per_minute(std::num::NonZeroU32::new(60_000).unwrap());
    within_time(script::spend(&mut connection, PROBE, RATE)).await.map(|_| ())
}

async fn within_time<T>(
    answer: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let timed_out = |_| ConnectError::Timeout(ANSWER_TIMEOUT.as_millis());
    timeout(ANSWER_TIMEOUT, answer).await.map_err(timed_out)?
}

impl BudgetStore for LimitsStore {
    fn spend<'a>(
        &'a self,
        budget: &'a BudgetId,
        rate: Rate,
    ) -> Pin<Box<dyn Future<Output = BudgetAnswer> + Send + 'a>> {
        Box::pin(async move {
            let Inner { within, beyond, unknown, .. } = &*self.0;
            let answer = self.0.ask(&budget.to_string(), rate).await;
            let count = match answer {
                BudgetAnswer::Within => within,
                BudgetAnswer::Beyond(_) => beyond,
                BudgetAnswer::Unknown => unknown,
            };
            count.fetch_add(1, Ordering::Relaxed);
            answer
        })
    }
}

impl fmt::Debug for LimitsStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LimitsStore").field(&self.0.address).finish()
    }
}
