//! Passwords and second factors.

use auth_core::NumericDate;
use auth_core::oauth::SecretDigest;
use secrecy::{ExposeSecret, SecretString};

use super::{
    AuthorizationStore,
    database::{Lock, Made, change, named},
};
use crate::{
    DirectoryError, UserName,
    sql::connection::{Columns, Statement},
};

/// Those of a user.
macro_rules! of_user {
    ($text:literal) => {
        concat!($text, " WHERE issuer = $1 AND subject = $2")
    };
}

const PASSWORD: &str = of_user!("SELECT hash FROM passwords");
const SET_PASSWORD: &str = "INSERT INTO passwords (issuer, subject, hash, changed_at) \
     SELECT issuer, subject, $3, $4 FROM users WHERE issuer = $1 AND subject = $2 \
     ON CONFLICT (issuer, subject) \
     DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at";
const REMOVE_PASSWORD: &str = of_user!("DELETE FROM passwords");
const END_ONE_TIME: &str = of_user!("DELETE FROM one_time_secrets");
const USER: &str = of_user!("SELECT status FROM users");
const SECOND_FACTOR: &str = of_user!("SELECT secret, last_step FROM second_factors");
const BEGIN: &str = "INSERT INTO second_factors (issuer, subject, secret) \
     SELECT issuer, subject, $3 FROM users WHERE issuer = $1 AND subject = $2 \
     ON CONFLICT (issuer, subject) DO UPDATE SET secret = excluded.secret \
     WHERE second_factors.last_step IS NULL";
const CONFIRM: &str = concat!(
    of_user!("UPDATE second_factors SET last_step = $3"),
    " AND last_step IS NULL AND secret = $4"
);
/// Locks the row of a confirmed one.
const TOUCH_CONFIRMED: &str = concat!(
    of_user!("UPDATE second_factors SET last_step = last_step"),
    " AND last_step IS NOT NULL"
);
const USE_STEP: &str =
    concat!(of_user!("UPDATE second_factors SET last_step = $3"), " AND last_step < $3");
const REMOVE: &str = of_user!("DELETE FROM second_factors");
const INSERT_RECOVERY: &str =
    "INSERT INTO recovery_codes (issuer, subject, digest) VALUES ($1, $2, $3)";
const COUNT_RECOVERY: &str = of_user!("SELECT COUNT(*) AS number FROM recovery_codes");
const FORGET_RECOVERY: &str = of_user!("DELETE FROM recovery_codes");
const USE_RECOVERY: &str = concat!(of_user!("DELETE FROM recovery_codes"), " AND digest = $3");

/// The second factor of a user: time-based codes (RFC 6238).
#[derive(Debug, Clone)]
pub struct SecondFactor {
    /// The key, in base32.
    pub secret: SecretString,
    /// Whether the user has shown a code, so that it is asked for.
    pub is_confirmed: bool,
    /// The last time step whose code was used; no code of this step or before is accepted again.
    pub last_step: i64,
}

impl AuthorizationStore {
    /// The Argon2id hash of a user's password (PHC string); `None` if there is no password.
    pub async fn password(&self, user: &UserName) -> Result<Option<SecretString>, DirectoryError> {
        let hash = named(Statement::new(PASSWORD), user);
        self.row(hash, |row| Ok(SecretString::from(row.get::<String>("hash")?))).await
    }

    /// Sets the hash of a password; `None` removes it. The open codes and links of the user end in
    /// the same change. `false` if there is no such user.
    pub async fn set_password(
        &self,
        user: &UserName,
        hash: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        let is_changed: bool = change!(self, Lock::OneTime, change => {
            change.execute(named(Statement::new(END_ONE_TIME), user)).await?;
            let set = match hash {
                Some(hash) => {
                    named(Statement::new(SET_PASSWORD), user).bind(hash).bind(now.as_secs())
                }
                None => named(Statement::new(REMOVE_PASSWORD), user),
            };
            let is_changed = change.execute(set).await? > 0;
            Ok(Made::Keep(is_changed))
        })?;
        if is_changed || hash.is_some() {
            return Ok(is_changed);
        }
        Ok(self.row(named(Statement::new(USER), user), |_| Ok(())).await?.is_some())
    }

    /// The second factor of a user.
    pub async fn second_factor(
        &self,
        user: &UserName,
    ) -> Result<Option<SecondFactor>, DirectoryError> {
        self.row(named(Statement::new(SECOND_FACTOR), user), |row| {
            let last_step = row.integer("last_step")?;
            Ok(SecondFactor {
                secret: SecretString::from(row.get::<String>("secret")?),
                is_confirmed: last_step.is_some(),
                last_step: last_step.unwrap_or(0),
            })
        })
        .await
    }

    /// Begins a second factor that is not confirmed yet, in place of one that was not. `false` if
    /// there is a confirmed one, or no such user.
    pub async fn begin_second_factor(
        &self,
        user: &UserName,
        secret: &SecretString,
    ) -> Result<bool, DirectoryError> {
        let begin = named(Statement::new(BEGIN), user).bind(secret.expose_secret());
        Ok(self.write(begin).await? > 0)
    }

    /// Confirms the one with this key with the step of the first code, and stores the digests of
    /// recovery codes. `false` if there is none with this key that is not confirmed yet.
    pub async fn confirm_second_factor(
        &self,
        user: &UserName,
        secret: &SecretString,
        step: i64,
        recovery: &[SecretDigest],
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::Rows, change => {
            let confirm =
                named(Statement::new(CONFIRM), user).bind(step).bind(secret.expose_secret());
            if change.execute(confirm).await? == 0 {
                return Ok(Made::Undo(false));
            }
            change.execute(named(Statement::new(FORGET_RECOVERY), user)).await?;
            for digest in recovery {
                let insert = named(Statement::new(INSERT_RECOVERY), user).bind(digest.as_bytes());
                change.execute(insert).await?;
            }
            Ok(Made::Keep(true))
        })
    }

    /// Stores the digests of new recovery codes in place of those that are left. `false` if there
    /// is no confirmed second factor.
    pub async fn replace_recovery_codes(
        &self,
        user: &UserName,
        recovery: &[SecretDigest],
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::Rows, change => {
            let touch = named(Statement::new(TOUCH_CONFIRMED), user);
            if change.execute(touch).await? == 0 {
                return Ok(Made::Undo(false));
            }
            change.execute(named(Statement::new(FORGET_RECOVERY), user)).await?;
            for digest in recovery {
                let insert = named(Statement::new(INSERT_RECOVERY), user).bind(digest.as_bytes());
                change.execute(insert).await?;
            }
            Ok(Made::Keep(true))
        })
    }

    /// How many recovery codes of a user are left.
    pub async fn recovery_codes_left(&self, user: &UserName) -> Result<u64, DirectoryError> {
        let count = named(Statement::new(COUNT_RECOVERY), user);
        Ok(self.row(count, |row| row.count("number")).await?.unwrap_or_default())
    }

    /// Uses the code of a time step; `false` if this step, or a later one, was used.
    pub async fn use_step(&self, user: &UserName, step: i64) -> Result<bool, DirectoryError> {
        let change = named(Statement::new(USE_STEP), user).bind(step);
        Ok(self.write(change).await? > 0)
    }

    /// Uses a recovery code; `false` if there is none with this digest.
    pub async fn use_recovery_code(
        &self,
        user: &UserName,
        digest: &SecretDigest,
    ) -> Result<bool, DirectoryError> {
        let change = named(Statement::new(USE_RECOVERY), user).bind(digest.as_bytes());
        Ok(self.write(change).await? > 0)
    }

    /// Removes the second factor and its recovery codes; `false` if there was none.
    pub async fn remove_second_factor(&self, user: &UserName) -> Result<bool, DirectoryError> {
        Ok(self.write(named(Statement::new(REMOVE), user)).await? > 0)
    }
}
