//! The tools of servers, kept in the user's cache folder: for completing their names in a shell,
//! and so that a call need not list them first.
//!
//! 1. A cached list checks a call for [`FRESH`] at most. What it refuses is asked of the server
//!    again. What a stale list lets through, the server refuses.
//! 2. Nothing depends on the cache: what cannot be read or written counts as missing.
//! 3. Files are for their user alone (0600). No token is in them. A folder that others may write is
//!    not used: what is in it would be theirs.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use auth_core::Clock;
use rmcp::model::Tool;
use serde::{Deserialize, Serialize};
use settings::secret_file;

use crate::endpoint::Endpoint;

/// The folder's name.
const FOLDER: &str = "bartizan";
/// How long a list is good enough to check a call.
const FRESH: Duration = Duration::from_hours(1);
/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 8 << 20;
/// The longest readable part of a file's name.
const MAX_NAME: usize = 80;

/// The file of one server.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    file: Option<PathBuf>,
    url: String,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    url: String,
    /// Seconds since 1970.
    at: u64,
    tools: Vec<Tool>,
}

impl Cache {
    /// The file of a server under the user's cache folder. Without a folder nothing is kept.
    pub(crate) fn of(folder: Option<&Path>, endpoint: &Endpoint, clock: Arc<dyn Clock>) -> Self {
        let url = endpoint.to_string();
        let file = folder.map(|folder| folder.join(FOLDER).join(file_name(&url)));
        Self { file, url, clock }
    }

    /// The tools, if they were listed a short while ago.
    pub(crate) fn fresh(&self) -> Option<Vec<Tool>> {
        let kept = self.read()?;
        let age = self.now()?.checked_sub(kept.at)?;
        (age < FRESH.as_secs()).then_some(kept.tools)
    }

    /// The names of the tools and what they are for, however old.
    pub(crate) fn names(&self) -> Vec<(String, Option<String>)> {
        let tools = self.read().map(|kept| kept.tools).unwrap_or_default();
        let about = |tool: &Tool| tool.description.as_deref().map(str::to_owned);
        tools.iter().map(|tool| (tool.name.to_string(), about(tool))).collect()
    }

    /// Stores the tools.
    pub(crate) fn save(&self, tools: &[Tool]) {
        // A cache that cannot be written counts as missing.
        let _ = self.write(tools);
    }

    fn now(&self) -> Option<u64> {
        u64::try_from(self.clock.now().as_secs()).ok()
    }

    fn read(&self) -> Option<Kept> {
        let path = self.file.as_ref()?;
        secret_file::check_folder(secret_file::folder_of(path)).ok()?;
        let text = secret_file::read_at_most(path, MAX_BYTES).ok()?;
        let kept: Kept = serde_json::from_str(&text).ok()?;
        (kept.url == self.url).then_some(kept)
    }

    fn write(&self, tools: &[Tool]) -> io::Result<()> {
        let (Some(file), Some(at)) = (&self.file, self.now()) else { return Ok(()) };
        let kept = Kept { url: self.url.clone(), at, tools: tools.to_vec() };
        let text = serde_json::to_string(&kept)?;
        let folder = secret_file::folder_of(file);
        secret_file::make_folder(folder)?;
        secret_file::check_folder(folder).map_err(io::Error::other)?;
        // Whole or not at all: another run may be reading or writing. Not synchronized with the
        // disk: a list that is lost is read from the server again.
        let mut draft = secret_file::draft(folder)?;
        draft.write_all(text.as_bytes())?;
        draft.persist(file)?;
        Ok(())
    }
}

/// A name that a person can read, and a number that distinguishes similar ones.
fn file_name(url: &str) -> String {
    let mut hasher = DefaultHasher::new();
    url.hash(&mut hasher);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    let readable: String = url.chars().take(MAX_NAME).map(plain).collect();
    format!("{readable}-{:016x}.json", hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use auth_core::SystemClock;
    use rmcp::model::JsonObject;

    use super::*;

    #[test]
    fn what_is_kept_is_found_for_this_server_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = |url: &str| {
            Cache::of(Some(folder.path()), &Endpoint::parse(url).unwrap(), Arc::new(SystemClock))
        };
        let here = cache("http://localhost/mcp?key=hushhush");
        assert!(here.fresh().is_none());
        let tool = Tool::new("now", "Reports the time", JsonObject::new());
        here.save(std::slice::from_ref(&tool));
        assert_eq!(here.fresh(), Some(vec![tool]));
        assert_eq!(here.names(), [("now".to_owned(), Some("Reports the time".to_owned()))]);
        assert!(cache("http://localhost/mcq").fresh().is_none());

        let file = here.file.unwrap();
        assert!(!fs::read_to_string(&file).unwrap().contains("hushhush"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&file), 0o600);
            assert_eq!(mode(file.parent().unwrap()), 0o700);
        }
        let left = fs::read_dir(file.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no draft is left behind");
    }

    #[test]
    fn an_old_or_broken_file_checks_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::parse("http://localhost/mcp").unwrap();
        let cache = Cache::of(Some(folder.path()), &endpoint, Arc::new(SystemClock));
        cache.save(&[]);
        let file = cache.file.clone().unwrap();
        let text = fs::read_to_string(&file).unwrap();
        let kept: Kept = serde_json::from_str(&text).unwrap();
        let old = text.replace(&kept.at.to_string(), &(kept.at - FRESH.as_secs()).to_string());
        fs::write(&file, old).unwrap();
        assert!(cache.fresh().is_none());
        fs::write(&file, "{").unwrap();
        assert!(cache.fresh().is_none());
        Cache::of(None, &endpoint, Arc::new(SystemClock)).save(&[]);
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_is_none() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::parse("http://localhost/mcp").unwrap();
        let cache = Cache::of(Some(folder.path()), &endpoint, Arc::new(SystemClock));
        cache.save(&[]);
        assert!(cache.fresh().is_some());
        let ours = folder.path().join(FOLDER);
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(cache.fresh().is_none());
        fs::remove_file(cache.file.as_ref().unwrap()).unwrap();
        cache.save(&[]);
        assert_eq!(fs::read_dir(&ours).unwrap().count(), 0);
    }
}
