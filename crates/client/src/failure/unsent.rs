//! Requests that do not fit the server.

use super::{Context, Failure};
use crate::{Exit, schema::FieldError};

impl Failure {
    /// The arguments do not fit what the prompt takes.
    pub(crate) fn prompt_arguments(
        prompt: &str,
        faults: Vec<FieldError>,
        server_flag: &str,
    ) -> Self {
        let message = format!("the arguments are not what the prompt `{prompt}` takes");
        let mut failure = Self::new(Exit::Usage, format!("{message}; nothing was sent"))
            .with_hint(format!("`{{client}} prompts{server_flag}` shows what the prompts take"));
        failure.named.fields = faults;
        failure
    }

    /// The server does not offer such a thing.
    pub(crate) fn lacks(context: &Context, what: &str) -> Self {
        Self::new(Exit::Protocol, format!("{} offers no {what}", context.endpoint)).with_hint(
            format!("`{{client}} info{}` shows what the server can do", context.server_flag),
        )
    }
}
