//! The command line: which verb, with which flags.
//!
//! 1. `mint` is the verb when none is named: `mint-token --ttl 15m` is `mint-token mint --ttl 15m`.
//! 2. Values are parsed here into the types of the core, so that nothing further in sees a text.
//! 3. There is no flag that takes a secret.

mod examples;
mod judge;
mod keys;

use std::{ffi::OsString, path::PathBuf};

use auth_core::{Algorithm, ClientId, Issuer, ResourceUri, RoleName, ScopeSet, Subject};
use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, Error, ErrorKind},
    parser::ValueSource,
};

use self::examples::MINT;
pub(crate) use self::{
    judge::{ExplainArgs, InspectArgs, TrustArgs, VerifyArgs, WhatArgs},
    keys::{JwksArgs, KeyFormat, KeygenArgs, RotateArgs},
};
use crate::{
    claim::{ExtraClaim, ExtraHeader},
    moment::Moment,
    ttl::Ttl,
};

/// Makes JWT access tokens (RFC 9068) for a protected MCP server, and says why one is refused.
#[derive(Debug, Parser)]
#[command(
    name = "mint-token",
    version,
    about,
    after_help = MINT,
    override_usage = "mint-token [OPTIONS]
       mint-token <COMMAND>",
    args_conflicts_with_subcommands = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    mint: MintArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Make a token (this is meant when no command is named).
    #[command(after_help = MINT, override_usage = "mint-token mint [OPTIONS]")]
    Mint(Box<MintArgs>),

    /// Make a key to sign with.
    #[command(after_help = examples::KEYGEN)]
    Keygen(KeygenArgs),

    /// Print the public key set of a folder of keys.
    #[command(after_help = examples::JWKS)]
    Jwks(JwksArgs),

    /// Change the key that signs, so that no token is refused on the way.
    #[command(after_help = examples::ROTATE)]
    Rotate(RotateArgs),

    /// Show what a token says, without believing it.
    #[command(after_help = examples::INSPECT)]
    Inspect(InspectArgs),

    /// Judge a token as a server does, check by check.
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArgs),

    /// Say why a token may or may not do something, step by step.
    #[command(after_help = examples::EXPLAIN)]
    Explain(Box<ExplainArgs>),

    /// Print the completions for a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// Which shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },

    /// Write the manual pages into a folder.
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder; made if it is not there.
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
}

/// What a token is to say, how it is signed and where it goes.
#[derive(Debug, Args)]
pub(crate) struct MintArgs {
    /// About whom the token speaks.
    #[arg(
        long,
        value_name = "SUBJECT",
        default_value = "user-userson",
        help_heading = "What it says"
    )]
    pub(crate) sub: Subject,

    /// What to call the subject; "" leaves the claim out, and so does --sub without --name.
    #[arg(
        long,
        value_name = "NAME",
        value_parser = person,
        default_value = "User Userson",
        help_heading = "What it says"
    )]
    pub(crate) name: Option<String>,

    /// What the token grants, separated by spaces; repeatable; "" grants nothing.
    #[arg(
        long,
        value_name = "SCOPES",
        default_value = "User.Read Admin.Write",
        help_heading = "What it says"
    )]
    pub(crate) scope: Vec<ScopeSet>,

    /// A role that the token carries; repeatable.
    #[arg(long, value_name = "ROLE", help_heading = "What it says")]
    pub(crate) role: Vec<RoleName>,

    /// For which server it is meant: its canonical URI [default: the configured one].
    #[arg(long, value_name = "URI", help_heading = "What it says")]
    pub(crate) aud: Option<ResourceUri>,

    /// Who issues it [default: the configured one].
    #[arg(long, value_name = "ISSUER", help_heading = "What it says")]
    pub(crate) iss: Option<Issuer>,

    /// How long it lives: 90s, 15m, 1h, 7d, or a number of seconds.
    #[arg(
        long,
        value_name = "TIME",
        default_value = "1h",
        allow_hyphen_values = true,
        help_heading = "What it says"
    )]
    pub(crate) ttl: Ttl,

    /// Through which client it is used.
    #[arg(
        long,
        value_name = "CLIENT",
        default_value = "mint-token",
        help_heading = "What it says"
    )]
    pub(crate) client_id: ClientId,

    /// One more claim: name=text, or name:=json; repeatable.
    #[arg(long, value_name = "CLAIM", help_heading = "What it says")]
    pub(crate) claim: Vec<ExtraClaim>,

    /// One more member of the header, or another typ: name=text, or name:=json; repeatable.
    #[arg(long, value_name = "MEMBER", help_heading = "What it says")]
    pub(crate) header: Vec<ExtraHeader>,

    /// When it begins to count: after a time (10m), or at a date (2027-01-15T08:00:00Z) [default: now].
    #[arg(long, value_name = "WHEN", help_heading = "What it says")]
    pub(crate) not_before: Option<Moment>,

    /// What another token says, with fresh times and a new jti: a file, or - for standard input.
    #[arg(long, value_name = "TOKEN", help_heading = "What it says")]
    pub(crate) like: Option<String>,

    /// The scopes that calling this tool needs, by the policy; repeatable.
    #[arg(long, value_name = "NAME", help_heading = "By the policy")]
    pub(crate) for_tool: Vec<String>,

    /// The scopes that this role may hold, by the policy; repeatable.
    #[arg(long, value_name = "NAME", help_heading = "By the policy")]
    pub(crate) for_role: Vec<RoleName>,

    /// The policy [default: the configured one, else the one that `server` has built in].
    #[arg(long, value_name = "FILE", help_heading = "By the policy")]
    pub(crate) policy: Option<PathBuf>,

    /// Ask a running server what tools need, at its canonical URI; needs `Admin.Read` in `MCP_TOKEN`.
    #[arg(long, value_name = "URL", conflicts_with = "policy", help_heading = "By the policy")]
    pub(crate) server: Option<String>,

    /// Do not ask, even if the policy could never admit the token.
    #[arg(long, help_heading = "By the policy")]
    pub(crate) yes: bool,

    /// So many tokens, one a line, each with a jti of its own.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        help_heading = "Where it goes"
    )]
    pub(crate) count: u32,

    /// The algorithm that the key must have; the key alone decides which one is used.
    #[arg(long, value_name = "ALG", value_parser = algorithm(), help_heading = "How it is signed")]
    pub(crate) alg: Option<Algorithm>,

    /// A private key as PEM or JWK, mode 0600, or a folder of `rotate`, instead of the configured one.
    #[arg(
        long,
        value_name = "FILE",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "How it is signed"
    )]
    pub(crate) key: Option<String>,

    /// The file with the key's passphrase, mode 0600; asked for if the key has one.
    #[arg(long, value_name = "FILE", help_heading = "How it is signed")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Also store the token as `MCP_TOKEN` in the .env file.
    #[arg(long, conflicts_with = "count", help_heading = "Where it goes")]
    pub(crate) save: bool,

    /// What is written to standard output: the token alone, or a JSON object about it.
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Where it goes"
    )]
    pub(crate) output: Format,

    /// The file that holds the configuration, and takes the token; it need not exist.
    #[arg(long, value_name = "PATH", default_value = ".env")]
    pub(crate) env_file: PathBuf,

    /// What stands on the command line and is no default.
    #[arg(skip)]
    pub(crate) given: Given,
}

/// Which flags stand on the command line.
#[derive(Debug, Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a flag")]
pub(crate) struct Given {
    pub(crate) sub: bool,
    pub(crate) name: bool,
    pub(crate) scope: bool,
    pub(crate) ttl: bool,
    pub(crate) client_id: bool,
}

/// What standard output carries: the token alone, or one JSON object on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Reads the command line; the first of `args` is the program's own name.
///
/// The error is also how `--help` and `--version` come back.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Verb, Error> {
    let matches = Cli::command().try_get_matches_from(args).map_err(with_advice)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let flags = matches.subcommand().map_or(&matches, |(_, flags)| flags);
    let mut verb = cli.verb.unwrap_or(Verb::Mint(Box::new(cli.mint)));
    if let Verb::Mint(mint) = &mut verb {
        let given = |id| is_given(flags, id);
        mint.given = Given {
            sub: given("sub"),
            name: given("name"),
            scope: given("scope"),
            ttl: given("ttl"),
            client_id: given("client_id"),
        };
        // The default name belongs to the default subject.
        if mint.given.sub && !mint.given.name {
            mint.name = None;
        }
    }
    Ok(verb)
}

/// The definition, for completions and manual pages.
pub(crate) fn definition() -> clap::Command {
    Cli::command()
}

/// Whether the flag `id` stands on the command line.
fn is_given(flags: &ArgMatches, id: &str) -> bool {
    flags.value_source(id) == Some(ValueSource::CommandLine)
}

/// Tells whoever looks for a flag that takes a secret why there is none.
fn with_advice(mut error: Error) -> Error {
    let wants_secret = error.kind() == ErrorKind::UnknownArgument
        && matches!(
            error.get(ContextKind::InvalidArg),
            Some(ContextValue::String(flag)) if flag.contains("secret") || flag.contains("password")
        );
    if wants_secret {
        error.remove(ContextKind::SuggestedArg);
        let advice = "secrets are not taken from the command line, where others can see them: \
                      set JWT_SECRET in .env, or run `just token`";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
    error
}

/// A name for people: it may be empty, but it does not move the cursor.
fn person(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) {
        Err("a name has no control characters")
    } else if text.len() > 255 {
        Err("a name has at most 255 bytes")
    } else {
        Ok(text.to_owned())
    }
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::ALL.map(Algorithm::name))
        .try_map(|name| name.parse::<Algorithm>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mint(args: &[&str]) -> Result<MintArgs, Error> {
        let args = std::iter::once("mint-token").chain(args.iter().copied());
        match parse(args.map(OsString::from))? {
            Verb::Mint(args) => Ok(*args),
            other => panic!("not mint: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_verb_means_mint() {
        for args in [&["--sub", "alice"][..], &["mint", "--sub", "alice"]] {
            let args = mint(args).unwrap();
            assert_eq!(args.sub.as_str(), "alice");
            assert_eq!(args.name, None);
            assert_eq!(args.ttl, "1h".parse().unwrap());
            assert_eq!(args.client_id.as_str(), "mint-token");
            assert_eq!(args.env_file, PathBuf::from(".env"));
            assert_eq!(args.output, Format::Text);
            assert_eq!(args.scope, ["Admin.Write User.Read".parse().unwrap()]);
            assert!(!args.save && args.alg.is_none());
        }
        assert!(mint(&["--sub", "alice", "mint"]).is_err());
        assert!(mint(&["nonsense"]).is_err());
    }

    #[test]
    fn the_default_name_belongs_to_the_default_subject() {
        let name = |args| mint(args).unwrap().name;
        assert_eq!(name(&[]).as_deref(), Some("User Userson"));
        assert_eq!(name(&["--sub", "user-userson"]), None);
        assert_eq!(name(&["--sub", "a", "--name", "A"]).as_deref(), Some("A"));
        assert_eq!(name(&["--name", "A"]).as_deref(), Some("A"));
    }

    #[test]
    fn lists_are_repeated_flags() {
        let args = mint(&["--scope", "b a", "--scope", "c", "--role", "x", "--role", "y"]).unwrap();
        let scopes: Vec<_> = args.scope.iter().map(ToString::to_string).collect();
        assert_eq!(scopes, ["a b", "c"]);
        assert_eq!(args.role.len(), 2);
        assert_eq!(mint(&["--scope", ""]).unwrap().scope, [ScopeSet::empty()]);
    }

    #[test]
    fn every_algorithm_can_be_named_and_no_other() {
        for algorithm in Algorithm::ALL {
            assert_eq!(mint(&["--alg", algorithm.name()]).unwrap().alg, Some(algorithm));
        }
        for other in ["none", "hs256", "HS512", ""] {
            assert!(mint(&["--alg", other]).is_err(), "{other}");
        }
    }

    #[test]
    fn a_negative_lifetime_is_judged_as_a_lifetime() {
        for args in [&["--ttl", "-5"][..], &["--ttl=-1h"]] {
            let text = mint(args).unwrap_err().to_string();
            assert!(text.contains("not a lifetime"), "{text}");
        }
    }

    #[test]
    fn no_flag_takes_a_secret_and_the_attempt_is_not_repeated() {
        for args in [&["--secret", "hunter2"][..], &["--jwt-secret=hunter2"]] {
            let text = mint(args).unwrap_err().to_string();
            assert!(text.contains("secrets are not taken from the command line"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn names_do_not_move_the_cursor() {
        assert_eq!(mint(&["--name", "Zoë"]).unwrap().name.as_deref(), Some("Zoë"));
        assert_eq!(mint(&["--name", ""]).unwrap().name.as_deref(), Some(""));
        assert!(mint(&["--name", "a\u{1b}[2Jb"]).is_err());
        assert!(mint(&["--name", &"x".repeat(256)]).is_err());
    }
}
