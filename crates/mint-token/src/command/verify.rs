//! `verify`: every check of the fixed order, by the code that a server runs.

use auth_core::trace;
use serde_json::json;
use terminal::OutputFormat;

use crate::{
    Exit, World,
    args::VerifyArgs,
    input, output,
    signer::new_env_file,
    steps,
    trust::{self, VerifierError},
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
    let context = match trust::verifier(&args.trust, &environment, world) {
        Ok(context) => context,
        Err(error) => return no_verifier(&error, world),
    };
    for note in &context.notes {
        output::note(note, world);
    }
    let (steps, verdict) = trace(&token, &context.verifier, world.clock.now());
    let is_valid = verdict.is_ok();
    let remedy = steps::remedy_of_token(&steps, &args.token.token, &world.invocation);
    let written = match args.output {
        OutputFormat::Json => {
            let all = json!({
                "valid": is_valid,
                "reason": verdict.as_ref().err(),
                "steps": steps,
                "remedy": remedy,
            });
            output::json(&all, world)
        }
        OutputFormat::Text => {
            let end = match &verdict {
                Ok(claims) => steps::good(&format!(
                    "valid: {} of {}",
                    output::excerpt(claims.subject().as_str()),
                    output::excerpt(claims.issuer().as_str())
                )),
                Err(reason) => steps::bad(&format!("not valid: {reason}"), remedy.as_deref()),
            };
            output::to_out(&(steps::table(&steps, world.out_columns) + &end), world)
        }
    };
    match (written, is_valid) {
        (Exit::Done, false) => Exit::Invalid,
        (written, _) => written,
    }
}

/// Reports why nothing was verified.
pub(crate) fn no_verifier(error: &VerifierError, world: &mut World<'_>) -> Exit {
    output::error(error, world);
    if let VerifierError::Keys(source) = error
        && let Some(hint) = new_env_file(source, &world.invocation)
    {
        output::hint(&hint, world);
    }
    match error {
        VerifierError::Usage(_) | VerifierError::Keys(_) => Exit::Usage,
        VerifierError::Fetch(..) | VerifierError::Answer(..) => Exit::Unreachable,
    }
}
