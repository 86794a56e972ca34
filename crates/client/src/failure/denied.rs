//! 401 and 403: what the challenge and the body say, and what helps (RFC 6750 §3.1).
//!
//! 1. The status, the challenge and the members of the body decide. No text is parsed.
//! 2. What helps is a command only where it is made of characters that a shell leaves alone.

use auth_core::{BearerError, Challenge};

use super::{
    Context, Failure, Lack, Refusal, Scopes, body::ErrorBody, certificate::binding_hint,
    plain::is_word, source::TokenSource,
};
use crate::{Exit, transport};

/// 401: no token, or one that is refused.
pub(super) fn unauthorized(header: Option<&str>, body: ErrorBody, context: &Context) -> Failure {
    let challenge = parsed(header);
    let description = challenge.error_description.or(body.description);
    let endpoint = &context.endpoint;
    let message = if context.has_token() {
        format!("{endpoint} refuses the token (401 Unauthorized)")
    } else {
        format!("{endpoint} wants a token, and none is set (401 Unauthorized)")
    };
    let mut failure = Failure::new(Exit::Unauthorized, message).with_server(description);
    let challenge = header.map(|_| parsed(header));
    let lacks = Some(Lack::Token);
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope: false, lacks }));
    failure.named.request_id = body.request_id;
    failure.at_server(context)
}

impl Failure {
    /// The refusal of a request with where to get what it lacks. `context` has what is known of the
    /// server, by its metadata or not at all. Unchanged where the hint is about something else.
    pub(crate) fn at_server(mut self, context: &Context) -> Self {
        let Some(lack) = self.refusal.as_ref().and_then(|refusal| refusal.lacks) else {
            return self;
        };
        let source = TokenSource::of(context);
        self.hint = Some(match lack {
            Lack::Token => unauthorized_hint(source, context),
            Lack::TokenAtAll => format!("no token was sent: {}", source.get("one", context)),
            Lack::Scopes => source.get_scopes(self.required(), self.granted(), context),
        });
        self
    }
}

/// What helps after a 401.
fn unauthorized_hint(source: TokenSource, context: &Context) -> String {
    if !context.has_token() {
        return source.get("one", context);
    }
    let new = source.get("a new one", context);
    match (&context.elsewhere, &context.expired) {
        (Some(elsewhere), _) => {
            let other = source.get("one for this server", context);
            format!("the token is for {elsewhere}: {other}")
        }
        (None, Some(ago)) => format!("it expired {ago}: {new}"),
        (None, None) if context.binding.is_some() => binding_hint(context).unwrap_or(new),
        (None, None) if context.is_for_server => {
            format!("is it revoked, or of another issuer? {new}")
        }
        (None, None) => format!("is it for another server, or revoked? {new}"),
    }
}

/// 403: the token or its user may not do this.
pub(super) fn forbidden(header: Option<&str>, body: ErrorBody, context: &Context) -> Failure {
    let challenge = parsed(header);
    let lacks_scope = challenge.error == Some(BearerError::InsufficientScope)
        || body.error.as_deref() == Some("insufficient_scope");
    let required = challenge.scope.or(body.required);
    let granted = body.granted.or_else(|| context.token_scopes().cloned());
    let operation = &context.operation.description;
    let mut lacks = None;
    let (message, hint) = if lacks_scope {
        lacks = Some(Lack::Scopes);
        (
            format!("{operation} needs a scope that the token does not have (403 Forbidden)"),
            String::new(),
        )
    } else {
        let hint = match (&body.user, &required) {
            (Some((subject, issuer)), _) => add_user_hint(subject, issuer),
            // The name in the URL is what this client sends as `Host`.
            _ if body.header.as_deref() == Some("host") => format!(
                "a new token will not help: use the URL that those who run the server have set as \
                 its MCP_RESOURCE, or ask them to set it to {}",
                context.endpoint
            ),
            // A server that wants a token says so.
            _ if !context.has_token() && header.is_none() => {
                "it is not about a token: ask those who run the server".to_owned()
            }
            _ if !context.has_token() => {
                lacks = Some(Lack::TokenAtAll);
                String::new()
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
    failure.refusal = Some(Box::new(Refusal { challenge, lacks_scope, lacks }));
    failure.named.request_id = body.request_id;
    // The scopes of the token are of interest only beside those that are needed.
    if required.is_some() {
        failure.scopes = Some(Box::new(Scopes { required, granted }));
    }
    failure.at_server(context)
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

fn parsed(header: Option<&str>) -> Challenge {
    header.and_then(transport::challenge).unwrap_or_default()
}
