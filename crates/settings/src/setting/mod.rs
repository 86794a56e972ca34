//! Every setting of the three programs, in one table.
//!
//! 1. A setting is defined in one place: [`Variable::setting`]. Help texts, `.env.example`, the
//!    JSON Schema of `bartizan.toml` and `docs/settings.md` are made from it, and tests compare
//!    them.
//! 2. A secret has no place in `bartizan.toml`, and no flag.

mod constructors;
mod documents;
mod gateway;
mod issuer;
mod table;
mod tls;
mod traces;

use strsim::damerau_levenshtein;

pub use self::{
    documents::{env_example, reference, schema},
    table::Variable,
};

/// The definition of one setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The environment variable: `BIND_ADDR`.
    pub name: &'static str,
    /// Section and key in `bartizan.toml`; `None` if it has none. A secret has one too, so
    /// that a secret in the file is refused with the right message.
    pub toml: Option<(&'static str, &'static str)>,
    /// What values look like.
    pub shape: Shape,
    /// The value when none is set, as it is written in a variable.
    pub default: Option<&'static str>,
    /// What it is, in one or two sentences.
    pub help: &'static str,
    /// Whether the value is a secret: never printed, and not accepted in `bartizan.toml`.
    pub is_secret: bool,
    /// The programs that read it.
    pub programs: &'static [Program],
}

/// What the values of a setting look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any text.
    Text,
    /// The path of a file. In `bartizan.toml`, a relative path starts at the folder of that file.
    Path,
    /// A whole number within these bounds.
    Number {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Texts: separated by commas in a variable, an array in `bartizan.toml`.
    List,
}

/// What to write where a number is not within these bounds.
pub(crate) fn whole_number(least: u64, most: u64) -> String {
    format!("write a whole number from {least} to {most}")
}

/// One of the three programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// The resource server.
    Server,
    /// The client.
    Client,
    /// The issuer's program.
    MintToken,
}

impl Program {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::MintToken => "mint-token",
        }
    }
}

impl Variable {
    /// The name in the environment.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.setting().name
    }

    /// The value when none is set; `None` if there is no default.
    #[must_use]
    pub const fn default(self) -> Option<&'static str> {
        self.setting().default
    }

    /// The help of the flag for it, as
    /// `Where to listen. [BIND_ADDR: 127.0.0.1:8000]`.
    #[must_use]
    pub fn flag_help(self) -> String {
        let setting = self.setting();
        format!("{} [{}: {}]", setting.help, setting.name, setting.default.unwrap_or("none"))
    }

    /// The variable at this place of `bartizan.toml`.
    #[must_use]
    pub(crate) fn at(section: &str, key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|variable| variable.setting().toml == Some((section, key)))
    }
}

/// The name in `names` that `name` was probably meant to be, by [`is_similar`].
#[must_use]
pub fn similar<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let closest = names.into_iter().min_by_key(|other| damerau_levenshtein(name, other))?;
    is_similar(name, closest).then_some(closest)
}

/// Whether what was typed was probably meant to be `name`: an edit distance of at most two, and of
/// less than half of what was typed.
#[must_use]
pub fn is_similar(typed: &str, name: &str) -> bool {
    let distance = damerau_levenshtein(typed, name);
    distance <= 2 && distance * 2 < typed.chars().count()
}
