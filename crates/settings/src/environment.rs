//! The values of the variables: the process's environment over `.env`.

use std::{collections::HashMap, fmt, path::Path};

use crate::{EnvFile, EnvFileError, Variable};

/// Where the values come from. `Debug` prints which variables are set, never a value.
#[derive(Clone, Default)]
pub struct Environment(HashMap<Variable, String>);

impl Environment {
    /// The environment of this process over the file `env_file`, if that exists.
    pub fn load(env_file: &Path) -> Result<Self, EnvFileError> {
        let mut environment = Self::from_pairs(EnvFile::at(env_file).read()?);
        #[expect(clippy::disallowed_methods, reason = "the one read of the environment")]
        let process = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        environment.0.extend(Self::from_pairs(process).0);
        Ok(environment)
    }

    /// An environment of just these pairs. Names that no [`Variable`] has, and empty values, are left out.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = |name: &str| Variable::ALL.into_iter().find(|known| known.name() == name);
        Self(
            pairs
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .filter_map(|(name, value)| Some((known(&name)?, value)))
                .collect(),
        )
    }

    /// The value that is set, or the default.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<&str> {
        self.set_value(variable).or(variable.default())
    }

    /// The value that is set; no default.
    #[must_use]
    pub fn set_value(&self, variable: Variable) -> Option<&str> {
        self.0.get(&variable).map(String::as_str)
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys().map(|variable| variable.name())).finish()
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
    fn debug_shows_names_only() {
        let environment = Environment::from_pairs([("JWT_SECRET".into(), "hush".into())]);
        assert_eq!(format!("{environment:?}"), r#"{"JWT_SECRET"}"#);
    }
}
