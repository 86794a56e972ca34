//! `mint`: makes one token, stores it where that is asked for, and writes it to standard output.
//!
//! 1. Nothing is written to standard output unless everything else went well: a script that reads it
//!    gets a token that is signed and, with `--save`, stored.
//! 2. The clock and the random source are read once each.

use std::path::Path;

use auth_core::{AccessToken, IssueError, ScopeSet, TokenId, TokenIssuer, TokenRequest};
use settings::{EnvFile, EnvFileError, Variable};

use crate::{
    Exit, World,
    args::MintArgs,
    fault::Fault,
    output::{self, Minted},
    resolve::{self, Resolved},
    ttl::Ttl,
};

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum MintError {
    /// The configuration is at fault.
    #[error("{} faults in the configuration", .0.len())]
    Configuration(Vec<Fault>),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(getrandom::Error),
    /// The core did not make the token.
    #[error("the token could not be made: {0}")]
    Issue(IssueError),
    /// `--save` found no place.
    #[error("the token could not be stored: {0}")]
    Save(EnvFileError),
}

/// Runs the verb.
pub(crate) fn run(args: &MintArgs, world: &mut World<'_>) -> Exit {
    match mint(args, world) {
        Ok(minted) => {
            let exit = output::result(&minted.line(args.output), world);
            if exit == Exit::Done || minted.saved_to.is_some() {
                output::say(&minted.summary(), world);
                warn(args, &minted, world);
            }
            exit
        }
        Err(MintError::Configuration(faults)) => {
            for fault in &faults {
                output::error(fault, world);
            }
            if !args.env_file.exists() {
                let path = args.env_file.display();
                output::note(&format!("there is no file {path}"), world);
            }
            Exit::Usage
        }
        Err(unexpected) => {
            output::error(&unexpected, world);
            Exit::Failed
        }
    }
}

fn mint(args: &MintArgs, world: &mut World<'_>) -> Result<Minted, MintError> {
    let environment = (world.environment)(&args.env_file)
        .map_err(|fault| configuration(Fault::EnvFile(fault)))?;
    let Resolved { issuer, audience, key, origin } =
        resolve::resolve(args, &environment).map_err(MintError::Configuration)?;

    let mut random = [0; 16];
    (world.random)(&mut random).map_err(MintError::Random)?;
    let token_id = TokenId::from_random(random);
    let scopes = args.scope.iter().fold(ScopeSet::empty(), |all, some| all.union(some));
    let name = args.name.clone().filter(|name| !name.is_empty());

    let mut request = TokenRequest::new(args.sub.clone(), audience.clone(), token_id.clone())
        .client_id(args.client_id.clone())
        .scopes(scopes.clone())
        .roles(args.role.iter().cloned())
        .lifetime(args.ttl.duration());
    if let Some(name) = &name {
        request = request.name(name);
    }
    for claim in &args.claim {
        request = request.claim(&claim.name, claim.value.clone()).map_err(MintError::Issue)?;
    }
    let now = world.clock.now();
    let algorithm = key.algorithm();
    let token =
        TokenIssuer::new(issuer.clone(), key).issue(&request, now).map_err(
            |error| match error {
                IssueError::TooLong => configuration(Fault::TooLong(error)),
                other => MintError::Issue(other),
            },
        )?;
    if args.save {
        save(&args.env_file, &token).map_err(MintError::Save)?;
    }
    Ok(Minted {
        token,
        issuer,
        subject: args.sub.clone(),
        name,
        audience,
        scopes,
        roles: args.role.iter().cloned().collect(),
        expires_at: now.plus(args.ttl.duration()),
        lifetime: args.ttl,
        token_id,
        algorithm,
        origin,
        saved_to: args.save.then(|| args.env_file.clone()),
    })
}

fn save(path: &Path, token: &AccessToken) -> Result<(), EnvFileError> {
    EnvFile::at(path).set(Variable::McpToken.name(), token.expose())
}

/// Says what is not wrong, but unwise.
fn warn(args: &MintArgs, minted: &Minted, world: &mut World<'_>) {
    if args.ttl > Ttl::LONG {
        let text =
            format!("whoever finds this token can use it for {}: prefer 24h or less", args.ttl);
        output::warning(&text, world);
    }
    let file = EnvFile::at(&args.env_file);
    let path = file.path().display().to_string();
    if args.save && is_overridden(args, minted, world) {
        let text = format!(
            "MCP_TOKEN is also set in the environment, which beats {path}: `unset MCP_TOKEN` to use the new one"
        );
        output::warning(&text, world);
    }
    if file.is_open_to_others() && holds_secrets(&file) {
        let text = format!("others may read the secrets in {path}. Run `chmod 600 {path}`");
        output::warning(&text, world);
    }
}

/// Whether somebody who loads the configuration now gets another token than the one just stored.
fn is_overridden(args: &MintArgs, minted: &Minted, world: &World<'_>) -> bool {
    (world.environment)(&args.env_file).is_ok_and(|environment| {
        environment.set_value(Variable::McpToken) != Some(minted.token.expose())
    })
}

fn holds_secrets(file: &EnvFile) -> bool {
    let secrets = [Variable::JwtSecret, Variable::McpToken].map(Variable::name);
    file.read().is_ok_and(|pairs| {
        pairs.iter().any(|(name, value)| secrets.contains(&name.as_str()) && !value.is_empty())
    })
}

fn configuration(fault: Fault) -> MintError {
    MintError::Configuration(vec![fault])
}
