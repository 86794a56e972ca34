//! 401 and 403: what the server's challenge says, and what helps (RFC 6750 §3.1).

use auth_core::{BearerError, Challenge, ScopeSet};
use serde_json::Value;

use super::{Failure, Refusal, Scopes, body::Said, scopes};
use crate::{Exit, config::Config, sanitize::Screen, transport};

/// What our own server says to a caller who is not in its directory.
const UNKNOWN_USER: &str = "user does not exist";

/// 401: no token, or one that is refused. `said` is what the body says.
pub(super) fn unauthorized(header: Option<&str>, said: Said, config: &Config) -> Failure {
    let mut failure = refused(header, said.words, config);
    let challenge = header.map(|_| read(header));
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope: false }));
    failure
}

fn refused(header: Option<&str>, words: Option<String>, config: &Config) -> Failure {
    let challenge = read(header);
    let words = challenge.error_description.or(words);
    if config.token.is_none() {
        return Failure::new(
            Exit::Unauthorized,
            format!("{} wants a token, and none is set (401 Unauthorized)", config.endpoint),
        )
        .with_server(words)
        .with_hint("get one with `just token` and set it as MCP_TOKEN");
    }
    Failure::new(
        Exit::Unauthorized,
        format!("{} refuses the token (401 Unauthorized)", config.endpoint),
    )
    .with_server(words)
    .with_hint("has it expired, or is it for another server? get a new one with `just token`")
}

/// 403: the token or its user may not do this. `said` is what the body says.
pub(super) fn forbidden(header: Option<&str>, said: Said, config: &Config) -> Failure {
    let challenge = read(header);
    let required = challenge.scope.or(said.required);
    let granted = said.granted.or_else(|| scopes::in_token(config.token.as_ref()?));
    let words = challenge.error_description.or(said.words);
    // Words that are just the two lists, which are shown as such, need not be shown twice.
    let words = words.filter(|words| *words != lists(required.as_ref(), granted.as_ref()));
    let asked = config.request.about();

    let lacks_scope = challenge.error == Some(BearerError::InsufficientScope)
        || said.error.as_deref() == Some("insufficient_scope");
    let (message, hint) = if lacks_scope {
        (
            format!("{asked} needs a scope that the token does not have (403 Forbidden)"),
            mint_hint(required.as_ref(), granted.as_ref()),
        )
    } else {
        (
            format!("the server does not allow {asked} (403 Forbidden)"),
            unknown_user(words.as_deref(), config)
                .unwrap_or_else(|| no_token_helps(words.as_deref(), config).to_owned()),
        )
    };
    let mut failure = Failure::new(Exit::Forbidden, message).with_server(words).with_hint(hint);
    let challenge = header.map(|_| read(header));
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope }));
    // What the token has is of interest only beside what it needs.
    if required.is_some() {
        failure.scopes = Some(Box::new(Scopes { required, granted }));
    }
    failure
}

/// Who the caller is, for the one who can add them, where the server does not know them.
fn unknown_user(words: Option<&str>, config: &Config) -> Option<String> {
    if !words?.contains(UNKNOWN_USER) {
        return None;
    }
    let claims = scopes::claims(config.token.as_ref()?)?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let (subject, issuer) = (claim("sub")?, claim("iss")?);
    let is_plain = |text: &str| !text.contains(' ') && text.chars().all(is_plain);
    let command = if is_plain(subject) && is_plain(issuer) {
        format!("`server users add {subject} --issuer {issuer}`")
    } else {
        "`server users add`".to_owned()
    };
    let screen = Screen::default();
    Some(format!(
        "you are {} of {}; whoever runs the server can add you with {command}, or enable you",
        screen.line(subject),
        screen.line(issuer)
    ))
}

/// What to say where no scope is missing. The server may have another reason than roles.
fn no_token_helps(words: Option<&str>, config: &Config) -> &'static str {
    if config.token.is_none() {
        "no token was sent: get one with `just token`"
    } else if words.is_none_or(|words| words.contains("roles")) {
        "a new token will not help: the user's roles do not allow it"
    } else {
        "a new token will not help"
    }
}

/// What our own server says of a scope that is missing.
fn lists(required: Option<&ScopeSet>, granted: Option<&ScopeSet>) -> String {
    let list = |scopes: Option<&ScopeSet>| match scopes {
        Some(scopes) if !scopes.is_empty() => scopes.to_string(),
        _ => "(none)".into(),
    };
    format!("required: {}; granted: {}", list(required), list(granted))
}

/// The command that makes a token with what there is and what is needed.
fn mint_hint(required: Option<&ScopeSet>, granted: Option<&ScopeSet>) -> String {
    let Some(required) = required.filter(|scopes| !scopes.is_empty()) else {
        return "get a token with more scopes: just token --scope \"...\"".to_owned();
    };
    let all = granted.map_or_else(|| required.clone(), |granted| granted.union(required));
    // The scopes are the server's words, and a shell will read this line.
    if all.to_string().chars().all(is_plain) {
        format!("get a token with it: just token --scope \"{all}\"")
    } else {
        "get a token with the scopes above: just token --scope \"...\"".to_owned()
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c)
}

fn read(header: Option<&str>) -> Challenge {
    header.and_then(transport::challenge).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_scope_makes_no_shell_command() {
        let hostile: ScopeSet = "a $(touch${IFS}x)".parse().unwrap();
        assert!(!mint_hint(Some(&hostile), None).contains("touch"));
        let honest: ScopeSet = "b https://api.example/Read.All".parse().unwrap();
        let granted: ScopeSet = "a b".parse().unwrap();
        assert_eq!(
            mint_hint(Some(&honest), Some(&granted)),
            "get a token with it: just token --scope \"a b https://api.example/Read.All\""
        );
    }
}
