//! `explain`: examines how a server is protected, and says how to fix what is wrong.
//!
//! 1. No tool is called: the requests have no effect, neither at the server nor at its issuer.
//! 2. Each line passes, warns or fails. A line that does not pass says what fixes it, and who can.
//! 3. A token's claims are read, not verified: the server decides whether it is valid, and is
//!    asked.

mod finding;
mod issuer;
mod resource;
mod server;
mod subject;
mod token;

use serde_json::json;
use terminal::{
    help::filled,
    style::{BAD, GOOD, Style, WARNING},
    table::{Cell, Table},
};

pub(crate) use finding::{AUDIENCE, Findings, TOKEN, Verdict};

use crate::{
    command, config::Config, console::Console, failure::Failure, oauth::known_server,
    progress::Progress, report::Report, sanitize::Sanitizer, session,
};
use subject::Subject;

/// Examines the server, and whether a tool may be called.
pub(crate) async fn examine(
    config: &Config,
    tool: Option<&str>,
    console: &Console,
    progress: &mut dyn Progress,
) -> Report {
    let mut findings = Findings::default();
    let was_given = config.token.is_some();
    let token = config.token.clone();
    let mut subject = Subject { config, token, was_given, stored_for: None };
    if !was_given {
        match session::current(config).await {
            Ok(Some(entry)) => {
                subject.token = entry.token();
                subject.stored_for = Some(entry.resource);
            }
            Ok(None) => {}
            Err(failure) => {
                let fix = failure.hint().map_or_else(|| subject.sign_in(""), str::to_owned);
                findings.fail("stored token", failure.message().to_owned(), fix, failure.exit());
            }
        }
    }
    progress.redact(subject.token.as_ref());
    if look(&subject, &mut findings).await {
        let token = subject.token.as_ref();
        let tried = match command::run(config, token, console, progress).await {
            Ok(answer) => Ok(answer),
            Err(failure) => Err(session::advised(failure, config, token).await),
        };
        server::judge_try(&subject, tool, tried, &mut findings);
    }
    report(&subject, &findings, console.columns)
}

/// Looks at everything. Returns whether the server responds.
async fn look(subject: &Subject<'_>, findings: &mut Findings) -> bool {
    let Some(answer) = server::reach(subject, findings).await else {
        return false;
    };
    server::versions(subject, findings).await;
    let Ok(outward) = subject.config.outward() else {
        return true;
    };
    let resource = resource::examine(subject, &answer, &outward, findings).await;
    let mut issuers = Vec::new();
    let assume_pkce = subject.tokens().args().assume_pkce;
    if let Some(resource) = &resource {
        for issuer in resource.issuers() {
            let scopes = answer.challenge.as_ref().and_then(|found| found.scope.as_ref());
            let looking = issuer::Looking { scopes, was_given: subject.was_given, assume_pkce };
            issuers.extend(issuer::examine(&issuer, looking, &outward, findings).await);
        }
    }
    let known = known_server(subject.endpoint(), answer.challenge.as_ref(), &outward).await;
    let found = token::Found { resource: resource.as_ref(), known, issuers: &issuers };
    token::examine(subject, &found, &answer, findings);
    true
}

fn report(subject: &Subject<'_>, findings: &Findings, columns: Option<usize>) -> Report {
    let filled_in = |fix: &str| filled(fix, &subject.config.invocation);
    let sanitizer = Sanitizer::new(subject.token.as_ref());
    let mut table = Table::without_head().within(columns);
    for finding in findings.iter() {
        let verdict = Cell::styled(finding.verdict.name(), style(finding.verdict));
        let words = sanitizer.one_line(&finding.text);
        table.row([verdict, finding.check.into(), words.into()]);
        if let Some(fix) = finding.fix.as_deref().map(filled_in) {
            table.row(["".into(), "".into(), Cell::hint(&sanitizer.one_line(&fix))]);
        }
    }
    let text = format!("{}\n{table}", subject.endpoint());
    let checks: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "check": finding.check, "verdict": finding.verdict.name(),
                "text": finding.text, "fix": finding.fix.as_deref().map(filled_in),
            })
        })
        .collect();
    let verdict = findings.worst().name();
    let json =
        json!({ "url": subject.endpoint().to_string(), "verdict": verdict, "checks": checks });
    let mut report = Report { is_sanitized: true, ..Report::new(text, json) };
    if let Some(exit) = findings.exit() {
        let count = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
        report.failure = Some(Box::new(Failure::explained(exit, count)));
    }
    report
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => GOOD,
        Verdict::Warn => WARNING,
        Verdict::Fail => BAD,
    }
}
