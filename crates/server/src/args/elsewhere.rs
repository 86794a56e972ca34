//! Commands that another program has: an error says which.

use clap::{
    Error,
    error::{ContextKind, ContextValue},
};
use terminal::{Invocation, help::filled};

/// What was typed, and where it is.
const ELSEWHERE: [(&str, &str); 1] = [(
    "explain",
    "`{mint-token} explain` says step by step why a token may or may not do something, and \
     `{client} explain` what is wrong with a connection",
)];

/// The error with a tip, if another program has the command that was typed.
pub(super) fn pointed_out(mut error: Error, invocation: &Invocation) -> Error {
    let typed = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(typed)) => typed.clone(),
        _ => return error,
    };
    if let Some((_, tip)) = ELSEWHERE.iter().find(|(name, _)| *name == typed) {
        let tips = ContextValue::StyledStrs(vec![filled(tip, invocation).into()]);
        error.insert(ContextKind::Suggested, tips);
    }
    error
}

#[cfg(test)]
mod tests {
    use terminal::{Invocation, Program};

    use crate::args::Cli;

    #[test]
    fn a_command_of_another_program_is_pointed_out() {
        let said = |word: &str| {
            let args = ["server", word].map(Into::into);
            let read = Cli::read(args, &Invocation::workspace(Program::Server));
            read.unwrap_err().to_string()
        };
        let explain = said("explain");
        for part in ["unrecognized subcommand 'explain'", "mint-token explain`", "client explain`"]
        {
            assert!(explain.contains(part), "{part}: {explain}");
        }
        assert!(!said("nope").contains("tip:"));
    }
}
