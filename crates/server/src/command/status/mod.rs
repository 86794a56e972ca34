//! `server status`: how a running server is, by its admin listener.
//!
//! 1. `/metrics` and `/readyz` are all that is asked. Nothing is changed, and no token is needed.
//! 2. Without `--watch`, the figures are those since the start, and an answer is required.
//! 3. With it, each interval is shown: a screen on a terminal, a line elsewhere, a line of JSON
//!    with `--output json`. A server that does not answer is shown as such, and asked again.

mod figures;
mod samples;
mod text;

use auth_core::{Clock, display};
use http::StatusCode;
use serde_json::json;
use settings::{Environment, Variable};
use terminal::{Screen, date::rfc3339};
use tokio::time::{Instant, MissedTickBehavior, interval};

use self::{
    figures::{Reading, Status},
    samples::Samples,
};
use super::context::{usage, write_json};
use crate::{
    admin::{
        ask::{AskError, ask},
        bind::AdminBind,
    },
    args::{OutputFormat, StatusArgs},
    failure::Failure,
};

/// Clears the terminal.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub(crate) async fn status(
    args: &StatusArgs,
    environment: &Environment,
    clock: &dyn Clock,
    out: &mut dyn Screen,
) -> Result<(), Failure> {
    let place = place(args, environment)?;
    let failure = |source| Failure::Asking { place: place.to_string(), source };
    let first = read(&place).await.map_err(failure)?;
    let status = Status::of(&first, None, clock.now());
    let Some(period) = args.watch else {
        return match args.output {
            OutputFormat::Json => write_json(&status, out),
            OutputFormat::Text => out
                .write_all(text::screen(&status, out.columns()).as_bytes())
                .map_err(Failure::output),
        };
    };
    let form = match args.output {
        OutputFormat::Json => Form::Json,
        OutputFormat::Text => out.columns().map_or(Form::Line, Form::Screen),
    };
    let mut times = interval(period);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    times.tick().await;
    let (mut shown, mut earlier) = (Ok(status), first);
    loop {
        let text = form.text(&shown, &rfc3339(clock.now()));
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::output)?;
        times.tick().await;
        shown = match read(&place).await {
            Ok(reading) => {
                let status = Status::of(&reading, Some(&earlier), clock.now());
                earlier = reading;
                Ok(status)
            }
            Err(error) => Err(failure(error)),
        };
    }
}

/// How each interval is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// With so many columns.
    Screen(usize),
    Line,
    Json,
}

impl Form {
    fn text(self, shown: &Result<Status, Failure>, at: &str) -> String {
        match (self, shown) {
            (Self::Screen(columns), Ok(status)) => {
                format!("{CLEAR}{at}\n{}", text::screen(status, Some(columns)))
            }
            (Self::Screen(_), Err(error)) => {
                format!("{CLEAR}{at}\n{}\n", display::escape(&error.to_string()))
            }
            (Self::Line, Ok(status)) => text::line(status, at),
            (Self::Line, Err(error)) => format!("{at} error={:?}\n", error.to_string()),
            (Self::Json, shown) => {
                let value = match shown {
                    Ok(status) => json!(status),
                    Err(error) => json!({ "error": error.to_string() }),
                };
                format!("{}\n", display::escape_json(&value.to_string()))
            }
        }
    }
}

/// Where the admin listener is: the flag, or the setting.
fn place(args: &StatusArgs, environment: &Environment) -> Result<AdminBind, Failure> {
    if let Some(place) = &args.admin {
        return Ok(place.clone());
    }
    let Some(text) = environment.get(Variable::AdminBind) else {
        let fault = "no admin listener is configured: set ADMIN_BIND, start the server again, and run this once more; or name one with --admin";
        return Err(Failure::Usage(fault.into()));
    };
    let label = environment.label(Variable::AdminBind);
    text.parse::<AdminBind>().map_err(|fault| usage(&label, text, fault))
}

async fn read(place: &AdminBind) -> Result<Reading, AskError> {
    let unexpected = |path, status| AskError::Unexpected { path, status };
    let (status, text) = ask(place, "/metrics").await?;
    let samples = Samples::read(&text).filter(|_| status == StatusCode::OK);
    let samples = samples.ok_or(unexpected("/metrics", status))?;
    let at = Instant::now();
    // 503: callers are refused.
    let (status, text) = ask(place, "/readyz").await?;
    let readiness = serde_json::from_str(&text).map_err(|_| unexpected("/readyz", status))?;
    Ok(Reading { samples, readiness, at })
}
