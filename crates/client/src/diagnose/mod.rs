//! `explain`: examines how a server is protected, and says what to do about what is wrong.
//!
//! 1. Nothing is called: what is asked has no effect, neither at the server nor at its issuer.
//! 2. Each line passes, warns or fails. What does not pass says what mends it, and at whom that is.
//! 3. A token's claims are read, not verified: whether it is good is the server's to say, and is asked.

mod finding;
mod issuer;
mod resource;
mod server;
mod token;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::json;

pub(crate) use finding::{Findings, Verdict};

use crate::{
    command, config::Config, console::Console, failure::Failure, output::Printer, sanitize::Screen,
    session, session::Report,
};

/// Examines the server, and whether a tool may be called.
pub(crate) async fn examine(
    config: &mut Config,
    tool: Option<&str>,
    console: &Console,
    printer: &mut Printer<'_>,
) -> Report {
    let mut findings = Findings::default();
    let was_given = config.token.is_some();
    if !was_given {
        match session::current(config).await {
            Ok(entry) => config.token = entry.and_then(|entry| entry.token()),
            Err(failure) => {
                let login = format!("client login --url {}", config.endpoint);
                let fix = failure.hint().map_or(login, str::to_owned);
                findings.fail("stored token", failure.message().to_owned(), fix, failure.exit());
            }
        }
    }
    printer.hide(config.token.as_ref());
    if look(config, was_given, &mut findings).await {
        let tried = command::run(config, console, printer).await;
        server::judge_try(config, tool, tried, &mut findings);
    }
    report(config, &findings)
}

/// Looks at all that is there, and tells whether anything is.
async fn look(config: &Config, was_given: bool, findings: &mut Findings) -> bool {
    let Some(answer) = server::reach(config, findings).await else {
        return false;
    };
    server::versions(config, findings).await;
    let Ok(outward) = config.outward() else {
        return true;
    };
    let resource = resource::examine(config, &answer, &outward, findings).await;
    let mut issuers = Vec::new();
    let assume_pkce = config.access.args().assume_pkce;
    if let Some(resource) = &resource {
        for issuer in resource.issuers() {
            let looking = issuer::Looking { was_given, assume_pkce };
            issuers.extend(issuer::examine(&issuer, looking, &outward, findings).await);
        }
    }
    token::examine(config, was_given, resource.as_ref(), &issuers, &answer, findings);
    true
}

fn report(config: &Config, findings: &Findings) -> Report {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or_default();
    let screen = Screen::new(config.token.as_ref());
    let mut text = format!("{}\n", config.endpoint);
    for finding in findings.iter() {
        let style = style(finding.verdict);
        let (verdict, words) = (finding.verdict.name(), screen.line(&finding.text));
        let _ =
            writeln!(text, "{style}{verdict:<4}{style:#}  {:<width$}  {}", finding.check, words);
        if let Some(fix) = &finding.fix {
            let _ = writeln!(text, "{:width$}        > {}", "", screen.line(fix));
        }
    }
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check, "verdict": finding.verdict.name(),
                "text": finding.text, "fix": finding.fix,
            })
        })
        .collect();
    let verdict = findings.worst().name();
    let json = json!({ "url": config.endpoint.to_string(), "verdict": verdict, "checks": checks });
    let mut report = Report { is_clean: true, ..Report::new(text, json) };
    if let Some(exit) = findings.exit() {
        let count = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
        report.fault = Some(Box::new(Failure::explained(exit, count)));
    }
    report
}

/// A server's words in a command that somebody may paste into a shell; nothing where they are more than
/// words.
fn pasted(words: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " ._:/-+,@".contains(c);
    words.chars().all(is_plain).then_some(words)
}

fn style(verdict: Verdict) -> Style {
    let colour = match verdict {
        Verdict::Pass => AnsiColor::Green,
        Verdict::Warn => AnsiColor::Yellow,
        Verdict::Fail => AnsiColor::Red,
    };
    colour.on_default().bold()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_server_writes_no_command() {
        assert_eq!(
            pasted("https://api.example/Read.All b"),
            Some("https://api.example/Read.All b")
        );
        for hostile in ["a $(touch x)", "a;b", "a`b`", "a\"b", "a\nb"] {
            assert_eq!(pasted(hostile), None, "{hostile}");
        }
    }
}
