//! 401 and 403: what the challenge and the body say, and what helps (RFC 6750 §3.1).
//!
//! 1. The status, the challenge and the members of the body decide. No text is parsed.
//! 2. What helps is a command only where it is made of characters that a shell leaves alone.

use auth_core::{BearerError, Challenge, ScopeSet};

use super::{Context, Failure, Refusal, Scopes, body::ErrorBody};
use crate::{Exit, transport};

/// 401: no token, or one that is refused.
pub(super) fn unauthorized(header: Option<&str>, body: ErrorBody, context: &Context) -> Failure {
    let challenge = parsed(header);
    let description = challenge.error_description.or(body.description);
    let endpoint = &context.endpoint;
    let save_token = save_token(context);
    let (message, hint) = if context.has_token() {
        (
            format!("{endpoint} refuses the token (401 Unauthorized)"),
            match &context.expired {
                Some(ago) => format!("it expired {ago}: get a new one with `{save_token}`"),
                None => format!(
                    "is it for another server, or revoked? get a new one with `{save_token}`"
                ),
            },
        )
    } else {
        (
            format!("{endpoint} wants a token, and none is set (401 Unauthorized)"),
            format!("get one with `{save_token}` and set it as MCP_TOKEN"),
        )
    };
    let failure = Failure::new(Exit::Unauthorized, message);
    let mut failure = failure.with_server(description).with_hint(hint);
    let challenge = header.map(|_| parsed(header));
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope: false }));
    failure.named.request_id = body.request_id;
    failure
}

/// 403: the token or its user may not do this.
pub(super) fn forbidden(header: Option<&str>, body: ErrorBody, context: &Context) -> Failure {
    let challenge = parsed(header);
    let lacks_scope = challenge.error == Some(BearerError::InsufficientScope)
        || body.error.as_deref() == Some("insufficient_scope");
    let required = challenge.scope.or(body.required);
    let granted = body.granted.or_else(|| context.token_scopes().cloned());
    let operation = &context.operation.description;
    let (message, hint) = if lacks_scope {
        (
            format!("{operation} needs a scope that the token does not have (403 Forbidden)"),
            mint_hint(
                &save_token(context),
                required.as_ref(),
                granted.as_ref(),
                context.subject.as_deref(),
            ),
        )
    } else {
        let hint = match (&body.user, &required) {
            (Some((subject, issuer)), _) => add_user_hint(subject, issuer),
            _ if !context.has_token() => {
                format!("no token was sent: get one with `{}`", save_token(context))
            }
            // The token has the scopes, or the server would have said which are missing.
            (None, Some(_)) => {
                "a new token will not help: the user's roles do not allow it".to_owned()
            }
            // A server with a request id is one of ours, and no rule permits this to anyone.
            (None, None) => match &context.operation.listing_hint {
                Some(listing) if body.request_id.is_some() => {
                    format!("a new token will not help: {listing}")
                }
                _ => "a new token will not help".to_owned(),
            },
        };
        (format!("the server does not allow {operation} (403 Forbidden)"), hint)
    };
    let description = challenge.error_description.or(body.description);
    let failure = Failure::new(Exit::Forbidden, message);
    let mut failure = failure.with_server(description).with_hint(hint);
    let challenge = header.map(|_| parsed(header));
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope }));
    failure.named.request_id = body.request_id;
    // The scopes of the token are of interest only beside those that are needed.
    if required.is_some() {
        failure.scopes = Some(Box::new(Scopes { required, granted }));
    }
    failure
}

/// The command that adds the caller to the directory, for those who run the server.
fn add_user_hint(subject: &str, issuer: &str) -> String {
    let command = if is_word(&subject) && is_word(&issuer) {
        format!("`{{server}} users add {subject} --issuer {issuer}`")
    } else {
        "`{server} users add`".to_owned()
    };
    format!("ask those who run the server to add you with {command}, or to enable you")
}

/// The command that stores a new token for this server.
fn save_token(context: &Context) -> String {
    let audience = context.audience.as_deref().filter(is_word);
    let audience = audience.map_or_else(String::new, |it| format!(" --aud {it}"));
    format!("{{save-token}}{audience}")
}

/// Whether it is one word to a shell.
fn is_word(text: &&str) -> bool {
    !text.contains(' ') && text.chars().all(is_plain)
}

/// The command that makes a token with what there is and what is needed.
fn mint_hint(
    save_token: &str,
    required: Option<&ScopeSet>,
    granted: Option<&ScopeSet>,
    subject: Option<&str>,
) -> String {
    let Some(required) = required.filter(|scopes| !scopes.is_empty()) else {
        return format!("get a token with more scopes: {save_token} --scope \"...\"");
    };
    let all = granted.map_or_else(|| required.clone(), |granted| granted.union(required));
    let user = subject.filter(is_word).map_or_else(String::new, |it| format!(" --sub {it}"));
    // The scopes are the server's words, and a shell will read this line.
    if all.to_string().chars().all(is_plain) {
        format!("get a token with it: {save_token}{user} --scope \"{all}\"")
    } else {
        format!("get a token with the scopes above: {save_token} --scope \"...\"")
    }
}

/// Whether a shell leaves a character alone within quotes.
pub(crate) fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c)
}

fn parsed(header: Option<&str>) -> Challenge {
    header.and_then(transport::challenge).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_scope_makes_no_shell_command() {
        let hostile: ScopeSet = "a $(touch${IFS}x)".parse().unwrap();
        let mint_hint =
            |required, granted, subject| mint_hint("{save-token}", required, granted, subject);
        assert!(!mint_hint(Some(&hostile), None, None).contains("touch"));
        let honest: ScopeSet = "b https://api.example/Read.All".parse().unwrap();
        let granted: ScopeSet = "a b".parse().unwrap();
        assert_eq!(
            mint_hint(Some(&honest), Some(&granted), None),
            "get a token with it: {save-token} --scope \"a b https://api.example/Read.All\""
        );
        let all = |subject| mint_hint(Some(&honest), None, Some(subject));
        assert!(all("bob").contains("{save-token} --sub bob --scope"));
        assert!(!all("$(touch x)").contains("touch"));
    }
}
