//! The negative matrix of tokens: every fault that a token can have, one token for each.
//!
//! Each token has exactly one fault and is otherwise good: right key, right claims, right time. So
//! a verifier that leaves out the check for it accepts the token, and a test notices.

mod claims;
mod form;
mod header;
mod signature;

use auth_core::{AccessToken, AccessTokenError};

use crate::{NOW, TestKey};

/// A token that must be refused, and why.
#[derive(Debug, Clone)]
pub struct TokenFault {
    /// Its row in the negative matrix, 4 to 15.
    pub row: u8,
    /// What is wrong; no two faults have the same name.
    pub name: &'static str,
    /// The token.
    pub token: String,
    /// When to judge it, in seconds since the epoch.
    pub at: i64,
}

impl TokenFault {
    fn new(row: u8, name: &'static str, token: String) -> Self {
        Self { row, name, token, at: NOW }
    }

    /// The token as a bearer token. Some are none: they are too long, or have a character that RFC
    /// 6750 §2.1 does not allow, and are refused before anything looks for three parts.
    pub fn access_token(&self) -> Result<AccessToken, AccessTokenError> {
        self.token.parse()
    }
}

/// Every token that must be refused as `invalid_token` by a verifier that trusts `key` alone, under
/// [`ISSUER`](crate::ISSUER) for [`RESOURCE`](crate::RESOURCE), with a leeway of 30 s and `at+jwt`
/// only.
#[must_use]
pub fn token_faults(key: &TestKey) -> Vec<TokenFault> {
    [form::faults(key), header::faults(key), signature::faults(key), claims::faults(key)].concat()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use auth_core::Algorithm;

    use super::*;

    #[test]
    fn names_and_tokens_are_distinct_and_every_row_has_a_fault() {
        for algorithm in Algorithm::ALL {
            let faults = token_faults(TestKey::shared(algorithm));
            let names: BTreeSet<_> = faults.iter().map(|fault| fault.name).collect();
            let tokens: BTreeSet<_> = faults.iter().map(|fault| &fault.token).collect();
            let rows: BTreeSet<_> = faults.iter().map(|fault| fault.row).collect();
            assert_eq!((names.len(), tokens.len()), (faults.len(), faults.len()));
            assert_eq!(rows, (4..=15).collect());
        }
    }
}
