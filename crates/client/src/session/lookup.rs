//! The stored token for a run, renewed where it has to be.

use std::time::Duration;

use tokio::time::timeout;

use super::ask::or_cancelled;
use crate::{
    config::Config,
    failure::Failure,
    interrupt::interrupted,
    oauth::{LoginError, Renewal, renew},
    store::{Entry, Lock, Store, StoreError},
};

/// How long a renewal may go on after Ctrl-C: the issuer may have used up the old refresh token,
/// and the new one would be lost.
const GRACE: Duration = Duration::from_secs(5);

/// How long the store may take after Ctrl-C.
const NOTE_TIMEOUT: Duration = Duration::from_secs(1);

/// The stored entry for the server, renewed if it is about to expire. It may be one that is no
/// longer valid: the client is in it.
pub(crate) async fn current(config: &Config) -> Result<Option<Entry>, Failure> {
    let Some(store) = config.tokens.store().filter(|_| config.endpoint.keeps_secrets()) else {
        return Ok(None);
    };
    let Some(entry) = stored(config).await? else {
        return Ok(None);
    };
    if entry.is_fresh(config.clock.now()) || !entry.is_renewable() {
        return Ok(Some(entry));
    }
    match under_lock(config, &store, &entry, false).await {
        Ok(Some(new)) => Ok(Some(new)),
        Ok(None) => Ok(Some(entry)),
        Err(LoginError::Cancelled) => Err(Failure::cancelled()),
        // It has a little life left, and the issuer may be back by then.
        Err(_) if entry.is_alive(config.clock.now()) => Ok(Some(entry)),
        Err(error) => Err(Failure::renewal(&error, &config.context(None))),
    }
}

/// The stored entry for the server, as it is.
pub(crate) async fn stored(config: &Config) -> Result<Option<Entry>, Failure> {
    match config.tokens.store() {
        Some(store) => {
            let found = store.find(config.endpoint.as_str()).await;
            found.map_err(|error| Failure::store(&error))
        }
        None => Ok(None),
    }
}

/// The entry renewed, because the server refuses its token. `None` where only a sign-in can help.
pub(super) async fn renewed(config: &Config, entry: &Entry) -> Result<Option<Entry>, Failure> {
    let Some(store) = config.tokens.store() else {
        return Ok(None);
    };
    let renewed = under_lock(config, &store, entry, true).await;
    renewed.map_err(|error| Failure::renewal(&error, &config.context(None)))
}

/// Stores an entry.
pub(super) async fn save(config: &Config, entry: &Entry) -> Result<(), LoginError> {
    if let Some(store) = config.tokens.store() {
        let lock = store.lock().await.map_err(LoginError::Store)?;
        store.save(entry, &lock).await.map_err(LoginError::Store)?;
    }
    Ok(())
}

async fn under_lock(
    config: &Config,
    store: &Store,
    entry: &Entry,
    is_refused: bool,
) -> Result<Option<Entry>, LoginError> {
    let lock = or_cancelled(async { store.lock().await.map_err(LoginError::Store) }).await?;
    // While we waited, another process may have done it, and used up the refresh token that we
    // know.
    let Some(entry_now) = store.find(&entry.server).await.map_err(LoginError::Store)? else {
        return Ok(None);
    };
    let is_another = entry_now.secrets() != entry.secrets();
    if entry_now.is_fresh(config.clock.now()) && (is_another || !is_refused) {
        return Ok(Some(entry_now));
    }
    if !entry_now.is_renewable() {
        return Ok(None);
    }
    let outward = config.outward()?;
    let work = renew(&entry_now, &outward, &config.clock);
    tokio::pin!(work);
    let (new, is_cancelled) = tokio::select! {
        biased;
        new = &mut work => (new, false),
        () = interrupted() => {
            (timeout(GRACE, work).await.unwrap_or(Err(LoginError::Cancelled)), true)
        }
    };
    let secrets = entry_now.secrets();
    let secrets = secrets.iter().map(|(secret, _)| secret.as_str());
    let new = new.map_err(|error| error.without(secrets.chain(entry_now.client.secret.as_deref())));
    let new =
        store_outcome(store, entry_now.clone(), new?, &lock).await.map_err(LoginError::Store)?;
    if is_cancelled { Err(LoginError::Cancelled) } else { Ok(new) }
}

/// Stores the new entry; without one, notes that the refresh token is invalid, and perhaps the
/// client.
async fn store_outcome(
    store: &Store,
    mut old: Entry,
    new: Renewal,
    lock: &Lock,
) -> Result<Option<Entry>, StoreError> {
    match new {
        Renewal::New(new) => {
            store.save(&new, lock).await?;
            Ok(Some(*new))
        }
        Renewal::Ended { is_client_unknown } => {
            if let Some(response) = &mut old.credentials.token_response {
                response.set_refresh_token(None);
            }
            old.client.is_doubtful |= is_client_unknown;
            store.save(&old, lock).await?;
            Ok(None)
        }
    }
}

/// Notes that no response came back from the issuer's page: the page may have said that it does not
/// know the client. The next sign-in registers a new one.
pub(super) async fn doubt_client(config: &Config) {
    let Some(store) = config.tokens.store() else {
        return;
    };
    let noted = async {
        let lock = store.lock().await?;
        if let Some(mut entry) = store.find(config.endpoint.as_str()).await?
            && entry.client.dynamic
        {
            entry.client.is_doubtful = true;
            store.save(&entry, &lock).await?;
        }
        Ok::<(), StoreError>(())
    };
    // What cannot be noted is found out again the next time.
    let _ = timeout(NOTE_TIMEOUT, noted).await;
}
