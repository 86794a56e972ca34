//! Pages of lists that were compared already: a server's list is mostly the same for each caller.
//!
//! 1. A page is known by the digest of its bytes, and what comes of it is kept.
//! 2. Everything is forgotten when what may be shown changes. What was compared before such a
//!    change is not kept after it.
//! 3. At most [`MAX_PAGES`] pages and [`MAX_BYTES`] bytes are kept; beyond that all is forgotten.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::Digest;

const MAX_PAGES: usize = 1_024;
const MAX_BYTES: usize = 8 << 20;

/// Pages that were compared.
#[derive(Debug, Default)]
pub(super) struct KnownPages(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What is shown of a page: `None` is all of it, as the same bytes.
    shown: HashMap<Digest, Option<Bytes>>,
    bytes: usize,
    /// Counts how often all was forgotten.
    round: u64,
}

/// When a comparison began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round(u64);

impl KnownPages {
    /// What is shown of `page`, if that is known; else when its comparison begins.
    pub(super) fn shown(&self, page: Digest) -> Result<Option<Bytes>, Round> {
        let known = self.known();
        known.shown.get(&page).cloned().ok_or(Round(known.round))
    }

    /// Remembers what is shown of `page`, unless what may be shown has changed since `begun`.
    pub(super) fn remember(&self, page: Digest, shown: Option<Bytes>, begun: Round) {
        let mut known = self.known();
        let bytes = shown.as_ref().map_or(0, Bytes::len);
        if known.round != begun.0 || bytes > MAX_BYTES {
            return;
        }
        if known.shown.len() >= MAX_PAGES || known.bytes + bytes > MAX_BYTES {
            known.shown.clear();
            known.bytes = 0;
        }
        known.bytes += bytes;
        known.shown.insert(page, shown);
    }

    /// What may be shown has changed.
    pub(super) fn forget(&self) {
        let mut known = self.known();
        known.shown.clear();
        known.bytes = 0;
        known.round += 1;
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Digest {
        Digest::of(text.as_bytes())
    }

    #[test]
    fn a_page_is_known_until_what_may_be_shown_changes() {
        let pages = KnownPages::default();
        let begun = pages.shown(page("a")).unwrap_err();
        pages.remember(page("a"), None, begun);
        assert!(matches!(pages.shown(page("a")), Ok(None)));
        let late = pages.shown(page("b")).unwrap_err();
        pages.forget();
        pages.remember(page("b"), None, late);
        assert!(pages.shown(page("a")).is_err() && pages.shown(page("b")).is_err());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let pages = KnownPages::default();
        let begun = pages.shown(page("")).unwrap_err();
        let large = Bytes::from(vec![b'x'; MAX_BYTES / 4]);
        for number in 0..9 {
            pages.remember(page(&number.to_string()), Some(large.clone()), begun);
            assert!(pages.known().bytes <= MAX_BYTES);
        }
        assert!(pages.shown(page("8")).is_ok() && pages.shown(page("0")).is_err());
        for number in 0..2 * MAX_PAGES {
            pages.remember(page(&format!("n{number}")), None, begun);
        }
        assert!(pages.known().shown.len() <= MAX_PAGES);
        pages.remember(page("huge"), Some(Bytes::from(vec![b'x'; MAX_BYTES + 1])), begun);
        assert!(pages.shown(page("huge")).is_err());
    }
}
