//! Steps as a table for a person, and what would mend the one that failed.

use anstyle::{AnsiColor, Style};
use auth_core::{Explanation, Finding, Outcome, Step, display, display::quoted};

use crate::output::excerpt;

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();
const LABEL: Style = Style::new().bold();

/// The steps, one a line; what a failed one expected and found below it.
pub(crate) fn table(steps: &[Step]) -> String {
    let width = steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for step in steps {
        let (style, word) = match step.outcome {
            Outcome::Passed => (GOOD, "pass"),
            Outcome::Failed => (BAD, "FAIL"),
            Outcome::NotReached => (FAINT, "-"),
            Outcome::Noted => (FAINT, "note"),
        };
        let is_told = !step.found.is_empty() || step.outcome == Outcome::NotReached;
        let found = excerpt(if is_told { &step.found } else { &step.expected });
        let name = excerpt(&step.name);
        let line = format!("{style}{word:<4}{style:#}  {name:<width$}  {found}");
        text += line.trim_end();
        text.push('\n');
        let is_telling = step.outcome == Outcome::Failed && !step.expected.is_empty();
        if is_telling {
            text.extend([format!(
                "      {:<width$}  {FAINT}expected: {}{FAINT:#}\n",
                "",
                excerpt(&step.expected)
            )]);
        }
    }
    text.push('\n');
    text
}

/// The last line, if all is well.
pub(crate) fn good(text: &str) -> String {
    format!("{GOOD}{}{GOOD:#}\n", display::escape(text))
}

/// The last lines, if it is not.
pub(crate) fn bad(text: &str, remedy: Option<&str>) -> String {
    let remedy =
        remedy.map_or_else(String::new, |remedy| format!("{LABEL}mend it:{LABEL:#} {remedy}\n"));
    format!("{BAD}{}{BAD:#}\n{remedy}", display::escape(text))
}

/// What would make a token pass the check that failed.
pub(crate) fn remedy_of_token(steps: &[Step]) -> Option<String> {
    let failed = steps.iter().find(|step| step.outcome == Outcome::Failed)?;
    let remedy = match failed.name.as_str() {
        "exp" | "nbf, iat" => "a token with fresh times: `mint-token --like token.txt`",
        "aud" => {
            "a token for this server: `mint-token --like token.txt --aud URI`, or judge it for another with --aud"
        }
        "iss" => {
            "a token of a trusted issuer: `mint-token --like token.txt --iss ISSUER`, or trust its issuer (ISSUERS_FILE)"
        }
        "key" => {
            "a token signed with a key that is known: `mint-token --like token.txt --key FILE`; or publish the key: `mint-token jwks FOLDER`"
        }
        "signature" => {
            "it was changed, or signed with another key: a fresh one is `mint-token --like token.txt`"
        }
        "typ" => {
            "an access token has typ at+jwt: `mint-token --like token.txt`, or permit JWT for its issuer (typ = \"jwt\" in ISSUERS_FILE)"
        }
        "sub" => {
            "a token that speaks of somebody: `mint-token --sub SUBJECT`; or name the claim that its issuer writes instead (subject_from in ISSUERS_FILE)"
        }
        "cnf" => "a token that is not bound to a key",
        "claims" if failed.found.contains("scopes_from") => {
            "its issuer writes scopes as a list: scopes_from = [\"scope\"] in ISSUERS_FILE reads both"
        }
        "claims" | "form" => "a token made anew: `mint-token`",
        "introspection" => "a new token from its issuer",
        _ => return None,
    };
    Some(remedy.into())
}

/// What would let the call through.
pub(crate) fn remedy(explanation: &Explanation) -> Option<String> {
    let subject = explanation.subject.as_deref().map_or_else(|| "SUBJECT".into(), quoted);
    let issuer = explanation
        .issuer
        .as_deref()
        .map_or_else(String::new, |issuer| format!(" --issuer {}", quoted(issuer)));
    let required = explanation.required.to_string();
    Some(match explanation.finding {
        Finding::Permitted => return None,
        Finding::InvalidToken => return remedy_of_token(&explanation.steps),
        Finding::RevokedToken => {
            "a token that is not revoked: `mint-token --like token.txt`".into()
        }
        Finding::UnknownUser => format!("`server users add {subject} --role ROLE{issuer}`"),
        Finding::DisabledUser => format!("`server users enable {subject}{issuer}`"),
        Finding::NoRule => {
            "a rule for it in the policy: `server policy check` names what lacks one".into()
        }
        Finding::MissingScope => {
            format!(
                "a token with the scope: `mint-token --like token.txt --scope {}`",
                quoted(&required)
            )
        }
        Finding::BeyondCeiling => format!(
            "a role that may hold {}: `server users grant {subject} ROLE{issuer}`; `server policy table` shows which",
            if required.is_empty() { "what it needs" } else { &required }
        ),
        Finding::Unavailable => "try again: something could not be asked".into(),
    })
}
