//! `server init`: creates what a first run needs; changes nothing that exists.

use std::io::Write;

use auth_core::{Clock, Issuer};
use directory::{AnyDirectory, Directory, NewUser, Stamp};
use settings::{EnvFile, Environment, Variable, fresh_secret};

use crate::{args::RunArgs, failure::Failure};

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
    if !env_file.exists() {
        let secret = fresh_secret().map_err(|error| Failure::Io {
            context: "no randomness for a secret",
            source: error.into(),
        })?;
        if env_file.create(EXAMPLE, &[(Variable::JwtSecret.name(), &secret)])? {
            writeln!(out, "Made {path} with a fresh secret").map_err(Failure::output)?;
        }
    }
    let environment = Environment::load(env_file.path())?.with_config(environment.config().clone());
    let url = args.database_url.as_deref().or(environment.get(Variable::DatabaseUrl));
    let url = url.unwrap_or_default();
    let issuer = args.issuer.as_deref().or(environment.get(Variable::JwtIssuer));
    let issuer: Issuer = issuer
        .unwrap_or_default()
        .parse()
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
