//! The environment of a child process: what it needs to start, and what the operator names.

use std::{
    collections::BTreeMap,
    error::Error,
    ffi::{OsStr, OsString},
    fmt,
    path::PathBuf,
};

use auth_core::display::excerpt;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::credentials::ReadSecret;

/// Where programs are looked up if this process has no `PATH`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// What is handed on by default.
///
/// | variable | why |
/// |---|---|
/// | `PATH` | `npx`, `uvx`, `node` and `python` are found by it |
/// | `HOME` | npm and uv keep what they have downloaded below it |
/// | `TMPDIR` | temporary files, if not in `/tmp` |
/// | `LANG`, `LC_ALL`, `LC_CTYPE` | the encoding of text, in Python among others |
/// | `TZ` | the time zone, which servers that answer with a time need |
///
/// Not among them, as they may have secrets in them or change what is run: addresses of proxies
/// and registries, `NODE_OPTIONS`, `PYTHONPATH`, `LD_PRELOAD`, `SSH_AUTH_SOCK`, and everything
/// that configures this process.
const DEFAULT: [&str; 7] = ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

/// The variables of a child process. `Debug` shows their names alone.
#[derive(Clone)]
pub struct Environment(BTreeMap<OsString, Value>);

#[derive(Clone)]
enum Value {
    /// Of this process.
    Inherited(OsString),
    /// From the configuration.
    Given(SecretString),
    /// In a file, which is read at each start.
    InFile(PathBuf, ReadSecret),
}

/// The file with the value of a variable cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "the value of {} in {} cannot be read",
    excerpt(&name.to_string_lossy()),
    excerpt(&path.to_string_lossy())
)]
pub struct UnreadableError {
    /// The variable.
    pub name: OsString,
    /// The file.
    pub path: PathBuf,
    /// Why not. It shows no value.
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}

/// A name or a value that no environment can have.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The name is empty, or has a `=` or a NUL in it.
    #[error("{0:?} is not the name of a variable")]
    Name(String),
    /// The value has a NUL in it.
    #[error("the value of {0:?} has a NUL character")]
    Value(String),
}

impl Environment {
    /// No variable at all.
    #[must_use]
    pub const fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// What a program needs to start: `PATH`, `HOME`, `TMPDIR`, `LANG`, `LC_ALL`, `LC_CTYPE` and
    /// `TZ`, as far as `of_process` has them. `PATH` has a value in any case.
    #[must_use]
    pub fn inherited(of_process: impl Fn(&str) -> Option<OsString>) -> Self {
        let mut all = Self::empty();
        all.0.insert("PATH".into(), Value::Inherited(PATH.into()));
        for name in DEFAULT {
            all.inherit_one(name, &of_process);
        }
        all
    }

    /// Hands on `name` too, if `of_process` has it.
    pub fn inherit(
        &mut self,
        name: &str,
        of_process: impl Fn(&str) -> Option<OsString>,
    ) -> Result<(), EnvironmentError> {
        check_name(name)?;
        self.inherit_one(name, &of_process);
        Ok(())
    }

    fn inherit_one(&mut self, name: &str, of_process: &impl Fn(&str) -> Option<OsString>) {
        if let Some(value) = of_process(name) {
            self.0.insert(name.into(), Value::Inherited(value));
        }
    }

    /// Sets `name` to a value from the configuration, which may be a secret.
    pub fn set(&mut self, name: &str, value: SecretString) -> Result<(), EnvironmentError> {
        check_name(name)?;
        if value.expose_secret().contains('\0') {
            return Err(EnvironmentError::Value(name.to_owned()));
        }
        self.0.insert(name.into(), Value::Given(value));
        Ok(())
    }

    /// Sets `name` to what is in the file at `path` whenever a process starts, without one line end
    /// after it. `read` reads the file, and checks who else may.
    pub fn set_from_file(
        &mut self,
        name: &str,
        path: PathBuf,
        read: ReadSecret,
    ) -> Result<(), EnvironmentError> {
        check_name(name)?;
        self.0.insert(name.into(), Value::InFile(path, read));
        Ok(())
    }

    /// An error if a value cannot be read now.
    pub fn check(&self) -> Result<(), UnreadableError> {
        self.0.iter().try_for_each(|(name, value)| value.read(name).map(drop))
    }

    /// The names and values, for the one place that starts a process. Files are read now.
    #[cfg(unix)]
    pub(super) fn variables(&self) -> Result<Vec<(&OsStr, Read<'_>)>, UnreadableError> {
        self.0.iter().map(|(name, value)| Ok((name.as_os_str(), value.read(name)?))).collect()
    }

    /// Where programs are looked up.
    #[cfg(unix)]
    pub(super) fn path(&self) -> &OsStr {
        match self.0.get(OsStr::new("PATH")) {
            Some(Value::Inherited(path)) => path,
            Some(Value::Given(path)) => OsStr::new(path.expose_secret()),
            Some(Value::InFile(..)) | None => OsStr::new(PATH),
        }
    }
}

/// A value, as a process gets it. What was read is zeroed when it is dropped; the system's copy is
/// not ours.
pub(super) enum Read<'a> {
    Known(&'a OsStr),
    OfFile(Zeroizing<String>),
}

impl AsRef<OsStr> for Read<'_> {
    fn as_ref(&self) -> &OsStr {
        match self {
            Self::Known(value) => value,
            Self::OfFile(text) => OsStr::new(without_line_end(text)),
        }
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

impl Value {
    fn read(&self, name: &OsStr) -> Result<Read<'_>, UnreadableError> {
        Ok(match self {
            Self::Inherited(value) => Read::Known(value),
            Self::Given(value) => Read::Known(OsStr::new(value.expose_secret())),
            Self::InFile(path, read) => {
                let error =
                    |source| UnreadableError { name: name.into(), path: path.clone(), source };
                let text = read(path).map_err(error)?;
                match without_line_end(&text) {
                    "" => return Err(error("the file is empty".into())),
                    value if value.contains('\0') => {
                        return Err(error("the file has a NUL character".into()));
                    }
                    _ => Read::OfFile(text),
                }
            }
        })
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn check_name(name: &str) -> Result<(), EnvironmentError> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(EnvironmentError::Name(name.to_owned()));
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::*;

    fn of_process(name: &str) -> Option<OsString> {
        let all = ["PATH", "HOME", "JWT_SECRET", "HTTPS_PROXY", "NODE_OPTIONS", "LD_PRELOAD"];
        all.contains(&name).then(|| format!("its {name}").into())
    }

    fn shown(environment: &Environment) -> Vec<String> {
        let shown = |(name, value): (&OsStr, Read<'_>)| {
            format!("{}={}", name.to_string_lossy(), value.as_ref().to_string_lossy())
        };
        environment.variables().into_iter().flatten().map(shown).collect()
    }

    fn read(path: &Path) -> Result<Zeroizing<String>, Box<dyn Error + Send + Sync>> {
        Ok(Zeroizing::new(std::fs::read_to_string(path)?))
    }

    #[test]
    fn a_value_in_a_file_is_read_at_each_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let mut environment = Environment::empty();
        environment.set_from_file("KEY", path.clone(), read).unwrap();
        let error = environment.check().unwrap_err();
        assert!(error.to_string().starts_with("the value of KEY in "), "{error}");
        for (text, value) in [("one\n", "one"), (" two\r\n", " two"), ("three\n\n", "three\n")] {
            std::fs::write(&path, text).unwrap();
            environment.check().unwrap();
            assert_eq!(shown(&environment), [format!("KEY={value}")]);
        }
        assert_eq!(format!("{environment:?}"), r#"{"KEY"}"#);
        for unusable in ["", "\n", "a\0b"] {
            std::fs::write(&path, unusable).unwrap();
            assert!(environment.variables().is_err(), "{unusable:?}");
        }
        assert!(environment.set_from_file("A=B", path, read).is_err());
    }

    #[test]
    fn only_what_is_named_is_handed_on() {
        let mut environment = Environment::inherited(of_process);
        assert_eq!(shown(&environment), ["HOME=its HOME", "PATH=its PATH"]);
        environment.inherit("HTTPS_PROXY", of_process).unwrap();
        environment.inherit("NO_PROXY", of_process).unwrap();
        environment.set("PATH", "/opt/bin".to_owned().into()).unwrap();
        assert_eq!(
            shown(&environment),
            ["HOME=its HOME", "HTTPS_PROXY=its HTTPS_PROXY", "PATH=/opt/bin"]
        );
        assert_eq!(environment.path(), "/opt/bin");
    }

    #[test]
    fn without_a_path_there_is_one() {
        assert_eq!(shown(&Environment::inherited(|_| None)), [format!("PATH={PATH}")]);
        assert!(shown(&Environment::empty()).is_empty());
        assert_eq!(Environment::empty().path(), PATH);
    }

    #[test]
    fn names_and_values_that_cannot_be_are_refused() {
        let mut environment = Environment::empty();
        for name in ["", "A=B", "A\0"] {
            let set = environment.set(name, "x".to_owned().into());
            assert!(matches!(set, Err(EnvironmentError::Name(_))), "{name:?}");
            let inherited = environment.inherit(name, of_process);
            assert!(matches!(inherited, Err(EnvironmentError::Name(_))), "{name:?}");
        }
        let set = environment.set("A", "x\0".to_owned().into());
        assert!(matches!(set, Err(EnvironmentError::Value(_))));
        assert!(shown(&environment).is_empty());
    }
}
