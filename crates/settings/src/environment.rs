//! The values of the variables: the process's environment over `.env`.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{EnvFile, EnvFileError, Surrounding, Variable};

/// Where the values come from. `Debug` prints which variables are set, never a value.
#[derive(Clone, Default)]
pub struct Environment {
    process: HashMap<Variable, String>,
    file: HashMap<Variable, String>,
    /// What no [`Variable`] has, the process's own over the file's.
    others: HashMap<String, Zeroizing<String>>,
    surroundings: HashMap<Surrounding, String>,
}

impl Environment {
    /// The environment of this process over the file `env_file`, if that exists.
    pub fn load(env_file: &Path) -> Result<Self, EnvFileError> {
        #[expect(clippy::disallowed_methods, reason = "the one read of the environment")]
        let process = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let (process, mut others) = sorted(process);
        let surroundings = surroundings(&others);
        let (file, others_of_file) = sorted(EnvFile::at(env_file).read()?);
        for (name, value) in others_of_file {
            others.entry(name).or_insert(value);
        }
        Ok(Self { process, file, others, surroundings })
    }

    /// An environment of just these pairs. Empty values are left out.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let (process, others) = sorted(pairs);
        let surroundings = surroundings(&others);
        Self { process, file: HashMap::new(), others, surroundings }
    }

    /// The value of a variable that a configuration file names as the place of a secret. The variables
    /// of the programs are no such places.
    #[must_use]
    pub fn secret_named(&self, name: &str) -> Option<&str> {
        self.others.get(name).map(|value| value.as_str())
    }

    /// What the process itself was started with; a file cannot set it.
    #[must_use]
    pub fn surrounding(&self, surrounding: Surrounding) -> Option<&str> {
        self.surroundings.get(&surrounding).map(String::as_str)
    }

    /// The value that is set, or the default.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<&str> {
        self.set_value(variable).or(variable.default())
    }

    /// The value that is set; no default.
    #[must_use]
    pub fn set_value(&self, variable: Variable) -> Option<&str> {
        self.process.get(&variable).or_else(|| self.file.get(&variable)).map(String::as_str)
    }

    /// Whether the value comes from the file, which may be another's: it lies in the current folder.
    #[must_use]
    pub fn is_from_file(&self, variable: Variable) -> bool {
        !self.process.contains_key(&variable) && self.file.contains_key(&variable)
    }

    /// The user's folder for what can be made again: `XDG_CACHE_HOME`, or what the system has in its
    /// place. Only absolute paths count (XDG Base Directory Specification), and a file cannot set it.
    #[must_use]
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let folder = |surrounding| {
            let path = PathBuf::from(self.surrounding(surrounding)?);
            path.is_absolute().then_some(path)
        };
        folder(Surrounding::CacheHome).or_else(|| {
            if cfg!(windows) {
                folder(Surrounding::LocalAppData)
            } else if cfg!(target_os = "macos") {
                folder(Surrounding::Home).map(|home| home.join("Library/Caches"))
            } else {
                folder(Surrounding::Home).map(|home| home.join(".cache"))
            }
        })
    }

    /// The values of variables that stand in for each other, from the one place that sets any of them:
    /// the process's environment, else the file. So a key file in the environment takes the place of a
    /// secret in the file.
    #[must_use]
    pub(crate) fn alternatives<const N: usize>(
        &self,
        variables: [Variable; N],
    ) -> [Option<&str>; N] {
        let in_process = variables.iter().any(|variable| self.process.contains_key(variable));
        let values = if in_process { &self.process } else { &self.file };
        variables.map(|variable| values.get(&variable).map(String::as_str))
    }
}

fn surroundings(others: &HashMap<String, Zeroizing<String>>) -> HashMap<Surrounding, String> {
    let found = Surrounding::ALL.into_iter();
    found.filter_map(|one| Some((one, others.get(one.name())?.to_string()))).collect()
}

/// The values of the variables, and of all the others.
fn sorted(
    pairs: impl IntoIterator<Item = (String, String)>,
) -> (HashMap<Variable, String>, HashMap<String, Zeroizing<String>>) {
    let (mut known, mut others) = (HashMap::new(), HashMap::new());
    for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
        match Variable::ALL.into_iter().find(|known| known.name() == name) {
            Some(variable) => drop(known.insert(variable, value)),
            None => drop(others.insert(name, Zeroizing::new(value))),
        }
    }
    (known, others)
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: BTreeSet<_> =
            self.process.keys().chain(self.file.keys()).map(|variable| variable.name()).collect();
        f.debug_set().entries(names).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_beats_default_and_empty_is_not_set() {
        let environment = Environment::from_pairs([
            ("BIND_ADDR".into(), "127.0.0.1:1".into()),
            ("MCP_URL".into(), String::new()),
            ("OTHER".into(), "x".into()),
        ]);
        assert_eq!(environment.get(Variable::BindAddr), Some("127.0.0.1:1"));
        assert_eq!(environment.get(Variable::McpUrl), Some("http://localhost:8000/mcp"));
        assert_eq!(environment.set_value(Variable::McpUrl), None);
        assert_eq!(environment.get(Variable::JwtSecret), None);
    }

    #[test]
    fn the_cache_folder_is_absolute_or_not_there() {
        let folder = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).into(), (*value).into()));
            Environment::from_pairs(pairs).cache_folder()
        };
        assert_eq!(folder(&[]), None);
        assert_eq!(folder(&[("XDG_CACHE_HOME", "here")]), None);
        let own = std::env::temp_dir();
        let set = [("XDG_CACHE_HOME", own.to_str().unwrap()), ("HOME", "/home/x")];
        assert_eq!(folder(&set), Some(own.clone()));
        #[cfg(target_os = "linux")]
        assert_eq!(folder(&set[1..]), Some("/home/x/.cache".into()));
    }

    #[test]
    fn alternatives_come_from_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "JWT_SECRET=in-the-file\n").unwrap();
        let mut environment = Environment::load(&path).unwrap();
        environment.process = HashMap::new();
        let both = [Variable::JwtSecret, Variable::JwtKeyFile];
        assert_eq!(environment.alternatives(both), [Some("in-the-file"), None]);
        environment.process.insert(Variable::JwtKeyFile, "in-the-process".into());
        assert_eq!(environment.alternatives(both), [None, Some("in-the-process")]);
        assert_eq!(environment.alternatives([]), []);
    }

    #[test]
    fn secrets_that_a_file_names_are_found_in_both_places_and_are_no_variables() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "IDP_SECRET=in-the-file\nEMPTY=\nJWT_SECRET=x\nPATH=/nowhere\n")
            .unwrap();
        let environment = Environment::load(&path).unwrap();
        assert_eq!(environment.secret_named("IDP_SECRET"), Some("in-the-file"));
        assert_eq!(environment.secret_named("EMPTY"), None);
        assert_eq!(environment.secret_named("JWT_SECRET"), None);
        assert_ne!(
            environment.secret_named("PATH"),
            Some("/nowhere"),
            "the process's own comes first"
        );
        assert!(!format!("{environment:?}").contains("IDP_SECRET"));
    }

    #[test]
    fn a_file_says_nothing_of_the_surroundings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "BROWSER=./evil\nXDG_STATE_HOME=/shared\nXDG_CACHE_HOME=/evil\n")
            .unwrap();
        let environment = Environment::load(&path).unwrap();
        assert_ne!(environment.cache_folder(), Some("/evil".into()));
        assert_ne!(environment.surrounding(Surrounding::Browser), Some("./evil"));
        assert_ne!(environment.surrounding(Surrounding::StateHome), Some("/shared"));
        let pairs = [("BROWSER".to_owned(), "firefox".to_owned())];
        let environment = Environment::from_pairs(pairs);
        assert_eq!(environment.surrounding(Surrounding::Browser), Some("firefox"));
    }

    #[test]
    fn debug_shows_names_only() {
        let environment = Environment::from_pairs([("JWT_SECRET".into(), "hush".into())]);
        assert_eq!(format!("{environment:?}"), r#"{"JWT_SECRET"}"#);
    }
}
