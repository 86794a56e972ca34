//! `mint`: makes tokens, stores one where that is asked for, and writes them to standard output.
//!
//! 1. Nothing is written to standard output unless everything else went well: a script that reads it
//!    gets tokens that are signed and, with `--save`, stored.
//! 2. The clock is read once; the random source once for every token.
//! 3. What the policy could never admit is not minted unasked: somebody at a terminal is asked, and a
//!    script is told to say `--yes`.

mod content;

use std::path::Path;

use auth_core::{AccessToken, IssueError, TokenId, TokenIssuer, TokenRequest};
use settings::{EnvFile, EnvFileError, Environment, Variable};

use self::content::Content;
use crate::{
    Ask, Exit, World,
    args::MintArgs,
    fault::Fault,
    output::{self, Minted},
    policy::{self, Named},
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
    /// The policy could never admit it, and nobody said to go on.
    #[error("nothing was minted: {}. Say --yes to mint it all the same", .0.join("; "))]
    Doubtful(Vec<String>),
    /// `--save` found no place.
    #[error("the token could not be stored: {0}")]
    Save(EnvFileError),
}

/// Runs the verb.
pub(crate) fn run(args: &MintArgs, world: &mut World<'_>) -> Exit {
    match mint(args, world) {
        Ok(minted) => {
            let lines: Vec<_> = minted.iter().map(|one| one.line(args.output)).collect();
            let exit = output::result(&lines.join("\n"), world);
            let Some(first) = minted.first() else { return exit };
            if exit == Exit::Done || first.saved_to.is_some() {
                output::say(&first.summary(minted.len()), world);
                warn(args, first, world);
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
            if faults.iter().any(Fault::is_of_the_network) {
                Exit::Unreachable
            } else {
                Exit::Usage
            }
        }
        Err(doubtful @ MintError::Doubtful(_)) => {
            output::error(&doubtful, world);
            Exit::Usage
        }
        Err(unexpected) => {
            output::error(&unexpected, world);
            Exit::Failed
        }
    }
}

fn mint(args: &MintArgs, world: &mut World<'_>) -> Result<Vec<Minted>, MintError> {
    let environment = (world.environment)(&args.env_file)
        .map_err(|fault| configuration(Fault::EnvFile(fault)))?;
    let resolved = resolve::resolve(args, &environment, world);
    let Resolved { issuer, audience, key, origin, max_ttl } =
        resolved.map_err(MintError::Configuration)?;
    let named = named_policy(args, &environment).map_err(configuration)?;
    let content = Content::of(args, named.as_ref(), &environment, world).map_err(configuration)?;
    if let Some(max) = max_ttl.filter(|max| content.lifetime > *max) {
        return Err(configuration(Fault::OutlivesKey(max)));
    }
    if let Some(named) = named.filter(|named| named.is_chosen || !args.for_tool.is_empty()) {
        let doubts = named.doubts(&content.scopes, &content.roles, &args.for_tool);
        if !doubts.is_empty() && !args.yes {
            go_on(doubts, world)?;
        }
    }
    let now = world.clock.now();
    let issuer = content.issuer.clone().unwrap_or(issuer);
    let audience = content.audience.clone().unwrap_or(audience);
    let from = args.not_before.map(|moment| moment.date(now));
    let algorithm = key.algorithm();
    let signer = TokenIssuer::new(issuer.clone(), key);
    let mut minted = Vec::new();
    for _ in 0..args.count {
        let mut random = [0; 16];
        (world.random)(&mut random).map_err(MintError::Random)?;
        let token_id = TokenId::from_random(random);
        let mut request =
            TokenRequest::new(content.subject.clone(), audience.clone(), token_id.clone())
                .scopes(content.scopes.clone())
                .roles(content.roles.iter().cloned())
                .lifetime(content.lifetime);
        if let Some(client_id) = &content.client_id {
            request = request.client_id(client_id.clone());
        }
        if let Some(name) = &content.name {
            request = request.name(name);
        }
        if let Some(from) = from {
            request = request.not_before(from);
        }
        for (name, value) in &content.claims {
            request = request.claim(name, value.clone()).map_err(MintError::Issue)?;
        }
        for header in &args.header {
            request =
                request.header(&header.name, header.value.clone()).map_err(MintError::Issue)?;
        }
        let token = signer.issue(&request, now).map_err(|error| match error {
            IssueError::TooLong => configuration(Fault::TooLong(error)),
            other => MintError::Issue(other),
        })?;
        minted.push(Minted {
            token,
            issuer: issuer.clone(),
            subject: content.subject.clone(),
            name: content.name.clone(),
            audience: audience.clone(),
            scopes: content.scopes.clone(),
            roles: content.roles.clone(),
            expires_at: from.unwrap_or(now).plus(content.lifetime),
            not_before: from,
            lifetime: content.lifetime,
            token_id,
            algorithm,
            origin: origin.clone(),
            saved_to: args.save.then(|| args.env_file.clone()),
        });
    }
    if let (true, Some(first)) = (args.save, minted.first()) {
        save(&args.env_file, &first.token).map_err(MintError::Save)?;
    }
    Ok(minted)
}

/// The policy, if a flag or the configuration gives a reason to look at one.
fn named_policy(args: &MintArgs, environment: &Environment) -> Result<Option<Named>, Fault> {
    let is_asked = !args.for_role.is_empty()
        || (!args.for_tool.is_empty() && args.server.is_none())
        || args.policy.is_some()
        || environment.get(Variable::PolicyFile).is_some();
    if !is_asked {
        return Ok(None);
    }
    Ok(Some(policy::load(args.policy.as_deref(), environment)?))
}

/// Asks whether to mint it all the same.
fn go_on(doubts: Vec<String>, world: &mut World<'_>) -> Result<(), MintError> {
    for doubt in &doubts {
        output::warning(doubt, world);
    }
    let Some(ask) = &mut world.ask else { return Err(MintError::Doubtful(doubts)) };
    match ask(Ask::Question("Mint it all the same? [y/N] ")) {
        Ok(answer) if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) => Ok(()),
        _ => Err(MintError::Doubtful(doubts)),
    }
}

fn save(path: &Path, token: &AccessToken) -> Result<(), EnvFileError> {
    EnvFile::at(path).set(Variable::McpToken.name(), token.expose())
}

/// Says what is not wrong, but unwise.
fn warn(args: &MintArgs, minted: &Minted, world: &mut World<'_>) {
    if minted.lifetime > Ttl::LONG.duration() {
        let lifetime = output::lifetime(minted.lifetime);
        let text =
            format!("whoever finds this token can use it for {lifetime}: prefer 24h or less");
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
