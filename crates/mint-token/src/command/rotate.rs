//! `rotate`: the plan, and then what it says.

use serde_json::json;

use crate::{
    Exit, World,
    args::{Format, RotateArgs},
    keys::{Plan, Rotation, RotationError},
    output::{self, rfc3339_secs},
};

/// Runs the verb.
pub(crate) fn run(args: &RotateArgs, world: &mut World<'_>) -> Exit {
    match rotate(args, world) {
        Ok(exit) => exit,
        Err(fault) => {
            output::error(&fault, world);
            match fault {
                RotationError::Secret | RotationError::State(_) | RotationError::Key(_) => {
                    Exit::Usage
                }
                _ => Exit::Failed,
            }
        }
    }
}

fn rotate(args: &RotateArgs, world: &mut World<'_>) -> Result<Exit, RotationError> {
    if args.alg == auth_core::Algorithm::Hs256 {
        return Err(RotationError::Secret);
    }
    let rotation =
        if args.dry_run { Rotation::open(&args.folder)? } else { Rotation::lock(&args.folder)? };
    let now = world.clock.now();
    let mut plan = rotation.plan(args.alg, now, args.cache.duration(), args.max_ttl.duration());
    if args.output == Format::Text {
        // The plan is seen before anything is done.
        let written = output::to_out(&in_text(&plan, args), world);
        if written != Exit::Done {
            return Ok(written);
        }
    }
    if !args.dry_run {
        rotation.carry_out(&mut plan, args.alg, world)?;
    }
    Ok(match args.output {
        Format::Json => {
            let all = json!({ "dry_run": args.dry_run, "plan": plan });
            output::json(&all, world)
        }
        Format::Text if args.dry_run => output::to_out("Nothing was done (--dry-run).\n", world),
        Format::Text => {
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
    let label = output::LABEL;
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
            "  No new key: the last one waits for its turn until {}\n",
            rfc3339_secs(date)
        )]);
    }
    text
}
