//! `mint`: mints tokens, stores one with `--save`, and writes them to standard output.
//!
//! 1. Nothing is written to standard output unless everything else went well: a script that reads
//!    it gets tokens that are signed and, with `--save`, stored.
//!    On a terminal, a token that is stored is not printed.
//! 2. The clock is read once; the random source once for every token.
//! 3. What the policy could never permit is minted only after a confirmation, on a terminal or with
//!    `--yes`.

mod content;

use std::{path::Path, time::Duration};

use auth_core::{AccessToken, IssueError, TokenId, TokenIssuer, TokenRequest};
use settings::{EnvFile, EnvFileError, Environment, Variable};
use terminal::{OutputFormat, duration, prompt};

use self::content::Content;
use crate::{
    Exit, World,
    args::MintArgs,
    config_error::ConfigError,
    output::{self, Minted},
    policy::{self, Named},
    resolve::{self, Resolved},
    upstream,
};

/// A token that is valid for longer gets a warning.
const LONG: Duration = Duration::from_hours(24);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
enum MintError {
    /// The configuration is invalid.
    #[error("{} errors in the configuration", .0.len())]
    Configuration(Vec<ConfigError>),
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {0}")]
    Random(getrandom::Error),
    /// The core did not issue the token.
    #[error("the token could not be minted: {0}")]
    Issue(IssueError),
    /// The policy could never permit it, and it was not confirmed.
    #[error("nothing was minted: {}. Use --yes to mint anyway", .0.join("; "))]
    NotConfirmed(Vec<String>),
    /// `--save` failed.
    #[error("the token could not be stored: {0}")]
    Save(EnvFileError),
}

/// Runs the verb.
pub(crate) fn run(args: &MintArgs, world: &mut World<'_>) -> Exit {
    match mint(args, world) {
        Ok(minted) => {
            let lines: Vec<_> = minted.iter().map(|one| one.line(args.output)).collect();
            // A person who has it stored need not see it, and it need not stay on the screen.
            let is_shown =
                !(args.save && args.output == OutputFormat::Text && world.out_columns.is_some());
            let exit = if is_shown { output::result(&lines.join("\n"), world) } else { Exit::Done };
            let Some(first) = minted.first() else { return exit };
            if exit == Exit::Done || first.saved_to.is_some() {
                output::say(&first.summary(minted.len(), world.out_columns), world);
                warn(args, first, world);
            }
            exit
        }
        Err(MintError::Configuration(errors)) => {
            for error in &errors {
                output::error(error, world);
            }
            if !args.env_file.exists() {
                let path = args.env_file.display();
                output::note(&format!("there is no file {path}"), world);
            }
            if let Some(hint) = errors.iter().find_map(|error| error.hint(&world.invocation)) {
                output::hint(&hint, world);
            }
            if errors.iter().any(ConfigError::is_unreachable) {
                Exit::Unreachable
            } else {
                Exit::Usage
            }
        }
        Err(error @ MintError::NotConfirmed(_)) => {
            output::error(&error, world);
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
        .map_err(|error| configuration(ConfigError::EnvFile(error)))?;
    let args = &for_server(args, &environment).map_err(configuration)?;
    let resolved = resolve::resolve(args, &environment, world);
    let Resolved { issuer, audience, key, origin, max_ttl } =
        resolved.map_err(MintError::Configuration)?;
    let named = named_policy(args, &environment).map_err(configuration)?;
    let content = Content::of(args, named.as_ref(), &environment, world).map_err(configuration)?;
    if let Some(max) = max_ttl.filter(|max| content.lifetime > *max) {
        return Err(configuration(ConfigError::OutlivesKey(max)));
    }
    if named.is_none() && args.aud.is_none() && environment.config().upstreams().is_none() {
        // The server has its built-in policy, as far as is known here.
        let built_in = policy::load(None, &environment).map_err(|it| configuration(it.into()))?;
        for warning in built_in.unknown_scopes(&content.scopes) {
            output::warning(&warning, world);
        }
    }
    if let Some(named) = named.filter(|named| named.is_chosen || !args.for_tool.is_empty()) {
        let warnings = named.warnings(&content.scopes, &content.roles, &args.for_tool);
        if !warnings.is_empty() && !args.yes {
            confirm(warnings, world)?;
        }
    }
    let now = world.clock.now();
    let issuer = content.issuer.clone().unwrap_or(issuer);
    let audience = content.audience.clone().unwrap_or(audience);
    let from = args.not_before.map(|when| when.date(now));
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
            IssueError::TooLong => configuration(ConfigError::TooLong(error)),
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

/// The flags for the server whose tools `--for-tool` names: its resource and its policy, unless
/// other ones are given.
fn for_server(args: &MintArgs, environment: &Environment) -> Result<MintArgs, ConfigError> {
    let mut args = args.clone();
    if let Some(upstream) = upstream::take(&mut args.for_tool, environment)? {
        args.aud = args.aud.or(upstream.resource);
        if args.server.is_none() {
            args.policy = args.policy.or(Some(upstream.policy));
        }
    }
    Ok(args)
}

/// The policy, if a flag or the configuration names one, or a flag needs one.
fn named_policy(args: &MintArgs, environment: &Environment) -> Result<Option<Named>, ConfigError> {
    let is_asked = !args.for_role.is_empty()
        || (!args.for_tool.is_empty() && args.server.is_none())
        || args.policy.is_some()
        || environment.get(Variable::PolicyFile).is_some();
    if !is_asked {
        return Ok(None);
    }
    Ok(Some(policy::load(args.policy.as_deref(), environment)?))
}

/// Asks whether to mint a token that the policy could never permit.
fn confirm(warnings: Vec<String>, world: &mut World<'_>) -> Result<(), MintError> {
    for warning in &warnings {
        output::warning(warning, world);
    }
    match prompt::confirm("Mint anyway?", world.ask.as_deref_mut()) {
        Ok(true) => Ok(()),
        _ => Err(MintError::NotConfirmed(warnings)),
    }
}

fn save(path: &Path, token: &AccessToken) -> Result<(), EnvFileError> {
    EnvFile::at(path).set(Variable::McpToken.name(), token.expose())
}

/// Reports what is allowed, but unwise.
fn warn(args: &MintArgs, minted: &Minted, world: &mut World<'_>) {
    if let Some(scope) = minted.scopes.iter().find(|scope| scope.as_str().contains(',')) {
        let text =
            format!("{scope} is one scope, with a comma in it: write a space between scopes");
        output::warning(&text, world);
    }
    if minted.lifetime > LONG {
        let lifetime = duration::words(minted.lifetime);
        let text = format!("a stolen token can be used for {lifetime}: prefer 24h or less");
        output::warning(&text, world);
    }
    let file = EnvFile::at(&args.env_file);
    let path = file.path().display().to_string();
    if args.save && is_overridden(args, minted, world) {
        let text = format!(
            "MCP_TOKEN is also set in the environment, which beats {path}: `unset MCP_TOKEN` to use \
             the new one"
        );
        output::warning(&text, world);
    }
    if file.is_open_to_others() && holds_secrets(&file) {
        let text = format!("other users can read the secrets in {path}. Run `chmod 600 {path}`");
        output::warning(&text, world);
    }
}

/// Whether the configuration now has another token than the one just stored.
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

fn configuration(error: ConfigError) -> MintError {
    MintError::Configuration(vec![error])
}
