//! A connection within a change, or within a question to a server elsewhere.

use std::ops::{Deref, DerefMut};

use sqlx::{Database, pool::PoolConnection};

/// A connection on which a change is under way. It goes back to the pool when the change has ended
/// as it should. After any error, or if the change is broken off, it is closed, because its state
/// is not known then. (SQLite ends a transaction by itself when the disk is full.) The connection
/// of a database in memory is the database, and is never closed: its next user rolls back what is
/// left.
pub(crate) struct Changing<DB: Database> {
    connection: PoolConnection<DB>,
    is_kept: bool,
}

impl<DB: Database> Changing<DB> {
    pub(crate) const fn new(connection: PoolConnection<DB>, is_in_memory: bool) -> Self {
        Self { connection, is_kept: is_in_memory }
    }

    /// The change has ended, and nothing of it is left on the connection.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl<DB: Database> Drop for Changing<DB> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.connection.close_on_drop();
        }
    }
}

impl<DB: Database> Deref for Changing<DB> {
    type Target = DB::Connection;

    fn deref(&self) -> &Self::Target {
        &self.connection
    }
}

impl<DB: Database> DerefMut for Changing<DB> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.connection
    }
}
