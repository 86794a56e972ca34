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

/// Reads a command line.
///
/// # Errors
/// The command line is invalid, or asks for help or the version.
pub fn matches(
    definition: Command,
    args: impl IntoIterator<Item = OsString>,
) -> Result<ArgMatches, Error> {
    definition.try_get_matches_from(args).map_err(with_close_ones)
}

fn with_close_ones(mut error: Error) -> Error {
    for (typed, suggested) in PLACES {
        let Some(ContextValue::String(typed)) = error.get(typed) else { continue };
        let close = |name: &&String| is_close(typed, name);
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

/// Whether `name` was probably meant: an edit distance of at most two, and of less than half of
/// what was typed; or what was typed is the beginning of it.
fn is_close(typed: &str, name: &str) -> bool {
    let word = |text: &str| {
        let text = text.split([' ', '=']).next().unwrap_or_default();
        text.trim_start_matches('-').to_owned()
    };
    let (typed, name) = (word(typed), word(name));
    let distance = strsim::damerau_levenshtein(&typed, &name);
    let length = typed.chars().count();
    (distance <= 2 && distance * 2 < length) || (length >= 3 && name.starts_with(&typed))
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
        matches(definition, args).unwrap_err().to_string()
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
