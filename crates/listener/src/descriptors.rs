//! File descriptors: each connection takes one, and so do files, databases and issuers.

use rustix::process::{Resource, getrlimit, setrlimit};

/// How many are reserved for everything but connections.
const OTHERS: u64 = 128;

/// Raises the soft limit to the hard one, and says what to do if that is too low for so many
/// connections. Beyond it nothing can be opened: no health check, no key file, no database.
#[must_use]
pub fn raise(connections: usize) -> Option<String> {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // Where it fails, the limit is what it was.
        let _ = setrlimit(Resource::Nofile, limit);
    }
    shortage(getrlimit(Resource::Nofile).current, connections)
}

/// What to say if `limit` is too low; `None` is no limit.
fn shortage(limit: Option<u64>, connections: usize) -> Option<String> {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let limit = limit.filter(|limit| *limit < needed)?;
    Some(format!(
        "{limit} file descriptors are too few for MAX_CONNECTIONS={connections}: raise the limit to {needed} \
         (`ulimit -Hn`, or LimitNOFILE of the unit), or lower MAX_CONNECTIONS"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_descriptors_are_reported_with_what_to_do() {
        assert_eq!(shortage(None, 1024), None);
        assert_eq!(shortage(Some(1024 + OTHERS), 1024), None);
        let reported = shortage(Some(1024), 1024).unwrap();
        assert!(reported.contains("LimitNOFILE") && reported.contains("1152"), "{reported}");
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let _ = raise(1);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
