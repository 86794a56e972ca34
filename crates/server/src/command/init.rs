//! `server init`: creates what a first run needs; changes nothing that exists.
//!
//! 1. The settings that are given as flags go into the file that it creates.
//! 2. Where there is a file already, it says that they do not.

use std::{io::Write, path::PathBuf};

use auth_core::{Clock, Issuer, ResourceUri};
use directory::{AnyDirectory, Directory, NewUser, Stamp};
use settings::{EnvFile, Environment, Variable, check_listen_address, fresh_secret, issuer_url};

use crate::{args::RunArgs, config::settings::database_url, failure::Failure};

/// What `.env` is made from.
const EXAMPLE: &str = include_str!("../../../../.env.example");
/// The first users: subject, name, roles.
const USERS: [(&str, &str, &[&str]); 2] =
    [("alice", "Alice", &["admin"]), ("bob", "Bob", &["user"])];
/// The first user of directories that were made by earlier versions.
const FORMER_FIRST_USER: &str = "user-userson";

pub(crate) async fn init(
    env_file: &EnvFile,
    environment: &Environment,
    args: &RunArgs,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let path = env_file.path().display();
    // Before anything is made.
    let _url = database_url(args, environment).map_err(Failure::Usage)?;
    let given = given(args, environment)?;
    if env_file.exists() {
        let differs = |(variable, value): &&(Variable, String)| {
            environment.get(*variable) != Some(value.as_str())
        };
        let names: Vec<_> = given.iter().filter(differs).map(|(it, _)| it.name()).collect();
        if !names.is_empty() {
            let names = names.join(" and ");
            writeln!(out, "{path} exists and is not changed: set {names} there")
                .map_err(Failure::output)?;
        }
    } else {
        let secret = fresh_secret().map_err(|error| Failure::Io {
            context: "no randomness for a secret",
            source: error.into(),
        })?;
        let mut values = vec![(Variable::JwtSecret.name(), secret.as_str())];
        values.extend(given.iter().map(|(variable, value)| (variable.name(), value.as_str())));
        if env_file.create(EXAMPLE, &values)? {
            let secret = std::iter::once("a fresh secret");
            let made: Vec<_> = secret.chain(given.iter().map(|(it, _)| it.name())).collect();
            let made = made.join(", ");
            writeln!(out, "Made {path} with {made}").map_err(Failure::output)?;
        }
    }
    let environment = Environment::load(env_file.path())?.with_config(environment.config().clone());
    let url = &database_url(args, &environment).map_err(Failure::Usage)?;
    let issuer = args.issuer.as_deref().or(environment.get(Variable::JwtIssuer));
    let issuer = issuer_url(issuer.unwrap_or_default())
        .map_err(|fault| Failure::Usage(format!("JWT_ISSUER: {fault}")))?;

    let directory = AnyDirectory::open(url).await?;
    let added = add_first_users(&directory, &issuer, clock).await;
    let former = has_former_users(&directory, &issuer).await;
    directory.close().await;
    if former? && environment.set_value(Variable::TokenSubject).is_none() {
        env_file.set(Variable::TokenSubject.name(), FORMER_FIRST_USER)?;
        writeln!(
            out,
            "Tokens are minted for {FORMER_FIRST_USER} by default (TOKEN_SUBJECT in {path})"
        )
        .map_err(Failure::output)?;
    }
    if added? {
        let names = USERS.map(|(_, name, _)| name).join(" and ");
        let place = match url.split_once("://") {
            Some((scheme, _)) if scheme.starts_with("postgres") => "the tables in PostgreSQL",
            _ => url,
        };
        writeln!(out, "Made {place} with {names}").map_err(Failure::output)?;
    }
    Ok(())
}

/// The settings that are given as flags, if all of them can be written as they are.
fn given(args: &RunArgs, environment: &Environment) -> Result<Vec<(Variable, String)>, Failure> {
    let text = |path: &PathBuf| path.display().to_string();
    let all = [
        (Variable::BindAddr, args.bind.clone()),
        (Variable::McpResource, args.resource.clone()),
        (Variable::JwtIssuer, args.issuer.clone()),
        (Variable::DatabaseUrl, args.database_url.clone()),
        (Variable::PolicyFile, args.policy.as_ref().map(text)),
        (Variable::IssuersFile, args.issuers.as_ref().map(text)),
    ];
    let given = all.into_iter().filter_map(|(variable, value)| Some((variable, value?)));
    let given: Vec<_> = given.collect();
    for (variable, value) in &given {
        let label = args.label(*variable, environment);
        let fault = match variable {
            Variable::McpResource => value.parse::<ResourceUri>().err().map(|it| it.to_string()),
            Variable::JwtIssuer => issuer_url(value).err().map(|it| it.to_string()),
            Variable::BindAddr => check_listen_address(value).err().map(|it| it.to_string()),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(Failure::Usage(format!("{label} {value:?}: {fault}")));
        }
        let is_special = |c: char| c.is_whitespace() || c.is_control() || "\"'#\\$".contains(c);
        if value.chars().any(is_special) {
            let fault = "this value needs quotes in the file: leave the flag out, and set it there";
            return Err(Failure::Usage(format!("{label} {value:?}: {fault}")));
        }
    }
    Ok(given)
}

/// Whether the directory has the first user of earlier versions, and not today's: `mint-token`,
/// which does not read it, goes on to mint for that user.
async fn has_former_users(directory: &impl Directory, issuer: &Issuer) -> Result<bool, Failure> {
    let fault = |_| Failure::Usage("a first user has no usable name".into());
    let [(first, ..), _] = USERS;
    let (former, first) =
        (FORMER_FIRST_USER.parse().map_err(fault)?, first.parse().map_err(fault)?);
    Ok(directory.find(issuer, &former).await?.is_some()
        && directory.find(issuer, &first).await?.is_none())
}

/// Adds the first users to a directory that has none; returns whether it did.
async fn add_first_users(
    directory: &impl Directory,
    issuer: &Issuer,
    clock: &dyn Clock,
) -> Result<bool, Failure> {
    if !directory.list().await?.is_empty() {
        return Ok(false);
    }
    for (subject, name, roles) in USERS {
        let fault = |_| Failure::Usage("a first user has no usable name".into());
        let user = NewUser {
            issuer: issuer.clone(),
            subject: subject.parse().map_err(fault)?,
            display_name: name.into(),
            roles: roles
                .iter()
                .map(|role| role.parse())
                .collect::<Result<_, _>>()
                .map_err(fault)?,
        };
        directory.add(user, &Stamp::new("server init", clock.now())).await?;
    }
    Ok(true)
}
