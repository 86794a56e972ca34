//! `bartizan.toml`: the settings of the table, by section, with the line of each.
//!
//! 1. The default file need not exist; a file that was named must.
//! 2. Every error is found, and reported with its line: syntax, unknown sections and keys (with the
//!    name that was probably meant), wrong types, numbers out of bounds, values that are no choice.
//! 3. A secret is refused: it belongs in the environment, in `.env`, or in a file of its own.
//! 4. What a value means is checked where every value is checked, wherever it comes from.
//!
//! **Invariant:** no message quotes a value of a secret setting.

mod value;

use std::{
    collections::HashMap,
    fmt, io,
    ops::Range,
    path::{Path, PathBuf},
};

use toml::de::{DeTable, DeValue};

use crate::{
    Variable,
    regular_file::{self, MAX_BYTES},
    setting::similar,
};

/// The name of the file where none is named.
pub const CONFIG_FILE: &str = "bartizan.toml";
/// The sections that other code reads: `[issuers."…"]`, `[sign_in.NAME]`, `[assertions.NAME]`,
/// `[upstreams.NAME]`.
const ISSUERS: &str = "issuers";
const SIGN_IN: &str = "sign_in";
const ASSERTIONS: &str = "assertions";
const UPSTREAMS: &str = "upstreams";
/// Said of keys of the policy, which has a section `[limits]`, too.
const OF_THE_POLICY: &str =
    ": the rates of callers and clients belong in [limits] of the policy file (POLICY_FILE)";

/// What was read of the file.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ConfigFile {
    path: PathBuf,
    text: String,
    values: HashMap<Variable, Value>,
    others: Others,
    errors: Vec<String>,
}

/// Which of the sections that other code reads there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a flag for each kind of section")]
struct Others {
    issuers: bool,
    sign_in: bool,
    assertions: bool,
    upstreams: bool,
}

/// Shows no text of the file: a secret may be there by mistake.
impl fmt::Debug for ConfigFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConfigFile({}, {} settings)", self.path.display(), self.values.len())
    }
}

/// One value of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value {
    /// As it would be written in a variable.
    pub(crate) text: String,
    /// The line of its key, from 1.
    pub(crate) line: usize,
}

impl ConfigFile {
    /// Reads the file at `named`, or else `bartizan.toml` beside `env_file` if there is one.
    #[must_use]
    pub fn load(named: Option<&Path>, env_file: &Path) -> Self {
        let beside = env_file.with_file_name(CONFIG_FILE);
        let path = named.unwrap_or(&beside);
        match regular_file::read_text(path, MAX_BYTES) {
            Ok(text) => Self::parse(path, text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => {
                Self::default()
            }
            Err(error) => {
                let errors = vec![format!("{}: {error}", path.display())];
                Self { path: path.to_owned(), errors, ..Self::default() }
            }
        }
    }

    /// Reads `text`, which is the content of the file at `path`.
    #[must_use]
    pub fn parse(path: &Path, text: String) -> Self {
        let mut reader = Reader { path, text: &text, values: HashMap::new(), errors: Vec::new() };
        let (document, errors) = DeTable::parse_recoverable(&text);
        for error in errors {
            let span = error.span().unwrap_or_default();
            reader.error(&span, error.message());
        }
        let others = reader.document(document.get_ref());
        let Reader { values, mut errors, .. } = reader;
        errors.sort_by_key(|(line, _)| *line);
        let errors = errors.into_iter().map(|(_, error)| error).collect();
        Self { path: path.to_owned(), values, others, errors, text }
    }

    /// Where the file is; empty if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The text of the file; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of the file, if it has sections `[issuers."…"]`.
    #[must_use]
    pub fn issuers(&self) -> Option<&str> {
        self.others.issuers.then_some(self.text.as_str())
    }

    /// The text of the file, if it has sections `[sign_in.NAME]`.
    #[must_use]
    pub fn sign_in(&self) -> Option<&str> {
        self.others.sign_in.then_some(self.text.as_str())
    }

    /// The text of the file, if it has sections `[assertions.NAME]`.
    #[must_use]
    pub fn assertions(&self) -> Option<&str> {
        self.others.assertions.then_some(self.text.as_str())
    }

    /// The text of the file, if it has sections `[upstreams.NAME]`.
    #[must_use]
    pub fn upstreams(&self) -> Option<&str> {
        self.others.upstreams.then_some(self.text.as_str())
    }

    /// Whether the section `name`, with all that is below it, says the same in `other`.
    #[must_use]
    pub fn has_same_section(&self, other: &Self, name: &str) -> bool {
        let section = |file: &Self| file.text.parse::<toml::Table>().ok()?.remove(name);
        section(self) == section(other)
    }

    /// Everything that is wrong with the file, each with its line.
    #[must_use]
    pub fn errors(&self) -> &[String] {
        &self.errors
    }

    pub(crate) fn value(&self, variable: Variable) -> Option<&Value> {
        self.values.get(&variable)
    }
}

/// The line of the byte at `at` of `text`, from 1.
#[must_use]
pub fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    values: HashMap<Variable, Value>,
    /// Each with its line.
    errors: Vec<(usize, String)>,
}

impl Reader<'_> {
    /// Reads every section; returns which there are that other code reads.
    fn document(&mut self, document: &DeTable<'_>) -> Others {
        let mut others = Others::default();
        for (name, value) in document {
            let (span, name) = (name.span(), name.get_ref());
            let is_known = sections().any(|section| section == name);
            match value.get_ref() {
                _ if name == ISSUERS => others.issuers = true,
                _ if name == SIGN_IN => others.sign_in = true,
                _ if name == ASSERTIONS => others.assertions = true,
                _ if name == UPSTREAMS => others.upstreams = true,
                DeValue::Table(section) if is_known => self.section(name, section),
                _ if is_known => self.error(&span, &format!("{name}: write a section, [{name}]")),
                _ => {
                    let others = [ISSUERS, SIGN_IN, ASSERTIONS, UPSTREAMS];
                    let hint = hint(name, sections().chain(others));
                    self.error(&span, &format!("{name}: unknown section{hint}"));
                }
            }
        }
        others
    }

    fn section(&mut self, section: &str, members: &DeTable<'_>) {
        for (key, value) in members {
            let (span, key) = (key.span(), key.get_ref());
            let place = format!("{section}.{key}");
            let Some(variable) = Variable::at(section, key) else {
                let hint = match place.as_str() {
                    "limits.caller" | "limits.client" => OF_THE_POLICY.to_owned(),
                    _ => hint(key, keys(section)),
                };
                self.error(&span, &format!("{place}: unknown key{hint}"));
                continue;
            };
            let setting = variable.setting();
            if setting.is_secret {
                let name = setting.name;
                self.error(
                    &span,
                    &format!("{place}: a secret does not belong here: set {name} in the environment or in .env"),
                );
                continue;
            }
            let folder = self.path.parent().unwrap_or(Path::new(""));
            match value::text(setting.shape, value.get_ref(), folder) {
                Ok(text) if may_have_password(variable) && has_password(&text) => {
                    let name = setting.name;
                    self.error(
                        &span,
                        &format!("{place}: a password does not belong here: set {name} in the environment or in .env"),
                    );
                }
                Ok(text) => {
                    let line = line_of(self.text, span.start);
                    self.values.insert(variable, Value { text, line });
                }
                Err(error) => self.error(&span, &format!("{place}: {error}")),
            }
        }
    }

    fn error(&mut self, span: &Range<usize>, error: &str) {
        let line = line_of(self.text, span.start);
        self.errors.push((line, format!("{} line {line}: {error}", self.path.display())));
    }
}

/// The sections of the table.
fn sections() -> impl Iterator<Item = &'static str> {
    Variable::ALL.into_iter().filter_map(|variable| Some(variable.setting().toml?.0))
}

/// The keys of a section, without the secrets.
fn keys(section: &str) -> impl Iterator<Item = &'static str> {
    Variable::ALL.into_iter().filter_map(move |variable| {
        let setting = variable.setting();
        let (its, key) = setting.toml.filter(|_| !setting.is_secret)?;
        (its == section).then_some(key)
    })
}

fn hint<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> String {
    similar(name, names).map(|meant| format!(": did you mean `{meant}`?")).unwrap_or_default()
}

/// Whether its value is the URL of a database, which may have a password.
const fn may_have_password(variable: Variable) -> bool {
    matches!(variable, Variable::AuditDatabaseUrl | Variable::DatabaseUrl | Variable::LimitsStore)
}

/// Whether a database's URL has a password, or may have one: `scheme://user:password@host`, also
/// one that is not percent-encoded, or a parameter `password`.
#[must_use]
pub fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (before_query, query) = rest.split_once('?').unwrap_or((rest, ""));
    let in_authority =
        |text: &str| text.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    // A parameter's name may be percent-encoded in part.
    let in_query = query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        name == "password" || name.contains('%')
    });
    in_authority(before_query) || in_authority(rest) || in_query
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn parse(text: &str) -> ConfigFile {
        ConfigFile::parse(Path::new("conf/bartizan.toml"), text.to_owned())
    }

    fn errors(text: &str) -> Vec<String> {
        let strip = |error: &String| error.strip_prefix("conf/bartizan.toml ").unwrap().to_owned();
        parse(text).errors().iter().map(strip).collect()
    }

    #[test]
    fn values_are_read_with_their_lines() {
        let file = parse(
            "[server]\nbind = \"127.0.0.1:1\"\nallowed_origins = [\"https://a.example\", \"https://b.example\"]\nca_file = \"ca.pem\"\n\n[limits]\nmax_connections = 7\n",
        );
        assert_eq!(file.errors(), <[String; 0]>::default());
        let value = |variable| {
            let value = file.value(variable).unwrap();
            (value.text.as_str(), value.line)
        };
        assert_eq!(value(Variable::BindAddr), ("127.0.0.1:1", 2));
        let origins = "https://a.example,https://b.example";
        assert_eq!(value(Variable::AllowedOrigins), (origins, 3));
        assert_eq!(value(Variable::CaFile), ("conf/ca.pem", 4));
        assert_eq!(value(Variable::MaxConnections), ("7", 7));
        assert_eq!(file.value(Variable::RustLog), None);
        assert_eq!(file.issuers(), None);
    }

    #[test]
    fn a_switch_is_a_boolean_too() {
        let file = parse("[audit]\nstdout = true\n[traces]\ndisabled = false\n");
        assert_eq!(file.errors(), <[String; 0]>::default());
        assert_eq!(file.value(Variable::AuditStdout).unwrap().text, "on");
        assert_eq!(file.value(Variable::OtelSdkDisabled).unwrap().text, "false");
        let found = errors("[server]\nsessions = true\n");
        assert_eq!(found, ["line 2: server.sessions: write \"none\" or \"database\""]);
    }

    #[test]
    fn every_error_is_reported_with_its_line_and_the_name_that_was_meant() {
        let found = errors(
            "[sever]\n[server]\nbnd = \"x\"\nbind = 1\nsessions = \"all\"\nallowed_origins = \"x\"\n[limits]\nmax_connections = 0\nmax_body_memory = \"1\"\nbind = 2\ncaller = \"1/s\"\n[ssh]\n",
        );
        for error in [
            "line 1: sever: unknown section: did you mean `server`?",
            "line 3: server.bnd: unknown key: did you mean `bind`?",
            "line 4: server.bind: write a string, in quotes",
            "line 5: server.sessions: write \"none\" or \"database\"",
            "line 6: server.allowed_origins: write an array of strings, [\"…\"]",
            "line 8: limits.max_connections: write a whole number from 1 to 1000000",
            "line 9: limits.max_body_memory: write a whole number from 1 to 1048576",
            "line 10: limits.bind: unknown key",
            "line 11: limits.caller: unknown key: the rates of callers and clients belong in [limits] of the policy file (POLICY_FILE)",
            "line 12: ssh: unknown section",
        ] {
            assert!(found.iter().any(|it| it == error), "{error}: {found:#?}");
        }
        assert_eq!(found.len(), 10, "{found:#?}");
        assert_eq!(errors("server = 1"), ["line 1: server: write a section, [server]"]);
    }

    #[test]
    fn what_is_no_toml_is_reported_with_everything_else() {
        let found = errors("[server]\nbind = \nport = 1\n");
        assert!(found.iter().any(|it| it.starts_with("line 2: ")), "{found:#?}");
        assert!(found.iter().any(|it| it.starts_with("line 3: server.port")), "{found:#?}");
    }

    #[test]
    fn a_secret_is_refused_and_not_quoted() {
        let found = errors(
            "[server]\nsecret = \"hush-hush\"\n[directory]\nurl = \"postgres://me:hush-hush@db/x\"\n",
        );
        assert_eq!(
            found,
            [
                "line 2: server.secret: a secret does not belong here: set JWT_SECRET in the environment or in .env",
                "line 4: directory.url: a password does not belong here: set DATABASE_URL in the environment or in .env",
            ]
        );
        assert_eq!(
            errors("[limits]\nstore = \"rediss://:hush-hush@cache\"\n"),
            [
                "line 2: limits.store: a password does not belong here: set LIMITS_STORE in the environment or in .env"
            ]
        );
        for with in [
            "redis://:pass@cache",
            "postgres://me:pass@db/x",
            "postgres://me:pa/ss@db/x",
            "postgres://me:pa?ss@db/x",
            "postgres://db/x?password=y",
            "postgres://db/x?pass%77ord=y",
        ] {
            assert!(has_password(with), "{with}");
        }
        for without in ["postgres://me@db/x?sslmode=require", "sqlite://data/directory.db", ""] {
            assert!(!has_password(without), "{without}");
        }
    }

    #[test]
    fn sections_of_issuers_are_left_to_their_reader() {
        let text = "[issuers.\"https://a.example\"]\nx = 1\n";
        assert_eq!(parse(text).errors(), <[String; 0]>::default());
        assert_eq!((parse(text).issuers(), parse(text).sign_in()), (Some(text), None));
        let text = "[sign_in.work]\npreset = \"entra\"\n";
        assert_eq!(parse(text).errors(), <[String; 0]>::default());
        assert_eq!((parse(text).issuers(), parse(text).sign_in()), (None, Some(text)));
        let text = "[upstreams.files]\nurl = \"http://127.0.0.1:1/mcp\"\n";
        assert_eq!(parse(text).errors(), <[String; 0]>::default());
        assert_eq!((parse(text).issuers(), parse(text).upstreams()), (None, Some(text)));
        assert_eq!(
            errors("[upstream.files]\n"),
            ["line 1: upstream: unknown section: did you mean `upstreams`?"]
        );
    }

    #[test]
    fn sections_are_the_same_whatever_is_around_them() {
        let one = parse("[sign_in.a]\npreset = \"entra\"\n[limits]\nmax_connections = 3\n");
        let other = parse("# A comment\n[sign_in.a]\npreset = \"entra\"\n");
        assert!(one.has_same_section(&other, "sign_in"));
        assert!(!one.has_same_section(&other, "limits"));
        let changed = parse("[sign_in.a]\npreset = \"okta\"\n");
        assert!(!one.has_same_section(&changed, "sign_in"));
        assert!(one.has_same_section(&changed, "assertions"));
    }

    #[test]
    fn a_file_that_was_named_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let env_file = folder.path().join(".env");
        assert_eq!(ConfigFile::load(None, &env_file), ConfigFile::default());
        let named = folder.path().join("other.toml");
        assert_eq!(ConfigFile::load(Some(&named), &env_file).errors().len(), 1);
        fs::write(folder.path().join(CONFIG_FILE), "[log]\nlevel = \"warn\"\n").unwrap();
        let found = ConfigFile::load(None, &env_file);
        assert_eq!(found.value(Variable::RustLog).unwrap().text, "warn");
    }
}
