//! Who holds something that is bounded.

use auth_core::{Issuer, Owner, Subject};

/// Who holds something that is bounded: a user, through whichever clients they come. An [`Owner`]
/// has the client too, and everybody can register clients: bounds for each owner would bound no
/// one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// Everybody without a token.
    Anonymous,
    User(Issuer, Subject),
}

impl From<&Owner> for Holder {
    fn from(owner: &Owner) -> Self {
        match owner {
            Owner::Anonymous => Self::Anonymous,
            Owner::Principal { issuer, subject, .. } => Self::User(issuer.clone(), subject.clone()),
        }
    }
}
