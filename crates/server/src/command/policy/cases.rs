//! `server policy test FILE`: cases that a team keeps with its policy.
//!
//! ```toml
//! [[case]]
//! name = "a guest cannot read the time"
//! roles = ["guest"]              # of the user; not set: a caller without a token
//! scopes = "Admin.Write"         # in the token; not set: all that the roles may hold
//! tool = "get_time"              # or resource, prompt, method
//! expect = "deny"                # permit, deny, or step-up: denied, and another token would help
//! rate = "30/min"                # how often each caller may do it; not set: not compared
//!
//! [limits]                       # those of the policy; not set: not compared
//! caller = "600/min"
//! client = "6000/min"
//! ```

use std::{collections::BTreeSet, io::Write, path::Path, sync::Arc};

use auth_core::{
    Action, Ceiling, DenialReason, Hypothetical, Policy, Rate, RoleName, ScopeSet, Verdict,
};
use serde::Deserialize;
use serde_json::json;

use crate::{args::OutputFormat, command::context::clean, failure::Failure};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
    #[serde(default)]
    limits: Limits,
}

/// What the policy is to have under `[limits]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    caller: Option<String>,
    client: Option<String>,
}

/// What came of a case.
struct Outcome<'a> {
    name: &'a str,
    expected: String,
    found: String,
    is_met: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    roles: Option<Vec<String>>,
    scopes: Option<String>,
    tool: Option<String>,
    resource: Option<String>,
    prompt: Option<String>,
    method: Option<String>,
    expect: Expect,
    rate: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Expect {
    Permit,
    Deny,
    StepUp,
}

pub(super) fn test(
    policy: &Policy,
    path: &Path,
    text: &str,
    output: OutputFormat,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let at = |fault: &dyn std::fmt::Display| Failure::Usage(format!("{}: {fault}", path.display()));
    let file: File = toml::from_str(text).map_err(|fault| at(&fault))?;
    if file.case.is_empty() {
        return Err(at(&"no case: write [[case]]"));
    }
    let mut results = Vec::new();
    for case in &file.case {
        let fault = |fault: String| at(&format!("case {:?}: {fault}", case.name));
        let action = case.action().map_err(fault)?;
        let verdict = case.verdict(policy, &action).map_err(fault)?;
        let other_rate = case.other_rate(policy, &action).map_err(fault)?;
        let is_met = case.is_met_by(&verdict) && other_rate.is_none();
        let found = other_rate.filter(|_| case.is_met_by(&verdict));
        let found = found.unwrap_or_else(|| describe(&verdict));
        results.push(Outcome { name: &case.name, expected: case.expected(), found, is_met });
    }
    results.extend(file.limits.compared(policy).map_err(|fault| at(&fault))?);
    let failed = results.iter().filter(|it| !it.is_met).count();
    let text = match output {
        OutputFormat::Json => {
            let cases = results.iter().map(|Outcome { name, expected, found, is_met }| {
                json!({ "name": name, "passed": is_met, "expected": expected, "found": found })
            });
            format!("{:#}\n", json!({ "failed": failed, "cases": cases.collect::<Vec<_>>() }))
        }
        OutputFormat::Text => {
            let line = |Outcome { name, expected, found, is_met }: &Outcome<'_>| {
                if *is_met {
                    format!("ok    {name}\n")
                } else {
                    format!("FAIL  {name}: expected {expected}, found {found}\n")
                }
            };
            results.iter().map(line).collect()
        }
    };
    out.write_all(clean(output, &text).as_bytes()).map_err(Failure::output)?;
    match failed {
        0 => Ok(()),
        count => Err(Failure::Usage(format!("{count} of {} cases failed", results.len()))),
    }
}

impl Limits {
    /// What came of each limit that is to be compared.
    fn compared(&self, policy: &Policy) -> Result<Vec<Outcome<'static>>, String> {
        let compare = |name: &'static str, expected: &str, found: Option<Rate>| {
            let rate: Rate = expected.parse().map_err(|fault| format!("{name}: {fault}"))?;
            Ok(Outcome {
                name,
                expected: rate.to_string(),
                found: found.map_or_else(|| "no rate".into(), |it| it.to_string()),
                is_met: found == Some(rate),
            })
        };
        let caller = self.caller.as_deref();
        let caller = caller.map(|it| compare("limits.caller", it, policy.caller_rate()));
        let client = self.client.as_deref();
        let client = client.map(|it| compare("limits.client", it, policy.client_rate()));
        caller.into_iter().chain(client).collect()
    }
}

impl Case {
    fn action(&self) -> Result<Action, String> {
        let actions = [
            self.tool.clone().map(Action::CallTool),
            self.resource.clone().map(Action::ReadResource),
            self.prompt.clone().map(Action::GetPrompt),
            self.method.clone().map(Action::Method),
        ];
        let mut actions = actions.into_iter().flatten();
        match (actions.next(), actions.next()) {
            (Some(action), None) => Ok(action),
            _ => Err("write one of tool, resource, prompt and method".into()),
        }
    }

    fn verdict(&self, policy: &Policy, action: &Action) -> Result<Verdict, String> {
        let who = match (&self.roles, &self.scopes) {
            (None, None) => None,
            (None, Some(_)) => return Err("scopes need roles: a token has a user".into()),
            (Some(roles), scopes) => Some(hypothetical(policy, roles, scopes.as_deref())?),
        };
        Ok(policy.evaluate(who.as_ref(), action))
    }

    /// The rates of the rules, if they are not what the case expects.
    fn other_rate(&self, policy: &Policy, action: &Action) -> Result<Option<String>, String> {
        let Some(expected) = &self.rate else { return Ok(None) };
        let expected: Rate = expected.parse().map_err(|fault| format!("rate: {fault}"))?;
        let found: Vec<Rate> = policy.rate_limits(action).iter().map(|it| it.rate).collect();
        if found == [expected] {
            return Ok(None);
        }
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        Ok(Some(if found.is_empty() { "no rate".into() } else { found.join(" and ") }))
    }

    fn expected(&self) -> String {
        let expect = self.expect.name();
        self.rate.as_ref().map_or_else(|| expect.into(), |rate| format!("{expect}, at {rate}"))
    }

    fn is_met_by(&self, verdict: &Verdict) -> bool {
        match self.expect {
            Expect::Permit => *verdict == Verdict::Permit,
            Expect::Deny => *verdict != Verdict::Permit,
            Expect::StepUp => matches!(verdict, Verdict::Deny(DenialReason::MissingScope, _)),
        }
    }
}

impl Expect {
    const fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Deny => "deny",
            Self::StepUp => "step-up",
        }
    }
}

/// The caller of a case. A role or a scope that the policy does not have is a mistake, not a case.
fn hypothetical(
    policy: &Policy,
    roles: &[String],
    scopes: Option<&str>,
) -> Result<Hypothetical, String> {
    let mut held: BTreeSet<RoleName> = BTreeSet::new();
    for role in roles {
        let name: RoleName = role.parse().map_err(|fault| format!("role {role:?}: {fault}"))?;
        if !policy.has_role(&name) {
            return Err(format!("the policy has no role {role:?}"));
        }
        held.insert(name);
    }
    let Some(scopes) = scopes else { return Ok(Hypothetical::with_roles(held)) };
    let scopes: ScopeSet = scopes.parse().map_err(|fault| format!("scopes: {fault}"))?;
    let known = policy.scopes();
    if let Some(strange) = scopes.iter().find(|scope| !known.contains(scope)) {
        return Err(format!("the policy has no scope {strange}"));
    }
    Ok(Hypothetical { scopes, roles: BTreeSet::new(), ceiling: Ceiling::Roles(Arc::new(held)) })
}

fn describe(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Permit => "permit".into(),
        Verdict::NoToken | Verdict::Deny(DenialReason::NoToken, _) => {
            "deny (a token is needed)".into()
        }
        Verdict::Deny(DenialReason::NoRule, _) => "deny (no rule)".into(),
        Verdict::Deny(DenialReason::MissingScope, scopes) => format!("step-up (needs {scopes})"),
        Verdict::Deny(DenialReason::BeyondCeiling, scopes) => {
            format!("deny (needs {scopes}, which no role of the user holds)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::policy_file::{BUILT_IN, parse};

    fn run(text: &str) -> (String, Result<(), String>) {
        run_with(BUILT_IN, text)
    }

    fn run_with(policy: &str, text: &str) -> (String, Result<(), String>) {
        let mut out = Vec::new();
        let policy = parse(policy, &[]).unwrap();
        let done = test(&policy, Path::new("c.toml"), text, OutputFormat::Text, &mut out);
        (String::from_utf8(out).unwrap(), done.map_err(|fault| fault.to_string()))
    }

    #[test]
    fn cases_pass_and_fail() {
        let (out, done) = run(r#"
            [[case]]
            name = "an admin"
            roles = ["admin"]
            tool = "get_time"
            expect = "permit"
            [[case]]
            name = "an admin with little"
            roles = ["admin"]
            scopes = "User.Read"
            tool = "get_time"
            expect = "step-up"
            [[case]]
            name = "a guest who claims much"
            roles = ["guest"]
            scopes = "Admin.Write"
            tool = "get_time"
            expect = "deny"
            [[case]]
            name = "no token"
            tool = "whoami"
            expect = "permit"
        "#);
        assert_eq!(
            out,
            "ok    an admin\nok    an admin with little\nok    a guest who claims much\nFAIL  no token: expected permit, found deny (a token is needed)\n"
        );
        assert_eq!(done, Err("1 of 4 cases failed".into()));
    }

    #[test]
    fn limits_of_all_that_callers_ask_are_compared() {
        let policy = format!("{BUILT_IN}\n[limits]\ncaller = \"6/s\"\n");
        let case = "[[case]]\nname='a'\nexpect='permit'\ntool='whoami'\nroles=['user']\n";
        let limits = |text: &str| run_with(&policy, &format!("{case}[limits]\n{text}"));
        assert_eq!(limits("caller='6/s'"), ("ok    a\nok    limits.caller\n".into(), Ok(())));
        let (out, done) = limits("caller='7/s'\nclient='9/min'");
        let wrong = "FAIL  limits.caller: expected 7/s, found 6/s\n\
                     FAIL  limits.client: expected 9/min, found no rate\n";
        assert!(out.ends_with(wrong), "{out}");
        assert_eq!(done, Err("2 of 3 cases failed".into()));
        assert!(limits("caller='often'").1.unwrap_err().contains("limits.caller: "));
        assert!(limits("callers='6/s'").1.unwrap_err().contains("callers"));
    }

    #[test]
    fn mistakes_are_no_cases() {
        for (text, why) in [
            ("case = []", "no case"),
            ("[[case]]\nname='a'\nexpect='deny'", "write one of tool"),
            ("[[case]]\nname='a'\nexpect='deny'\ntool='x'\nprompt='y'", "write one of tool"),
            ("[[case]]\nname='a'\nexpect='deny'\ntool='x'\nroles=['king']", "no role \"king\""),
            ("[[case]]\nname='a'\nexpect='deny'\ntool='x'\nscopes='a'", "scopes need roles"),
            (
                "[[case]]\nname='a'\nexpect='deny'\ntool='x'\nroles=[]\nscopes='Wrong'",
                "no scope Wrong",
            ),
            ("[[case]]\nname='a'\nexpect='perhaps'\ntool='x'", "expect"),
            ("[[case]]\nname='a'\nexpect='deny'\ntol='x'", "tol"),
        ] {
            let fault = run(text).1.unwrap_err();
            assert!(fault.contains(why), "{text}: {fault}");
        }
    }
}
