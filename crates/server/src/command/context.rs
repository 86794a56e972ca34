//! What the commands on the directory share: opening it, recording who changes it, and printing.

use std::{borrow::Cow, io::Write};

use auth_core::{Clock, Issuer, NumericDate, Subject, display};
use directory::{AnyDirectory, Stamp, UserName, authorization::AuthorizationStore};
use settings::{Environment, Surrounding, Variable};
use terminal::{
    Screen,
    date::{When, rfc3339},
    prompt::{self, ConfirmError},
    table::{Cell, Table},
};

use crate::{
    args::{OutputFormat, RunArgs},
    config::settings::database_url,
    failure::Failure,
};

/// An open directory, and the author of its changes.
pub(crate) struct DirectoryContext {
    pub(crate) directory: AnyDirectory,
    /// The issuer of users who are named by their subject alone.
    pub(crate) issuer: Issuer,
    pub(crate) stamp: Stamp,
}

impl DirectoryContext {
    /// Opens the directory. One that is not there is made if `creates`.
    pub(crate) async fn open(
        args: &RunArgs,
        environment: &Environment,
        clock: &dyn Clock,
        creates: bool,
    ) -> Result<Self, Failure> {
        let text = |flag: &Option<String>, variable| {
            flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
        };
        let issuer: Issuer = text(&args.issuer, Variable::JwtIssuer)
            .parse()
            .map_err(|fault| Failure::Usage(format!("JWT_ISSUER: {fault}")))?;
        let url = database_url(args, environment).map_err(Failure::Usage)?;
        if let (false, Some(path)) = (creates, AnyDirectory::missing_file(&url)?) {
            return Err(Failure::NoDirectory(path));
        }
        let directory = AnyDirectory::open(&url).await?;
        Ok(Self { directory, issuer, stamp: Stamp::new(who(), clock.now()) })
    }

    /// The tables of the authorization server.
    pub(crate) fn authorizations(&self) -> AuthorizationStore {
        AuthorizationStore::new(self.directory.clone())
    }

    /// The user with this subject.
    pub(crate) fn name(&self, subject: &str) -> Result<UserName, Failure> {
        let known: Subject = subject.parse().map_err(|fault| usage("subject", subject, fault))?;
        Ok(UserName { issuer: self.issuer.clone(), subject: known })
    }
}

/// When what was taken away counts: a running server looks for changes that often.
pub(crate) const WHEN: &str = "; running servers follow within a second";

/// The longest name of who called `sudo`, in bytes.
const MAX_CALLER_BYTES: usize = 64;

/// Who runs the command: the account, and the machine; and who called `sudo` for that, as the
/// environment says. A person who may set variables may say another name there.
pub(crate) fn who() -> String {
    let account = whoami::username().unwrap_or_else(|_| "?".into());
    let machine = whoami::hostname().unwrap_or_else(|_| "?".into());
    by(&account, &machine, Surrounding::SudoUser.of_process().as_deref())
}

fn by(account: &str, machine: &str, caller: Option<&str>) -> String {
    let Some(caller) = caller else { return format!("{account}@{machine}") };
    let caller = display::escape(caller);
    let end = caller.floor_char_boundary(MAX_CALLER_BYTES);
    let caller = caller.get(..end).unwrap_or_default();
    format!("{account}@{machine} (sudo by {caller})")
}

pub(crate) fn usage(what: &str, text: &str, fault: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{what} {text:?}: {fault}"))
}

/// Asks for a confirmation, without which `refused` is the error.
pub(crate) fn confirm(question: &str, refused: &str) -> Result<(), Failure> {
    match prompt::confirm_on_terminal(question) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::Declined(refused.into())),
        Err(ConfirmError::Io(source)) => Err(Failure::Io { context: "cannot ask", source }),
        Err(error @ ConfirmError::NoTerminal) => Err(Failure::Usage(format!("{refused}: {error}"))),
    }
}

/// Escapes text that includes untrusted text, for this format.
pub(crate) fn clean(output: OutputFormat, text: &str) -> Cow<'_, str> {
    match output {
        OutputFormat::Json => display::escape_json(text),
        OutputFormat::Text => display::escape_lines(text),
    }
}

/// Writes names with their values, one a line.
pub(crate) fn fields<T: Into<Cell>>(
    fields: impl IntoIterator<Item = (&'static str, T)>,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let rows = fields.into_iter().map(|(name, value)| [name.into(), value.into()]);
    let table = Table::without_head().rows::<Cell>(rows).within(out.columns());
    write!(out, "{table}").map_err(Failure::output)
}

/// Writes a value as JSON, with untrusted text escaped.
pub(crate) fn write_json(
    value: &impl serde::Serialize,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    serde_json::to_string_pretty(value)
        .map_err(Into::into)
        .and_then(|json| writeln!(out, "{}", display::escape_json(&json)))
        .map_err(Failure::output)
}

/// A date for people: RFC 3339 in UTC; `-` for none.
pub(crate) fn date(date: Option<NumericDate>) -> String {
    date.map_or_else(|| "-".into(), rfc3339)
}

/// The date that `--until` means, which is later than `now`.
pub(crate) fn until(when: When, now: NumericDate) -> Result<NumericDate, Failure> {
    let date = when.date(now);
    if date > now {
        Ok(date)
    } else {
        Err(Failure::Usage(format!(
            "--until: {} is in the past: write a later date",
            rfc3339(date)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_called_sudo_is_named_within_bounds_and_without_risky_characters() {
        assert_eq!(by("bartizan", "host", None), "bartizan@host");
        let by_alice = "bartizan@host (sudo by alice)";
        assert_eq!(by("bartizan", "host", Some("alice")), by_alice);
        let hostile = by("bartizan", "host", Some("a\u{1b}[2J\nb"));
        assert!(!hostile.contains(char::is_control), "{hostile:?}");
        let long = by("a", "b", Some(&"é".repeat(1000)));
        assert_eq!(long, format!("a@b (sudo by {})", "é".repeat(MAX_CALLER_BYTES / 2)));
    }

    #[test]
    fn a_role_ends_later_than_now() {
        let now = NumericDate::from_secs(1_800_000_000).unwrap();
        let secs = |text: &str| {
            until(text.parse().unwrap(), now).ok().map(|date| date.as_secs() - now.as_secs())
        };
        assert_eq!(secs("30m"), Some(1800));
        assert_eq!(secs("2027-01-15T08:00:01Z"), Some(1));
        assert_eq!(secs("2027-01-15T08:00:00Z"), None);
        assert_eq!(date(Some(now)), "2027-01-15T08:00:00Z");
        assert_eq!(date(None), "-");
    }
}
