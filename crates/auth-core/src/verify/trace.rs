//! Tracing how a token is judged: what each check expected, and what it found.
//!
//! 1. There is one way through the checks. A [`Trace`] that is passed along records them; without
//!    one, only the verdict is made.
//! 2. A check is recorded before it is made. So the last that was recorded is the one that failed.
//! 3. What was found is the token's own text: it is escaped, and cut short.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{display::excerpt, json::Json};

/// One of the checks, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// 1: three parts, and what the header says.
    Form,
    /// 2: `typ`.
    Type,
    /// 3: `iss`.
    Issuer,
    /// 4: the algorithm, and the key.
    Key,
    /// 5: `aud`.
    Audience,
    /// 6: `exp`.
    Expiry,
    /// 7: `nbf` and `iat`.
    Begin,
    /// 8: `sub`.
    Subject,
    /// 9: `cnf`.
    Binding,
    /// 10: the other claims that are read.
    Claims,
    /// 11: the signature.
    Signature,
    /// Instead of 1 to 4 and 11, or after them: what the issuer says when it is asked.
    Introspection,
}

impl Check {
    /// The checks of a JWT, in their order.
    pub const ORDER: [Self; 11] = [
        Self::Form,
        Self::Type,
        Self::Issuer,
        Self::Key,
        Self::Audience,
        Self::Expiry,
        Self::Begin,
        Self::Subject,
        Self::Binding,
        Self::Claims,
        Self::Signature,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Type => "typ",
            Self::Issuer => "iss",
            Self::Key => "key",
            Self::Audience => "aud",
            Self::Expiry => "exp",
            Self::Begin => "nbf, iat",
            Self::Subject => "sub",
            Self::Binding => "cnf",
            Self::Claims => "claims",
            Self::Signature => "signature",
            Self::Introspection => "introspection",
        }
    }
}

/// What a check expects, and what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckDetail {
    /// What lets the token through.
    pub expected: String,
    /// What the token has.
    pub found: String,
}

/// The checks that were made, for those who want to know why.
#[derive(Debug, Default)]
pub struct Trace(Vec<(Check, CheckDetail)>);

impl Trace {
    /// `check` is about to be made.
    pub fn record(&mut self, check: Check, detail: CheckDetail) {
        self.0.push((check, detail));
    }

    /// The checks begin anew: newer keys have come.
    pub fn restart(&mut self) {
        self.0.clear();
    }
}

/// Records `check`, which is about to be made, if there is a trace; else it costs nothing.
pub(super) fn record(
    trace: &mut Option<&mut Trace>,
    check: Check,
    detail: impl FnOnce() -> CheckDetail,
) {
    if let Some(trace) = trace {
        trace.record(check, detail());
    }
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Good.
    Passed,
    /// Not good: this is why.
    Failed,
    /// Not looked at, because of what came before.
    NotReached,
    /// Neither good nor bad, and worth knowing.
    Noted,
}

/// One step on the way to a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it is called.
    pub name: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was needed; empty if nothing was.
    pub expected: String,
    /// What there was.
    pub found: String,
}

impl Trace {
    /// Every check of the order with its outcome: the last that was recorded failed if `verdict` is
    /// an error, and none behind it was reached.
    #[must_use]
    pub fn steps<T, E: std::fmt::Display>(self, verdict: &Result<T, E>) -> Vec<Step> {
        let reached = self.0.last().map(|(check, _)| *check);
        // Where the issuer was asked instead, no signature is checked.
        let was_asked = matches!(self.0.first(), Some((Check::Introspection, _)));
        let count = self.0.len();
        let mut steps: Vec<Step> = self
            .0
            .into_iter()
            .enumerate()
            .map(|(place, (check, facts))| {
                let fault = verdict.as_ref().err().filter(|_| place + 1 == count);
                let (outcome, found) = match fault {
                    None => (Outcome::Passed, facts.found),
                    Some(fault) if facts.found.is_empty() => (Outcome::Failed, fault.to_string()),
                    Some(fault) => (Outcome::Failed, format!("{fault}: {}", facts.found)),
                };
                Step { name: check.name().into(), outcome, expected: facts.expected, found }
            })
            .collect();
        let rest = Check::ORDER.into_iter().filter(|check| reached.is_none_or(|it| *check > it));
        let rest =
            rest.filter(|check| !was_asked || (Check::Audience..Check::Signature).contains(check));
        steps.extend(rest.map(|check| Step {
            name: check.name().into(),
            outcome: Outcome::NotReached,
            expected: String::new(),
            found: String::new(),
        }));
        steps
    }
}

/// A value of a token, for a person.
pub(crate) fn shown(value: Option<&Json<'_>>) -> String {
    match value {
        None => "nothing".into(),
        Some(Json::String(text)) => excerpt(text),
        Some(value) => excerpt(&Value::from(value.clone()).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VerifyError;

    #[test]
    fn what_is_shown_moves_no_cursor_and_has_an_end() {
        let text = |text: &'static str| shown(Some(&Json::String(text.into())));
        assert_eq!(text("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
        assert_eq!(text("a\u{202e}b"), "a\\u{202e}b");
        assert_eq!(shown(Some(&Json::parse(r#"["é", 1]"#).unwrap())), r#"["é",1]"#);
        assert_eq!(shown(None), "nothing");
        let long = Json::String("x".repeat(5000).into());
        assert_eq!(shown(Some(&long)).chars().count(), 201);
    }

    #[test]
    fn the_last_check_that_was_recorded_is_the_one_that_failed() {
        let detail = || CheckDetail { expected: "e".into(), found: "f".into() };
        let mut trace = Trace::default();
        trace.record(Check::Form, detail());
        trace.restart();
        trace.record(Check::Form, detail());
        trace.record(Check::Type, detail());
        let steps = trace.steps(&Err::<(), _>(VerifyError::TokenType));
        let outcomes: Vec<_> = steps.iter().map(|step| step.outcome).collect();
        assert_eq!(outcomes[..3], [Outcome::Passed, Outcome::Failed, Outcome::NotReached]);
        assert_eq!(steps.len(), Check::ORDER.len());
        assert_eq!(steps[1].found, "typ is not at+jwt (RFC 9068): not an access token: f");
    }
}
