//! From claims to a principal: is there such a user, may it act, does this token still count?
//!
//! Pure: the user has been looked up already; the same facts always give the same answer.

use std::{collections::BTreeSet, sync::Arc};

use crate::{Ceiling, Claims, NumericDate, Principal, RoleName};

/// What a directory knows of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// Whether it may act at all.
    pub is_active: bool,
    /// What it may hold.
    pub roles: &'a Arc<BTreeSet<RoleName>>,
    /// The second before which its tokens are revoked; `None` if they were never revoked.
    pub tokens_valid_from: Option<NumericDate>,
}

/// Why the user of a valid token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No such user: another token would not help.
    #[error("the directory has no such user")]
    UnknownUser,
    /// A user who may not do anything: another token would not help.
    #[error("the user is disabled")]
    DisabledUser,
    /// This token, or all that the user had: another token would help.
    #[error("the token is revoked")]
    RevokedToken,
}

impl Account<'_> {
    /// Whether a token that was issued at this time is revoked, because all tokens from before a
    /// later one were revoked. One that does not say when it was issued is revoked with them.
    #[must_use]
    pub fn has_revoked(&self, issued_at: Option<NumericDate>) -> bool {
        self.tokens_valid_from
            .is_some_and(|tokens_valid_from| issued_at.is_none_or(|at| at < tokens_valid_from))
    }
}

/// The principal behind `claims`, whose user is `account` (`None`: there is none), and whose token
/// was revoked by its own name or was not.
pub fn check_account(
    claims: &Claims,
    account: Option<Account<'_>>,
    is_revoked: bool,
) -> Result<Principal, AccountError> {
    let account = account.ok_or(AccountError::UnknownUser)?;
    if !account.is_active {
        return Err(AccountError::DisabledUser);
    }
    if account.has_revoked(claims.issued_at()) || is_revoked {
        return Err(AccountError::RevokedToken);
    }
    Ok(Principal::new(claims, Ceiling::Roles(Arc::clone(account.roles))))
}
