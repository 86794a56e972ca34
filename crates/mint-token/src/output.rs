//! Where results and messages go.
//!
//! 1. [`result`] writes to standard output; if that fails, the program failed.
//! 2. Everything else is for a person and goes to standard error; a failure there is ignored.
//! 3. Text from outside is escaped ([`display`]), in JSON as well as for a person.
//! 4. A reader that has gone (a broken pipe) ends the program without a message.

use std::{collections::BTreeSet, fmt, io::ErrorKind, path::PathBuf, time::Duration};

pub(crate) use auth_core::display::excerpt;
use auth_core::{
    AccessToken, Algorithm, Audience, Issuer, NumericDate, RoleName, ScopeSet, Subject, TokenId,
    display,
};
use serde_json::json;
use terminal::{
    OutputFormat,
    date::rfc3339,
    duration, report,
    style::LABEL,
    table::{Cell, Table},
};

use crate::{Exit, World, signer::KeyOrigin};

/// A token, and what the summary says about it.
#[derive(Debug)]
pub(crate) struct Minted {
    pub(crate) token: AccessToken,
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    pub(crate) name: Option<String>,
    pub(crate) audience: Audience,
    pub(crate) scopes: ScopeSet,
    pub(crate) roles: BTreeSet<RoleName>,
    pub(crate) expires_at: NumericDate,
    pub(crate) not_before: Option<NumericDate>,
    pub(crate) lifetime: Duration,
    pub(crate) token_id: TokenId,
    pub(crate) algorithm: Algorithm,
    pub(crate) origin: KeyOrigin,
    pub(crate) saved_to: Option<PathBuf>,
}

impl Minted {
    /// The one line for standard output.
    pub(crate) fn line(&self, format: OutputFormat) -> String {
        match format {
            OutputFormat::Text => self.token.expose().to_owned(),
            OutputFormat::Json => to_json(&json!({
                "token": self.token.expose(),
                "issuer": self.issuer,
                "subject": self.subject,
                "audience": self.audience,
                "scope": self.scopes,
                "roles": self.roles,
                "expires_at": self.expires_at,
                "expires": rfc3339(self.expires_at),
                "token_id": self.token_id,
                "algorithm": self.algorithm.name(),
                "saved_to": self.saved_to.as_ref().map(|path| path.to_string_lossy()),
            })),
        }
    }

    /// The same for a person, without the token.
    pub(crate) fn summary(&self, count: usize, columns: Option<usize>) -> String {
        let name = self.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let scopes =
            if self.scopes.is_empty() { "none".to_owned() } else { self.scopes.to_string() };
        let stored = match &self.saved_to {
            Some(path) => format!("as MCP_TOKEN in {}", path.display()),
            None => "nowhere; --save stores it for the client".to_owned(),
        };
        let mut lines = vec![
            ("Token", format!("for {}{name} at {}", self.subject, self.audience)),
            ("Scopes", scopes),
        ];
        if count > 1 {
            lines.insert(1, ("Count", format!("{count}, each with its own jti")));
        }
        if !self.roles.is_empty() {
            let roles: Vec<&str> = self.roles.iter().map(RoleName::as_str).collect();
            lines.push(("Roles", roles.join(", ")));
        }
        let lifetime = duration::words(self.lifetime);
        lines.push(match self.not_before {
            None => ("Until", format!("{}, in {lifetime}", rfc3339(self.expires_at))),
            Some(from) => (
                "Valid",
                format!("from {} to {}: {lifetime}", rfc3339(from), rfc3339(self.expires_at)),
            ),
        });
        lines.push((
            "Signed",
            format!("by {} with {} ({})", self.issuer, self.origin, self.algorithm),
        ));
        lines.push(("Stored", stored));
        rows(&lines, columns)
    }
}

/// Lines, each with a label before it. `columns` are those of the terminal, if there is one.
pub(crate) fn rows(lines: &[(&str, String)], columns: Option<usize>) -> String {
    let row = |(label, text): &(&str, String)| [Cell::styled(label, LABEL), text.as_str().into()];
    Table::without_head().rows(lines.iter().map(row)).within(columns).to_string()
}

/// Writes the result, one line, to standard output.
pub(crate) fn result(line: &str, world: &mut World<'_>) -> Exit {
    to_out(&format!("{line}\n"), world)
}

/// Writes the result as JSON, on one line.
pub(crate) fn json(value: &serde_json::Value, world: &mut World<'_>) -> Exit {
    result(&to_json(value), world)
}

fn to_json(value: &serde_json::Value) -> String {
    display::escape_json(&value.to_string()).into_owned()
}

/// Writes `text`, which ends its own lines, to standard error.
pub(crate) fn say(text: &str, world: &mut World<'_>) {
    // There is no other place to report a failure to.
    let _ = world.err.write_all(text.as_bytes()).and_then(|()| world.err.flush());
}

/// Reports an error.
pub(crate) fn error(error: &dyn fmt::Display, world: &mut World<'_>) {
    say(&report::error(error), world);
}

/// Reports something unwise.
pub(crate) fn warning(text: &str, world: &mut World<'_>) {
    say(&report::warning(&text), world);
}

/// Reports something worth knowing.
pub(crate) fn note(text: &str, world: &mut World<'_>) {
    say(&report::note(&text), world);
}

/// Suggests what to do.
pub(crate) fn hint(text: &str, world: &mut World<'_>) {
    say(&report::hint(&text), world);
}

/// What clap returns: help to standard output, an error to standard error.
pub(crate) fn usage(error: &clap::Error, world: &mut World<'_>) -> Exit {
    let text = error.render().ansi().to_string();
    if error.use_stderr() {
        say(&text, world);
        Exit::Usage
    } else {
        to_out(&text, world)
    }
}

/// Writes text that ends its own lines to standard output.
pub(crate) fn to_out(text: &str, world: &mut World<'_>) -> Exit {
    match world.out.write_all(text.as_bytes()).and_then(|()| world.out.flush()) {
        Ok(()) => Exit::Done,
        Err(broken) if broken.kind() == ErrorKind::BrokenPipe => Exit::Failed,
        Err(source) => {
            error(&format!("standard output cannot be written: {source}"), world);
            Exit::Failed
        }
    }
}
