//! Whether the tables have changed. The triggers notify listeners
//! (<https://www.postgresql.org/docs/current/sql-notify.html>). A notification can be lost, with
//! its connection or in a pooler between: so the tables are polled twice a second as well.

use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::time::timeout;

use super::{PostgresDirectory, acquire::reason, open};
use crate::{DirectoryError, Watch};

/// The channel on which the triggers say that something has changed.
const CHANNEL: &str = "directory";

/// How often it is said that something may have changed, without a notification.
const AT_LEAST_EVERY: Duration = Duration::from_millis(500);

/// How long it may take to begin: longer than a connection is waited for.
const BEGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Waits for changes of a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresWatch {
    directory: PostgresDirectory,
    listener: PgListener,
}

impl PostgresWatch {
    pub(super) async fn begin(directory: &PostgresDirectory) -> Result<Self, DirectoryError> {
        let listener = async {
            let pool = open::listening(&directory.pools);
            let mut listener = match PgListener::connect_with(&pool).await {
                Ok(listener) => listener,
                Err(error) => return Err(reason(&pool, error).await.into()),
            };
            listener.listen(CHANNEL).await?;
            Ok(listener)
        };
        let listener = timeout(BEGIN_TIMEOUT, listener).await.unwrap_or_else(super::late);
        let listener = listener.map_err(|fault| directory.fault(fault))?;
        Ok(Self { directory: directory.clone(), listener })
    }
}

impl Watch for PostgresWatch {
    async fn changed(&mut self) -> Result<(), DirectoryError> {
        match timeout(AT_LEAST_EVERY, self.listener.try_recv()).await {
            Err(_) | Ok(Ok(Some(_))) => Ok(()),
            // The connection is gone, and with it what was notified meanwhile.
            Ok(Ok(None)) => {
                let gone = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
                Err(self.directory.fault(gone.into()))
            }
            Ok(Err(fault)) => Err(self.directory.fault(fault.into())),
        }
    }
}
