//! The command line: which verb, with which flags.
//!
//! 1. `mint` is the default verb: `mint-token --ttl 15m` is `mint-token mint --ttl 15m`.
//! 2. Values are parsed here into the types of the core.
//! 3. There is no flag that takes a secret.
//! 4. `--env-file` may be before the verb.

mod env_file;
mod examples;
mod keys;
mod serve;
mod verify;

use std::{ffi::OsString, path::PathBuf, time::Duration};

use auth_core::{Algorithm, ClientId, Issuer, ResourceUri, RoleName, ScopeSet, Subject};
use clap::{
    ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand,
    builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, Error, ErrorKind},
    parser::ValueSource,
};
use settings::is_similar;
use terminal::{Invocation, OutputFormat, date::When, duration, help, suggestion};

use self::examples::MINT;
pub(crate) use self::{
    keys::{JwksArgs, KeyFormat, KeygenArgs, RotateArgs},
    serve::ServeArgs,
    verify::{ExplainArgs, InspectArgs, TrustArgs, VerifyArgs, WhatArgs},
};
use crate::claim::{ExtraClaim, ExtraHeader};

/// Mint JWT access tokens (RFC 9068) for a protected MCP server, and explain why one is refused.
#[derive(Debug, Parser)]
#[command(
    name = "mint-token",
    version,
    about,
    after_help = MINT,
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
    /// Mint a token (the default command).
    #[command(after_help = MINT)]
    Mint(Box<MintArgs>),

    /// Generate a signing key.
    #[command(after_help = examples::KEYGEN)]
    Keygen(KeygenArgs),

    /// Print the public key set of a folder of keys.
    #[command(after_help = examples::JWKS)]
    Jwks(JwksArgs),

    /// Rotate the signing key, without a token being refused meanwhile.
    #[command(after_help = examples::ROTATE)]
    Rotate(RotateArgs),

    /// Run the authorization server alone, for a resource server that holds no signing key.
    #[command(after_help = examples::SERVE)]
    Serve(ServeArgs),

    /// Show what a token contains, without verifying it.
    #[command(after_help = examples::INSPECT)]
    Inspect(InspectArgs),

    /// Verify a token as a server does, check by check.
    #[command(after_help = examples::VERIFY)]
    Verify(VerifyArgs),

    /// Explain why a token may or may not do something, step by step.
    #[command(after_help = examples::EXPLAIN)]
    Explain(Box<ExplainArgs>),

    /// Print a completion script for a shell.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },

    /// Print the manual, or write its pages into a folder.
    #[command(after_help = examples::MAN)]
    Man {
        /// The folder; it is made if it does not exist.
        folder: Option<PathBuf>,
    },
}

/// What a token contains, how it is signed and where it goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct MintArgs {
    /// The user that the token is for (sub) [default: `TOKEN_SUBJECT`, else alice].
    #[arg(long, value_name = "SUBJECT", help_heading = "Content")]
    pub(crate) sub: Option<Subject>,

    /// The user's display name [default: Alice for alice, without --sub; none for others]; ""
    /// leaves the claim out.
    #[arg(long, value_name = "NAME", value_parser = person, help_heading = "Content")]
    pub(crate) name: Option<String>,

    /// What the token grants, separated by spaces; repeatable; "" grants nothing.
    #[arg(
        long,
        value_name = "SCOPES",
        default_value = "User.Read Admin.Write",
        help_heading = "Content"
    )]
    pub(crate) scope: Vec<ScopeSet>,

    /// A role that the token carries; repeatable.
    #[arg(long, value_name = "ROLE", help_heading = "Content")]
    pub(crate) role: Vec<RoleName>,

    /// The server that it is for (aud): its canonical URI [default: the configured one].
    #[arg(long = "resource", alias = "aud", value_name = "URI", help_heading = "Content")]
    pub(crate) aud: Option<ResourceUri>,

    /// The issuer (iss) [default: the configured one].
    #[arg(long = "issuer", alias = "iss", value_name = "URI", help_heading = "Content")]
    pub(crate) iss: Option<Issuer>,

    /// How long it is valid: 90s, 15m, 12h, 7d, or a number of seconds.
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = whole_seconds,
        default_value = "1h",
        allow_hyphen_values = true,
        help_heading = "Content"
    )]
    pub(crate) ttl: Duration,

    /// The client that uses it.
    #[arg(long, value_name = "ID", default_value = "mint-token", help_heading = "Content")]
    pub(crate) client_id: ClientId,

    /// One more claim: name=text, or name:=json; repeatable.
    #[arg(long, value_name = "CLAIM", help_heading = "Content")]
    pub(crate) claim: Vec<ExtraClaim>,

    /// One more member of the header, or another typ: name=text, or name:=json; repeatable.
    #[arg(long, value_name = "MEMBER", help_heading = "Content")]
    pub(crate) header: Vec<ExtraHeader>,

    /// When it becomes valid: after a duration (10m), or at a date (2027-01-15T08:00:00Z)
    /// [default: now].
    #[arg(long, value_name = "WHEN", help_heading = "Content")]
    pub(crate) not_before: Option<When>,

    /// Copy another token, with fresh times and a new jti: a file, or - for standard input. Other
    /// flags replace what it has.
    #[arg(long, value_name = "TOKEN", help_heading = "Content")]
    pub(crate) like: Option<String>,

    /// Grant the scopes that this tool requires; repeatable. SERVER/TOOL is a tool of a server
    /// behind the gateway: by its policy, and for its resource.
    #[arg(long, value_name = "[SERVER/]TOOL", help_heading = "Scopes from the policy")]
    pub(crate) for_tool: Vec<String>,

    /// Grant the scopes that this role may hold; repeatable.
    #[arg(long, value_name = "NAME", help_heading = "Scopes from the policy")]
    pub(crate) for_role: Vec<RoleName>,

    /// The policy [default: the configured one, else the one that the server has built in].
    #[arg(long, value_name = "FILE", help_heading = "Scopes from the policy")]
    pub(crate) policy: Option<PathBuf>,

    /// Ask a running server what tools require, at its canonical URI; needs `Admin.Read` in
    /// `MCP_TOKEN`.
    #[arg(
        long = "url",
        alias = "server",
        value_name = "URL",
        conflicts_with = "policy",
        help_heading = "Scopes from the policy"
    )]
    pub(crate) server: Option<String>,

    /// Do not ask for confirmation, even if the policy could never permit what the token is for.
    #[arg(long, help_heading = "Scopes from the policy")]
    pub(crate) yes: bool,

    /// How many tokens, one a line, each with its own jti.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=100_000),
        help_heading = "Output"
    )]
    pub(crate) count: u32,

    /// The algorithm that the key must have; the key decides which one is used.
    #[arg(long, value_name = "ALG", value_parser = algorithm(), help_heading = "Signature")]
    pub(crate) alg: Option<Algorithm>,

    /// A private key as PEM or JWK, mode 0600, or a folder of `rotate`, instead of the configured
    /// one.
    #[arg(
        long,
        value_name = "FILE",
        value_parser = NonEmptyStringValueParser::new(),
        help_heading = "Signature"
    )]
    pub(crate) key: Option<String>,

    /// Also store the token as `MCP_TOKEN` in the .env file.
    #[arg(long, conflicts_with = "count", help_heading = "Output")]
    pub(crate) save: bool,

    /// What is written to standard output: the token alone, or a JSON object about it.
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        help_heading = "Output"
    )]
    pub(crate) output: OutputFormat,

    /// The file with the configuration, in which --save stores the token; it need not exist.
    #[arg(long, value_name = "FILE", default_value = ".env", help_heading = help::GLOBAL)]
    pub(crate) env_file: PathBuf,

    /// Which flags are on the command line.
    #[arg(skip)]
    pub(crate) explicit: ExplicitFlags,
}

/// Which flags are on the command line, and not defaults.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ExplicitFlags {
    pub(crate) scope: bool,
    pub(crate) ttl: bool,
    pub(crate) client_id: bool,
}

/// Reads the command line; the first of `args` is the program's own name.
///
/// The error is also how `--help` and `--version` come back.
pub(crate) fn parse(
    args: impl IntoIterator<Item = OsString>,
    invocation: &Invocation,
) -> Result<Verb, Error> {
    let definition = definition(invocation);
    let args = env_file::behind_the_command(args, &definition);
    let matches = suggestion::matches(definition, args, is_similar)
        .map_err(|error| with_advice(error, invocation))?;
    let cli = Cli::from_arg_matches(&matches)?;
    let flags = matches.subcommand().map_or(&matches, |(_, flags)| flags);
    let mut verb = cli.verb.unwrap_or(Verb::Mint(Box::new(cli.mint)));
    if let Verb::Mint(mint) = &mut verb {
        let is_explicit = |id| is_explicit(flags, id);
        mint.explicit = ExplicitFlags {
            scope: is_explicit("scope"),
            ttl: is_explicit("ttl"),
            client_id: is_explicit("client_id"),
        };
    }
    Ok(verb)
}

/// The definition, with commands written as `invocation` says.
pub(crate) fn definition(invocation: &Invocation) -> clap::Command {
    let name = invocation.own_name();
    let definition = Cli::command()
        .override_usage(format!("{name} [OPTIONS]\n       {name} <COMMAND>"))
        .mut_subcommand("mint", |mint| mint.override_usage(format!("{name} mint [OPTIONS]")));
    help::named(definition, invocation)
}

/// A duration of whole seconds, as claims have them.
pub(super) fn whole_seconds(text: &str) -> Result<Duration, String> {
    let duration = duration::parse(text).map_err(|error| error.to_string())?;
    if duration.subsec_nanos() == 0 {
        Ok(duration)
    } else {
        Err("a token's times are whole seconds".into())
    }
}

/// Whether the flag `id` is on the command line.
fn is_explicit(flags: &ArgMatches, id: &str) -> bool {
    flags.value_source(id) == Some(ValueSource::CommandLine)
}

/// Explains why no flag takes a secret, to a user who tries one; and which flag names what is read.
fn with_advice(mut error: Error, invocation: &Invocation) -> Error {
    let is_read = error.kind() == ErrorKind::ValueValidation
        && matches!(
            error.get(ContextKind::InvalidArg),
            Some(ContextValue::String(flag)) if flag.starts_with("--resource")
        );
    if is_read {
        let advice = "explain has --read for a resource that is read; --resource is the server";
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
    let wants_secret = error.kind() == ErrorKind::UnknownArgument
        && matches!(
            error.get(ContextKind::InvalidArg),
            Some(ContextValue::String(flag)) if flag.contains("secret") || flag.contains("password")
        );
    if wants_secret {
        error.remove(ContextKind::SuggestedArg);
        let command = invocation.make_env_file();
        let advice = format!(
            "secrets are not taken from the command line, where others can see them: \
             set JWT_SECRET in .env, or run `{command}`"
        );
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![advice.into()]));
    }
    error
}

/// A display name: it may be empty, but it does not move the cursor.
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
        let invocation = Invocation::workspace(terminal::Program::MintToken);
        match parse(args.map(OsString::from), &invocation)? {
            Verb::Mint(args) => Ok(*args),
            other => panic!("not mint: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verb_has_two_examples_that_are_accepted() {
        let parse = |words: &[String]| Cli::command().try_get_matches_from(words).map(drop);
        let mut texts = help::texts(&Cli::command());
        // It is the default, and its examples leave its name out.
        texts.retain(|(verb, _)| verb != "mint");
        testkit::assert_examples(&texts, "{mint-token}", 2, &parse);
    }

    #[test]
    fn no_verb_means_mint() {
        for args in [&["--sub", "alice"][..], &["mint", "--sub", "alice"]] {
            let args = mint(args).unwrap();
            assert_eq!(args.sub.unwrap().as_str(), "alice");
            assert_eq!(args.name, None);
            assert_eq!(args.ttl, Duration::from_hours(1));
            assert_eq!(args.client_id.as_str(), "mint-token");
            assert_eq!(args.env_file, PathBuf::from(".env"));
            assert_eq!(args.output, OutputFormat::Text);
            assert_eq!(args.scope, ["Admin.Write User.Read".parse().unwrap()]);
            assert!(!args.save && args.alg.is_none());
        }
        assert!(mint(&["--sub", "alice", "mint"]).is_err());
        assert!(mint(&["nonsense"]).is_err());
    }

    #[test]
    fn the_file_of_settings_may_be_named_before_the_verb() {
        let invocation = Invocation::workspace(terminal::Program::MintToken);
        let read = |line: &str| {
            let args = line.split(' ').map(OsString::from);
            parse(std::iter::once("mint-token".into()).chain(args), &invocation)
        };
        for line in ["--env-file x mint --sub bob", "--env-file=x mint", "--env-file x --sub bob"] {
            let Ok(Verb::Mint(args)) = read(line) else { panic!("{line}") };
            assert_eq!(args.env_file, PathBuf::from("x"), "{line}");
        }
        let Ok(Verb::Explain(args)) = read("--env-file x explain token --tool t") else { panic!() };
        assert_eq!(args.trust.env_file, PathBuf::from("x"));
        // It has no configuration to read.
        assert!(matches!(read("--env-file x jwks keys"), Ok(Verb::Jwks(_))));
        for line in ["--env-file", "--env-file x nope", "--env-files x mint"] {
            assert!(read(line).is_err(), "{line}");
        }
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
    fn a_negative_lifetime_is_not_taken_for_a_flag() {
        for args in [&["--ttl", "-5"][..], &["--ttl=-1h"]] {
            let text = mint(args).unwrap_err().to_string();
            assert!(text.contains("not a duration"), "{text}");
        }
        let text = mint(&["--ttl", "1500ms"]).unwrap_err().to_string();
        assert!(text.contains("whole seconds"), "{text}");
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
    fn the_server_and_the_issuer_are_named_as_in_the_other_programs() {
        for (resource, issuer) in [("--resource", "--issuer"), ("--aud", "--iss")] {
            let args = mint(&[resource, "https://a.example/mcp", issuer, "https://b.example"]);
            let args = args.unwrap();
            assert_eq!(args.aud.unwrap().as_str(), "https://a.example/mcp");
            assert_eq!(args.iss.unwrap().as_str(), "https://b.example");
        }
        let invocation = Invocation::workspace(terminal::Program::MintToken);
        let old = ["mint-token", "explain", "--resource", "server://info"].map(OsString::from);
        let text = parse(old, &invocation).unwrap_err().to_string();
        assert!(text.contains("--read for a resource that is read"), "{text}");
    }

    #[test]
    fn the_old_name_of_the_url_is_taken_and_not_shown() {
        let url = "http://localhost:8000/mcp";
        for flag in ["--url", "--server"] {
            let args = mint(&["--for-tool", "get_time", flag, url]).unwrap();
            assert_eq!(args.server.as_deref(), Some(url), "{flag}");
        }
        for verb in ["mint", "explain"] {
            let help = help::of(Cli::command(), verb);
            assert!(help.contains("--url") && !help.contains("--server"), "{help}");
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
