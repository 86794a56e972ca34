//! What the commands on the directory share: opening it, saying who changes it, and printing.

use std::{
    borrow::Cow,
    io::{BufRead, IsTerminal, Write},
};

use auth_core::{Clock, Issuer, NumericDate, Subject, display};
use chrono::{DateTime, SecondsFormat};
use directory::{AnyDirectory, Stamp, UserName};
use settings::{Environment, Variable};

use crate::{
    args::{OutputFormat, RunArgs},
    failure::Failure,
};

/// An open directory, and in whose name it is changed.
pub(crate) struct Opened {
    pub(crate) directory: AnyDirectory,
    /// The issuer of users who are named by their subject alone.
    pub(crate) issuer: Issuer,
    pub(crate) stamp: Stamp,
}

impl Opened {
    pub(crate) async fn open(
        args: &RunArgs,
        environment: &Environment,
        clock: &dyn Clock,
    ) -> Result<Self, Failure> {
        let text = |flag: &Option<String>, variable| {
            flag.as_deref().or(environment.get(variable)).unwrap_or_default().to_owned()
        };
        let issuer: Issuer = text(&args.issuer, Variable::JwtIssuer)
            .parse()
            .map_err(|fault| Failure::Usage(format!("JWT_ISSUER: {fault}")))?;
        let directory =
            AnyDirectory::open(&text(&args.database_url, Variable::DatabaseUrl)).await?;
        Ok(Self { directory, issuer, stamp: Stamp::new(who(), clock.now()) })
    }

    /// The user whom people call `subject`.
    pub(crate) fn name(&self, subject: &str) -> Result<UserName, Failure> {
        let known: Subject = subject.parse().map_err(|fault| usage("subject", subject, fault))?;
        Ok(UserName { issuer: self.issuer.clone(), subject: known })
    }
}

/// Who is at the keyboard: the account, and the machine.
fn who() -> String {
    let account = whoami::username().unwrap_or_else(|_| "?".into());
    let machine = whoami::hostname().unwrap_or_else(|_| "?".into());
    format!("{account}@{machine}")
}

pub(crate) fn usage(what: &str, text: &str, fault: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{what} {text:?}: {fault}"))
}

/// Asks on the terminal; where there is none, nobody said yes.
pub(crate) fn confirmed(question: &str) -> Result<bool, Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    let failed = |source| Failure::Io { context: "cannot ask", source };
    let mut stderr = std::io::stderr();
    let question = display::escape(question);
    write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush()).map_err(failed)?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Text of ours with text from outside in it, as it may be printed in this format.
pub(crate) fn clean(output: OutputFormat, text: &str) -> Cow<'_, str> {
    match output {
        OutputFormat::Json => display::escape_json(text),
        OutputFormat::Text => display::escape_lines(text),
    }
}

/// A value as JSON, in which text from outside commands no terminal.
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
    date.and_then(|date| DateTime::from_timestamp_secs(date.as_secs()))
        .map_or_else(|| "-".into(), |date| date.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A date that people write: RFC 3339, or how long from `now`: `30m`, `12h`, `7d`.
pub(crate) fn until(text: &str, now: NumericDate) -> Result<NumericDate, Failure> {
    let unit = |unit: char| match unit {
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    };
    let mut letters = text.chars();
    let seconds = letters.next_back().and_then(unit);
    if let Some((number, seconds)) = letters.as_str().parse::<u32>().ok().zip(seconds) {
        return Ok(now.plus(std::time::Duration::from_secs(u64::from(number) * seconds)));
    }
    DateTime::parse_from_rfc3339(text)
        .ok()
        .and_then(|date| NumericDate::from_secs(date.timestamp()).ok())
        .filter(|date| *date > now)
        .ok_or_else(|| {
            usage("--until", text, "write 30m, 12h, 7d or a later date, 2030-01-31T12:00:00Z")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_may_be_written_as_a_duration() {
        let now = NumericDate::from_secs(1_800_000_000).unwrap();
        let secs = |text| until(text, now).ok().map(|date| date.as_secs() - now.as_secs());
        assert_eq!(secs("30m"), Some(1800));
        assert_eq!(secs("12h"), Some(43_200));
        assert_eq!(secs("7d"), Some(604_800));
        assert_eq!(secs("2027-01-15T08:00:01Z"), Some(1));
        assert_eq!(secs("2027-01-15T09:00:01+01:00"), Some(1));
        for wrong in ["", "7", "d", "-7d", "7w", "7é", "2027-01-15T08:00:00Z", "2027-01-15"] {
            assert_eq!(secs(wrong), None, "{wrong}");
        }
        assert_eq!(date(Some(now)), "2027-01-15T08:00:00Z");
        assert_eq!(date(None), "-");
    }
}
