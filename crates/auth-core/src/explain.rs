//! Why a call is permitted or refused, step by step.
//!
//! 1. The steps are those of the server: [`TokenVerifier`] with a [`Trace`], then [`admit`], then
//!    [`Policy::decide`]. Nothing is decided here; what they said is written down.
//! 2. The first step that failed is the reason. What comes behind it was not looked at.
//! 3. No token and no key is in it. It can be written as JSON and read back.
//!
//! [`TokenVerifier`]: crate::TokenVerifier

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    Account, AccountError, Action, Ceiling, Check, CheckDetail, Claims, Decision, DenialReason,
    NumericDate, Outcome, Policy, Principal, Query, RoleName, ScopeSet, Step, TokenVerifier, Trace,
    UnverifiedToken, VerifyError, check_account, display::excerpt, verify::FORM,
};

/// What came of a call in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The call would be let through.
    Permitted,
    /// 401: the token is invalid.
    InvalidToken,
    /// 401: the token was revoked.
    RevokedToken,
    /// 403: no such user.
    UnknownUser,
    /// 403: a disabled user.
    DisabledUser,
    /// 403: no rule covers the action.
    NoRule,
    /// 403: the token lacks a scope that its user may hold.
    MissingScope,
    /// 403: the user may not hold what is needed.
    BeyondCeiling,
    /// 503: it could not be found out.
    Unavailable,
}

/// A decision, step by step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// What came of it.
    pub finding: Finding,
    /// Why, in a sentence.
    pub reason: String,
    /// What was asked for.
    pub action: String,
    /// Whose token it is, once that is verified.
    pub subject: Option<String>,
    /// Whose word that is.
    pub issuer: Option<String>,
    /// The scopes to ask for, where a token with them would help; also what the user may never
    /// hold.
    pub required: ScopeSet,
    /// The scopes that the token has, once it is verified: what another token should not lose.
    #[serde(default)]
    pub scopes: ScopeSet,
    /// Every step, in order.
    pub steps: Vec<Step>,
}

/// What is known of the user.
#[derive(Debug, Clone, Copy)]
pub enum DirectoryLookup<'a> {
    /// A directory was asked.
    Directory {
        /// The user; `None`: there is none.
        account: Option<Account<'a>>,
        /// Whether the token was revoked by its own name.
        is_revoked: bool,
    },
    /// There is no directory to ask: the token alone counts, and nothing bounds it.
    Skipped,
}

impl Explanation {
    /// The token that `text` is, judged by `verifier` at `now`; then its user, whom `standing`
    /// looks up; then what `policy` says of `action`.
    #[must_use]
    pub fn of<'a>(
        text: &str,
        verifier: &TokenVerifier,
        now: NumericDate,
        standing: impl FnOnce(&Claims) -> DirectoryLookup<'a>,
        policy: &Policy,
        action: &Action,
    ) -> Self {
        match trace(text, verifier, now) {
            (steps, Ok(claims)) => {
                let standing = standing(&claims);
                Self::decided(steps, &claims, standing, policy, action)
            }
            (steps, Err(reason)) => Self::invalid_token(steps, reason, action),
        }
    }

    /// Of a token that did not pass, with the steps of its [`Trace`].
    #[must_use]
    pub fn invalid_token(mut steps: Vec<Step>, reason: String, action: &Action) -> Self {
        steps.extend(AFTER.into_iter().map(not_reached));
        Self::new(Finding::InvalidToken, reason, action, steps)
    }

    /// Of something that could not be found out.
    #[must_use]
    pub fn unavailable(mut steps: Vec<Step>, reason: String, action: &Action) -> Self {
        steps.extend(AFTER.into_iter().map(not_reached));
        Self::new(Finding::Unavailable, reason, action, steps)
    }

    /// Of a token that passed, with the steps of its [`Trace`].
    #[must_use]
    pub fn decided(
        mut steps: Vec<Step>,
        claims: &Claims,
        standing: DirectoryLookup<'_>,
        policy: &Policy,
        action: &Action,
    ) -> Self {
        let admitted = match standing {
            DirectoryLookup::Skipped => Ok(Principal::new(claims, Ceiling::IssuerDecides)),
            DirectoryLookup::Directory { account, is_revoked } => {
                check_account(claims, account, is_revoked)
            }
        };
        steps.extend(user_steps(claims, standing, &admitted));
        let mut explanation = match admitted {
            Err(fault) => {
                let finding = match fault {
                    AccountError::UnknownUser => Finding::UnknownUser,
                    AccountError::DisabledUser => Finding::DisabledUser,
                    AccountError::RevokedToken => Finding::RevokedToken,
                };
                steps.extend(DECISION.into_iter().map(not_reached));
                Self::new(finding, fault.to_string(), action, steps)
            }
            Ok(principal) => {
                let principal = Arc::new(principal);
                let decision = policy.decide(&Query::new(Some(&principal), action));
                steps.extend(decision_steps(policy, &principal, action, &decision));
                steps.extend(rates_step(policy, action));
                let (finding, reason, required) = match &decision {
                    Decision::Permit(_) => {
                        (Finding::Permitted, "permitted".into(), ScopeSet::empty())
                    }
                    Decision::Deny(denial) => {
                        let finding = match denial.reason() {
                            DenialReason::NoRule | DenialReason::NoToken => Finding::NoRule,
                            DenialReason::MissingScope => Finding::MissingScope,
                            DenialReason::BeyondCeiling => Finding::BeyondCeiling,
                        };
                        (finding, denial.to_string(), denial.required().clone())
                    }
                };
                Self { required, ..Self::new(finding, reason, action, steps) }
            }
        };
        explanation.scopes = claims.scopes().clone();
        explanation.subject = Some(claims.subject().to_string());
        explanation.issuer = Some(claims.issuer().to_string());
        explanation
    }

    /// Whether the call would be let through.
    #[must_use]
    pub fn is_permitted(&self) -> bool {
        self.finding == Finding::Permitted
    }

    /// The step that failed, if one did.
    #[must_use]
    pub fn failed(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.outcome == Outcome::Failed)
    }

    fn new(finding: Finding, reason: String, action: &Action, steps: Vec<Step>) -> Self {
        let (required, scopes) = (ScopeSet::empty(), ScopeSet::empty());
        let action = action.to_string();
        Self { finding, reason, action, subject: None, issuer: None, required, scopes, steps }
    }
}

/// Every check of the token that `text` is, and what it says if it passes them; else why not.
pub fn trace(
    text: &str,
    verifier: &TokenVerifier,
    now: NumericDate,
) -> (Vec<Step>, Result<Claims, String>) {
    let malformed = |fault: &dyn std::fmt::Display| {
        let verdict = Err::<Claims, _>(fault.to_string());
        (malformed_steps(fault), verdict)
    };
    let token = match text.parse() {
        Ok(token) => token,
        Err(fault) => return malformed(&fault as &crate::AccessTokenError),
    };
    let parsed = match UnverifiedToken::parse(&token) {
        Ok(parsed) => parsed,
        Err(fault) => return malformed(&VerifyError::from(fault)),
    };
    let mut trace = Trace::default();
    let verdict = verifier.verify_parsed(&parsed, None, now, Some(&mut trace));
    let steps = trace.steps(&verdict);
    (steps, verdict.map_err(|fault| fault.to_string()))
}

/// The steps of a token that could not even be taken apart.
#[must_use]
pub fn malformed_steps(fault: &dyn std::fmt::Display) -> Vec<Step> {
    let mut trace = Trace::default();
    trace.record(Check::Form, CheckDetail { expected: FORM.into(), found: String::new() });
    trace.steps(&Err::<(), _>(fault))
}

/// The steps behind the token's own.
const AFTER: [&str; 6] = ["user", "revocation", "roles", "ceiling", "granted", "required"];
/// Those of the policy.
const DECISION: [&str; 3] = ["ceiling", "granted", "required"];

fn not_reached(name: &str) -> Step {
    step(name, Outcome::NotReached, "", String::new())
}

fn step(name: &str, outcome: Outcome, expected: &str, found: String) -> Step {
    Step { name: name.into(), outcome, expected: expected.into(), found }
}

fn user_steps(
    claims: &Claims,
    standing: DirectoryLookup<'_>,
    admitted: &Result<Principal, AccountError>,
) -> Vec<Step> {
    const USER: &str = "an active user of the directory";
    const REVOCATION: &str = "neither the token nor all of the user's before now";
    let subject = excerpt(claims.subject().as_str());
    let (account, is_revoked) = match standing {
        DirectoryLookup::Skipped => {
            let found = format!("{subject}: no directory was asked");
            return vec![
                step("user", Outcome::Noted, USER, found),
                step("revocation", Outcome::Noted, REVOCATION, "no directory was asked".into()),
                step("roles", Outcome::Noted, "", roles_of(claims, None)),
            ];
        }
        DirectoryLookup::Directory { account, is_revoked } => (account, is_revoked),
    };
    let failed = |fault| match admitted {
        Err(it) if *it == fault => Outcome::Failed,
        Err(AccountError::UnknownUser | AccountError::DisabledUser) => Outcome::NotReached,
        _ => Outcome::Passed,
    };
    let user = match account {
        None => step("user", Outcome::Failed, USER, format!("{subject}: no such user")),
        Some(account) => {
            let status = if account.is_active { "active" } else { "disabled" };
            let outcome = match admitted {
                Err(AccountError::DisabledUser) => Outcome::Failed,
                _ => Outcome::Passed,
            };
            step("user", outcome, USER, format!("{subject}: {status}"))
        }
    };
    let revocation = match account {
        Some(account) if account.has_revoked(claims.issued_at()) => {
            "issued before the user's valid-from"
        }
        _ if is_revoked => "this token was revoked by its jti",
        _ => "not revoked",
    };
    let revocation_outcome = failed(AccountError::RevokedToken);
    let found = if revocation_outcome == Outcome::NotReached { "" } else { revocation };
    let roles = match admitted {
        Ok(_) => step("roles", Outcome::Noted, "", roles_of(claims, account.map(|it| &**it.roles))),
        Err(_) => not_reached("roles"),
    };
    vec![user, step("revocation", revocation_outcome, REVOCATION, found.into()), roles]
}

fn roles_of(claims: &Claims, directory: Option<&BTreeSet<RoleName>>) -> String {
    let list = |roles: &BTreeSet<RoleName>| {
        let names: Vec<_> = roles.iter().map(|role| excerpt(role.as_str())).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    };
    let directory = directory.map_or_else(|| "not asked".into(), list);
    format!("of the user: {directory}; in the token: {}", list(claims.roles()))
}

fn decision_steps(
    policy: &Policy,
    principal: &Arc<Principal>,
    action: &Action,
    decision: &Decision,
) -> [Step; 3] {
    use Outcome::{Failed, Noted, Passed};
    let (ceiling, granted, required) = match decision {
        Decision::Permit(_) => (Passed, Passed, Passed),
        Decision::Deny(denial) => match denial.reason() {
            DenialReason::NoRule | DenialReason::NoToken => (Noted, Noted, Failed),
            DenialReason::MissingScope => (Passed, Failed, Noted),
            DenialReason::BeyondCeiling => (Failed, Noted, Noted),
        },
    };
    let needs = match policy.requirements(action) {
        None => "no rule permits it to anyone".to_owned(),
        Some(rules) => {
            let rules: Vec<_> = rules.into_iter().map(ToString::to_string).collect();
            rules.join(", and ")
        }
    };
    let may = match principal.ceiling() {
        Ceiling::IssuerDecides => "not bounded: no directory was asked".to_owned(),
        Ceiling::Roles(_) => or_none(&policy.ceiling_of(principal)),
    };
    let has = or_none(&policy.granted_to(principal));
    [
        step("ceiling", ceiling, &needs, may),
        step("granted", granted, &needs, has),
        step(
            "required",
            required,
            "a rule, and what it asks for within ceiling and grant",
            needs.clone(),
        ),
    ]
}

/// How often the action may be done, and what counts; nothing where there is no limit. What is
/// spent of a budget only the server knows.
fn rates_step(policy: &Policy, action: &Action) -> Option<Step> {
    let of_rules = policy.rate_limits(action).into_iter();
    let of_rules =
        of_rules.map(|limit| format!("{} allows each caller {}", limit.rule, limit.rate));
    let of_caller = policy
        .caller_rate()
        .map(|rate| format!("[limits] allows each caller {rate}, whatever is asked for"));
    let of_client = policy.client_rate().map(|rate| {
        format!("[limits] allows all users of one client together {rate}, whatever is asked for")
    });
    let all: Vec<_> = of_rules.chain(of_caller).chain(of_client).collect();
    (!all.is_empty()).then(|| step("rates", Outcome::Noted, "", all.join("; ")))
}

fn or_none(scopes: &ScopeSet) -> String {
    if scopes.is_empty() { "no scope".into() } else { scopes.to_string() }
}
