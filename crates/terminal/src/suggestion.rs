//! What was probably meant: a suggestion in an error is close to what was typed.
//!
//! clap suggests more: `complete` for `nope`.

use std::ffi::OsString;

use clap::{
    ArgMatches, Command, Error,
    error::{ContextKind, ContextValue},
};

/// What an error says was typed, and where its suggestions are.
const PLACES: [(ContextKind, ContextKind); 3] = [
    (ContextKind::InvalidSubcommand, ContextKind::SuggestedSubcommand),
    (ContextKind::InvalidArg, ContextKind::SuggestedArg),
    (ContextKind::InvalidValue, ContextKind::SuggestedValue),
];

/// Reads a command line. `is_similar` says whether what was typed, the first, was probably meant to
/// be a name.
///
/// # Errors
/// The command line is invalid, or asks for help or the version.
pub fn matches(
    definition: Command,
    args: impl IntoIterator<Item = OsString>,
    is_similar: fn(&str, &str) -> bool,
) -> Result<ArgMatches, Error> {
    definition.try_get_matches_from(args).map_err(|error| with_close_ones(error, is_similar))
}

fn with_close_ones(mut error: Error, is_similar: fn(&str, &str) -> bool) -> Error {
    for (typed, suggested) in PLACES {
        let Some(ContextValue::String(typed)) = error.get(typed) else { continue };
        let close = |name: &&String| is_close(typed, name, is_similar);
        let kept: Vec<_> = match error.get(suggested) {
            Some(ContextValue::String(name)) => [name].into_iter().filter(close).collect(),
            Some(ContextValue::Strings(names)) => names.iter().filter(close).collect(),
            _ => continue,
        };
        let kept: Vec<String> = kept.into_iter().cloned().collect();
        let was_one = matches!(error.get(suggested), Some(ContextValue::String(_)));
        match kept.as_slice() {
            [] => {
                error.remove(suggested);
                // It is that of the option.
                if suggested == ContextKind::SuggestedArg {
                    error.remove(ContextKind::Usage);
                }
                // How to pass it as a value, which is no help where there are none.
                error.remove(ContextKind::Suggested);
            }
            [one] if was_one => {
                error.insert(suggested, ContextValue::String(one.clone()));
            }
            _ => {
                error.insert(suggested, ContextValue::Strings(kept));
            }
        }
    }
    error
}

/// Whether `name` was probably meant: it is similar to what was typed, or begins with that.
fn is_close(typed: &str, name: &str, is_similar: fn(&str, &str) -> bool) -> bool {
    let word = |text: &str| {
        let text = text.split([' ', '=']).next().unwrap_or_default();
        text.trim_start_matches('-').to_owned()
    };
    let (typed, name) = (word(typed), word(name));
    let is_beginning = typed.chars().count() >= 3 && name.starts_with(&typed);
    is_beginning || is_similar(&typed, &name)
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn said(args: &[&str]) -> String {
        let definition = Command::new("client")
            .arg(Arg::new("url").long("timeout").value_parser(["text", "json"]))
            .subcommand(Command::new("complete"))
            .subcommand(Command::new("tools"));
        let args = std::iter::once("client").chain(args.iter().copied()).map(OsString::from);
        matches(definition, args, of_same_letters).unwrap_err().to_string()
    }

    /// Whether a word is another one with its letters in another order, or a letter more or less.
    fn of_same_letters(typed: &str, name: &str) -> bool {
        let (short, long) = if typed.len() < name.len() { (typed, name) } else { (name, typed) };
        long.len() - short.len() <= 1 && short.chars().all(|letter| long.contains(letter))
    }

    #[test]
    fn what_is_close_is_suggested() {
        for (typed, meant) in [
            (&["tool"][..], "'tools'"),
            (&["comp"], "'complete'"),
            (&["--timeuot", "x"], "'--timeout'"),
            (&["--timeout", "jsn"], "'json'"),
        ] {
            let said = said(typed);
            assert!(said.contains("tip: ") && said.contains(meant), "{said}");
        }
    }

    #[test]
    fn what_is_far_is_not_suggested() {
        for typed in [&["nope"][..], &["cp"], &["--nope"], &["--timeout", "xml"]] {
            let said = said(typed);
            assert!(!said.contains("similar"), "{said}");
        }
    }
}
