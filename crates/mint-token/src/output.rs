//! What the program says, and where.
//!
//! 1. [`result`] writes to standard output; if that fails, the program failed.
//! 2. All the rest is for people and goes to standard error; if that fails, there is nobody to tell.
//! 3. Text from outside is escaped ([`display`]), in JSON as well as for a person.
//! 4. A reader that went away (a broken pipe) is an ending, not a panic, and needs no message.

use std::{collections::BTreeSet, fmt, io::ErrorKind, path::PathBuf, time::Duration};

use anstyle::{AnsiColor, Style};
pub(crate) use auth_core::display::excerpt;
use auth_core::{
    AccessToken, Algorithm, Audience, Issuer, NumericDate, RoleName, ScopeSet, Subject, TokenId,
    display,
};
use chrono::{DateTime, SecondsFormat};
use serde_json::json;

use crate::{Exit, World, args::Format, signer::KeyOrigin, ttl::Ttl};

const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const LABEL: Style = Style::new().bold();

/// A token, and everything that is said about it.
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
    pub(crate) fn line(&self, format: Format) -> String {
        match format {
            Format::Text => self.token.expose().to_owned(),
            Format::Json => to_json(&json!({
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

    /// The same for a person, in words and without the token.
    pub(crate) fn summary(&self, count: usize) -> String {
        let name = self.name.as_ref().map_or_else(String::new, |name| format!(" ({name})"));
        let scopes =
            if self.scopes.is_empty() { "none".to_owned() } else { self.scopes.to_string() };
        let stored = match &self.saved_to {
            Some(path) => format!("as MCP_TOKEN in {}", path.display()),
            None => "nowhere; --save keeps it for the client".to_owned(),
        };
        let mut lines = vec![
            ("Token", format!("for {}{name} at {}", self.subject, self.audience)),
            ("Scopes", scopes),
        ];
        if count > 1 {
            lines.insert(1, ("Count", format!("{count}, each with a jti of its own")));
        }
        if !self.roles.is_empty() {
            let roles: Vec<&str> = self.roles.iter().map(RoleName::as_str).collect();
            lines.push(("Roles", roles.join(", ")));
        }
        let lifetime = lifetime(self.lifetime);
        lines.push(match self.not_before {
            None => ("Until", format!("{}, in {lifetime}", rfc3339(self.expires_at))),
            Some(from) => (
                "Counts",
                format!("from {} to {}: {lifetime}", rfc3339(from), rfc3339(self.expires_at)),
            ),
        });
        lines.push((
            "Signed",
            format!("by {} with {} ({})", self.issuer, self.origin, self.algorithm),
        ));
        lines.push(("Stored", stored));
        rows(&lines)
    }
}

/// Lines, each with a label before it.
pub(crate) fn rows(lines: &[(&str, String)]) -> String {
    let line = |(label, text): &(&str, String)| {
        format!("{LABEL}{label:<7}{LABEL:#}{}\n", display::escape(text))
    };
    lines.iter().map(line).collect::<Vec<_>>().concat()
}

/// A lifetime in the longest unit that fits.
pub(crate) fn lifetime(duration: Duration) -> String {
    duration
        .as_secs()
        .to_string()
        .parse()
        .map_or_else(|_| format!("{} seconds", duration.as_secs()), |ttl: Ttl| ttl.to_string())
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

/// Says `text`, which ends its own lines.
pub(crate) fn say(text: &str, world: &mut World<'_>) {
    // Who cannot be told that something went wrong cannot be told that either.
    let _ = world.err.write_all(text.as_bytes()).and_then(|()| world.err.flush());
}

/// Says what went wrong.
pub(crate) fn error(fault: &dyn fmt::Display, world: &mut World<'_>) {
    let fault = fault.to_string();
    say(&format!("{ERROR}error:{ERROR:#} {}\n", display::escape_lines(&fault)), world);
}

/// Says what is unwise.
pub(crate) fn warning(text: &str, world: &mut World<'_>) {
    let text = display::escape_lines(text);
    say(&format!("{WARNING}warning:{WARNING:#} {text}\n"), world);
}

/// Says what may help.
pub(crate) fn note(text: &str, world: &mut World<'_>) {
    say(&format!("{NOTE}note:{NOTE:#} {}\n", display::escape_lines(text)), world);
}

/// What the reader of the command line has to say: the help to standard output, a fault to standard error.
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
        Err(fault) => {
            error(&format!("standard output cannot be written: {fault}"), world);
            Exit::Failed
        }
    }
}

/// A date as RFC 3339 writes it, in UTC: `2026-01-31T12:00:00Z`.
pub(crate) fn rfc3339(date: NumericDate) -> String {
    // Every `NumericDate` has a calendar date; the number itself is right in any case.
    DateTime::from_timestamp(date.as_secs(), 0)
        .map_or_else(|| date.to_string(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The same of seconds since 1970.
pub(crate) fn rfc3339_secs(secs: i64) -> String {
    NumericDate::from_secs(secs).map_or_else(|_| secs.to_string(), rfc3339)
}
