//! How much memory a server uses: the resident memory of all processes in its group.
//!
//! A limit of the kernel (`setrlimit`) is for one process and for its address space, of which
//! Node.js reserves many gigabytes that it never uses. So the memory is looked at every two
//! seconds. A server can use more for as long; the bound of a container or of a unit of systemd is
//! exact. Pages that two processes share are counted twice.
//!
//! It is read from `/proc` (proc(5), `/proc/pid/stat`), so Linux alone has this bound. Elsewhere a
//! server with one is not started.

use std::{
    collections::HashMap,
    fs,
    sync::{Mutex, PoisonError},
};

use tokio::time::{Duration, Instant, sleep};

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(2);

/// The memory of each group in bytes, and when that was. All servers use the same look.
static LAST: Mutex<Option<(Instant, HashMap<i32, u64>)>> = Mutex::new(None);

/// Returns when `group` uses more than `limit` bytes; never without a limit.
pub(crate) async fn exceeded(group: i32, limit: Option<u64>) {
    let Some(limit) = limit else { return std::future::pending().await };
    loop {
        sleep(INTERVAL).await;
        if tokio::task::spawn_blocking(move || used(group)).await.is_ok_and(|used| used > limit) {
            return;
        }
    }
}

/// What `group` used when last looked at, which is not long ago.
fn used(group: i32) -> u64 {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let last = match &mut *last {
        Some(last) if last.0.elapsed() < INTERVAL / 2 => last,
        last => last.insert((Instant::now(), all())),
    };
    last.1.get(&group).copied().unwrap_or_default()
}

/// The memory of every group.
fn all() -> HashMap<i32, u64> {
    let page = rustix::param::page_size() as u64;
    let mut groups = HashMap::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let is_process = process.file_name().to_str().is_some_and(|it| it.parse::<i32>().is_ok());
        // It may have ended in the meantime.
        let stat = is_process.then(|| fs::read_to_string(process.path().join("stat")).ok());
        if let Some((group, pages)) = stat.flatten().as_deref().and_then(group_and_pages) {
            let used = groups.entry(group).or_insert(0_u64);
            *used = used.saturating_add(pages.saturating_mul(page));
        }
    }
    groups
}

/// The fields `pgrp` and `rss` of a `stat` file, the fifth and the twenty-fourth. The second, the
/// name, may have spaces and brackets in it.
fn group_and_pages(stat: &str) -> Option<(i32, u64)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let group = fields.nth(2)?.parse().ok()?;
    // From the sixth on.
    let pages = fields.nth(18)?.parse().ok()?;
    Some((group, pages))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_found_behind_any_name() {
        let rest = "S 4 55 6 0 -1 4194560 8 9 10 11 12 13 14 15 16 17 18 19 20 21 777 22 23";
        for name in ["cat", "a b", "x) S 1 2", "("] {
            let stat = format!("1 ({name}) {rest}");
            assert_eq!(group_and_pages(&stat), Some((55, 777)), "{name}");
        }
        assert_eq!(group_and_pages("1 (cat) S 4"), None);
    }

    #[test]
    fn our_own_group_uses_memory() {
        let own = rustix::process::getpgrp().as_raw_nonzero().get();
        assert!(all()[&own] > 100_000);
    }
}
