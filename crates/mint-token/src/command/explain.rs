//! `explain`: why a token may or may not do something. Offline, the code of the core decides that a
//! server also runs; with `--url`, that server decides, with its keys and its users.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Account, Action, DirectoryLookup, Explanation, Finding, ResourceUri, RoleName};
use serde_json::{Map, Value, json};
use settings::Environment;
use terminal::OutputFormat;
use zeroize::Zeroizing;

use crate::{
    Exit, World,
    args::{ExplainArgs, WhatArgs},
    command::verify::no_verifier,
    config_error::ConfigError,
    input, output, policy,
    server::{self, ServerError},
    steps, trust, upstream,
};

/// Runs the verb.
pub(crate) fn run(args: &ExplainArgs, world: &mut World<'_>) -> Exit {
    let token = match input::token(&args.token.token, world) {
        Ok(token) => token,
        Err(fault) => {
            output::error(&fault, world);
            return Exit::Usage;
        }
    };
    let environment = match (world.environment)(&args.trust.env_file) {
        Ok(environment) => environment,
        Err(fault) => {
            output::error(&fault, world);
            return Exit::Usage;
        }
    };
    let args = &match for_server(args, &environment) {
        Ok(args) => args,
        Err(fault) => {
            output::error(&fault, world);
            return Exit::Usage;
        }
    };
    let explained = match &args.server {
        Some(server) => of_server(server, args, &token, &environment, world),
        None => offline(args, &token, &environment, world),
    };
    match explained {
        Ok(explanation) => show(&explanation, args, world),
        Err(exit) => exit,
    }
}

/// The flags for the server whose tool `--tool` names: its resource and its policy, unless other
/// ones are given.
fn for_server(args: &ExplainArgs, environment: &Environment) -> Result<ExplainArgs, ConfigError> {
    let mut args = args.clone();
    if let Some(upstream) = upstream::take(args.what.tool.as_mut_slice(), environment)? {
        args.trust.aud = args.trust.aud.or(upstream.resource);
        if args.server.is_none() {
            args.policy = args.policy.or(Some(upstream.policy));
        }
    }
    Ok(args)
}

fn offline(
    args: &ExplainArgs,
    token: &Zeroizing<String>,
    environment: &Environment,
    world: &mut World<'_>,
) -> Result<Explanation, Exit> {
    let policy = policy::load(args.policy.as_deref(), environment).map_err(|fault| {
        output::error(&fault, world);
        Exit::Usage
    })?;
    for role in &args.user_role {
        policy.scopes_for_role(role).map_err(|fault| {
            output::error(&fault, world);
            Exit::Usage
        })?;
    }
    let context = trust::verifier(&args.trust, environment, world)
        .map_err(|error| no_verifier(&error, world))?;
    for note in &context.notes {
        output::note(note, world);
    }
    let roles: Arc<BTreeSet<RoleName>> = Arc::new(args.user_role.iter().cloned().collect());
    let standing = if roles.is_empty() {
        DirectoryLookup::Skipped
    } else {
        let account = Account { is_active: true, roles: &roles, tokens_valid_from: None };
        DirectoryLookup::Directory { account: Some(account), is_revoked: false }
    };
    let now = world.clock.now();
    let action = action(&args.what);
    Ok(Explanation::of(token, &context.verifier, now, |_| standing, &policy.policy, &action))
}

fn of_server(
    server: &str,
    args: &ExplainArgs,
    token: &Zeroizing<String>,
    environment: &Environment,
    world: &mut World<'_>,
) -> Result<Explanation, Exit> {
    let resource: ResourceUri = server.parse().map_err(|fault| {
        output::error(&format!("--url {server:?}: {fault}"), world);
        Exit::Usage
    })?;
    let what = [
        ("tool", &args.what.tool),
        ("resource", &args.what.resource),
        ("prompt", &args.what.prompt),
        ("method", &args.what.method),
    ];
    let mut params = Map::new();
    for (name, value) in what {
        if let Some(value) = value {
            params.insert(name.into(), json!(value));
        }
    }
    let (params, about) = (Value::Object(params), Some(token.as_str()));
    let answer = server::ask(&resource, "admin/explain", &params, about, environment, world);
    let explained = answer.and_then(|answer| {
        serde_json::from_value::<Explanation>(answer).map_err(|_| ServerError::Answer)
    });
    explained.map_err(|error| {
        output::error(&error, world);
        if let Some(hint) = error.hint(&world.invocation) {
            output::hint(&hint, world);
        }
        match error {
            ServerError::Token(_) => Exit::Usage,
            _ => Exit::Unreachable,
        }
    })
}

fn show(explanation: &Explanation, args: &ExplainArgs, world: &mut World<'_>) -> Exit {
    let remedy = steps::remedy(explanation, &args.token.token, &world.invocation);
    let written = match args.output {
        OutputFormat::Json => {
            let mut all = serde_json::to_value(explanation).unwrap_or_default();
            if let Some(members) = all.as_object_mut() {
                members.insert("remedy".into(), json!(remedy));
            }
            output::json(&all, world)
        }
        OutputFormat::Text => {
            let action = output::excerpt(&explanation.action);
            let reason = output::excerpt(&explanation.reason);
            let end = if explanation.is_permitted() {
                steps::good(&format!("permitted: {action}"))
            } else {
                steps::bad(&format!("refused: {action}: {reason}"), remedy.as_deref())
            };
            output::to_out(&(steps::table(&explanation.steps, world.out_columns) + &end), world)
        }
    };
    let exit = match explanation.finding {
        Finding::Permitted => Exit::Done,
        Finding::InvalidToken | Finding::RevokedToken => Exit::Invalid,
        Finding::Unavailable => Exit::Unreachable,
        _ => Exit::Denied,
    };
    if written == Exit::Done { exit } else { written }
}

fn action(what: &WhatArgs) -> Action {
    match (&what.tool, &what.resource, &what.prompt) {
        (Some(tool), _, _) => Action::CallTool(tool.clone()),
        (_, Some(uri), _) => Action::ReadResource(uri.clone()),
        (_, _, Some(prompt)) => Action::GetPrompt(prompt.clone()),
        _ => Action::Method(what.method.clone().unwrap_or_default()),
    }
}
