//! Verification steps as a table for a person, and how to fix the one that failed.

use std::time::Duration;

use auth_core::{Explanation, Finding, Outcome, Step, display, display::quoted};
use terminal::{
    Invocation, Program,
    date::rfc3339_secs,
    duration, report,
    style::{BAD, FAINT, GOOD, PLAIN, styled},
    table::{Cell, Table},
};

use crate::output::excerpt;

/// The steps, one a line; what a failed one expected is below it. `columns` are those of the
/// terminal, if there is one.
pub(crate) fn table(steps: &[Step], columns: Option<usize>) -> String {
    let mut table = Table::without_head();
    for step in steps {
        let (style, word) = match step.outcome {
            Outcome::Passed => (GOOD, "pass"),
            Outcome::Failed => (BAD, "fail"),
            Outcome::NotReached => (FAINT, "-"),
            Outcome::Noted => (FAINT, "note"),
        };
        let has_result = !step.found.is_empty() || step.outcome == Outcome::NotReached;
        let result = with_dates(step, if has_result { &step.found } else { &step.expected });
        table.row([Cell::styled(word, style), excerpt(&step.name).into(), excerpt(&result).into()]);
        if step.outcome == Outcome::Failed && !step.expected.is_empty() {
            let expected = format!("expected: {}", excerpt(&with_dates(step, &step.expected)));
            let blank = || Cell::styled("", PLAIN);
            table.row([blank(), blank(), Cell::styled(&expected, FAINT)]);
        }
    }
    format!("{}\n", table.within(columns))
}

/// A text of a step about times, with dates in the place of seconds since 1970, and distances from
/// now as [`terminal::date::with_distance`] writes them.
fn with_dates(step: &Step, text: &str) -> String {
    if !matches!(step.name.as_str(), "exp" | "nbf, iat") {
        return text.to_owned();
    }
    let (mut shown, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('(') {
        let (inside, after) = after.split_once(')').unwrap_or((after, ""));
        shown.extend([dates(before), format!("({})", distance(inside))]);
        rest = after;
    }
    shown + &dates(rest)
}

fn dates(text: &str) -> String {
    let date = |word: &str| {
        let number = word.trim_end_matches([',', ';', ':']);
        // A duration in seconds, such as a leeway, is shorter.
        let secs = number.parse::<i64>().ok().filter(|secs| *secs >= 1_000_000_000)?;
        Some(word.replacen(number, &rfc3339_secs(secs), 1))
    };
    let words = text.split(' ').map(|word| date(word).unwrap_or_else(|| word.to_owned()));
    words.collect::<Vec<_>>().join(" ")
}

/// `in 3600 s` as `in 1 hour`.
fn distance(text: &str) -> String {
    let words = |secs: &str| Some(duration::words(Duration::from_secs(secs.parse().ok()?)));
    let ahead = text.strip_prefix("in ").and_then(|text| text.strip_suffix(" s"));
    let ago = text.strip_suffix(" s ago");
    match (ahead, ago) {
        (Some("0"), _) => "now".to_owned(),
        (Some(secs), _) => {
            words(secs).map_or_else(|| text.to_owned(), |words| format!("in {words}"))
        }
        (_, Some(secs)) => words(secs).map_or_else(|| text.to_owned(), |words| words + " ago"),
        _ => text.to_owned(),
    }
}

/// The last line, if everything passed.
pub(crate) fn good(text: &str) -> String {
    format!("{}\n", styled(GOOD, &display::escape(text)))
}

/// The last lines, if a step failed.
pub(crate) fn bad(text: &str, remedy: Option<&str>) -> String {
    let hint = remedy.map_or_else(String::new, |remedy| report::hint(&remedy));
    format!("{}\n{hint}", styled(BAD, &display::escape(text)))
}

/// The command that makes a token like the one that was given as `token` (a file, or `-`), but for
/// `arguments`.
fn copy(token: &str, arguments: &str, invocation: &Invocation) -> String {
    // A hint is a command that can be copied, and standard input has been read.
    let file = if token == "-" { "token.txt".into() } else { quoted(token) };
    let arguments = format!("--like {file} {arguments}");
    format!("`{}`", invocation.command(Program::MintToken, arguments.trim_end()))
}

/// How to get a token that passes the check that failed; the one that did not was given as `token`.
pub(crate) fn remedy_of_token(
    steps: &[Step],
    token: &str,
    invocation: &Invocation,
) -> Option<String> {
    let mint = |arguments: &str| format!("`{}`", invocation.command(Program::MintToken, arguments));
    let copy = |arguments: &str| copy(token, arguments, invocation);
    let failed = steps.iter().find(|step| step.outcome == Outcome::Failed)?;
    Some(match failed.name.as_str() {
        "exp" | "nbf, iat" => format!("a token with fresh times: {}", copy("")),
        "aud" => format!(
            "a token for this server: {}, or verify it for another one with \
             --resource",
            copy("--resource URI")
        ),
        "iss" => format!(
            "a token of a trusted issuer: {}, or trust its issuer (ISSUERS_FILE)",
            copy("--issuer URI")
        ),
        "key" => format!(
            "a token signed with a known key: {}; or publish the key: {}",
            copy("--key FILE"),
            mint("jwks FOLDER")
        ),
        "signature" => format!(
            "the token was changed, or signed with another key: mint a fresh one with {}",
            copy("")
        ),
        "typ" => format!(
            "an access token has typ at+jwt: {}, or permit JWT for its issuer (typ = \"jwt\" in \
             ISSUERS_FILE)",
            copy("")
        ),
        "sub" => format!(
            "a token with a subject: {}; or name the claim that its issuer uses instead \
             (subject_from in ISSUERS_FILE)",
            mint("--sub SUBJECT")
        ),
        "cnf" if failed.found.contains("x5t#S256") => {
            "the same token over a connection with the client certificate that it is bound to"
                .into()
        }
        "cnf" => "a token that is not bound to a key".into(),
        "claims" if failed.found.contains("scopes_from") => {
            "its issuer writes scopes as an array: scopes_from = [\"scope\"] in ISSUERS_FILE reads \
             both"
                .into()
        }
        "claims" | "form" => format!("a new token: {}", mint("")),
        "introspection" => "a new token from its issuer".into(),
        _ => return None,
    })
}

/// What would make the call permitted; its token was given as `token`.
pub(crate) fn remedy(
    explanation: &Explanation,
    token: &str,
    invocation: &Invocation,
) -> Option<String> {
    let server = |arguments: &str| format!("`{}`", invocation.command(Program::Server, arguments));
    let copy = |arguments: &str| copy(token, arguments, invocation);
    let subject = explanation.subject.as_deref().map_or_else(|| "SUBJECT".into(), quoted);
    let issuer = explanation
        .issuer
        .as_deref()
        .map_or_else(String::new, |issuer| format!(" --issuer {}", quoted(issuer)));
    let required = explanation.required.to_string();
    Some(match explanation.finding {
        Finding::Permitted => return None,
        Finding::InvalidToken => return remedy_of_token(&explanation.steps, token, invocation),
        Finding::RevokedToken => format!("a token that is not revoked: {}", copy("")),
        Finding::UnknownUser => server(&format!("users add {subject} --role ROLE{issuer}")),
        Finding::DisabledUser => server(&format!("users enable {subject}{issuer}")),
        Finding::NoRule => {
            format!("a rule for it in the policy: {} names what has none", server("policy check"))
        }
        Finding::MissingScope => {
            // A flag replaces what the copied token has.
            let scopes = explanation.scopes.union(&explanation.required).to_string();
            format!("a token with the scope: {}", copy(&format!("--scope {}", quoted(&scopes))))
        }
        Finding::BeyondCeiling => format!(
            "a role that may hold {}: {}; {} shows which",
            if required.is_empty() { "what it requires" } else { &required },
            server(&format!("users grant {subject} ROLE{issuer}")),
            server("policy table")
        ),
        Finding::Unavailable => "try again: a directory or an issuer could not be reached".into(),
    })
}
