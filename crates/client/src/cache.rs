//! What servers list, kept in the user's cache folder: for completing names in a shell, and so that
//! a call need not list the tools first.
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
use rmcp::model::{Prompt, Resource, Tool};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    url: String,
    /// When the tools were listed, in seconds since 1970; 0 if they were not.
    at: u64,
    tools: Vec<Tool>,
    /// The URIs of the resources.
    #[serde(default)]
    resources: Vec<Known>,
    #[serde(default)]
    prompts: Vec<Known>,
}

/// Something that can be named on a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// Its name, or its URI.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) about: Option<String>,
    /// The arguments that it takes, and what they are for.
    #[serde(default)]
    pub(crate) arguments: Vec<(String, Option<String>)>,
}

impl From<&Tool> for Known {
    fn from(tool: &Tool) -> Self {
        let taken = tool.input_schema.get("properties").and_then(Value::as_object);
        let about = |schema: &Value| schema.get("description")?.as_str().map(str::to_owned);
        let taken = taken.into_iter().flatten().map(|(name, schema)| (name.clone(), about(schema)));
        Self {
            name: tool.name.to_string(),
            about: tool.description.as_deref().map(str::to_owned),
            arguments: taken.collect(),
        }
    }
}

impl From<&Resource> for Known {
    fn from(resource: &Resource) -> Self {
        let about = resource.description.clone().or_else(|| Some(resource.name.clone()));
        Self { name: resource.uri.clone(), about, arguments: Vec::new() }
    }
}

impl From<&Prompt> for Known {
    fn from(prompt: &Prompt) -> Self {
        let taken = prompt.arguments.iter().flatten();
        Self {
            name: prompt.name.clone(),
            about: prompt.description.clone(),
            arguments: taken.map(|it| (it.name.clone(), it.description.clone())).collect(),
        }
    }
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

    /// The tools, however old.
    pub(crate) fn tools(&self) -> Vec<Known> {
        self.read().unwrap_or_default().tools.iter().map(Known::from).collect()
    }

    /// The resources, however old.
    pub(crate) fn resources(&self) -> Vec<Known> {
        self.read().unwrap_or_default().resources
    }

    /// The prompts, however old.
    pub(crate) fn prompts(&self) -> Vec<Known> {
        self.read().unwrap_or_default().prompts
    }

    /// Stores the tools.
    pub(crate) fn save(&self, tools: &[Tool]) {
        let Some(at) = self.now() else { return };
        let tools = tools.to_vec();
        self.update(|kept| Kept { at, tools, ..kept });
    }

    /// Stores the resources.
    pub(crate) fn save_resources(&self, resources: &[Resource]) {
        let resources = resources.iter().map(Known::from).collect();
        self.update(|kept| Kept { resources, ..kept });
    }

    /// Stores the prompts.
    pub(crate) fn save_prompts(&self, prompts: &[Prompt]) {
        let prompts = prompts.iter().map(Known::from).collect();
        self.update(|kept| Kept { prompts, ..kept });
    }

    /// Changes what is kept. Of two runs at once, one may win: what is lost is listed again.
    fn update(&self, change: impl FnOnce(Kept) -> Kept) {
        let kept = self.read().unwrap_or_default();
        // A cache that cannot be written counts as missing.
        let _ = self.write(&Kept { url: self.url.clone(), ..change(kept) });
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

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let text = serde_json::to_string(kept)?;
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
    use rmcp::model::{JsonObject, PromptArgument};

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
        let known = |name: &str, about: &str, arguments: Vec<(String, Option<String>)>| Known {
            name: name.to_owned(),
            about: Some(about.to_owned()),
            arguments,
        };
        assert_eq!(here.tools(), [known("now", "Reports the time", Vec::new())]);
        // Each list is kept beside the others.
        here.save_resources(&[Resource::new("page://1", "first")]);
        let city = PromptArgument::new("city").with_description("Where to");
        let trip = Prompt::new("trip", Some("Plans a trip"), Some(vec![city]));
        here.save_prompts(&[trip]);
        assert_eq!(here.resources(), [known("page://1", "first", Vec::new())]);
        let city = ("city".to_owned(), Some("Where to".to_owned()));
        assert_eq!(here.prompts(), [known("trip", "Plans a trip", vec![city])]);
        assert!(here.fresh().is_some());
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
        cache.save_prompts(&[]);
        assert!(cache.fresh().is_none(), "the tools were not listed");
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
