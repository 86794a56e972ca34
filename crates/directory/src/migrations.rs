//! The scripts that bring a database's tables up to date.
//!
//! Not `sqlx::migrate!`: sqlx's macros compile all of sqlx, SQLite and TLS a second time, for the
//! host.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// A file of `migrations/`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    /// `VERSION_DESCRIPTION.sql`.
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// Runs `scripts` in the order of their versions. A name that is not of the form has version 0,
/// which the tests refuse.
pub(crate) fn migrator(scripts: &[Script]) -> Migrator {
    let migrations = scripts.iter().map(|script| {
        let (version, description) = script.name.split_once('_').unwrap_or_default();
        Migration::new(
            version.parse().unwrap_or_default(),
            Cow::Borrowed(description.trim_end_matches(".sql")),
            MigrationType::Simple,
            script.sql.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(migrations.collect())
}

/// Asserts that `migrator` has what is in `folder`, as sqlx itself reads it: all of it, and
/// unchanged.
#[cfg(test)]
pub(crate) async fn assert_has_all_of(folder: &str, migrator: &Migrator) {
    let read = Migrator::new(std::path::Path::new(folder)).await.unwrap();
    let facts = |it: &Migration| (it.version, it.checksum.clone(), it.migration_type);
    let found: Vec<_> = read.iter().map(facts).collect();
    assert!(!found.is_empty(), "{folder}");
    assert_eq!(migrator.iter().map(facts).collect::<Vec<_>>(), found, "{folder}");
}
