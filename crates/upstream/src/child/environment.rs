//! The environment of a child process: what it needs to start, and what the operator names.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
};

use secrecy::{ExposeSecret, SecretString};

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

    /// The names and values, for the one place that starts a process.
    #[cfg(unix)]
    pub(super) fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// Where programs are looked up.
    #[cfg(unix)]
    pub(super) fn path(&self) -> &OsStr {
        self.0.get(OsStr::new("PATH")).map_or(OsStr::new(PATH), Value::as_os_str)
    }
}

impl Value {
    #[cfg(unix)]
    fn as_os_str(&self) -> &OsStr {
        match self {
            Self::Inherited(value) => value,
            Self::Given(value) => OsStr::new(value.expose_secret()),
        }
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
    use super::*;

    fn of_process(name: &str) -> Option<OsString> {
        let all = ["PATH", "HOME", "JWT_SECRET", "HTTPS_PROXY", "NODE_OPTIONS", "LD_PRELOAD"];
        all.contains(&name).then(|| format!("its {name}").into())
    }

    fn shown(environment: &Environment) -> Vec<String> {
        let shown = |(name, value): (&OsStr, &OsStr)| {
            format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
        };
        environment.variables().map(shown).collect()
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
