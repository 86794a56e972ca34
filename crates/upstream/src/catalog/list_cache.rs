//! Lists that the server permits to keep.
//!
//! 1. From 2026-07-28 on, the result of a list says for how long it is good (`ttlMs`), and whether
//!    it is the same for all callers (`cacheScope`). One that says nothing is not kept.
//! 2. A list that is `private` is given back to the owner who asked for it, and to no other.
//! 3. What is given back says how long it is still good.
//! 4. A notification that a list has changed ends all pages of it.
//! 5. Number, size and age are bounded. The oldest goes first.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use auth_core::Owner;
use bytes::Bytes;

use super::Page;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheBounds {
    /// How many pages.
    pub pages: usize,
    /// How many bytes of all pages together.
    pub bytes: usize,
    /// For how long at most, whatever the server says.
    pub age: Duration,
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self { pages: 1_000, bytes: 16 * 1024 * 1024, age: Duration::from_hours(1) }
    }
}

/// Which page of which list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListKey {
    /// The method.
    pub method: String,
    /// Where the page begins; `None` for the first.
    pub cursor: Option<String>,
}

/// Pages of lists, by whose they are.
#[derive(Debug)]
pub struct ListCache {
    bounds: CacheBounds,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    by_key: HashMap<(Option<Owner>, ListKey), Kept>,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    result: Bytes,
    since: Instant,
    until: Instant,
}

impl ListCache {
    /// An empty one.
    #[must_use]
    pub fn new(bounds: CacheBounds) -> Self {
        Self { bounds, pages: Mutex::default() }
    }

    /// The page for `owner`, if it is still good at `now`.
    pub fn get(&self, owner: &Owner, key: &ListKey, now: Instant) -> Option<Bytes> {
        let pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        // First what is the owner's own.
        let found = [Some(owner.clone()), None].into_iter().find_map(|owner| {
            pages.by_key.get(&(owner, key.clone())).filter(|kept| now < kept.until)
        })?;
        let left = u64::try_from((found.until - now).as_millis()).unwrap_or(u64::MAX);
        let page = Page::read(std::str::from_utf8(&found.result).ok()?).ok()?;
        Some(page.with_ttl(left).into())
    }

    /// Keeps `result`, which answers `owner` at `now`, for as long as it says.
    pub fn put(&self, owner: &Owner, key: ListKey, result: &Bytes, now: Instant) {
        let page = std::str::from_utf8(result).ok().and_then(|text| Page::read(text).ok());
        let Some(page) = page else { return };
        let ttl = Duration::from_millis(page.ttl_ms()).min(self.bounds.age);
        if ttl.is_zero() || result.len() > self.bounds.bytes / 4 {
            return;
        }
        let owner = (!page.is_public()).then(|| owner.clone());
        let kept = Kept { result: result.clone(), since: now, until: now + ttl };
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.bytes += result.len();
        if let Some(old) = pages.by_key.insert((owner, key), kept) {
            pages.bytes = pages.bytes.saturating_sub(old.result.len());
        }
        pages.shrink(&self.bounds, now);
    }

    /// Ends every page of `method`, for a notification that the list has changed.
    pub fn forget(&self, method: &str) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|key, _| key.method != method);
    }
}

impl Pages {
    fn retain(&mut self, keep: impl Fn(&ListKey, &Kept) -> bool) {
        self.by_key.retain(|(_, key), kept| keep(key, kept));
        self.bytes = self.by_key.values().map(|kept| kept.result.len()).sum();
    }

    /// Removes what is over, and then the oldest until the rest is within `bounds`.
    fn shrink(&mut self, bounds: &CacheBounds, now: Instant) {
        let is_over =
            |pages: &Self| pages.by_key.len() > bounds.pages || pages.bytes > bounds.bytes;
        if !is_over(self) {
            return;
        }
        self.retain(|_, kept| now < kept.until);
        while is_over(self) {
            // An eighth at a time, so that a full cache is not searched for each page.
            let mut since: Vec<Instant> = self.by_key.values().map(|kept| kept.since).collect();
            since.sort_unstable();
            let Some(oldest) = since.get(since.len() / 8).copied() else { return };
            self.retain(|_, kept| kept.since > oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(cursor: usize) -> ListKey {
        ListKey { method: "tools/list".into(), cursor: Some(cursor.to_string()) }
    }

    fn owners() -> [Owner; 2] {
        let owner = |client: &str| {
            let (issuer, subject) = ("https://a.example".parse(), "alice".parse());
            Owner::Principal {
                issuer: issuer.unwrap(),
                subject: subject.unwrap(),
                client_id: Some(client.parse().unwrap()),
            }
        };
        [owner("one"), owner("other")]
    }

    fn page(ttl: u64, scope: &str) -> Bytes {
        format!(r#"{{"tools":[],"ttlMs":{ttl},"cacheScope":"{scope}"}}"#).into()
    }

    #[test]
    fn a_private_page_is_its_owners_until_its_time_is_over() {
        let (cache, start, [one, other]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        cache.put(&one, key(0), &page(1000, "private"), start);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(cache.get(&one, &key(0), at(400)), Some(page(600, "private")));
        assert_eq!(cache.get(&other, &key(0), at(400)), None);
        assert_eq!(cache.get(&one, &key(1), at(400)), None);
        assert_eq!(cache.get(&one, &key(0), at(1000)), None);
    }

    #[test]
    fn a_public_page_is_for_all_until_the_list_changes() {
        let (cache, now, [one, other]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        cache.put(&one, key(0), &page(1000, "public"), now);
        assert!(cache.get(&other, &key(0), now).is_some());
        cache.forget("prompts/list");
        assert!(cache.get(&other, &key(0), now).is_some());
        cache.forget("tools/list");
        assert_eq!(cache.get(&other, &key(0), now), None);
    }

    #[test]
    fn what_the_server_does_not_permit_is_not_kept() {
        let (cache, now, [one, _]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        for text in [r#"{"tools":[]}"#, r#"{"tools":[],"ttlMs":0}"#, "7"] {
            cache.put(&one, key(0), &Bytes::from(text), now);
            assert_eq!(cache.get(&one, &key(0), now), None, "{text}");
        }
        cache.put(&one, key(0), &page(u64::MAX, "private"), now);
        assert_eq!(cache.get(&one, &key(0), now), Some(page(3_600_000, "private")));
    }

    #[test]
    fn the_oldest_go_first_and_the_bounds_hold() {
        let size = page(1000, "private").len();
        let bounds = CacheBounds { pages: 8, bytes: size * 16, age: Duration::from_hours(1) };
        let (cache, start, [one, _]) = (ListCache::new(bounds), Instant::now(), owners());
        let at = |n: usize| start + Duration::from_millis(n.try_into().unwrap());
        for n in 0..20 {
            cache.put(&one, key(n), &page(1000, "private"), at(n));
            let pages = cache.pages.lock().unwrap();
            assert!(pages.by_key.len() <= 8 && pages.bytes == pages.by_key.len() * size);
        }
        assert_eq!(cache.get(&one, &key(0), at(20)), None);
        assert!(cache.get(&one, &key(19), at(20)).is_some());
        // One page that would take most of it is not kept.
        let long = format!(r#"{{"x":"{}","ttlMs":9}}"#, "y".repeat(size * 4));
        cache.put(&one, key(99), &Bytes::from(long), at(20));
        assert_eq!(cache.get(&one, &key(99), at(20)), None);
    }
}
