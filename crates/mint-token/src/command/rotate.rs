//! `rotate`: prints the plan, and carries it out.

use auth_core::Algorithm;
use serde_json::json;
use settings::key_folder::{Plan, Rotation, RotationError};
use terminal::{OutputFormat, date::rfc3339_secs, style::LABEL};

use crate::{Exit, World, args::RotateArgs, output, signer};

/// Runs the verb.
pub(crate) fn run(args: &RotateArgs, world: &mut World<'_>) -> Exit {
    match rotate(args, world) {
        Ok(exit) => exit,
        Err(fault) => {
            output::error(&fault, world);
            if let Some(hint) = signer::first_key(&fault, &world.invocation) {
                output::hint(&hint, world);
            }
            match fault {
                RotationError::Secret
                | RotationError::State(_)
                | RotationError::Key(_)
                | RotationError::Folder(_) => Exit::Usage,
                _ => Exit::Failed,
            }
        }
    }
}

fn rotate(args: &RotateArgs, world: &mut World<'_>) -> Result<Exit, RotationError> {
    if args.alg == Some(Algorithm::Hs256) {
        return Err(RotationError::Secret);
    }
    let rotation =
        if args.dry_run { Rotation::open(&args.folder)? } else { Rotation::lock(&args.folder)? };
    let algorithm = args.alg.or(rotation.algorithm()).unwrap_or(Algorithm::EdDsa);
    let now = world.clock.now();
    let mut plan = rotation.plan(algorithm, now, args.cache, args.max_ttl);
    if args.output == OutputFormat::Text {
        // The plan is printed before anything is changed.
        let written = output::to_out(&in_text(&plan, args), world);
        if written != Exit::Done {
            return Ok(written);
        }
    }
    if !args.dry_run {
        rotation.apply(&mut plan, algorithm)?;
    }
    Ok(match args.output {
        OutputFormat::Json => {
            let all = json!({ "dry_run": args.dry_run, "plan": plan });
            output::json(&all, world)
        }
        OutputFormat::Text if args.dry_run => {
            output::to_out("Nothing was changed (--dry-run).\n", world)
        }
        OutputFormat::Text => {
            let made = plan.keys.last().filter(|_| plan.waits_until.is_none());
            let text = match made {
                Some(key) => format!("Done: the new key is {}.\n", key.kid),
                None => "Done.\n".to_owned(),
            };
            output::to_out(&text, world)
        }
    })
}

fn in_text(plan: &Plan, args: &RotateArgs) -> String {
    let label = LABEL;
    let folder = args.folder.display();
    let mut text = format!("{label}Plan for {folder}{label:#}\n");
    for key in &plan.removed {
        text.extend([format!(
            "  remove   {} ({}): its last token has expired\n",
            key.kid, key.alg
        )]);
    }
    for key in &plan.keys {
        let name = if key.kid.is_empty() { "a new key" } else { &key.kid };
        let verb = if key.kid.is_empty() { "publish" } else { "keep" };
        text.extend([format!("  {verb:<8} {name} ({})\n", key.alg)]);
        let until = key
            .active_until
            .map_or_else(String::new, |until| format!(" until {}", rfc3339_secs(until)));
        text.extend([format!(
            "             signs from {}{until}\n",
            rfc3339_secs(key.active_from)
        )]);
        if let Some(date) = key.remove_after {
            text.extend([format!("             published until {}\n", rfc3339_secs(date))]);
        }
    }
    if let Some(date) = plan.waits_until {
        text.extend([format!(
            "  No new key: the last one becomes active at {}\n",
            rfc3339_secs(date)
        )]);
    }
    text
}
