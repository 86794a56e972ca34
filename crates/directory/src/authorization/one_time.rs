//! One-time codes and links with which a user signs in.

use auth_core::{NumericDate, oauth::SecretDigest};

use super::{
    AuthorizationStore,
    database::{Lock, Made, Row, change, named},
};
use crate::{DirectoryError, UserName, sql::connection::Statement};

/// How many links of a user may be open; one more ends the one that would end first.
const MAX_LINKS: i64 = 20;

const INSERT: &str = "INSERT INTO one_time_secrets (issuer, subject, kind, digest, expires_at) \
     SELECT issuer, subject, $3, $4, $5 FROM users WHERE issuer = $1 AND subject = $2";
const REPLACE_CODE: &str =
    "DELETE FROM one_time_secrets WHERE issuer = $1 AND subject = $2 AND kind = 'code'";
const TOO_MANY_LINKS: &str = "DELETE FROM one_time_secrets WHERE kind = 'link' AND digest IN \
     (SELECT digest FROM one_time_secrets WHERE issuer = $1 AND subject = $2 AND kind = 'link' \
     ORDER BY expires_at DESC, digest LIMIT 1000 OFFSET $3)";

/// Takes a secret that has not ended, of a user who may act.
macro_rules! take {
    ($which:literal) => {
        concat!(
            "DELETE FROM one_time_secrets WHERE digest = $1 AND expires_at > $2 \
             AND EXISTS (SELECT 1 FROM users WHERE users.issuer = one_time_secrets.issuer \
             AND users.subject = one_time_secrets.subject AND users.status = 'active') AND ",
            $which,
            " RETURNING issuer, subject"
        )
    };
}

const FIND_LINK: &str = "SELECT issuer, subject FROM one_time_secrets \
     JOIN users USING (issuer, subject) \
     WHERE digest = $1 AND expires_at > $2 AND kind = 'link' AND status = 'active'";
const TAKE_CODE: &str = take!("kind = 'code' AND issuer = $3 AND subject = $4");
const TAKE_LINK: &str = take!("kind = 'link'");

/// How the secret reaches the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OneTimeKind {
    /// A code that is typed, together with the user's name.
    Code,
    /// A link, which names no user.
    Link,
}

impl OneTimeKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
        }
    }
}

impl AuthorizationStore {
    /// Stores a one-time secret of a user. A new code takes the place of the user's code before; of
    /// links, 20 may be open. `false` if there is no such user.
    pub async fn add_one_time(
        &self,
        user: &UserName,
        kind: OneTimeKind,
        digest: &SecretDigest,
        expires_at: NumericDate,
    ) -> Result<bool, DirectoryError> {
        change!(self, Lock::OneTime, change => {
            let fewer = match kind {
                OneTimeKind::Code => named(Statement::new(REPLACE_CODE), user),
                OneTimeKind::Link => {
                    named(Statement::new(TOO_MANY_LINKS), user).bind(MAX_LINKS - 1)
                }
            };
            change.execute(fewer).await?;
            let insert = named(Statement::new(INSERT), user)
                .bind(kind.as_str())
                .bind(digest.as_bytes())
                .bind(expires_at.as_secs());
            let is_added = change.execute(insert).await? > 0;
            Ok(if is_added { Made::Keep(true) } else { Made::Undo(false) })
        })
    }

    /// Uses a code of a user; `false` if there is none with this digest that has not ended, or if
    /// the user is disabled, who keeps it.
    pub async fn use_code(
        &self,
        user: &UserName,
        digest: &SecretDigest,
        now: NumericDate,
    ) -> Result<bool, DirectoryError> {
        let take = Statement::new(TAKE_CODE).bind(digest.as_bytes()).bind(now.as_secs());
        Ok(self.write_and_read(named(take, user), Row::user).await?.is_some())
    }

    /// The user whose link this is, who is active; the link stays.
    pub async fn find_link(
        &self,
        digest: &SecretDigest,
        now: NumericDate,
    ) -> Result<Option<UserName>, DirectoryError> {
        let find = Statement::new(FIND_LINK).bind(digest.as_bytes()).bind(now.as_secs());
        self.row(find, Row::user).await
    }

    /// Uses a link; the user whose it was, who is active.
    pub async fn use_link(
        &self,
        digest: &SecretDigest,
        now: NumericDate,
    ) -> Result<Option<UserName>, DirectoryError> {
        let take = Statement::new(TAKE_LINK).bind(digest.as_bytes()).bind(now.as_secs());
        self.write_and_read(take, Row::user).await
    }
}
