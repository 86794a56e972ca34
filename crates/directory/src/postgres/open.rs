//! Opening: connect, then bring the tables up to date, or report why that fails.

use std::{io::ErrorKind, net::IpAddr, str::FromStr, sync::LazyLock, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgPool,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions, PgSslMode},
};
use tokio::time::timeout;
use url::{Host, Url};

use crate::{
    DirectoryError,
    migrations::{Script, migrator},
};

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    migrator(&[
        Script {
            name: "0001_directory.sql",
            sql: include_str!("../../migrations/postgres/0001_directory.sql"),
        },
        Script {
            name: "0002_authorization.sql",
            sql: include_str!("../../migrations/postgres/0002_authorization.sql"),
        },
        Script {
            name: "0003_introspection.sql",
            sql: include_str!("../../migrations/postgres/0003_introspection.sql"),
        },
    ])
});

/// How long to wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections for reading. What is asked for on the way of a request is in memory, so a few do.
const MAX_READERS: u32 = 5;

/// Connections for reading what has changed.
const MAX_CHANGES: u32 = 1;

/// Connections for changes, which are serialized, and for sessions.
const MAX_WRITERS: u32 = 3;

/// Connections for reading and writing what an authorization server keeps.
const MAX_AUTHORIZATIONS: u32 = 5;

/// Connections to one database. A task that waits for one of a kind does not hold those of
/// another.
#[derive(Debug, Clone)]
pub(super) struct Pools {
    /// For questions.
    pub(super) reads: PgPool,
    /// For the question what has changed.
    pub(super) changes: PgPool,
    /// For changes.
    pub(super) writes: PgPool,
    /// For what an authorization server keeps: however many sign in, users are found and changed.
    pub(super) authorizations: PgPool,
}

impl Pools {
    pub(super) async fn close(&self) {
        self.reads.close().await;
        self.changes.close().await;
        self.writes.close().await;
        self.authorizations.close().await;
    }
}

/// How to connect, and a name of the database without its password.
pub(crate) fn options(url: &str) -> Result<(PgConnectOptions, String), DirectoryError> {
    let fault = |reason| DirectoryError::PostgresUrl { reason };
    let parsed = Url::parse(url).map_err(|_| fault("it is no URL"))?;
    // Another scheme would be read over.
    if !matches!(parsed.scheme(), "postgres" | "postgresql") {
        return Err(fault("it does not begin with postgres://"));
    }
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| fault("its host, port or parameters are not what PostgreSQL knows"))?;
    let says = |name: &str| parsed.query_pairs().any(|(key, _)| key == name);
    let is_local = options.get_socket().is_some() || is_local(&parsed);
    let says_how = says("sslmode") || says("ssl-mode");
    let options =
        if says_how || is_local { options } else { options.ssl_mode(PgSslMode::VerifyFull) };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let place = format!("postgres://{}:{}/{database}", options.get_host(), options.get_port());
    Ok((options.application_name("bartizan"), place))
}

fn is_local(url: &Url) -> bool {
    let is_loopback = |ip: IpAddr| ip.is_loopback();
    // This scheme's hosts are opaque: an address is parsed here.
    match url.host() {
        None => true,
        Some(Host::Ipv4(ip)) => is_loopback(ip.into()),
        Some(Host::Ipv6(ip)) => is_loopback(ip.into()),
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
        }
    }
}

pub(super) async fn connect(
    options: PgConnectOptions,
    place: &str,
) -> Result<Pools, DirectoryError> {
    let fault = |source: sqlx::Error| DirectoryError::Connect {
        place: place.to_owned(),
        source: source.into(),
    };
    // Of a server that refuses, the pool would try again and say in the end that it was too late.
    let first = timeout(ACQUIRE_TIMEOUT, options.connect()).await;
    let first = first.unwrap_or_else(|_| Err(sqlx::Error::Io(ErrorKind::TimedOut.into())));
    first.map_err(fault)?.close().await.map_err(fault)?;
    let pool = PgPoolOptions::new().acquire_timeout(ACQUIRE_TIMEOUT);
    let writes = pool.clone().max_connections(MAX_WRITERS).connect_with(options.clone());
    Ok(Pools {
        writes: writes.await.map_err(fault)?,
        reads: pool.clone().max_connections(MAX_READERS).connect_lazy_with(options.clone()),
        changes: pool.clone().max_connections(MAX_CHANGES).connect_lazy_with(options.clone()),
        authorizations: pool.max_connections(MAX_AUTHORIZATIONS).connect_lazy_with(options),
    })
}

/// A connection that waits for notifications, in a pool of its own: one that is gone without a word
/// holds nothing that the next one needs.
pub(super) fn listening(pools: &Pools) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
    pool.connect_lazy_with((*pools.changes.connect_options()).clone())
}

/// Runs the migrations that are missing. The migrator keeps out others that are about to do the
/// same.
pub(super) async fn migrate(pool: &PgPool, place: &str) -> Result<(), DirectoryError> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    let place = place.to_owned();
    MIGRATIONS.run(pool).await.map_err(|fault| match fault {
        MigrateError::VersionMissing(found) if found > known => {
            DirectoryError::NewerSchema { place, found, known }
        }
        fault => DirectoryError::Migration { place, source: fault.into() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls_unless_the_url_says_otherwise() {
        let mode = |url: &str| format!("{:?}", options(url).unwrap().0.get_ssl_mode());
        let full = "VerifyFull";
        assert_eq!(mode("postgres://app:pw@db.example/users"), full);
        assert_eq!(mode("postgresql://db.example:6432/users?application_name=x"), full);
        assert_eq!(mode("postgres://app@10.0.0.1/users"), full);
        assert_eq!(mode("postgres://app@127.0.0.1.example/users"), full);
        assert_eq!(mode("postgres://app@db.example/users?sslmode=disable"), "Disable");
        assert_eq!(mode("postgres://app@db.example/users?sslmode=verify-ca"), "VerifyCa");
        for local in ["localhost", "127.0.0.1", "[::1]"] {
            assert_eq!(mode(&format!("postgres://app@{local}/users")), "Prefer", "{local}");
        }
    }

    #[tokio::test]
    async fn every_script_in_the_folder_is_run() {
        crate::migrations::assert_has_all_of("migrations/postgres", &MIGRATIONS).await;
    }

    #[test]
    fn a_database_of_another_kind_is_refused() {
        for url in ["mysql://db.example/users", "sqlite:///var/users.db"] {
            let fault = options(url).unwrap_err().to_string();
            assert!(fault.contains("it does not begin with postgres://"), "{fault}");
        }
    }

    #[test]
    fn no_password_is_repeated() {
        let (_, place) = options("postgres://app:hunter2@db.example:6432/users").unwrap();
        assert_eq!(place, "postgres://db.example:6432/users");
        for url in ["postgres://app:hunter2@db.example:x/users", "hunter2"] {
            let fault = options(url).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains("hunter2"));
        }
    }
}
