//! Lists that the server permits to keep.
//!
//! 1. From 2026-07-28 on, the result of a list says for how long it is good (`ttlMs`), and whether
//!    it is the same for all callers (`cacheScope`). One that says nothing is not kept.
//! 2. A list that is `private` is given back to the owner who asked for it, and to no other.
//! 3. What is given back says how long it is still good.
//! 4. A notification that a list has changed ends all pages of it, also those that were asked for
//!    before it and come after it.
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
    /// For how long at most, whatever the server says: what changes without a notification is found
    /// in the next list.
    pub age: Duration,
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self { pages: 1_000, bytes: 16 * 1024 * 1024, age: Duration::from_mins(5) }
    }
}

/// Which page of which list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ListKey {
    /// The method.
    pub method: String,
    /// Where the page begins; `None` for the first.
    pub cursor: Option<String>,
    /// What the client can do, as JSON: a server may not offer what a client cannot use.
    pub capabilities: String,
}

/// What was known of changes when a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked(u64);

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
    /// How many notifications of a change there were.
    changes: u64,
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

    /// A page is asked for now.
    pub fn asked(&self) -> Asked {
        Asked(self.pages.lock().unwrap_or_else(PoisonError::into_inner).changes)
    }

    /// Keeps `result`, which answers `owner` at `now`, for as long as it says. Nothing is kept if a
    /// list has changed since it was asked for.
    pub fn put(&self, owner: &Owner, key: ListKey, result: &Bytes, (asked, now): (Asked, Instant)) {
        let page = std::str::from_utf8(result).ok().and_then(|text| Page::read(text).ok());
        let Some(page) = page else { return };
        let ttl = Duration::from_millis(page.ttl_ms()).min(self.bounds.age);
        if ttl.is_zero() || result.len() > self.bounds.bytes / 4 {
            return;
        }
        let owner = (!page.is_public()).then(|| owner.clone());
        let kept = Kept { result: result.clone(), since: now, until: now + ttl };
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.changes != asked.0 {
            return;
        }
        let size = size(&key, &kept);
        pages.bytes += size;
        // The old one has the same key.
        if let Some(old) = pages.by_key.insert((owner, key), kept) {
            let of_result = old.result.len() + size - result.len();
            pages.bytes = pages.bytes.saturating_sub(of_result);
        }
        pages.shrink(&self.bounds, now);
    }

    /// Ends every page of lists whose methods begin with `family`, such as `tools/`, for a
    /// notification that they have changed.
    pub fn forget(&self, family: &str) {
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.changes = pages.changes.wrapping_add(1);
        pages.retain(|key, _| !key.method.starts_with(family));
    }
}

/// What a page takes, in bytes: its key is partly the caller's words.
fn size(key: &ListKey, kept: &Kept) -> usize {
    let cursor = key.cursor.as_deref().map_or(0, str::len);
    kept.result.len() + cursor + key.capabilities.len()
}

impl Pages {
    fn retain(&mut self, keep: impl Fn(&ListKey, &Kept) -> bool) {
        self.by_key.retain(|(_, key), kept| keep(key, kept));
        self.bytes = self.by_key.iter().map(|((_, key), kept)| size(key, kept)).sum();
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
        ListKey {
            method: "tools/list".into(),
            cursor: Some(cursor.to_string()),
            capabilities: String::new(),
        }
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
        cache.put(&one, key(0), &page(1000, "private"), (cache.asked(), start));
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
        cache.put(&one, key(0), &page(1000, "public"), (cache.asked(), now));
        assert!(cache.get(&other, &key(0), now).is_some());
        cache.forget("prompts/");
        assert!(cache.get(&other, &key(0), now).is_some());
        cache.forget("tools/");
        assert_eq!(cache.get(&other, &key(0), now), None);
    }

    #[test]
    fn a_page_that_was_asked_for_before_a_change_is_not_kept() {
        let (cache, now, [one, _]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        let asked = cache.asked();
        cache.forget("tools/");
        cache.put(&one, key(0), &page(1000, "public"), (asked, now));
        assert_eq!(cache.get(&one, &key(0), now), None);
    }

    #[test]
    fn a_page_is_for_clients_that_can_do_the_same() {
        let (cache, now, [one, _]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        cache.put(&one, key(0), &page(1000, "public"), (cache.asked(), now));
        let other = ListKey { capabilities: r#"{"roots":{}}"#.into(), ..key(0) };
        assert_eq!(cache.get(&one, &other, now), None);
    }

    #[test]
    fn what_a_caller_says_counts_against_the_bound() {
        let bounds = CacheBounds { bytes: 10_000, ..CacheBounds::default() };
        let (cache, now, [one, _]) = (ListCache::new(bounds), Instant::now(), owners());
        for number in 0..50 {
            let capabilities = format!(r#"{{"x":"{number}{}"}}"#, "x".repeat(2_000));
            let key = ListKey { capabilities, ..key(0) };
            cache.put(&one, key, &page(1000, "private"), (cache.asked(), now));
            let pages = cache.pages.lock().unwrap();
            let all: usize = pages.by_key.iter().map(|((_, key), kept)| size(key, kept)).sum();
            assert_eq!(pages.bytes, all);
            assert!(all <= 10_000, "{all}");
        }
    }

    #[test]
    fn what_the_server_does_not_permit_is_not_kept() {
        let (cache, now, [one, _]) =
            (ListCache::new(CacheBounds::default()), Instant::now(), owners());
        for text in [r#"{"tools":[]}"#, r#"{"tools":[],"ttlMs":0}"#, "7"] {
            cache.put(&one, key(0), &Bytes::from(text), (cache.asked(), now));
            assert_eq!(cache.get(&one, &key(0), now), None, "{text}");
        }
        cache.put(&one, key(0), &page(u64::MAX, "private"), (cache.asked(), now));
        assert_eq!(cache.get(&one, &key(0), now), Some(page(300_000, "private")));
    }

    #[test]
    fn the_oldest_go_first_and_the_bounds_hold() {
        let length = page(1000, "private").len();
        let bounds = CacheBounds { pages: 8, bytes: length * 16, age: Duration::from_hours(1) };
        let (cache, start, [one, _]) = (ListCache::new(bounds), Instant::now(), owners());
        let at = |n: usize| start + Duration::from_millis(n.try_into().unwrap());
        for n in 0..20 {
            cache.put(&one, key(n), &page(1000, "private"), (cache.asked(), at(n)));
            let pages = cache.pages.lock().unwrap();
            let all: usize = pages.by_key.iter().map(|((_, key), kept)| size(key, kept)).sum();
            assert!(pages.by_key.len() <= 8 && pages.bytes == all);
        }
        assert_eq!(cache.get(&one, &key(0), at(20)), None);
        assert!(cache.get(&one, &key(19), at(20)).is_some());
        // One page that would take most of it is not kept.
        let long = format!(r#"{{"x":"{}","ttlMs":9}}"#, "y".repeat(length * 4));
        cache.put(&one, key(99), &Bytes::from(long), (cache.asked(), at(20)));
        assert_eq!(cache.get(&one, &key(99), at(20)), None);
    }
}
