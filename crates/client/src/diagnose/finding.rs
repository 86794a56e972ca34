//! One line of the diagnosis.

use crate::Exit;

/// The check of the token's audience, which other checks refer to.
pub(crate) const AUDIENCE: &str = "token audience";

/// The check of whether there is a token, which other checks refer to.
pub(crate) const TOKEN: &str = "token";

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// It is as it should be.
    Pass,
    /// It works, or may, and could be better.
    Warn,
    /// It does not work.
    Fail,
}

impl Verdict {
    /// The word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line.
#[derive(Debug)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
    /// What fixes it.
    pub(crate) fix: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    all: Vec<Finding>,
    exit: Option<Exit>,
}

impl Findings {
    /// As it should be.
    pub(crate) fn pass(&mut self, check: &'static str, text: impl Into<String>) {
        self.push(check, Verdict::Pass, text.into(), None);
    }

    /// Could be better, and how.
    pub(crate) fn warn(
        &mut self,
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.push(check, Verdict::Warn, text.into(), Some(fix.into()));
    }

    /// Wrong, and what fixes it. The first one decides the exit code.
    pub(crate) fn fail(
        &mut self,
        check: &'static str,
        text: impl Into<String>,
        fix: impl Into<String>,
        exit: Exit,
    ) {
        self.exit.get_or_insert(exit);
        self.push(check, Verdict::Fail, text.into(), Some(fix.into()));
    }

    /// The lines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.all.iter()
    }

    /// Whether this check failed.
    pub(crate) fn fails(&self, check: &str) -> bool {
        let is_it = |one: &Finding| one.check == check && one.verdict == Verdict::Fail;
        self.all.iter().any(is_it)
    }

    /// The worst of them.
    pub(crate) fn worst(&self) -> Verdict {
        self.all.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Pass)
    }

    /// How the run ends, if something is wrong.
    pub(crate) fn exit(&self) -> Option<Exit> {
        self.exit
    }

    fn push(&mut self, check: &'static str, verdict: Verdict, text: String, fix: Option<String>) {
        self.all.push(Finding { check, verdict, text, fix });
    }
}
