//! Bounds for guessing.
//!
//! | counted by | where | attempts | in |
//! |---|---|---|---|
//! | node | memory | 50 | 1 second |
//! | address (IPv6: its /64) | memory | 30 that fail | 5 minutes |
//! | user, with passwords | database | 10 that fail | 15 minutes |
//! | user, with one-time codes | database | 300 that fail | 15 minutes |
//! | user, at the second step | database | 10 that fail | 1 hour |
//! | browser where the user has signed in before | database | 10 that fail | 15 minutes |
//!
//! 1. An attempt is counted before it is judged.
//! 2. A known browser has its own budget in place of the first four. So who guesses from elsewhere
//!    does not keep the user out there; and a one-time code, which cannot be guessed, signs in from
//!    everywhere while passwords of the user are not accepted.
//! 3. A name that no user has is counted as one that a user has.
//! 4. The password that a user types to set another one is counted by session.
//! 5. Users are counted in 65 536 groups by the digest of their name, so the database holds that
//!    many rows at most, whatever names are tried.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::NumericDate;
use directory::UserName;

use super::digest;
use crate::limit::network;

/// How many addresses are remembered.
const MAX_ADDRESSES: usize = 10_000;

/// How many attempts of one address may fail in [`ADDRESS_WINDOW`].
const MAX_PER_ADDRESS: u32 = 30;

const ADDRESS_WINDOW: Duration = Duration::from_mins(5);

/// How many attempts this node judges in a second, known browsers apart.
const MAX_PER_SECOND: u32 = 50;

/// What an attempt is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// A password.
    Password,
    /// A one-time code.
    Code,
    /// A code of the second factor, or a recovery code.
    Second,
}

impl Attempt {
    /// How many may fail in one window.
    pub(crate) fn limit(self) -> u64 {
        match self {
            Self::Password | Self::Second => 10,
            Self::Code => 300,
        }
    }

    /// How long a window is.
    pub(crate) fn window(self) -> Duration {
        match self {
            Self::Password | Self::Code => Duration::from_mins(15),
            Self::Second => Duration::from_hours(1),
        }
    }

    /// The key in the database: of the known browser, or of the user's group.
    pub(crate) fn key(self, user: &UserName, known: Option<&str>) -> String {
        let name = match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Second => "second",
        };
        match known {
            Some(budget) => format!("{name}:{budget}"),
            None => format!("{name}:{}", group(user)),
        }
    }
}

/// One of 65 536 groups.
fn group(user: &UserName) -> String {
    let [first, second, ..] = digest::sha256(&format!("{}\0{}", user.issuer, user.subject));
    format!("{first:02x}{second:02x}")
}

/// Attempts that this node has counted.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    by_address: HashMap<u128, Window>,
    all: Window,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    began: i64,
    attempts: u32,
}

/// Why an address must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// It has failed too often: until then.
    Address(Duration),
    /// This node judges too many at once.
    Node,
}

impl Window {
    /// Counts one more, unless there are `max`.
    fn count(&mut self, now: i64, length: i64, max: u32) -> bool {
        if now - self.began >= length || now < self.began {
            *self = Self { began: now, attempts: 0 };
        }
        let is_free = self.attempts < max;
        if is_free {
            self.attempts += 1;
        }
        is_free
    }
}

impl Addresses {
    /// Counts an attempt from `address`.
    pub(super) fn count(&self, address: IpAddr, now: NumericDate) -> Result<(), Wait> {
        let (now, length) = (now.as_secs(), secs(ADDRESS_WINDOW));
        let mut counted = self.lock();
        if counted.by_address.len() >= MAX_ADDRESSES {
            counted.make_room(now);
        }
        let window = counted.by_address.entry(network(address)).or_default();
        if !window.count(now, length, MAX_PER_ADDRESS) {
            let left = u64::try_from(window.began + length - now).unwrap_or_default();
            return Err(Wait::Address(Duration::from_secs(left)));
        }
        if !counted.all.count(now, 1, MAX_PER_SECOND) {
            return Err(Wait::Node);
        }
        Ok(())
    }

    /// An attempt that was counted has not failed.
    pub(super) fn succeeded(&self, address: IpAddr) {
        if let Some(window) = self.lock().by_address.get_mut(&network(address)) {
            window.attempts = window.attempts.saturating_sub(1);
        }
    }

    /// Nothing is left half done under the lock.
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    /// Forgets windows that are over; if there are none, any one: the budgets of the users hold.
    fn make_room(&mut self, now: i64) {
        self.by_address.retain(|_, window| now - window.began < secs(ADDRESS_WINDOW));
        if self.by_address.len() >= MAX_ADDRESSES {
            let any = self.by_address.keys().next().copied();
            any.and_then(|any| self.by_address.remove(&any));
        }
    }
}

fn secs(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// What a request is counted under that has no address.
pub(super) const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_800_000_000 + secs).unwrap()
    }

    fn user(name: &str) -> UserName {
        UserName { issuer: "https://as.example".parse().unwrap(), subject: name.parse().unwrap() }
    }

    #[test]
    fn an_address_that_fails_often_waits_for_its_window() {
        let addresses = Addresses::default();
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..MAX_PER_ADDRESS {
            assert_eq!(addresses.count(one, at(0)), Ok(()));
        }
        let wait = |secs| Err(Wait::Address(Duration::from_secs(secs)));
        assert_eq!(addresses.count(one, at(1)), wait(299));
        assert_eq!(addresses.count(other, at(1)), Ok(()));
        addresses.succeeded(one);
        assert_eq!(addresses.count(one, at(2)), Ok(()));
        assert_eq!(addresses.count(one, at(299)), wait(1));
        assert_eq!(addresses.count(one, at(300)), Ok(()));
    }

    #[test]
    fn a_node_judges_so_many_in_a_second() {
        let addresses = Addresses::default();
        let address = |n: u32| IpAddr::V4(Ipv4Addr::from(0xC000_0000 + n));
        for n in 0..MAX_PER_SECOND {
            assert_eq!(addresses.count(address(n), at(0)), Ok(()));
        }
        assert_eq!(addresses.count(address(1000), at(0)), Err(Wait::Node));
        assert_eq!(addresses.count(address(1001), at(1)), Ok(()));
    }

    #[test]
    fn addresses_that_are_remembered_have_an_end() {
        let addresses = Addresses::default();
        for n in 0..2 * u32::try_from(MAX_ADDRESSES).unwrap() {
            let address = IpAddr::V4(Ipv4Addr::from(0xC000_0000 + n));
            let _ = addresses.count(address, at(0));
        }
        assert!(addresses.lock().by_address.len() <= MAX_ADDRESSES);
    }

    #[test]
    fn a_clock_that_goes_back_begins_a_window() {
        let addresses = Addresses::default();
        let one = "192.0.2.1".parse().unwrap();
        for _ in 0..MAX_PER_ADDRESS {
            assert_eq!(addresses.count(one, at(1000)), Ok(()));
        }
        assert_eq!(addresses.count(one, at(0)), Ok(()));
    }

    #[test]
    fn keys_are_of_a_group_or_of_a_known_browser() {
        let alice = Attempt::Password.key(&user("alice"), None);
        assert_eq!(alice.len(), "password:0000".len());
        assert_eq!(alice, Attempt::Password.key(&user("alice"), None));
        assert_ne!(alice, Attempt::Password.key(&user("bob"), None));
        assert_ne!(alice, Attempt::Code.key(&user("alice"), None));
        assert_eq!(Attempt::Second.key(&user("alice"), Some("known:n")), "second:known:n");
    }
}
