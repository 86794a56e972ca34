//! From claims to a principal: is there such a user, may it act, does this token still count?
//!
//! Pure: whoever has a directory looks the user up, hands in what it found, and gets the answer that
//! everybody else gets for the same facts.

use std::{collections::BTreeSet, sync::Arc};

use crate::{Ceiling, Claims, NumericDate, Principal, RoleName};

/// What a directory knows of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// Whether it may act at all.
    pub is_active: bool,
    /// What it may hold.
    pub roles: &'a Arc<BTreeSet<RoleName>>,
    /// The second before which its tokens are void; `None` if they were never revoked.
    pub valid_from: Option<NumericDate>,
}

/// Why nobody stands behind a token that is good in itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inadmissible {
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
    /// Whether a token that was issued at this time is void, because all tokens from before a later one
    /// were revoked. One that does not say when it was issued is void with them.
    #[must_use]
    pub fn has_revoked(&self, issued_at: Option<NumericDate>) -> bool {
        self.valid_from.is_some_and(|valid_from| issued_at.is_none_or(|at| at < valid_from))
    }
}

/// The principal behind `claims`, whose user is `account` (`None`: there is none), and whose token was
/// revoked by its own name or was not.
pub fn admit(
    claims: &Claims,
    account: Option<Account<'_>>,
    is_revoked: bool,
) -> Result<Principal, Inadmissible> {
    let account = account.ok_or(Inadmissible::UnknownUser)?;
    if !account.is_active {
        return Err(Inadmissible::DisabledUser);
    }
    if account.has_revoked(claims.issued_at()) || is_revoked {
        return Err(Inadmissible::RevokedToken);
    }
    Ok(Principal::new(claims, Ceiling::Roles(Arc::clone(account.roles))))
}
