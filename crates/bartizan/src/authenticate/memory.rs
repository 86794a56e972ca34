//! Tokens that were found good, remembered so that what cannot have changed need not be found out again.
//!
//! 1. What is remembered is the outcome of the checks of form, type, issuer, audience and signature. It
//!    depends on the token's bytes, the entry of its issuer and that issuer's keys, and on nothing else.
//! 2. The entries of issuers never change while a process runs. Keys do: with a token its very set of keys
//!    is remembered, and when another serves, everything that the old one vouched for is forgotten.
//! 3. A token answers from memory from the time of its check until its `exp`. In between its dates cannot
//!    become wrong; after it, and where the clock was set back before it, a new check decides.
//! 4. Users, roles and revocations are no part of it: whoever looks them up does so for every request.
//! 5. A token is called by its SipHash-2-4 of 128 bits under a key of this process's own: it is not kept,
//!    and nobody who does not know the key can find a token that goes by another's name.
//! 6. At most [`TOKENS`] tokens are remembered, none of more than [`LONGEST`] bytes.
//!
//! **Invariant:** what is answered from memory is what a new check would have answered.

use std::{
    fmt,
    hash::Hasher,
    sync::{Arc, Mutex, PoisonError},
};

use auth_core::{AccessToken, Claims, IssuerKeys, NumericDate};
use siphasher::sip128::{Hasher128, SipHasher24};

use crate::authenticate::cache::Cache;

/// How many tokens are remembered. In memory one takes a little over a kibibyte, so this is some 20 MiB.
const TOKENS: usize = 16 * 1024;
/// How long the longest is. What longer ones say could be too much to keep.
const LONGEST: usize = 2 * 1024;
/// In how many parts they are kept, so that requests on several cores do not wait for each other.
const PARTS: usize = 16;

/// Tokens that were found good, and what they say.
pub(crate) struct Memory {
    /// Without randomness there is no key, and nothing is remembered.
    key: Option<[u8; 16]>,
    parts: Vec<Mutex<Cache<u128, Known>>>,
}

/// What a token goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name(u128);

/// What is known of a token.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) claims: Arc<Claims>,
    /// The keys that it was checked with, where they can be replaced.
    #[cfg_attr(not(feature = "discovery"), expect(dead_code, reason = "they cannot be replaced"))]
    pub(crate) keys: Option<Arc<IssuerKeys>>,
}

impl Memory {
    pub(crate) fn new() -> Self {
        let mut key = [0; 16];
        let key = getrandom::fill(&mut key).is_ok().then_some(key);
        let part = || Mutex::new(Cache::new(TOKENS / PARTS));
        Self { key, parts: std::iter::repeat_with(part).take(PARTS).collect() }
    }

    /// What `token` goes by; `None` if it is not to be remembered.
    pub(crate) fn name(&self, token: &AccessToken) -> Option<Name> {
        let text = token.expose().as_bytes();
        let key = self.key.as_ref().filter(|_| text.len() <= LONGEST)?;
        let mut hasher = SipHasher24::new_with_key(key);
        hasher.write(text);
        Some(Name(hasher.finish128().as_u128()))
    }

    /// What is known of the token, if it has not expired at `now` and was checked before.
    pub(crate) fn find(&self, Name(name): Name, now: NumericDate) -> Option<Known> {
        let part = self.part(name)?.lock().unwrap_or_else(PoisonError::into_inner);
        part.find(&name, now)
    }

    /// Remembers what was found out at `now`.
    pub(crate) fn remember(&self, Name(name): Name, known: Known, now: NumericDate) {
        let until = known.claims.expires_at();
        if until > now
            && let Some(part) = self.part(name)
        {
            part.lock().unwrap_or_else(PoisonError::into_inner).insert(name, known, now, until);
        }
    }

    /// Forgets all that was checked with `keys`.
    #[cfg(feature = "discovery")]
    pub(crate) fn forget(&self, keys: &Arc<IssuerKeys>) {
        for part in &self.parts {
            let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.forget(|known| known.keys.as_ref().is_some_and(|its| Arc::ptr_eq(its, keys)));
        }
    }

    fn part(&self, name: u128) -> Option<&Mutex<Cache<u128, Known>>> {
        self.parts.get((name % PARTS as u128) as usize)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memory(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_by_names_of_their_own_that_another_process_does_not_know() {
        let (one, other) = (Memory::new(), Memory::new());
        let name = |memory: &Memory, text: &str| memory.name(&text.parse().unwrap()).unwrap().0;
        assert_eq!(name(&one, "a.b.c"), name(&one, "a.b.c"));
        assert_ne!(name(&one, "a.b.c"), name(&one, "a.b.d"));
        assert_ne!(name(&one, "a.b.c"), name(&other, "a.b.c"));
    }

    #[test]
    fn the_longest_tokens_are_not_remembered() {
        let memory = Memory::new();
        assert!(memory.name(&"a".repeat(LONGEST).parse().unwrap()).is_some());
        assert!(memory.name(&"a".repeat(LONGEST + 1).parse().unwrap()).is_none());
    }

    #[test]
    fn it_shows_nothing() {
        assert_eq!(format!("{:?}", Memory::new()), "Memory(..)");
    }
}
