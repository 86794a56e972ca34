//! What is remembered for a short while, and of which there is never too much.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
};

use auth_core::NumericDate;

/// At most `capacity` values, each until its time is over; the oldest goes first. The names are
/// digests of tokens, so that no token is kept.
pub(crate) struct Cache<K, V> {
    entries: HashMap<K, Entry<V>>,
    order: VecDeque<K>,
    capacity: usize,
}

struct Entry<V> {
    value: V,
    from: NumericDate,
    until: NumericDate,
}

impl<K: Copy + Eq + Hash, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), capacity }
    }

    pub(crate) fn find(&self, digest: &K, now: NumericDate) -> Option<V> {
        let entry = self.entries.get(digest)?;
        entry.is_current(now).then(|| entry.value.clone())
    }

    pub(crate) fn insert(&mut self, digest: K, value: V, now: NumericDate, until: NumericDate) {
        if self.entries.insert(digest, Entry { value, from: now, until }).is_none() {
            self.order.push_back(digest);
        }
        let spent = |cache: &Self, digest: &K| {
            cache.entries.get(digest).is_none_or(|entry| !entry.is_current(now))
        };
        while let Some(oldest) = self.order.front().copied() {
            if self.entries.len() <= self.capacity && !spent(self, &oldest) {
                break;
            }
            self.order.pop_front();
            self.entries.remove(&oldest);
        }
    }

    /// Forgets every value that `is_void`.
    #[cfg(any(test, feature = "discovery"))]
    pub(crate) fn forget(&mut self, is_void: impl Fn(&V) -> bool) {
        self.entries.retain(|_, entry| !is_void(&entry.value));
        self.order.retain(|digest| self.entries.contains_key(digest));
    }

    #[cfg(test)]
    fn len(&self) -> (usize, usize) {
        (self.entries.len(), self.order.len())
    }
}

impl<V> Entry<V> {
    /// A clock that was set back makes nothing live longer.
    fn is_current(&self, now: NumericDate) -> bool {
        self.from <= now && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(secs).unwrap()
    }

    #[test]
    fn values_end_with_their_time_and_do_not_come_back_with_the_clock() {
        let mut cache = Cache::new(10);
        cache.insert([1; 32], 'a', at(100), at(130));
        assert_eq!(cache.find(&[1; 32], at(129)), Some('a'));
        assert_eq!(cache.find(&[1; 32], at(130)), None);
        assert_eq!(cache.find(&[1; 32], at(99)), None);
        assert_eq!(cache.find(&[2; 32], at(100)), None);
        cache.insert([1; 32], 'b', at(140), at(150));
        assert_eq!(cache.find(&[1; 32], at(140)), Some('b'));
    }

    #[test]
    fn there_are_never_more_than_the_capacity_and_the_oldest_goes_first() {
        let mut cache = Cache::new(3);
        for digest in 0..100u8 {
            cache.insert([digest; 32], digest, at(100), at(200));
            cache.insert([digest; 32], digest, at(100), at(200));
            assert!(cache.len().0 <= 3 && cache.len().1 <= 3);
        }
        assert_eq!(cache.find(&[96; 32], at(100)), None);
        assert_eq!(cache.find(&[97; 32], at(100)), Some(97));
        assert_eq!(cache.find(&[99; 32], at(100)), Some(99));
        cache.insert([7; 32], 7, at(300), at(400));
        assert_eq!(cache.len(), (1, 1), "what is over makes room");
        cache.insert([8; 32], 8, at(300), at(400));
        cache.forget(|value| *value == 7);
        assert_eq!((cache.find(&[7; 32], at(300)), cache.len()), (None, (1, 1)));
    }
}
