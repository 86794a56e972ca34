//! Why there is no connection.
//!
//! Of a server that refuses connections a pool says that it was too late: it tries again until
//! then, and keeps no error. So the server is asked once more, without the pool.

use std::time::Duration;

use sqlx::{ConnectOptions, Connection, PgPool, Postgres, pool::PoolConnection};
use tokio::{sync::Semaphore, time::timeout};

/// How long to wait for the reason.
const REASON_TIMEOUT: Duration = Duration::from_secs(1);

/// How many ask for the reason at once: each of them has a connection that no pool counts.
static ASKING: Semaphore = Semaphore::const_new(2);

/// A connection of the pool.
pub(crate) async fn acquire(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    match pool.acquire().await {
        Err(error) => Err(reason(pool, error).await),
        acquired => acquired,
    }
}

/// What the server or the system says, if `error` is that there was no connection in time.
pub(super) async fn reason(pool: &PgPool, error: sqlx::Error) -> sqlx::Error {
    if !matches!(error, sqlx::Error::PoolTimedOut) {
        return error;
    }
    let asked = timeout(REASON_TIMEOUT, async {
        let _turn = ASKING.acquire().await;
        pool.connect_options().connect().await?.close().await
    });
    match asked.await {
        Ok(Err(reason)) => reason,
        // There is one now, or no answer: all are in use, or the server is silent.
        Ok(Ok(())) | Err(_) => error,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use sqlx::postgres::PgPoolOptions;

    use super::*;

    #[tokio::test]
    async fn a_server_that_refuses_is_named_as_the_reason() {
        // A port on which nothing listens.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("postgres://app@127.0.0.1:{port}/users?sslmode=disable");
        let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(50));
        let pool = pool.connect_lazy(&url).unwrap();
        let error = acquire(&pool).await.unwrap_err().to_string();
        assert!(error.contains("refused"), "{error}");
    }
}
