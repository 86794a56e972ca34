//! The files that have sections of issuers: each section with its line, and what is checked over
//! all of them.

use std::{collections::BTreeMap, path::Path};

use auth_core::Policy;
use settings::Environment;
use toml::{
    Spanned,
    de::{DeString, DeTable},
};

use super::{context::Context, entry::IssuerConfig};
use issuer_setup::Section;

/// Reads the file at `path`, as `ISSUERS_FILE` names it; errors are added to `faults`.
pub(crate) fn load(
    path: &Path,
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> Vec<IssuerConfig> {
    let file = format!("ISSUERS_FILE {}", path.display());
    let text = match environment.read_text(path) {
        Ok(text) => text,
        Err(error) => {
            faults.push(format!("{file}: {error}"));
            return Vec::new();
        }
    };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let source = Source { file: &file, text: &text, folder: folder_of(path) };
            source.issuers(table, policy, environment, faults)
        }
        Err(error) => {
            faults.push(format!("{file}: {error}"));
            Vec::new()
        }
    }
}

/// Reads the sections `[issuers."…"]` of the configuration file. Its other sections have been read
/// already, and its syntax errors are reported there.
pub(crate) fn load_from_config(
    policy: Option<&Policy>,
    environment: &Environment,
    faults: &mut Vec<String>,
) -> Vec<IssuerConfig> {
    let config = environment.config();
    let Some(text) = config.issuers() else { return Vec::new() };
    let Ok(mut table) = text.parse::<toml::Table>() else { return Vec::new() };
    table.retain(|section, _| section == "issuers");
    let file = config.path().display().to_string();
    let source = Source { file: &file, text, folder: folder_of(config.path()) };
    source.issuers(table, policy, environment, faults)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// A file with sections of issuers.
struct Source<'a> {
    /// What to call it in messages.
    file: &'a str,
    text: &'a str,
    /// Where relative paths start.
    folder: &'a Path,
}

impl Source<'_> {
    fn issuers(
        &self,
        table: toml::Table,
        policy: Option<&Policy>,
        environment: &Environment,
        faults: &mut Vec<String>,
    ) -> Vec<IssuerConfig> {
        let Self { file, folder, .. } = *self;
        let mut found = Vec::new();
        let mut document = Section::new(file.to_owned(), table);
        let issuers = document.table("issuers");
        faults.append(&mut document.faults());
        let Some(sections) = issuers else {
            faults.push(format!("{file}: no issuer: write [issuers.\"https://…\"]"));
            return found;
        };
        let context = Context { policy, environment, folder };
        let lines = self.lines();
        for (name, value) in sections {
            let line = lines.get(&name).map(|line| format!(" line {line}")).unwrap_or_default();
            let place = format!("{file}{line}: [issuers.{name:?}]");
            match value {
                toml::Value::Table(table) => {
                    let mut section = Section::new(place, table);
                    let issuer = context.issuer(&name, &mut section);
                    let mut wrong = section.faults();
                    if wrong.is_empty() {
                        found.extend(issuer);
                    }
                    faults.append(&mut wrong);
                }
                _ => faults.push(format!("{place}: not a section")),
            }
        }
        if found.is_empty() && faults.is_empty() {
            faults.push(format!("{file}: no issuer: write [issuers.\"https://…\"]"));
        }
        found
    }

    /// The line of each section, by the name of its issuer.
    fn lines(&self) -> BTreeMap<String, usize> {
        let (document, _) = DeTable::parse_recoverable(self.text);
        let sections = document.get_ref().get("issuers").and_then(|it| it.get_ref().as_table());
        let line = |name: &Spanned<DeString<'_>>| {
            (name.get_ref().to_string(), settings::line_of(self.text, name.span().start))
        };
        sections.into_iter().flat_map(|sections| sections.keys().map(line)).collect()
    }
}

/// At most one issuer may be asked about opaque tokens: they do not say who issued them.
pub(crate) fn check_opaque(issuers: &[IssuerConfig], faults: &mut Vec<String>) {
    let opaque: Vec<_> = issuers.iter().filter(|issuer| issuer.takes_opaque()).collect();
    if let [one, other, ..] = opaque.as_slice() {
        faults.push(format!(
            "{} and {} would both be asked about opaque tokens, which do not say who issued them: give one `when = \"jwt\"`",
            one.trusted.issuer(),
            other.trusted.issuer()
        ));
    }
}
