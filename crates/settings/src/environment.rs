//! The values of the variables: the process's environment over `.env` over `bartizan.toml`.

use std::{
    collections::{BTreeSet, HashMap},
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use crate::{
    ConfigFile, EnvFile, EnvFileError, Surrounding, Variable,
    regular_file::{self, MAX_BYTES},
    setting::similar,
};

/// Where the values come from. `Debug` prints which variables are set, never a value.
#[derive(Clone, Default)]
pub struct Environment {
    process: HashMap<Variable, String>,
    file: HashMap<Variable, String>,
    /// What no [`Variable`] has, the process's own over the file's.
    others: HashMap<String, Zeroizing<String>>,
    surroundings: HashMap<Surrounding, String>,
    config: ConfigFile,
    /// What was read of files that variables name; `None` of one that is not there.
    contents: HashMap<PathBuf, Option<Arc<str>>>,
    /// Names in the file that no program reads.
    unknown_in_file: BTreeSet<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The environment of the process.
    Environment,
    /// The file `.env`.
    EnvFile,
    /// `bartizan.toml`, at this line.
    ConfigFile(usize),
    /// Not set: the default is used, if there is one.
    Default,
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
        let unknown_in_file = others_of_file.keys().cloned().collect();
        for (name, value) in others_of_file {
            others.entry(name).or_insert(value);
        }
        Ok(Self { process, file, others, surroundings, unknown_in_file, ..Self::default() })
    }

    /// The same over the configuration file that `CONFIG_FILE` names, or `bartizan.toml` beside
    /// `env_file`; for programs that do not report its errors together with others.
    ///
    /// # Errors
    ///
    /// [`EnvFileError::ConfigFile`] with every error of that file.
    pub fn load_with_config(env_file: &Path) -> Result<Self, EnvFileError> {
        let environment = Self::load(env_file)?;
        let named = environment.set_value(Variable::ConfigFile).map(PathBuf::from);
        let config = ConfigFile::load(named.as_deref(), env_file);
        if config.errors().is_empty() {
            Ok(environment.with_config(config))
        } else {
            Err(EnvFileError::ConfigFile(config.errors().join("\n")))
        }
    }

    /// An environment of just these pairs. Empty values are left out.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let (process, others) = sorted(pairs);
        let surroundings = surroundings(&others);
        Self { process, others, surroundings, ..Self::default() }
    }

    /// The same with the values of a configuration file under all others.
    #[must_use]
    pub fn with_config(self, config: ConfigFile) -> Self {
        Self { config, ..self }
    }

    /// The same, where each of `files` has this content, whatever is in it by the time at which it
    /// is read; `None` if it is not there. The other files are read.
    #[must_use]
    pub fn with_contents(
        self,
        files: impl IntoIterator<Item = (PathBuf, Option<Arc<str>>)>,
    ) -> Self {
        Self { contents: files.into_iter().collect(), ..self }
    }

    /// The content of the file at `path`, which a variable names, of at most [`MAX_BYTES`].
    ///
    /// # Errors
    ///
    /// Those of [`regular_file::read`], if it is not known already ([`Self::with_contents`]).
    pub fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let known = self.content(path).map(|known| Ok(known?.as_bytes().to_vec()));
        known.unwrap_or_else(|| regular_file::read(path, MAX_BYTES))
    }

    /// The same of a file with text.
    ///
    /// # Errors
    ///
    /// As [`Self::read`]; also if it is not UTF-8.
    pub fn read_text(&self, path: &Path) -> io::Result<String> {
        let known = self.content(path).map(|known| Ok(known?.to_owned()));
        known.unwrap_or_else(|| regular_file::read_text(path, MAX_BYTES))
    }

    /// What is known of the file at `path`, if anything is.
    fn content(&self, path: &Path) -> Option<io::Result<&str>> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no such file");
        self.contents.get(path).map(|content| content.as_deref().ok_or_else(missing))
    }

    /// The configuration file.
    #[must_use]
    pub const fn config(&self) -> &ConfigFile {
        &self.config
    }

    /// Where the value of a variable comes from.
    #[must_use]
    pub fn origin(&self, variable: Variable) -> Origin {
        if self.process.contains_key(&variable) {
            Origin::Environment
        } else if self.file.contains_key(&variable) {
            Origin::EnvFile
        } else if let Some(value) = self.config.value(variable) {
            Origin::ConfigFile(value.line)
        } else {
            Origin::Default
        }
    }

    /// What to call a variable in a message: its name, or its place in `bartizan.toml` if its value
    /// is from there.
    #[must_use]
    pub fn label(&self, variable: Variable) -> String {
        match (self.origin(variable), variable.setting().toml) {
            (Origin::ConfigFile(line), Some((section, key))) => {
                format!("{} line {line}: {section}.{key}", self.config.path().display())
            }
            _ => variable.name().to_owned(),
        }
    }

    /// Names in the file that no program reads and that resemble one that a program does: each with
    /// the variable that was probably meant.
    #[must_use]
    pub fn misspelled(&self) -> Vec<(&str, &'static str)> {
        let known = || Variable::ALL.into_iter().map(Variable::name);
        let meant = |name: &str| similar(&name.to_ascii_uppercase(), known());
        self.unknown_in_file.iter().filter_map(|name| Some((name.as_str(), meant(name)?))).collect()
    }

    /// The value of a variable that a configuration file names as the place of a secret. The
    /// variables of the programs are no such places.
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
        let in_config = || self.config.value(variable).map(|value| &value.text);
        let value = self.process.get(&variable).or_else(|| self.file.get(&variable));
        value.or_else(in_config).map(String::as_str)
    }

    /// Whether the value comes from the file, which may be another's: it lies in the current
    /// folder.
    #[must_use]
    pub fn is_from_file(&self, variable: Variable) -> bool {
        !self.process.contains_key(&variable) && self.file.contains_key(&variable)
    }

    /// The user's folder for what can be made again: `XDG_CACHE_HOME`, or what the system has in
    /// its place. Only absolute paths count (XDG Base Directory Specification), and a file cannot
    /// set it.
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

    /// The values of variables that stand in for each other, from the one place that sets any of
    /// them: the process's environment, else `.env`, else `bartizan.toml`. So a key file in the
    /// environment takes the place of a secret in the file.
    #[must_use]
    pub(crate) fn alternatives<const N: usize>(
        &self,
        variables: [Variable; N],
    ) -> [Option<&str>; N] {
        let in_process = variables.iter().any(|variable| self.process.contains_key(variable));
        let in_file = variables.iter().any(|variable| self.file.contains_key(variable));
        variables.map(|variable| {
            if in_process {
                self.process.get(&variable).map(String::as_str)
            } else if in_file {
                self.file.get(&variable).map(String::as_str)
            } else {
                self.config.value(variable).map(|value| value.text.as_str())
            }
        })
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
    use std::fs;

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
        fs::write(&path, "JWT_SECRET=in-the-file\n").unwrap();
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
        fs::write(&path, "IDP_SECRET=in-the-file\nEMPTY=\nJWT_SECRET=x\nPATH=/nowhere\n").unwrap();
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
        fs::write(&path, "BROWSER=./evil\nXDG_STATE_HOME=/shared\nXDG_CACHE_HOME=/evil\n").unwrap();
        let environment = Environment::load(&path).unwrap();
        assert_ne!(environment.cache_folder(), Some("/evil".into()));
        assert_ne!(environment.surrounding(Surrounding::Browser), Some("./evil"));
        assert_ne!(environment.surrounding(Surrounding::StateHome), Some("/shared"));
        let pairs = [("BROWSER".to_owned(), "firefox".to_owned())];
        let environment = Environment::from_pairs(pairs);
        assert_eq!(environment.surrounding(Surrounding::Browser), Some("firefox"));
    }

    #[test]
    fn the_configuration_file_is_under_the_others_and_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "MAX_CONNECTIONS=2\n").unwrap();
        let text = "[server]\nbind = \"a:1\"\nkey_file = \"k.pem\"\n[limits]\nmax_connections = 3\nmax_body_memory = 4\n";
        let config = ConfigFile::parse(Path::new("bartizan.toml"), text.into());
        let mut environment = Environment::load(&path).unwrap().with_config(config);
        environment.process = [(Variable::BindAddr, "b:2".to_owned())].into();
        let found = |variable| (environment.get(variable), environment.origin(variable));
        assert_eq!(found(Variable::BindAddr), (Some("b:2"), Origin::Environment));
        assert_eq!(found(Variable::MaxConnections), (Some("2"), Origin::EnvFile));
        assert_eq!(found(Variable::MaxBodyMemory), (Some("4"), Origin::ConfigFile(6)));
        assert_eq!(found(Variable::KeyOutageHours), (Some("24"), Origin::Default));
        assert_eq!(environment.label(Variable::BindAddr), "BIND_ADDR");
        let label = "bartizan.toml line 6: limits.max_body_memory";
        assert_eq!(environment.label(Variable::MaxBodyMemory), label);
        let both = [Variable::JwtSecret, Variable::JwtKeyFile];
        assert_eq!(environment.alternatives(both), [None, Some("k.pem")]);
        environment.file.insert(Variable::JwtSecret, "s".into());
        assert_eq!(environment.alternatives(both), [Some("s"), None]);
    }

    #[test]
    fn a_file_whose_content_is_known_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["known", "gone", "other"].map(|name| folder.path().join(name));
        for path in &paths {
            fs::write(path, "new").unwrap();
        }
        let [known, gone, other] = &paths;
        let contents = [(known.clone(), Some("old".into())), (gone.clone(), None)];
        let environment = Environment::default().with_contents(contents);
        assert_eq!(environment.read(known).unwrap(), b"old");
        assert_eq!(environment.read_text(known).unwrap(), "old");
        assert_eq!(environment.read(gone).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(environment.read_text(gone).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(environment.read(other).unwrap(), b"new");
        assert_eq!(environment.read_text(other).unwrap(), "new");
    }

    #[test]
    fn a_faulty_configuration_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (env_file, config) = (folder.path().join(".env"), folder.path().join("bartizan.toml"));
        fs::write(&config, "[server]\nissuer = \"https://a.example\"\n").unwrap();
        let environment = Environment::load_with_config(&env_file).unwrap();
        assert_eq!(environment.config().path(), config);
        fs::write(&config, "[server]\nisuer = \"https://a.example\"\n").unwrap();
        let error = Environment::load_with_config(&env_file).unwrap_err().to_string();
        assert!(error.contains("line 2: server.isuer"), "{error}");
    }

    #[test]
    fn a_name_in_the_file_that_resembles_a_variable_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        let text = "JWT_SECRT=x\nmcp_url=y\nBIND_ADDR=z\nMY_OTHER_PROGRAM=1\nHOME=h\n";
        fs::write(&path, text).unwrap();
        let environment = Environment::load(&path).unwrap();
        let expected = [("JWT_SECRT", "JWT_SECRET"), ("mcp_url", "MCP_URL")];
        assert_eq!(environment.misspelled(), expected);
    }

    #[test]
    fn debug_shows_names_only() {
        let environment = Environment::from_pairs([("JWT_SECRET".into(), "hush".into())]);
        assert_eq!(format!("{environment:?}"), r#"{"JWT_SECRET"}"#);
    }
}
