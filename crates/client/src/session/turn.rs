//! Whose turn it is to ask the person, where several programs start at once.
//!
//! A program that needs a sign-in takes a lock, which is for one server. Those that wait for it
//! take the token that the first one obtained, and ask no one.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use settings::secret_file::{Lock, OwnFile};
use tokio::time::{Instant, sleep};

use super::lookup;
use crate::{config::Config, failure::Failure, store::Entry};

/// How long to wait for another program: longer than a person may take to sign in.
const MAX_WAIT: Duration = Duration::from_mins(6);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// Whose turn it is.
pub(super) enum Turn {
    /// Ours, while the lock is held. Without a lock no other program can be asked to wait.
    Ours(Option<Lock>),
    /// Another program's, which has obtained this entry.
    Theirs(Box<Entry>),
}

/// Waits for our turn. `old` is the entry that is of no use.
pub(super) async fn turn(config: &Config, old: Option<&Entry>) -> Result<Turn, Failure> {
    let Some(folder) = config.tokens.folder() else {
        return Ok(Turn::Ours(None));
    };
    let mut hasher = DefaultHasher::new();
    config.endpoint.as_str().hash(&mut hasher);
    let file = OwnFile::at(folder.join(format!("sign-in-{:016x}", hasher.finish())));
    let deadline = Instant::now() + MAX_WAIT;
    let mut waited = false;
    loop {
        let lock = match file.try_lock() {
            Ok(None) if Instant::now() < deadline => {
                waited = true;
                sleep(PAUSE).await;
                continue;
            }
            Ok(lock) => lock,
            // The folder cannot be written to: the store says why when it is used.
            Err(_) => None,
        };
        if waited && let Some(entry) = lookup::stored(config).await? {
            let is_new = old.is_none_or(|old| old.secrets() != entry.secrets());
            if is_new && entry.is_alive(config.clock.now()) {
                return Ok(Turn::Theirs(Box::new(entry)));
            }
        }
        return Ok(Turn::Ours(lock));
    }
}
