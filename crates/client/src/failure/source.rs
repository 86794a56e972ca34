//! Where a token for a server comes from, apart from a sign-in.
//!
//! 1. For a server on this machine that takes the tokens that are minted here: the command that
//!    mints one. Another vendor's server on this machine has another issuer.
//! 2. For every other server, and one that is not known: those who run it.

use auth_core::ScopeSet;

use super::{
    Context,
    plain::{is_plain, is_word},
};

/// Who issues tokens for the server, as far as its metadata say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenSource {
    /// The command that mints tokens.
    Command,
    /// Those who run the server.
    Operator,
}

impl TokenSource {
    /// The source for the server of a run.
    pub(super) fn of(context: &Context) -> Self {
        if context.takes_minted { Self::Command } else { Self::Operator }
    }

    /// How to get a token: "get one ...".
    pub(super) fn get(self, what: &str, context: &Context) -> String {
        match self {
            Self::Command => format!("get {what} with `{}`", save_token(context)),
            Self::Operator => {
                format!("ask those who run the server for {what}, and set it as MCP_TOKEN")
            }
        }
    }

    /// How to get a token with what there is and what is needed.
    pub(super) fn get_scopes(
        self,
        required: Option<&ScopeSet>,
        granted: Option<&ScopeSet>,
        context: &Context,
    ) -> String {
        let all = required.filter(|scopes| !scopes.is_empty()).map(|required| {
            let all = granted.map_or_else(|| required.clone(), |granted| granted.union(required));
            all.to_string()
        });
        // The scopes are the server's words, and a shell will read this line.
        let plain = all.as_deref().filter(|all| all.chars().all(is_plain));
        let save_token = save_token(context);
        match (self, plain) {
            (Self::Operator, Some(all)) => {
                format!("ask those who run the server for a token with the scopes {all}")
            }
            (Self::Operator, None) => {
                "ask those who run the server for a token with more scopes".to_owned()
            }
            (Self::Command, Some(all)) => {
                let user = context.subject.as_deref().filter(is_word);
                let user = user.map_or_else(String::new, |it| format!(" --sub {it}"));
                format!("get a token with it: {save_token}{user} --scope \"{all}\"")
            }
            (Self::Command, None) if all.is_some() => {
                format!("get a token with the scopes above: {save_token} --scope \"...\"")
            }
            (Self::Command, None) => {
                format!("get a token with more scopes: {save_token} --scope \"...\"")
            }
        }
    }
}

/// The command that stores a new token for this server.
fn save_token(context: &Context) -> String {
    let audience = context.audience.as_deref().filter(is_word);
    let audience = audience.map_or_else(String::new, |it| format!(" --resource {it}"));
    format!("{{save-token}}{audience}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        endpoint::Endpoint,
        failure::{Operation, SentToken},
    };

    fn context(url: &str, subject: Option<&str>) -> Context {
        Context {
            endpoint: Endpoint::parse(url).unwrap(),
            timeout: Duration::ZERO,
            token: SentToken::None,
            expired: None,
            subject: subject.map(str::to_owned),
            audience: None,
            elsewhere: None,
            binding: None,
            certificate: None,
            is_for_server: false,
            takes_minted: false,
            server_flag: String::new(),
            operation: Operation { description: String::new(), listing_hint: None },
        }
    }

    #[test]
    fn a_hostile_scope_makes_no_shell_command() {
        let hostile: ScopeSet = "a $(touch${IFS}x)".parse().unwrap();
        let hint = |source: TokenSource, required, granted, subject| {
            source.get_scopes(Some(required), granted, &context("http://localhost/mcp", subject))
        };
        let (command, operator) = (TokenSource::Command, TokenSource::Operator);
        assert!(!hint(command, &hostile, None, None).contains("touch"));
        assert!(!hint(operator, &hostile, None, None).contains("touch"));
        let honest: ScopeSet = "b https://api.example/Read.All".parse().unwrap();
        let granted: ScopeSet = "a b".parse().unwrap();
        assert_eq!(
            hint(command, &honest, Some(&granted), None),
            "get a token with it: {save-token} --scope \"a b https://api.example/Read.All\""
        );
        let all = |subject| hint(command, &honest, None, Some(subject));
        assert!(all("bob").contains("{save-token} --sub bob --scope"));
        assert!(!all("$(touch x)").contains("touch"));
    }
}
