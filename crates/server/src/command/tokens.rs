//! `server tokens …`: revokes issued tokens. Works while servers run on the same directory.

use std::{io::Read, path::Path, time::Duration};

use auth_core::{
    AccessToken, Clock, Issuer, Leeway, MAX_TOKEN_BYTES, NumericDate, ResourceUri, TokenId,
    TokenVerifier, TrustedIssuer, UnverifiedToken, display,
};
use directory::{Directory, Edit, EditOutcome, RevokedToken, valid_from_after};
use settings::{Environment, KeySettingError, Variable};
use terminal::{Screen, table::Table};

use super::context::{DirectoryContext, WHEN, date, until, write_json};
use crate::{
    args::{OutputFormat, RunArgs, TokensCommand},
    failure::Failure,
};

pub(crate) async fn tokens(
    command: TokensCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    stdin: &mut dyn Read,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let (operation, output) = match command {
        TokensCommand::List { output } => (Operation::List, output),
        TokensCommand::Revoke { token, user, until: end, output } => {
            let end = end.map(|when| until(when, clock.now())).transpose()?;
            let operation = match (token.as_deref(), user) {
                (_, Some(subject)) => Operation::AllOf(subject),
                (Some("-"), None) => Operation::Token(read_token(stdin)?),
                (token, None) => {
                    let token = token.unwrap_or_default();
                    Operation::Id(token_id(token, args.issuer.is_some())?, end)
                }
            };
            (operation, output)
        }
    };
    let context = DirectoryContext::open(args, environment, clock, false).await?;
    let verifier = verifier(args, environment, &context.issuer);
    let leeway = leeway(environment, &context.issuer);
    let is_new_soon = matches!(operation, Operation::AllOf(_)) && leeway == Leeway::SAME_CLOCK;
    let done = act(&context, operation, verifier.as_ref(), leeway, output, out).await;
    context.directory.close().await;
    if done.is_ok() && is_new_soon {
        // A token that is made after this command is accepted.
        let from = valid_from_after(context.stamp.at(), leeway).since(NumericDate::EPOCH);
        let longest = leeway.duration() + Duration::from_secs(1);
        tokio::time::sleep(from.saturating_sub(clock.since_epoch()).min(longest)).await;
    }
    done
}

/// How many characters a token id of this installation has ([`TokenId::from_random`]).
const OWN_ID_LEN: usize = 22;

/// Whether `text` may be the id of a token that was made here.
fn is_own_id(text: &str) -> bool {
    let is_base64url = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() == OWN_ID_LEN && text.chars().all(is_base64url)
}

enum Operation {
    List,
    AllOf(String),
    Token(AccessToken),
    Id(TokenId, Option<NumericDate>),
}

async fn act(
    context: &DirectoryContext,
    operation: Operation,
    verifier: Option<&TokenVerifier>,
    leeway: Leeway,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    match operation {
        Operation::List => list(context, output, out).await,
        Operation::AllOf(subject) => revoke_all(context, &subject, leeway, output, out).await,
        Operation::Id(token_id, expires_at) => {
            let issuer = context.issuer.clone();
            revoke(context, RevokedToken { issuer, token_id, expires_at }, output, out).await
        }
        Operation::Token(token) => {
            let expires_at = verifier
                .and_then(|verifier| verifier.verify(&token, context.stamp.at()).ok())
                .map(|claims| claims.expires_at());
            // Not verified: revoking can only take away, and an expired token may be revoked too.
            // But only a valid token's expiry is trusted: otherwise the revocation is kept
            // permanently.
            let fault = |fault| Failure::Usage(format!("standard input: {fault}"));
            let token = UnverifiedToken::parse(&token).map_err(fault)?;
            let named = token.unverified_issuer().cloned().zip(token.unverified_token_id());
            let (issuer, token_id) = named.ok_or_else(|| {
                Failure::Usage(
                    "the token has no iss or no jti: revoke all of its user's with --user".into(),
                )
            })?;
            revoke(context, RevokedToken { issuer, token_id, expires_at }, output, out).await
        }
    }
}

/// Verifies tokens of the local issuer, if its keys are configured.
fn verifier(args: &RunArgs, environment: &Environment, issuer: &Issuer) -> Option<TokenVerifier> {
    let resource = args.resource.as_deref().or(environment.get(Variable::McpResource))?;
    let resource: ResourceUri = resource.parse().ok()?;
    let keys = settings::verifying_keys(environment).ok()?;
    let leeway = keys.leeway();
    let trusted = TrustedIssuer::new(issuer.clone(), keys.keys).leeway(leeway);
    Some(TokenVerifier::new(resource.audience().clone()).trust(trusted))
}

/// How far the clock that the tokens of `issuer` are made with may be ahead: as a server takes it
/// that has this environment.
fn leeway(environment: &Environment, issuer: &Issuer) -> Leeway {
    if environment.get(Variable::JwtIssuer) != Some(issuer.as_str()) {
        return Leeway::default();
    }
    match settings::verifying_keys(environment) {
        Ok(keys) => keys.leeway(),
        // It signs here.
        Err(KeySettingError::Missing) if environment.get(Variable::SignIn) == Some("on") => {
            Leeway::SAME_CLOCK
        }
        Err(_) => Leeway::default(),
    }
}

async fn revoke_all(
    context: &DirectoryContext,
    subject: &str,
    leeway: Leeway,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let name = context.name(subject)?;
    let edit = Edit::RevokeTokens(name.clone(), leeway);
    let change = context.directory.edit(edit, &context.stamp).await?;
    if change == EditOutcome::NoSuchUser {
        return Err(Failure::NoSuchUser {
            issuer: name.issuer.to_string(),
            subject: name.subject.to_string(),
        });
    }
    // A browser that is signed in would get new ones.
    let sessions = context.authorizations().end_browser_sessions_of(&name, None, None).await?;
    let from = valid_from_after(context.stamp.at(), leeway);
    match output {
        OutputFormat::Json => write_json(
            &serde_json::json!({
                "what": "revoke-tokens", "issuer": name.issuer.as_str(),
                "subject": subject, "changed": change == EditOutcome::Changed, "valid_from": from,
                "sessions_ended": sessions,
            }),
            out,
        ),
        OutputFormat::Text => {
            let subject = display::escape(subject);
            let until = if leeway == Leeway::SAME_CLOCK {
                "New tokens are accepted once this command has ended".to_owned()
            } else {
                let seconds = leeway.duration().as_secs();
                let from = date(Some(from));
                format!(
                    "A new token is accepted if it is issued at {from} or later, as clocks may differ by \
                     {seconds} s: wait until then before you make one or sign in"
                )
            };
            writeln!(out, "All tokens that {subject} has are revoked{WHEN}. {until}")
                .and_then(|()| out.flush())
                .map_err(Failure::output)
        }
    }
}

async fn revoke(
    context: &DirectoryContext,
    token: RevokedToken,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let change = context.directory.edit(Edit::RevokeToken(token.clone()), &context.stamp).await?;
    let changed = change == EditOutcome::Changed;
    match output {
        OutputFormat::Json => write_json(
            &serde_json::json!({
                "what": "revoke-token", "issuer": token.issuer.as_str(),
                "token_id": token.token_id.as_str(), "changed": changed,
            }),
            out,
        ),
        OutputFormat::Text => {
            let RevokedToken { issuer, token_id, .. } = token;
            let said =
                if changed { format!("is revoked{WHEN}") } else { "was revoked already".into() };
            let said = format!("Token {token_id} of {issuer} {said}");
            writeln!(out, "{}", display::escape(&said)).map_err(Failure::output)
        }
    }
}

async fn list(
    context: &DirectoryContext,
    output: OutputFormat,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let tokens = context.directory.revoked_tokens().await?;
    match output {
        OutputFormat::Json => write_json(&tokens, out),
        OutputFormat::Text => {
            let rows = tokens.into_iter().map(|it| {
                let end = it.expires_at.map_or_else(|| "forever".into(), |end| date(Some(end)));
                [it.token_id.to_string(), end, it.issuer.to_string()]
            });
            let head = ["TOKEN", "REMEMBERED UNTIL", "ISSUER"];
            let table = Table::new(head).rows(rows).within(out.columns());
            write!(out, "{table}").map_err(Failure::output)
        }
    }
}

/// The id of a token. One that cannot be of the server's own issuer is refused unless another is
/// named: it would be remembered, and the token would stay valid.
fn token_id(text: &str, is_issuer_named: bool) -> Result<TokenId, Failure> {
    if Path::new(text).is_file() {
        return Err(Failure::TokenFile(text.to_owned()));
    }
    if text.split('.').count() == 3 {
        // It is in the shell's history now.
        return Err(Failure::Usage(
            "this looks like a token, which is a secret: give its jti, or `-` and the token on standard input"
                .into(),
        ));
    }
    let id = text.parse().map_err(|fault| Failure::Usage(format!("token id {text:?}: {fault}")))?;
    if is_issuer_named || is_own_id(text) {
        Ok(id)
    } else {
        Err(Failure::NotAnOwnTokenId(text.to_owned()))
    }
}

fn read_token(stdin: &mut dyn Read) -> Result<AccessToken, Failure> {
    let mut text = zeroize::Zeroizing::new(String::new());
    let limit = MAX_TOKEN_BYTES as u64 + 2;
    stdin
        .take(limit)
        .read_to_string(&mut text)
        .map_err(|source| Failure::Io { context: "cannot read the token", source })?;
    text.trim().parse().map_err(|fault| Failure::Usage(format!("standard input: {fault}")))
}
