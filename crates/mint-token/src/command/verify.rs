//! `verify`: every check of the fixed order, by the code that a server runs.

use auth_core::trace;
use serde_json::json;

use crate::{
    Exit, World,
    args::{Format, VerifyArgs},
    input, output, steps,
    trust::{self, TrustFault},
};

/// Runs the verb.
pub(crate) fn run(args: &VerifyArgs, world: &mut World<'_>) -> Exit {
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
    let judge = match trust::judge(&args.trust, &environment, world) {
        Ok(judge) => judge,
        Err(fault) => return not_judged(&fault, world),
    };
    for note in &judge.notes {
        output::note(note, world);
    }
    let (steps, verdict) = trace(&token, &judge.verifier, world.clock.now());
    let is_valid = verdict.is_ok();
    let remedy = steps::remedy_of_token(&steps);
    let written = match args.output {
        Format::Json => {
            let all = json!({
                "valid": is_valid,
                "reason": verdict.as_ref().err(),
                "steps": steps,
                "remedy": remedy,
            });
            output::json(&all, world)
        }
        Format::Text => {
            let end = match &verdict {
                Ok(claims) => steps::good(&format!(
                    "valid: {} of {}",
                    output::excerpt(claims.subject().as_str()),
                    output::excerpt(claims.issuer().as_str())
                )),
                Err(reason) => steps::bad(&format!("not valid: {reason}"), remedy.as_deref()),
            };
            output::to_out(&(steps::table(&steps) + &end), world)
        }
    };
    match (written, is_valid) {
        (Exit::Done, false) => Exit::Invalid,
        (written, _) => written,
    }
}

/// Says why nothing was judged.
pub(crate) fn not_judged(fault: &TrustFault, world: &mut World<'_>) -> Exit {
    output::error(fault, world);
    match fault {
        TrustFault::Usage(_) => Exit::Usage,
        TrustFault::Fetch(..) | TrustFault::Answer(..) => Exit::Unreachable,
    }
}
