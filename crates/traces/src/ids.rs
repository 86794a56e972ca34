//! The ids of traces and spans: a keyed pseudorandom function (`SipHash-2-4`) of a counter. With a
//! random key no id says anything of another, and none is likely to be there twice.

use std::{
    hash::Hasher,
    sync::atomic::{AtomicU64, Ordering},
};

use auth_core::{audit::TraceId, trace_context::SpanId};
use siphasher::{
    sip::SipHasher24,
    sip128::{Hasher128, SipHasher24 as SipHasher128},
};

/// Makes ids.
pub(crate) struct Ids {
    key: [u8; 16],
    count: AtomicU64,
}

impl Ids {
    /// `key` is random.
    pub(crate) const fn new(key: [u8; 16]) -> Self {
        Self { key, count: AtomicU64::new(0) }
    }

    pub(crate) fn span(&self) -> SpanId {
        loop {
            let mut hasher = SipHasher24::new_with_key(&self.key);
            hasher.write_u64(self.next());
            if let Some(id) = SpanId::from_bytes(hasher.finish().to_be_bytes()) {
                return id;
            }
        }
    }

    pub(crate) fn trace(&self) -> TraceId {
        loop {
            let mut hasher = SipHasher128::new_with_key(&self.key);
            hasher.write_u64(self.next());
            if let Some(id) = TraceId::from_bytes(hasher.finish128().as_bytes()) {
                return id;
            }
        }
    }

    fn next(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_id_is_there_twice_and_another_key_makes_others() {
        let ids = Ids::new([1; 16]);
        let mut traces: BTreeSet<_> = (0..1000).map(|_| ids.trace().to_bytes()).collect();
        let mut spans: BTreeSet<_> = (0..1000).map(|_| ids.span().to_bytes()).collect();
        let others = Ids::new([2; 16]);
        traces.extend((0..1000).map(|_| others.trace().to_bytes()));
        spans.extend((0..1000).map(|_| others.span().to_bytes()));
        assert_eq!((traces.len(), spans.len()), (2000, 2000));
    }
}
