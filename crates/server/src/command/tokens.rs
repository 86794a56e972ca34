//! `server tokens …`: what is out and must count no more. Works while servers run on the same directory.

use std::io::{Read, Write};

use auth_core::{AccessToken, Clock, Issuer, MAX_TOKEN_BYTES, TokenId, UnverifiedToken};
use directory::{Change, Directory, SqliteDirectory};
use settings::{Environment, Variable};

use crate::{
    args::{RunArgs, TokensCommand},
    failure::Failure,
};

pub(crate) async fn tokens(
    command: TokensCommand,
    args: &RunArgs,
    environment: &Environment,
    clock: &dyn Clock,
    stdin: &mut dyn Read,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let text = |flag: &Option<String>, variable| {
        flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
    };
    let issuer: Issuer = text(&args.issuer, Variable::JwtIssuer)
        .parse()
        .map_err(|fault| Failure::Usage(format!("JWT_ISSUER: {fault}")))?;
    let TokensCommand::Revoke { token, user } = command;
    let what = match (token.as_deref(), user) {
        (_, Some(subject)) => What::User(subject),
        (Some("-"), None) => What::Token(read_token(stdin)?),
        (token, None) => What::Id(token_id(token.unwrap_or_default())?),
    };
    let directory = SqliteDirectory::open(&text(&args.database_url, Variable::DatabaseUrl)).await?;
    let done = revoke(&directory, issuer, what, clock).await;
    directory.close().await;
    writeln!(out, "{}", done?).map_err(Failure::output)
}

enum What {
    User(String),
    Token(AccessToken),
    Id(TokenId),
}

async fn revoke(
    directory: &SqliteDirectory,
    issuer: Issuer,
    what: What,
    clock: &dyn Clock,
) -> Result<String, Failure> {
    let (issuer, id) = match what {
        What::User(subject) => {
            let known = subject.parse().map_err(|fault| Failure::Usage(format!("{fault}")))?;
            return match directory.revoke_tokens(&issuer, &known, clock.now()).await? {
                Change::NoSuchUser => {
                    Err(Failure::NoSuchUser { issuer: issuer.to_string(), subject })
                }
                Change::Done | Change::AlreadySo => {
                    Ok(format!("All tokens that {subject} has are revoked"))
                }
            };
        }
        What::Id(id) => (issuer, id),
        What::Token(token) => {
            // Not verified: revoking can only take away, and an expired token may be revoked too.
            let token = UnverifiedToken::parse(&token)
                .map_err(|fault| Failure::Usage(format!("standard input: {fault}")))?;
            let named = token.unverified_issuer().zip(token.unverified_token_id());
            named.ok_or_else(|| {
                Failure::Usage(
                    "the token has no iss or no jti: revoke all of its user's with --user".into(),
                )
            })?
        }
    };
    Ok(match directory.revoke_token(&issuer, &id, clock.now()).await? {
        Change::AlreadySo => format!("Token {id} of {issuer} was revoked already"),
        Change::Done | Change::NoSuchUser => format!("Token {id} of {issuer} is revoked"),
    })
}

fn token_id(text: &str) -> Result<TokenId, Failure> {
    if text.split('.').count() == 3 {
        // It stands in the shell's history now.
        return Err(Failure::Usage(
            "this looks like a token, which is a secret: give its jti, or `-` and the token on standard input"
                .into(),
        ));
    }
    text.parse().map_err(|fault| Failure::Usage(format!("token id {text:?}: {fault}")))
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
